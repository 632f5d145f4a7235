package dev.tenon.huggingface;

import dev.tenon.json.Json;
import dev.tenon.json.JsonException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// A JSON object of settings: `config.json`, `generation_config.json`, `tokenizer_config.json`.
///
/// Values are asked for by key and type. A key that is absent, or null as many files have it, is
/// as good as none: the `fallback` is given, or an error that has file and key.
///
/// ```java
/// var config = Config.open(Path.of("model/config.json"));
/// int width = config.size("hidden_size", "n_embd"); // whichever is there
/// double base = config.real("rope_theta", 10000);
/// ```
///
/// Immutable and thread-safe.
public final class Config {
  private static final long MOST_BYTES = 1 << 26;

  private final Path path;

  /// What stands before a key in messages: `rope_scaling.`, or nothing.
  private final String prefix;

  private final Map<String, Object> values;

  /// Takes the values of an object.
  ///
  /// @param path where they are from, for messages
  /// @param values as [Json#object] gives them; copied
  public Config(Path path, Map<String, Object> values) {
    this(path, "", values);
  }

  private Config(Path path, String prefix, Map<String, Object> values) {
    this.path = path;
    this.prefix = prefix;
    this.values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
  }

  /// Reads a file.
  ///
  /// @param path a JSON file of an object, at most 64 MiB
  /// @return its values
  /// @throws FormatException if it holds something else
  /// @throws IOException if it cannot be read
  public static Config open(Path path) throws IOException {
    try {
      return new Config(path, Json.object(CheckpointFiles.text(path, MOST_BYTES)));
    } catch (JsonException e) {
      throw new FormatException(path, "text", "a JSON object", e.getMessage());
    }
  }

  /// {@return the values of a file, none where it does not exist}
  ///
  /// @param path a JSON file of an object, at most 64 MiB
  /// @throws FormatException if it holds something else
  /// @throws IOException if it cannot be read
  public static Config openIfPresent(Path path) throws IOException {
    return Files.exists(path) ? open(path) : new Config(path, Map.of());
  }

  /// {@return the same with values for keys that it does not have, not even as null}
  ///
  /// @param defaults as [Json] gives values
  public Config withDefaults(Map<String, Object> defaults) {
    var all = new LinkedHashMap<String, Object>(new TreeMap<>(defaults)); // in one order always
    all.putAll(values);
    return new Config(path, prefix, all);
  }

  /// {@return the file}
  public Path path() {
    return path;
  }

  /// {@return all values, as [Json] gives them}
  public Map<String, Object> values() {
    return values;
  }

  /// {@return whether a key has a value that is not null}
  ///
  /// @param key its name
  public boolean has(String key) {
    return values.get(key) != null;
  }

  /// {@return the first of some keys that has a value, or null}
  private String present(String... keys) {
    for (var key : keys) {
      if (has(key)) {
        return key;
      }
    }
    return null;
  }

  /// {@return the value of the first of some keys that has one}
  private String need(String what, String... keys) throws FormatException {
    var key = present(keys);
    if (key == null) {
      throw malformed(String.join(" or ", keys), what, "none");
    }
    return key;
  }

  /// {@return a whole number}
  ///
  /// @param keys names that it goes by: the first that has a value counts
  /// @throws FormatException if none has one, or it is no integer of 64 bits
  public long integer(String... keys) throws FormatException {
    var key = need("an integer", keys);
    return switch (values.get(key)) {
      case Long number -> number;
      case Double number when number == Math.rint(number) && Math.abs(number) < 1L << 53 ->
          number.longValue();
      case Object other -> throw malformed(key, "an integer", describe(other));
    };
  }

  /// {@return a whole number, or `fallback` where the key has none}
  ///
  /// @param key its name
  /// @param fallback any number
  /// @throws FormatException if it is no integer of 64 bits
  public long integer(String key, long fallback) throws FormatException {
    return has(key) ? integer(key) : fallback;
  }

  /// {@return a size or count}
  ///
  /// @param keys names that it goes by: the first that has a value counts
  /// @throws FormatException if none has one, or it is not from 1 to 2^31 - 1
  public int size(String... keys) throws FormatException {
    var key = need("a size", keys);
    long size = integer(key);
    if (size < 1 || size > Integer.MAX_VALUE) {
      throw malformed(key, "a size from 1 to 2147483647", "" + size);
    }
    return (int) size;
  }

  /// {@return a size or count, or `fallback` where the key has none}
  ///
  /// @param key its name
  /// @param fallback any number
  /// @throws FormatException if it is not from 1 to 2^31 - 1
  public int size(String key, int fallback) throws FormatException {
    return has(key) ? size(key) : fallback;
  }

  /// {@return a number}
  ///
  /// @param keys names that it goes by: the first that has a value counts
  /// @throws FormatException if none has one, or it is no number
  public double real(String... keys) throws FormatException {
    var key = need("a number", keys);
    if (values.get(key) instanceof Number number && Double.isFinite(number.doubleValue())) {
      return number.doubleValue();
    }
    throw malformed(key, "a finite number", describe(values.get(key)));
  }

