package dev.tenon.cli;

import dev.tenon.Embedder;
import dev.tenon.Model;
import dev.tenon.attention.NpyWriter;
import dev.tenon.json.Json;
import dev.tenon.model.Pooling;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import picocli.CommandLine.TypeConversionException;

/// Turns texts into vectors.
final class Embed extends Command {
  private final TextInputs texts;
  private final Value<Format> format;
  private final Value<Boolean> json;
  private final Value<Boolean> npy;
  private final Value<Boolean> similarity;
  private final Value<Pooling.Mode> pooling;
  private final Value<Integer> normalize;
  private final Value<String> prompt;
  private final ModelFlags model;

  /// How vectors are written; llama.cpp's names, and NumPy's format.
  private enum Format {
    /// A line a vector, its numbers with spaces between.
    RAW,
    /// JSON: an array of arrays.
    ARRAY,
    /// JSON as OpenAI has it.
    JSON,
    /// The same, with the cosines of all with all.
    JSON_PLUS,
    /// A float32 array, a row a text.
    NPY
  }

  Embed(Streams streams) {
    super(
        streams,
        "embed",
        "Turn texts into vectors that are near each other where the texts mean the same.",
        "Without TEXT each line of the file, or of stdin, is a text. What is too long for the model"
            + " is cut.");
    texts = new TextInputs(this, "TEXT", "A text; several are read side by side.");
    format =
        option(
            Format.class,
            Embed::format,
            "raw",
            "FORMAT",
            "raw (a line a text), array, json (as OpenAI), json+ (with all cosines) or npy"
                + " (default: raw).",
            "--format",
            "--embd-output-format");
    json = flag("The same as --format array: an array of arrays.", "--json");
    npy = flag("The same as --format npy.", "--npy");
    similarity = flag("Print the cosine of two texts in place of their vectors.", "--similarity");
    pooling =
        option(
            Pooling.Mode.class,
            Embed::mode,
            null,
            "HOW",
            "What is made of a text's tokens: mean, cls, last or max (default: the model's).",
            "--pooling");
    normalize =
        integer(
            null,
            "-1 none, 0 largest to 32760, 1 taxicab, 2 euclidean, more the norm of that power"
                + " (default: the model's).",
            "--embd-normalize");
    prompt = text("NAME", "Which of the model's prompts goes before a text.", "--prompt-name");
    model = new ModelFlags(this);
  }

  private static Format format(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "raw" -> Format.RAW;
      case "array" -> Format.ARRAY;
      case "json" -> Format.JSON;
      case "json+" -> Format.JSON_PLUS;
      case "npy" -> Format.NPY;
      default ->
          throw new TypeConversionException("'" + text + "' is not raw, array, json, json+ or npy");
    };
  }

  private static Pooling.Mode mode(String text) {
    for (var mode : Pooling.Mode.values()) {
      if (mode.name().equalsIgnoreCase(text)) {
        return mode;
      }
    }
    throw new TypeConversionException("'" + text + "' is not mean, cls, last or max");
  }

  @Override
  int call() throws Exception {
    texts.check();
    if (normalize.get() != null && normalize.get() < -1) {
      throw usage("--embd-normalize " + normalize.get() + ", at least -1");
    }
    var how = npy.get() ? Format.NPY : json.get() ? Format.ARRAY : format.get();
    if (how == Format.NPY && !similarity.get() && streams.outTerminal()) {
      throw usage("raw numbers on a terminal? Redirect the output, or give --json");
    }
    float[][] vectors;
    try (var backend = model.backend();
        var loaded = model.load(backend);
        var embedder = new Embedder(loaded, pooling(loaded));
        var _ = Interrupt.ofThisThread()) {
      var given = texts.read();
      if (similarity.get() && given.size() != 2) {
        throw usage("--similarity is of two texts, given " + given.size());
      }
      vectors = embedder.embed(given);
    }
    if (normalize.get() != null) {
      for (int i = 0; i < vectors.length; i++) {
        vectors[i] = Embedder.normalized(vectors[i], normalize.get());
      }
    }
    if (similarity.get()) {
      var cosine = Embedder.cosine(vectors[0], vectors[1]);
      streams.out().println(json.get() ? Json.write(cosine) : Double.toString(cosine));
    } else {
      print(vectors, how);
    }
    return 0;
  }

  /// What the model's file says, but for what is asked for.
  private Pooling pooling(Model loaded) throws IOException {
    var its = Embedder.pooling(loaded);
    var name = prompt.get() == null ? its.defaultPrompt() : prompt.get();
    if (prompt.get() != null && !its.prompts().containsKey(name)) {
      throw new IOException(
          its.prompts().isEmpty()
              ? "--prompt-name " + name + ": the model has no prompts"
              : "--prompt-name "
                  + name
                  + ": the model has "
                  + String.join(", ", its.prompts().keySet()));
    }
    return new Pooling(
        pooling.get() == null ? its.mode() : pooling.get(),
        its.normalize() && normalize.get() == null,
        its.maxTokens(),
        its.prompts(),
        name);
  }

  private void print(float[][] vectors, Format how) throws IOException {
    var out = streams.out();
    switch (how) {
      case RAW -> {
        for (var vector : vectors) {
          out.println(numbers(vector).map(String::valueOf).collect(Collectors.joining(" ")));
        }
      }
      case ARRAY -> out.println("[" + rows(vectors) + "]");
      case JSON, JSON_PLUS -> out.println(Json.write(openAi(vectors, how == Format.JSON_PLUS)));
      case NPY -> NpyWriter.writeRows(out, vectors);
    }
  }

  private static String rows(float[][] vectors) {
    return Arrays.stream(vectors)
        .map(vector -> Json.write(numbers(vector).toList()))
        .collect(Collectors.joining(",\n "));
  }

  /// The shortest numbers that are read as these.
  private static Stream<Double> numbers(float[] vector) {
    return IntStream.range(0, vector.length)
        .mapToObj(i -> Double.valueOf(Float.toString(vector[i])));
  }

  private static Object openAi(float[][] vectors, boolean cosines) {
    var data = new ArrayList<Object>();
    for (int i = 0; i < vectors.length; i++) {
      var members = new LinkedHashMap<String, Object>();
      members.put("object", "embedding");
      members.put("index", i);
      members.put("embedding", numbers(vectors[i]).toList());
      data.add(members);
    }
    var all = new LinkedHashMap<String, Object>();
    all.put("object", "list");
    all.put("data", data);
    if (cosines) {
      var rows = new ArrayList<Object>();
      for (var a : vectors) {
        List<Object> row = new ArrayList<>();
        for (var b : vectors) {
          row.add(Embedder.cosine(a, b));
        }
        rows.add(row);
      }
      all.put("cosineSimilarity", rows);
    }
    return all;
  }
}
