package dev.tenon.cli;

import dev.tenon.convert.FileType;
import dev.tenon.convert.ImportanceMatrix;
import dev.tenon.convert.QuantizeOptions;
import dev.tenon.convert.QuantizeOptions.Rule;
import dev.tenon.convert.Quantizer;
import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;
import picocli.CommandLine.TypeConversionException;

/// Makes a smaller file of a model.
final class Quantize extends Command {
  private final Value<List<String>> arguments;
  private final Value<Integer> threads;
  private final Value<String> imatrix;
  private final Value<List<String>> included;
  private final Value<List<String>> excluded;
  private final Value<Boolean> pure;
  private final Value<TensorType> outputType;
  private final Value<TensorType> embeddingType;
  private final Value<List<String>> tensorTypes;
  private final Value<String> tensorTypeFile;
  private final Value<Boolean> leaveOutput;
  private final Value<Boolean> requantize;
  private final Value<Boolean> keepSplit;
  private final Value<String> prune;
  private final Value<List<String>> overrides;
  private final Value<Boolean> dryRun;
  private final Value<Integer> buffer;
  private final Value<Boolean> json;

  Quantize(Streams streams) {
    super(
        streams,
        "quantize",
        "Make a smaller file of a model: IN [OUT] TYPE [THREADS].",
        "TYPE is one of "
            + FileType.known()
            + ", or its number. Without OUT the file is"
            + " ggml-model-TYPE.gguf beside IN. The files are those of llama-quantize, byte for"
            + " byte.");
    arguments = arguments("IN [OUT] TYPE [THREADS]", "0..4", "What becomes what.");
    threads = integer("-1", "Threads that compute (default: all processors).", "-t", "--threads");
    imatrix = text("FILE", "How much each column counts: a file of llama-imatrix.", "--imatrix");
    included =
        texts("PART", "Use it for weights with that in their names alone.", "--include-weights");
    excluded =
        texts("PART", "Do not use it for weights with that in their names.", "--exclude-weights");
    pure = flag("The same type for every weight.", "--pure");
    outputType = type("The type of output.weight.", "--output-tensor-type");
    embeddingType = type("The type of token_embd.weight.", "--token-embedding-type");
    tensorTypes =
        texts(
            "REGEX=TYPE",
            "The type of weights by name; the first that matches counts.",
            "--tensor-type");
    tensorTypeFile =
        text("FILE", "The same from a file, separated by white space.", "--tensor-type-file");
    leaveOutput = flag("Leave output.weight as it is.", "--leave-output-tensor");
    requantize =
        flag("Quantize again what is quantized already; loses more.", "--allow-requantize");
    keepSplit = flag("Make a split set of a split set.", "--keep-split");
    prune = text("L0,L1,…", "Layers to leave out.", "--prune-layers");
    overrides =
        texts(
            "KEY=TYPE:VALUE",
            "Put metadata over the file's: TYPE is int, float, bool or str.",
            "--override-kv");
    dryRun = flag("Print what would become what, and write nothing.", "--dry-run");
    buffer =
        integer("8192", "The most memory for rows in the making, in MiB.", "--max-buffer-size");
    json = flag("Print the result as JSON.", "--json");
  }

  private Value<TensorType> type(String description, String name) {
    return option(TensorType.class, Quantize::tensorType, null, "TYPE", description, name);
  }

  @Override
  int call() throws Exception {
    var given = given();
    var options = options(given);
    try (var source = Gguf.open(given.in)) {
      var matrix = matrix();
      var quantizer = Quantizer.of(source, options.withImportance(matrix));
      if (dryRun.get()) {
        return plan(source, quantizer, given.type);
      }
      for (var step : quantizer.steps()) {
        var tensor = step.source();
        if (tensor.type().isQuantized() && tensor.type() != step.type() && !requantize.get()) {
          throw new IOException(
              tensor.name()
                  + " is quantized already, to "
                  + tensor.type().ggmlName()
                  + "; doing it again loses more: add --allow-requantize");
        }
      }
      List<Path> files;
      double seconds;
      try (var progress = new FileProgress(streams, "quantizing");
          var _ = Interrupt.ofThisThread()) {
        options = options.withImportance(matrix).withProgress(progress::at);
        files = Quantizer.of(source, options).write(given.out);
        seconds = progress.seconds();
      } catch (CancellationException _) {
        Thread.interrupted();
        streams.err().println("tenon: stopped; nothing was written to " + given.out);
        return 130;
      }
      report(source, quantizer, given.type, files, seconds);
      return 0;
    }
  }

