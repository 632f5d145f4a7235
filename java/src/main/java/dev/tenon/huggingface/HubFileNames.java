package dev.tenon.huggingface;

import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// What files are by their names.
final class HubFileNames {
  static final Pattern SPLIT = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf");
  private static final Pattern SHARD =
      Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.(safetensors|bin)");

  /// Files of a folder that a conversion reads, beside the weights.
  static final Pattern FOLDER_FILES =
      Pattern.compile(
          "[^/]*\\.(json|jinja|txt|model|spm)|README\\.md|LICENSE[^/]*"
              + "|additional_chat_templates/[^/]*\\.jinja|1_Pooling/config\\.json");

  /// What llama.cpp takes for no model of its own: projectors, importance matrices, draft heads.
  private static final List<String> NO_MODELS =
      List.of("mmproj", "imatrix", "mtp-", "eagle3-", "dflash-", "dspark-");

  /// What looks like weights and is none, as in [CheckpointFiles].
  private static final List<String> NO_WEIGHTS =
      List.of("training_args", "optimizer", "scheduler", "adapter_model", "expected", "tok");

  private HubFileNames() {}

  private static boolean isWeights(String file) {
    return !file.contains("/") && NO_WEIGHTS.stream().noneMatch(file::startsWith);
  }

  /// {@return the files of weights that a checkpoint is read from: of several formats and several
  /// copies one, as in [CheckpointFiles#find]}
  static List<String> weights(Collection<String> files) {
    for (var format : List.of(List.of("model", "safetensors"), List.of("pytorch_model", "bin"))) {
      var whole = format.getFirst() + "." + format.getLast();
      if (files.contains(whole)) {
        return List.of(whole);
      }
      var ending = "." + format.getLast();
      var all = files.stream().filter(file -> file.endsWith(ending) && isWeights(file)).toList();
      var shards =
          all.stream()
              .filter(file -> file.startsWith(format.getFirst()) && SHARD.matcher(file).matches())
              .toList();
      if (!shards.isEmpty() || format.getLast().equals("safetensors") && !all.isEmpty()) {
        return shards.isEmpty() ? all : shards;
      }
    }
    return files.stream()
        .filter(file -> file.matches(".*\\.(bin|pth|pt)") && isWeights(file))
        .toList();
  }

  /// {@return whether a GGUF file stands for a model: no projector and the like, no later part}
  static boolean isModel(String file) {
    var name = file.substring(file.lastIndexOf('/') + 1).toLowerCase(Locale.ROOT);
    var split = SPLIT.matcher(name);
    return name.endsWith(".gguf")
        && NO_MODELS.stream().noneMatch(name::contains)
        && (!split.matches() || split.group(2).equals("00001"));
  }

  /// {@return what a GGUF file's name says of its quant, such as `Q4_K_M` of `a-Q4_K_M.gguf`, or
  /// null}
  ///
  /// @param file a file's name, which may be of a part of a split set
  static String quant(String file) {
    var split = SPLIT.matcher(file);
    var name = split.matches() ? split.group(1) : file.replaceFirst("(?i)\\.gguf$", "");
    var tag = Pattern.compile("[-.]([A-Za-z0-9_]+)$").matcher(name);
    return tag.find() ? tag.group(1).toUpperCase(Locale.ROOT) : null;
  }

  /// {@return all parts of the set that a file is one of, in order}
  static List<String> parts(String file, Collection<String> files) throws NoSuchFileException {
    var split = SPLIT.matcher(file);
    return split.matches()
        ? complete(file, split.group(1), split.group(3), ".gguf", files)
        : List.of(file);
  }

  /// Looks whether of every set of shards all are there.
  static void checkShards(Collection<String> files) throws NoSuchFileException {
    var seen = new HashSet<String>();
    for (var file : files) {
      var shard = SHARD.matcher(file);
      if (shard.matches()
          && seen.add(shard.group(1) + "-of-" + shard.group(3) + "." + shard.group(4))) {
        complete(file, shard.group(1), shard.group(3), "." + shard.group(4), files);
      }
    }
  }

  private static List<String> complete(
      String file, String prefix, String count, String suffix, Collection<String> files)
      throws NoSuchFileException {
    var there = new HashSet<>(files);
    var parts = new ArrayList<String>();
    for (int i = 1; i <= Integer.parseInt(count); i++) {
      var part = "%s-%05d-of-%s%s".formatted(prefix, i, count, suffix);
      if (!there.contains(part)) {
        throw new NoSuchFileException(part, null, "a part of " + file + " is missing");
      }
      parts.add(part);
    }
    return parts.isEmpty() ? List.of(file) : parts;
  }

  static String listed(Collection<String> files) {
    return files.isEmpty()
        ? "none"
        : files.stream().limit(40).collect(Collectors.joining(", "))
            + (files.size() > 40 ? ", …" : "");
  }

  /// {@return a shell's pattern as Python's fnmatch reads it, as one of Java's}
  static Pattern pattern(String glob) {
    var text = glob.replace('\\', '/');
    text = text.endsWith("/") ? text + "*" : text;
    var regex = new StringBuilder("(?s)");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      int end = c == '[' ? text.indexOf(']', i + (text.startsWith("!", i + 1) ? 3 : 2)) : -1;
      if (c == '*') {
        if (i == 0 || text.charAt(i - 1) != '*') { // more than one says no more
          regex.append(".*");
        }
      } else if (c == '?') {
        regex.append('.');
      } else if (end > 0) {
        boolean not = text.charAt(i + 1) == '!';
        var set = set(text.substring(i + (not ? 2 : 1), end));
        regex.append(set.isEmpty() ? not ? "." : "(?!)" : (not ? "[^" : "[") + set + "]");
        i = end;
      } else {
        regex.append(Pattern.quote(String.valueOf(c)));
      }
    }
    return Pattern.compile(regex.toString());
  }

  /// {@return what stands between brackets, with a range that runs backwards left out}
  private static String set(String text) {
    var set = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      if (i + 2 < text.length() && text.charAt(i + 1) == '-') {
        if (text.charAt(i) <= text.charAt(i + 2)) {
          set.append(escaped(text.charAt(i))).append('-').append(escaped(text.charAt(i + 2)));
        }
        i += 2;
      } else {
        set.append(escaped(text.charAt(i)));
      }
    }
    return set.toString();
  }

  private static String escaped(char c) {
    return "\\x{%x}".formatted((int) c);
  }
}