  /// {@return a number, or `fallback` where the key has none}
  ///
  /// @param key its name
  /// @param fallback any number
  /// @throws FormatException if it is no number
  public double real(String key, double fallback) throws FormatException {
    return has(key) ? real(key) : fallback;
  }

  /// {@return a text}
  ///
  /// @param keys names that it goes by: the first that has a value counts
  /// @throws FormatException if none has one, or it is no text
  public String text(String... keys) throws FormatException {
    var key = need("a text", keys);
    if (values.get(key) instanceof String text) {
      return text;
    }
    throw malformed(key, "a text", describe(values.get(key)));
  }

  /// {@return a text, or `fallback` where the key has none}
  ///
  /// @param key its name
  /// @param fallback a text, or null
  /// @throws FormatException if it is no text
  public String textOr(String key, String fallback) throws FormatException {
    return has(key) ? text(key) : fallback;
  }

  /// {@return a truth value, or `fallback` where the key has none}
  ///
  /// @param key its name
  /// @param fallback any
  /// @throws FormatException if it is neither true nor false
  public boolean bool(String key, boolean fallback) throws FormatException {
    if (!has(key)) {
      return fallback;
    }
    if (values.get(key) instanceof Boolean flag) {
      return flag;
    }
    throw malformed(key, "true or false", describe(values.get(key)));
  }

  /// {@return an object of settings, one without values where the key has none}
  ///
  /// @param key its name, for example `rope_scaling`
  /// @throws FormatException if it is no object
  public Config object(String key) throws FormatException {
    return switch (values.get(key)) {
      case null -> new Config(path, prefix + key + ".", Map.of());
      case Map<?, ?> members -> {
        var copy = new LinkedHashMap<String, Object>();
        members.forEach((name, value) -> copy.put((String) name, value));
        yield new Config(path, prefix + key + ".", copy);
      }
      case Object other -> throw malformed(key, "an object", describe(other));
    };
  }

  /// {@return the settings of the language model: those of `text_config`, before those beside it,
  /// where a model of several kinds of input has one, else these}
  ///
  /// @throws FormatException if `text_config` is no object
  public Config text() throws FormatException {
    if (!has("text_config")) {
      return this;
    }
    var merged = new LinkedHashMap<>(values);
    merged.remove("text_config");
    object("text_config")
        .values
        .forEach(
            (key, value) -> {
              if (value != null || !merged.containsKey(key)) {
                merged.put(key, value);
              }
            });
    return new Config(path, prefix, merged);
  }

  /// {@return an array, empty where the key has none}
  ///
  /// @param key its name
  /// @throws FormatException if it is no array
  public List<Object> list(String key) throws FormatException {
    return switch (values.get(key)) {
      case null -> List.of();
      case List<?> items -> Collections.unmodifiableList(new ArrayList<>(items));
      case Object other -> throw malformed(key, "an array", describe(other));
    };
  }

  /// {@return an array of texts, empty where the key has none}
  ///
  /// @param key its name, for example `layer_types`
  /// @throws FormatException if it is no array of texts
  public List<String> texts(String key) throws FormatException {
    var texts = new ArrayList<String>();
    for (var item : list(key)) {
      if (!(item instanceof String text)) {
        throw malformed(key, "an array of texts", "one with " + describe(item));
      }
      texts.add(text);
    }
    return List.copyOf(texts);
  }

  /// {@return an array of numbers, empty where the key has none; a single number is an array of it}
  ///
  /// @param key its name, for example `long_factor` or `eos_token_id`
  /// @throws FormatException if it is something else
  public double[] reals(String key) throws FormatException {
    var items = values.get(key) instanceof Number one ? List.<Object>of(one) : list(key);
    var numbers = new double[items.size()];
    for (int i = 0; i < numbers.length; i++) {
      if (!(items.get(i) instanceof Number number) || !Double.isFinite(number.doubleValue())) {
        throw malformed(key, "an array of finite numbers", "one with " + describe(items.get(i)));
      }
      numbers[i] = number.doubleValue();
    }
    return numbers;
  }

  /// {@return the class of the model, for messages and to find its architecture by: the first of
  /// `architectures`, or null}
  ///
  /// @throws FormatException if `architectures` is no array of texts
  public String architecture() throws FormatException {
    var all = texts("architectures");
    return all.isEmpty() ? null : all.getFirst();
  }

  /// {@return an error about a value of this file}
  ///
  /// @param key the name of the value
  /// @param expected what should have been there
  /// @param found what was there instead
  public FormatException malformed(String key, String expected, String found) {
    return new FormatException(path, prefix + key, expected, found);
  }

  /// {@return a value as messages have it}
  static String describe(Object value) {
    return switch (value) {
      case null -> "null";
      case String text -> FormatException.quote(text);
      case Map<?, ?> map -> "an object of " + map.size();
      case List<?> list -> "an array of " + list.size();
      default -> value.toString();
    };
  }

  @Override
  public String toString() {
    return path + (prefix.isEmpty() ? "" : ", " + prefix) + " " + values.keySet();
  }
}
