package dev.tenon.cli;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.fixtures.Fixtures;
import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.Utf8Entry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// The corridor runs one way: which package may use which of ours. A package that is not in the
/// table has no place in the house yet.
class HouseTest {
  private static final Set<String> LIBRARY =
      Set.of(
          "attention",
          "chat",
          "convert",
          "gguf",
          "grammar",
          "huggingface",
          "jinja",
          "json",
          "metrics",
          "model",
          "sampling",
          "tensor",
          "tokenizer",
          "train");

  private static final Map<String, Set<String>> MAY_USE =
      Map.ofEntries(
          entry("ggml", Set.of()),
          entry("gguf", Set.of()),
          entry("json", Set.of()),
          entry("jinja", Set.of("json")),
          entry("attention", Set.of("json")),
          entry("tokenizer", Set.of("gguf", "json")),
          entry("huggingface", Set.of("gguf", "json", "tokenizer")),
          entry("sampling", Set.of()),
          entry("metrics", Set.of()),
          entry("grammar", Set.of("json", "sampling", "tokenizer")),
          entry("chat", Set.of("gguf", "grammar", "jinja", "json", "tokenizer")),
          entry("tensor", Set.of("gguf", "ggml")),
          entry("model", Set.of("gguf", "tensor")),
          entry("models", Set.of("gguf", "huggingface", "model", "tensor")),
          entry("convert", Set.of("gguf", "huggingface", "json", "model", "tensor", "tokenizer")),
          entry("train", Set.of("gguf", "model", "tensor")),
          entry("", LIBRARY),
          entry("cli", union(LIBRARY, "")));

  /// A class of ours as class files name it, in a descriptor or by itself.
  private static final Pattern OURS = Pattern.compile("dev/tenon(?:/([a-z]+))?/[A-Za-z_$]+");

  @Test
  void everyPackageUsesOnlyWhatItMay() throws IOException {
    var uses = uses();
    assertThat(uses).containsOnlyKeys(MAY_USE.keySet());
    uses.forEach(
        (room, used) -> assertThat(used).as("dev.tenon." + room).isSubsetOf(MAY_USE.get(room)));
    assertThat(uses.get("tensor")).contains("ggml");
  }

  /// What each package uses of the others, without `dev.tenon.` before the names.
  private static Map<String, Set<String>> uses() throws IOException {
    var uses = new TreeMap<String, Set<String>>();
    for (var module : new String[] {"bindings", "java", "models", "cli"}) {
      var classes = Fixtures.checkout().resolve(module + "/target/classes");
      try (Stream<Path> files = Files.walk(classes.resolve("dev"))) {
        for (var file : files.filter(f -> f.toString().endsWith(".class")).toList()) {
          if (file.getFileName().toString().equals("package-info.class")) continue;
          var from = room(classes.relativize(file).toString().replace('\\', '/'));
          var used = uses.computeIfAbsent(from, _ -> new TreeSet<>());
          for (var entry : ClassFile.of().parse(file).constantPool()) {
            if (!(entry instanceof Utf8Entry text)) continue;
            OURS.matcher(text.stringValue()).results().forEach(m -> used.add(room(m.group())));
          }
          used.remove(from);
        }
      }
    }
    return uses;
  }

  private static Set<String> union(Set<String> some, String more) {
    var all = new TreeSet<>(some);
    all.add(more);
    return all;
  }

  private static String room(String path) {
    var matcher = OURS.matcher(path);
    if (!matcher.find()) throw new AssertionError(path + " is outside dev.tenon");
    return matcher.group(1) == null ? "" : matcher.group(1);
  }
}
