package dev.tenon.cli;

import dev.tenon.convert.MetadataEditor;
import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CancellationException;

/// Changes what a file says of itself.
final class Metadata extends Command {
  private final Value<List<String>> arguments;
  private final Value<String> output;
  private final Value<String> type;
  private final Value<String> valueFile;
  private final Value<Boolean> json;

  Metadata(Streams streams) {
    super(
        streams,
        "metadata",
        "Change what a file says of itself: set FILE KEY VALUE, or remove FILE KEY….",
        "The file is written anew beside and renamed, so that it is whole at any moment. A value"
            + " keeps the type that the key has; a new key is a string unless --type says"
            + " otherwise. Arrays are JSON: '[1, 2]'.");
    arguments = arguments("set|remove FILE KEY…", "0..*", "What to do with which file and key.");
    output = text("FILE", "Where it is to be (default: in place).", "-o", "--output");
    type =
        text(
            "TYPE",
            "The type of the value: uint32, float32, bool, string and so on; of an array"
                + " [uint32].",
            "--type");
    valueFile = text("FILE", "The value is the text of a file.", "--value-file");
    json = flag("Print the result as JSON.", "--json");
  }

  @Override
  int call() throws Exception {
    var given = arguments.get();
    if (given.size() < 3) {
      throw usage("set FILE KEY VALUE, or remove FILE KEY…, please");
    }
    return switch (given.getFirst()) {
      case "set" -> set(given);
      case "remove" -> remove(given);
      default -> throw usage("set or remove, not '" + given.getFirst() + "'");
    };
  }

  private int set(List<String> given) throws IOException {
    if (given.size() != (valueFile.get() == null ? 4 : 3)) {
      throw usage("one KEY and one VALUE, please");
    }
    var key = given.get(2);
    var text = valueFile.get() == null ? given.get(3) : Files.readString(Path.of(valueFile.get()));
    try (var source = Gguf.open(Path.of(given.get(1)))) {
      return write(source, Map.of(key, value(source, key, text)), List.of());
    }
  }

  private int remove(List<String> given) throws IOException {
    try (var source = Gguf.open(Path.of(given.get(1)))) {
      var keys = given.subList(2, given.size());
      for (var key : keys) {
        if (!source.has(key)) {
          throw new IOException(source.path() + " has no key " + key);
        }
      }
      return write(source, Map.of(), keys);
    }
  }

  private int write(Gguf source, Map<String, GgufValue> values, List<String> removed)
      throws IOException {
    if (source.parts() > 1 && output.get() != null) {
      throw new IOException(
          source.path() + " is a split set, which is changed in place: leave -o out, or merge it");
    }
    var target = output.get() == null ? MetadataEditor.file(source) : Path.of(output.get());
    try (var progress = new FileProgress(streams, "writing");
        var _ = Interrupt.ofThisThread()) {
      MetadataEditor.write(source, values, removed, target, progress::at);
    } catch (CancellationException _) {
      Thread.interrupted();
      streams.err().println("tenon: stopped; " + target + " is as it was");
      return 130;
    }
    if (json.get()) {
      var result = new LinkedHashMap<String, Object>();
      result.put("file", target.toString());
      var set = new LinkedHashMap<String, Object>();
      values.forEach((key, value) -> set.put(key, value.toString()));
      result.put("set", set);
      result.put("removed", removed);
      printJson(result);
    } else {
      for (var entry : values.entrySet()) {
        streams
            .out()
            .println(
                Text.visible(entry.getKey() + " = " + entry.getValue())
                    + " ("
                    + entry.getValue().type()
                    + ")");
      }
      for (var key : removed) {
        streams.out().println(Text.visible(key) + " removed");
      }
    }
    return 0;
  }

  private GgufValue value(Gguf source, String key, String text) throws IOException {
    var named = type.get();
    try {
      if (named == null) {
        return !source.has(key)
            ? new GgufValue.Text(text)
            : switch (source.get(key)) {
              case GgufValue.Array array -> array(array.elementType(), text);
              case GgufValue old -> scalar(old.type(), text);
            };
      }
      return named.startsWith("[") && named.endsWith("]")
          ? array(scalarType(named.substring(1, named.length() - 1)), text)
          : scalar(scalarType(named), text);
    } catch (IllegalArgumentException e) {
      throw usage("'" + text + "' is no value for " + key + ": " + e.getMessage());
    }
  }

  private GgufType scalarType(String name) {
    for (var type : GgufType.values()) {
      if (type != GgufType.ARRAY && type.toString().equals(name.toLowerCase(Locale.ROOT))) {
        return type;
      }
    }
    throw usage("no type " + name + " of metadata");
  }

  private static GgufValue scalar(GgufType type, String text) {
    return switch (type) {
      case STRING -> new GgufValue.Text(text);
      case FLOAT32, FLOAT64 -> new GgufValue.Real(type, Double.parseDouble(text));
      case UINT64 -> new GgufValue.Int(type, Long.parseUnsignedLong(text));
      case BOOL ->
          switch (text.toLowerCase(Locale.ROOT)) {
            case "true", "yes", "1" -> new GgufValue.Bool(true);
            case "false", "no", "0" -> new GgufValue.Bool(false);
            default -> throw new IllegalArgumentException("true or false, please");
          };
      case ARRAY -> throw new IllegalArgumentException("an array of arrays cannot be set");
      default -> new GgufValue.Int(type, Long.parseLong(text));
    };
  }

  private static GgufValue array(GgufType type, String text) {
    if (!(Json.parse(text) instanceof List<?> elements)) {
      throw new IllegalArgumentException("an array is JSON, such as [1, 2]");
    }
    var values = new ArrayList<GgufValue>();
    for (var element : elements) {
      if (element == null || element instanceof List || element instanceof Map) {
        throw new IllegalArgumentException("an array of " + type + " has no " + element);
      }
      values.add(scalar(type, element.toString()));
    }
    return GgufValue.Array.of(type, values);
  }
}
