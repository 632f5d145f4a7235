package dev.tenon.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.tenon.FlashAttention;
import dev.tenon.Model;
import dev.tenon.ModelOptions;
import dev.tenon.Session;
import dev.tenon.SessionOptions;
import dev.tenon.gguf.TensorType;
import dev.tenon.tensor.Backend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/// Measures how fast prompts are evaluated and tokens generated, with the options and the output of
/// llama-bench, so that the two can be compared.
@CommandLine.Command(
    name = "bench",
    description = {
      "Measure the evaluation of prompts (pp) and the generation of tokens (tg).",
      "Options take several values, separated by commas or by giving them again; numbers also"
          + " ranges: 'first-last', 'first-last+step' or 'first-last*factor'."
    })
final class Bench extends Command {
  private static final Pattern RANGE = Pattern.compile("(-?\\d+)(?:-(\\d+)(?:([+*])(\\d+))?)?");
  private static final int MOST_VALUES = 10_000;

  @Option(
      names = {"-m", "--model"},
      paramLabel = "FILE",
      description = "The GGUF files.")
  List<String> models = List.of();

  @Option(
      names = {"-p", "--n-prompt"},
      paramLabel = "N",
      description = "Tokens of a prompt (default: 512).")
  List<String> prompt = List.of();

  @Option(
      names = {"-n", "--n-gen"},
      paramLabel = "N",
      description = "Tokens generated (default: 128).")
  List<String> generate = List.of();

  @Option(
      names = {"-pg"},
      paramLabel = "PP,TG",
      description = "Both, one after the other.")
  List<String> both = List.of();

  @Option(
      names = {"-d", "--n-depth"},
      paramLabel = "N",
      description = "Tokens that are there before (default: 0).")
  List<String> depth = List.of();

  @Option(
      names = {"-r", "--repetitions"},
      paramLabel = "N",
      defaultValue = "5",
      description = "How often each test is repeated (default: 5).")
  int repetitions;

  @Option(
      names = {"-b", "--batch-size"},
      paramLabel = "N",
      description = "Most tokens evaluated in one go (default: 2048).")
  List<String> batch = List.of();

  @Option(
      names = {"-ub", "--ubatch-size"},
      paramLabel = "N",
      description = "Most tokens in one pass (default: 512).")
  List<String> microBatch = List.of();

  @Option(
      names = {"-ctk", "--cache-type-k"},
      paramLabel = "TYPE",
      description = "How keys are stored (default: f16).")
  List<String> keyType = List.of();

  @Option(
      names = {"-ctv", "--cache-type-v"},
      paramLabel = "TYPE",
      description = "How values are stored (default: f16).")
  List<String> valueType = List.of();

  @Option(
      names = {"-fa", "--flash-attn"},
      paramLabel = "on|off|auto",
      description = "Flash attention (default: auto).")
  List<String> flashAttention = List.of();

  @Option(
      names = {"-t", "--threads"},
      paramLabel = "N",
      description = "Threads of the processor (default: as many as compute fastest).")
  List<String> threads = List.of();

  @Option(
      names = {"-ngl", "--gpu-layers", "--n-gpu-layers"},
      paramLabel = "N",
      description = "Layers on the graphics card (default: all).")
  List<String> gpuLayers = List.of();

  @Option(
      names = {"-nr", "--no-repack"},
      description = "Leave the weights as they are in the file.")
  boolean noRepack;