  /// The arguments, told apart.
  private record Given(Path in, Path out, FileType type, int threads) {}

  private Given given() {
    var all = arguments.get();
    if (all.size() < 2) {
      throw usage("which file becomes what? Give IN [OUT] TYPE");
    }
    var in = Path.of(all.getFirst());
    boolean named = !isType(all.get(1));
    int next = named ? 3 : 2;
    if (all.size() < next || all.size() > next + 1) {
      throw usage(
          all.size() < next ? "which type? Known: " + FileType.known() : "one argument too many");
    }
    var type = fileType(all.get(next - 1));
    int count = threads.get();
    if (all.size() > next) {
      try {
        count = Integer.parseInt(all.get(next));
      } catch (NumberFormatException _) {
        throw usage("'" + all.get(next) + "' is not a number of threads");
      }
    }
    var out = named ? Path.of(all.get(1)) : in.resolveSibling("ggml-model-" + type + ".gguf");
    return new Given(in, out, type, count);
  }

  private static boolean isType(String text) {
    try {
      FileType.of(text);
      return true;
    } catch (IllegalArgumentException _) {
      return false;
    }
  }

  private FileType fileType(String text) {
    try {
      return FileType.of(text);
    } catch (IllegalArgumentException e) {
      throw usage(e.getMessage());
    }
  }

  private QuantizeOptions options(Given given) throws IOException {
    var rules = new ArrayList<Rule>();
    for (var rule : tensorTypes.get()) {
      rules.add(rule(rule));
    }
    if (tensorTypeFile.get() != null) {
      var text = Files.readString(Path.of(tensorTypeFile.get())).strip();
      for (var rule : text.isEmpty() ? new String[0] : text.split("\\s+")) {
        rules.add(rule(rule));
      }
    }
    var metadata = new LinkedHashMap<String, GgufValue>();
    for (var text : overrides.get()) {
      metadata.remove(text.substring(0, Math.max(0, text.indexOf('='))));
      override(text, metadata);
    }
    try {
      var options = QuantizeOptions.of(given.type);
      return (given.threads > 0 ? options.withThreads(given.threads) : options)
          .withOutputType(outputType.get())
          .withEmbeddingType(embeddingType.get())
          .withRules(rules)
          .withPure(pure.get())
          .withLeaveOutput(leaveOutput.get())
          .withRequantize(requantize.get())
          .withKeepSplit(keepSplit.get())
          .withPrunedLayers(layers())
          .withMetadata(metadata)
          .withBufferBytes((long) buffer.get() << 20);
    } catch (IllegalArgumentException e) {
      throw usage(e.getMessage());
    }
  }

  private ImportanceMatrix matrix() throws IOException {
    if (!included.get().isEmpty() && !excluded.get().isEmpty()) {
      throw usage("--include-weights or --exclude-weights, not both");
    }
    if (imatrix.get() == null) {
      return null;
    }
    var matrix = ImportanceMatrix.read(Path.of(imatrix.get()));
    if (!included.get().isEmpty()) {
      matrix = matrix.withOnly(included.get());
    }
    return matrix.without(excluded.get());
  }

  private static TensorType tensorType(String text) {
    for (var type : TensorType.values()) {
      if (type.ggmlName().equalsIgnoreCase(text)) {
        return type;
      }
    }
    throw new TypeConversionException(
        "no tensor type "
            + text
            + "; known: "
            + Arrays.stream(TensorType.values())
                .map(TensorType::ggmlName)
                .collect(Collectors.joining(", ")));
  }

  /// As llama-quantize takes it: names in lower case.
  private Rule rule(String text) {
    int at = text.indexOf('=');
    if (at <= 0 || at == text.length() - 1) {
      throw usage("'" + text + "' is not REGEX=TYPE");
    }
    try {
      var name = Pattern.compile(text.substring(0, at).toLowerCase(Locale.ROOT));
      return new Rule(name, tensorType(text.substring(at + 1)));
    } catch (TypeConversionException e) {
      throw usage(e.getMessage());
    } catch (PatternSyntaxException e) {
      throw usage("'" + text + "': " + e.getDescription());
    }
  }

  private TreeSet<Integer> layers() {
    var layers = new TreeSet<Integer>();
    if (prune.get() != null) {
      for (var text : prune.get().split(",", -1)) {
        try {
          layers.add(Integer.parseUnsignedInt(text.strip()));
        } catch (NumberFormatException _) {
          throw usage("'" + text + "' is not the number of a layer");
        }
      }
    }
    return layers;
  }