  @Option(
      names = {"--no-warmup"},
      description = "Measure from the first run on.")
  boolean noWarmup;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "md|json|csv",
      defaultValue = "md",
      description = "How to print (default: md).")
  String output;

  Bench(Streams streams) {
    super(streams);
  }

  /// How a model is loaded.
  private record Load(String model, int threads, int gpuLayers) {}

  /// What is measured.
  private record Setting(
      int prompt,
      int generate,
      int depth,
      int batch,
      int microBatch,
      TensorType keyType,
      TensorType valueType,
      FlashAttention flashAttention) {
    String name() {
      var name = new StringBuilder();
      if (prompt > 0) {
        name.append("pp").append(prompt);
      }
      if (generate > 0) {
        name.append(name.isEmpty() ? "tg" : "+tg").append(generate);
      }
      return name.append(depth > 0 ? " @ d" + depth : "").toString();
    }

    SessionOptions options() {
      return SessionOptions.of(Math.max(1, Math.addExact(depth, Math.addExact(prompt, generate))))
          .withBatch(batch)
          .withMicroBatch(microBatch)
          .withFlashAttention(flashAttention)
          .withKeyType(keyType)
          .withValueType(valueType);
    }
  }

  @Override
  int call() throws Exception {
    if (repetitions < 1) {
      throw usage("-r " + repetitions + ": at least 1");
    }
    Printer printer =
        switch (output) {
          case "md" -> new Markdown();
          case "json" -> new Json();
          case "csv" -> new Csv();
          default -> throw usage("-o " + output + ": md, json or csv");
        };
    var loads = loads();
    var settings = settings();
    printer.begin();
    for (var load : loads) {
      try (var backend = Backend.best(load.threads);
          var model =
              Model.load(
                  Path.of(load.model),
                  backend,
                  ModelOptions.defaults().withGpuLayers(load.gpuLayers).withRepack(!noRepack))) {
        for (var setting : settings) {
          printer.print(new Result(load, setting, backend, model, measure(model, setting)));
          streams.out().flush();
        }
      }
    }
    printer.end();
    return 0;
  }

  private List<Load> loads() {
    if (models.isEmpty()) {
      throw usage("which model? Give -m FILE or set TENON_MODEL");
    }
    var loads = new ArrayList<Load>();
    for (var given : models) {
      // A comma separates files, unless there is a file of that name.
      for (var model : Files.exists(Path.of(given)) ? List.of(given) : split(given)) {
        for (int layers :
            each("-ngl", gpuLayers, Integer.MAX_VALUE, -2).stream()
                .map(n -> n < 0 ? Integer.MAX_VALUE : n)
                .toList()) {
          for (int n : each("-t", threads, Backend.defaultThreads(), 1)) {
            loads.add(new Load(model, n, layers));
          }
        }
      }
    }
    return loads;
  }

  private List<Setting> settings() {
    var tests = new ArrayList<int[]>(); // prompt, generate
    each("-p", prompt, 512, 0).forEach(n -> tests.add(new int[] {n, 0}));
    each("-n", generate, 128, 0).forEach(n -> tests.add(new int[] {0, n}));
    for (var pair : both) {
      var numbers = each("-pg", List.of(pair), 0, 0);
      if (numbers.size() != 2) {
        throw usage("-pg " + pair + ": two numbers, such as 512,128");
      }
      tests.add(new int[] {numbers.get(0), numbers.get(1)});
    }
    tests.removeIf(test -> test[0] == 0 && test[1] == 0);
    var attention = new SessionFlags.Attention();
    var type = new SessionFlags.CacheType();
    var settings = new ArrayList<Setting>();
    for (int ofBatch : each("-b", batch, 2048, 1)) {
      for (int ofPass : each("-ub", microBatch, 512, 1)) {
        for (var keys : each("-ctk", keyType, TensorType.F16, type::convert)) {
          for (var values : each("-ctv", valueType, TensorType.F16, type::convert)) {
            for (var flash : each("-fa", flashAttention, FlashAttention.AUTO, attention::convert)) {
              for (int before : each("-d", depth, 0, 0)) {
                for (var test : tests) {
                  var setting =
                      new Setting(test[0], test[1], before, ofBatch, ofPass, keys, values, flash);
                  try {
                    setting.options();
                  } catch (IllegalArgumentException | ArithmeticException e) {
                    throw usage(setting.name() + ": " + e.getMessage());
                  }
                  settings.add(setting);
                }
              }
            }
          }
        }
      }
    }
    return settings;
  }

  /// The numbers that an option was given, ranges written out.
  private List<Integer> each(String option, List<String> given, int usual, int least) {
    if (given.isEmpty()) {
      return List.of(usual);
    }
    var numbers = new ArrayList<Integer>();
    for (var list : given) {
      for (var text : split(list)) {
        var range = RANGE.matcher(text);
        try {
          if (!range.matches()) {
            throw new NumberFormatException();
          }
          int first = Integer.parseInt(range.group(1));
          int last = range.group(2) == null ? first : Integer.parseInt(range.group(2));
          boolean factor = "*".equals(range.group(3));
          int step = range.group(4) == null ? 1 : Integer.parseInt(range.group(4));
          if (first < least || last < first || step < (factor ? 2 : 1) || factor && first < 1) {
            throw new NumberFormatException();
          }
          for (long n = first; n <= last; n = factor ? n * step : n + step) {
            numbers.add((int) n);
            if (numbers.size() > MOST_VALUES) {
              throw usage(option + " " + text + ": more than " + MOST_VALUES + " numbers");
            }
          }
        } catch (NumberFormatException _) {
          throw usage(option + ": '" + text + "' is not a number or range from " + least + " on");
        }
      }
    }
    return numbers;
  }

  private <T> List<T> each(
      String option, List<String> given, T usual, Function<String, T> converter) {
    if (given.isEmpty()) {
      return List.of(usual);
    }
    var values = new ArrayList<T>();
    for (var list : given) {
      for (var text : split(list)) {
        try {
          values.add(converter.apply(text));
        } catch (TypeConversionException e) {
          throw usage(option + ": " + e.getMessage());
        }
      }
    }
    return values;
  }

  private static List<String> split(String list) {
    return Arrays.asList(list.split(",", -1));
  }

  /// Runs one test.
  ///
  /// @return nanoseconds of each repetition
  private long[] measure(Model model, Setting setting) {
    try (var session = model.newSession(setting.options())) {
      var random = new SplittableRandom(1);
      if (!noWarmup) {
        evaluate(session, setting.batch, tokens(random, model, setting.prompt));
        generate(session, tokens(random, model, Math.min(1, setting.generate)));
        session.rewind(0);
      }
      evaluate(session, setting.batch, tokens(random, model, setting.depth));
      var nanos = new long[repetitions];
      for (int i = 0; i < repetitions; i++) {
        var prompt = tokens(random, model, setting.prompt);
        var generated = tokens(random, model, setting.generate);
        long start = System.nanoTime();
        evaluate(session, setting.batch, prompt);
        generate(session, generated);
        nanos[i] = System.nanoTime() - start;
        session.rewind(setting.depth);
      }
      return nanos;
    }
  }

  private static int[] tokens(SplittableRandom random, Model model, int count) {
    return random.ints(count, 0, model.vocabularySize()).toArray();
  }

  private static void evaluate(Session session, int batch, int[] tokens) {
    for (int from = 0; from < tokens.length; from += batch) {
      session.evaluate(
          Arrays.copyOfRange(tokens, from, (int) Math.min(tokens.length, (long) from + batch)));
    }
  }

  private static void generate(Session session, int[] tokens) {
    for (int token : tokens) {
      session.evaluate(token);
    }
  }

  /// One row of the output.
  private record Result(Load load, Setting setting, Backend backend, Model model, long[] nanos) {
    double[] speeds() {
      int tokens = setting.prompt + setting.generate;
      return LongStream.of(nanos).mapToDouble(n -> 1e9 * tokens / n).toArray();
    }

    static double mean(double[] values) {
      return Arrays.stream(values).average().orElse(0);
    }

    /// Of a sample: with n - 1.
    static double deviation(double[] values) {
      double mean = mean(values);
      double squares = Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum();
      return values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1));
    }

    /// For example `CUDA` for the device `CUDA0`.
    String backendName() {
      return backend.device().name().replaceFirst("\\d+$", "");
    }

    /// The fields under llama-bench's names.
    Map<String, Object> fields() {
      var fields = new LinkedHashMap<String, Object>();
      var times = LongStream.of(nanos).asDoubleStream().toArray();
      fields.put("build_commit", "tenon " + Version.tenon() + ", ggml " + Backend.ggmlVersion());
      fields.put("cpu_info", device(false));
      fields.put("gpu_info", device(true));
      fields.put("backends", backendName());
      fields.put("model_filename", load.model);
      fields.put("model_type", model.description());
      fields.put("model_size", model.bytes());
      fields.put("model_n_params", model.parameters());
      fields.put("n_batch", setting.batch);
      fields.put("n_ubatch", setting.microBatch);
      fields.put("n_threads", load.threads);
      fields.put("type_k", setting.keyType.ggmlName());
      fields.put("type_v", setting.valueType.ggmlName());
      fields.put("n_gpu_layers", load.gpuLayers == Integer.MAX_VALUE ? -1 : load.gpuLayers);
      fields.put(
          "flash_attn",
          switch (setting.flashAttention) {
            case ON -> 1;
            case OFF -> 0;
            case AUTO -> -1;
          });
      fields.put("n_prompt", setting.prompt);
      fields.put("n_gen", setting.generate);
      fields.put("n_depth", setting.depth);
      fields.put("test_time", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
      fields.put("avg_ns", Math.round(mean(times)));
      fields.put("stddev_ns", Math.round(deviation(times)));
      fields.put("avg_ts", mean(speeds()));
      fields.put("stddev_ts", deviation(speeds()));
      return fields;
    }

    private String device(boolean gpu) {
      var names = new ArrayList<String>();
      for (var device : Backend.devices()) {
        if (device.name().startsWith("CPU") != gpu) {
          names.add(device.description());
        }
      }
      return String.join(", ", names);
    }
  }

  /// A way to print results.
  private interface Printer {
    void begin() throws IOException;

    void print(Result result) throws IOException;

    void end() throws IOException;
  }

  private final class Markdown implements Printer {
    /// @param width of the column, negative where it is aligned to the left
    private record Column(String title, int width, Function<Result, String> value) {}

    private final List<Column> columns = new ArrayList<>();

    Markdown() {
      column("model", -30, r -> r.model.description());
      column("size", 10, r -> Text.bytes(r.model.bytes()));
      column("params", 10, r -> Text.count(r.model.parameters()));
      column("backend", -10, Result::backendName);
      if (!gpuLayers.isEmpty()) {
        column(
            "ngl", 3, r -> r.load.gpuLayers == Integer.MAX_VALUE ? "all" : "" + r.load.gpuLayers);
      }
      column("threads", 7, r -> "" + r.load.threads);
      // As llama-bench: these where they were asked for.
      if (!batch.isEmpty()) {
        column("n_batch", 7, r -> "" + r.setting.batch);
      }
      if (!microBatch.isEmpty()) {
        column("n_ubatch", 8, r -> "" + r.setting.microBatch);
      }
      if (!keyType.isEmpty()) {
        column("type_k", 6, r -> r.setting.keyType.ggmlName());
      }
      if (!valueType.isEmpty()) {
        column("type_v", 6, r -> r.setting.valueType.ggmlName());
      }
      if (!flashAttention.isEmpty()) {
        column("fa", 4, r -> r.setting.flashAttention.name().toLowerCase(Locale.ROOT));
      }
      column("test", 15, r -> r.setting.name());
      column(
          "t/s",
          20,
          r ->
              String.format(
                  Locale.ROOT,
                  "%.2f ± %.2f",
                  Result.mean(r.speeds()),
                  Result.deviation(r.speeds())));
    }

    private void column(String title, int width, Function<Result, String> value) {
      columns.add(new Column(title, width, value));
    }

    @Override
    public void begin() throws IOException {
      row(Column::title);
      row(c -> "-".repeat(Math.abs(c.width) - 1) + (c.width > 0 ? ":" : "-"));
    }

    @Override
    public void print(Result result) throws IOException {
      row(column -> column.value.apply(result));
    }

    private void row(Function<Column, String> cell) throws IOException {
      var line = new StringBuilder("|");
      for (var column : columns) {
        line.append(String.format(" %" + column.width + "s |", cell.apply(column)));
      }
      streams.out().println(line.toString());
    }

    @Override
    public void end() throws IOException {
      streams
          .out()
          .println("\nbuild: tenon " + Version.tenon() + ", ggml " + Backend.ggmlVersion());
    }
  }

  private final class Csv implements Printer {
    private boolean titled;

    @Override
    public void begin() {}

    @Override
    public void print(Result result) throws IOException {
      var fields = result.fields();
      if (!titled) {
        streams.out().println(String.join(",", fields.keySet()));
        titled = true;
      }
      var cells =
          fields.values().stream()
              .map(v -> '"' + v.toString().replace("\"", "\"\"") + '"')
              .toList();
      streams.out().println(String.join(",", cells));
    }

    @Override
    public void end() {}
  }

  private final class Json implements Printer {
    private JsonGenerator to;

    @Override
    public void begin() throws IOException {
      to = new JsonFactory().createGenerator(streams.out());
      to.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET).useDefaultPrettyPrinter();
      to.writeStartArray();
    }

    @Override
    public void print(Result result) throws IOException {
      to.writeStartObject();
      for (var field : result.fields().entrySet()) {
        to.writeFieldName(field.getKey());
        switch (field.getValue()) {
          case Integer number -> to.writeNumber(number);
          case Long number -> to.writeNumber(number);
          case Double number -> to.writeNumber(number);
          case Object text -> to.writeString(text.toString());
        }
      }
      to.writeFieldName("samples_ns");
      to.writeArray(result.nanos, 0, result.nanos.length);
      to.writeFieldName("samples_ts");
      var speeds = result.speeds();
      to.writeArray(speeds, 0, speeds.length);
      to.writeEndObject();
      to.flush();
    }

    @Override
    public void end() throws IOException {
      to.writeEndArray();
      to.close();
      streams.out().println("");
    }
  }
}