  private void override(String text, Map<String, GgufValue> to) {
    int equals = text.indexOf('=');
    int colon = text.indexOf(':', equals);
    if (equals <= 0 || colon < 0) {
      throw usage("'" + text + "' is not KEY=TYPE:VALUE");
    }
    var value = text.substring(colon + 1);
    try {
      to.put(
          text.substring(0, equals),
          switch (text.substring(equals + 1, colon)) {
            // All of them, as llama-quantize writes them, without a sign.
            case "int" -> new GgufValue.Int(GgufType.UINT32, Math.abs(Long.parseLong(value)));
            case "float" -> new GgufValue.Real(GgufType.FLOAT32, Float.parseFloat(value));
            case "bool" -> new GgufValue.Bool(truth(value));
            case "str" -> new GgufValue.Text(value);
            default -> throw usage("'" + text + "' is not KEY=int|float|bool|str:VALUE");
          });
    } catch (IllegalArgumentException _) {
      throw usage("'" + value + "' is no value for " + text.substring(0, colon));
    }
  }

  private static boolean truth(String text) {
    return switch (text) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new IllegalArgumentException(text);
    };
  }

  private int plan(Gguf source, Quantizer quantizer, FileType type) throws IOException {
    if (json.get()) {
      var tensors = new ArrayList<Map<String, Object>>();
      for (var step : quantizer.steps()) {
        var tensor = new LinkedHashMap<String, Object>();
        tensor.put("name", step.name());
        tensor.put("from", step.source().type().ggmlName());
        tensor.put("type", step.type().ggmlName());
        tensor.put("bytes", step.bytes());
        tensors.add(tensor);
      }
      var result = summary(source, quantizer, type);
      result.put("tensors", tensors);
      printJson(result);
      return 0;
    }
    boolean needed = false;
    for (var step : quantizer.steps()) {
      var from = step.source();
      needed |= step.needsImportance();
      streams
          .out()
          .println(
              Text.visible(step.name())
                  + " "
                  + from.shape()
                  + " "
                  + from.type().ggmlName()
                  + (from.type() == step.type()
                      ? ""
                      : " -> " + step.type().ggmlName() + standIn(step))
                  + ", "
                  + Text.bytes(step.bytes()));
    }
    streams.out().println(line(source, quantizer));
    if (needed && imatrix.get() == null) {
      streams.out().println("it would need an importance matrix: --imatrix FILE");
    }
    return 0;
  }

  private static String standIn(Quantizer.Step step) {
    return step.wanted() == step.type()
        ? ""
        : " (its rows are no multiple of "
            + step.wanted().blockElements()
            + ", which "
            + step.wanted().ggmlName()
            + " needs)";
  }

  private void report(
      Gguf source, Quantizer quantizer, FileType type, List<Path> files, double seconds)
      throws IOException {
    if (json.get()) {
      var result = summary(source, quantizer, type);
      result.put("files", files.stream().map(Path::toString).toList());
      result.put("seconds", seconds);
      printJson(result);
      return;
    }
    if (verbose()) {
      for (var step : quantizer.steps()) {
        streams
            .err()
            .println(Text.visible(step.name()) + " " + step.type().ggmlName() + standIn(step));
      }
    }
    streams
        .out()
        .println(
            Text.visible(files.getFirst().toString())
                + (files.size() > 1 ? " and " + (files.size() - 1) + " more" : "")
                + ": "
                + line(source, quantizer)
                + ", in "
                + String.format(Locale.ROOT, "%.1f s", seconds));
  }

  private static long elements(Quantizer quantizer) {
    return quantizer.steps().stream().mapToLong(s -> s.source().shape().elements()).sum();
  }

  private static long before(Quantizer quantizer) {
    return quantizer.steps().stream().mapToLong(step -> step.source().bytes()).sum();
  }

  private static String line(Gguf source, Quantizer quantizer) {
    return Text.bytes(before(quantizer))
        + " -> "
        + Text.bytes(quantizer.bytes())
        + String.format(
            Locale.ROOT,
            " (%.2f bits a weight)",
            8.0 * quantizer.bytes() / Math.max(1, elements(quantizer)));
  }

  private static Map<String, Object> summary(Gguf source, Quantizer quantizer, FileType type) {
    var result = new LinkedHashMap<String, Object>();
    result.put("source", source.path().toString());
    result.put("type", type.name());
    result.put("tensor_bytes_before", before(quantizer));
    result.put("tensor_bytes", quantizer.bytes());
    result.put("parameters", elements(quantizer));
    return result;
  }
}
