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
import picocli.CommandLine.TypeConversionException;

/// Measures how fast prompts are evaluated and tokens generated, with the options and the output of
/// llama-bench, so that the two can be compared.
final class Bench extends Command {
  private static final Pattern RANGE = Pattern.compile("(-?\\d+)(?:-(\\d+)(?:([+*])(\\d+))?)?");
  private static final int MOST_VALUES = 10_000;

  private final Value<List<String>> models;
  private final Value<List<String>> repositories;
  private final Value<String> file;
  private final HubFlags hub;
  private final Value<List<String>> prompt;
  private final Value<List<String>> generate;
  private final Value<List<String>> both;
  private final Value<List<String>> depth;
  private final Value<Integer> repetitions;
  private final Value<List<String>> batch;
  private final Value<List<String>> microBatch;
  private final Value<List<String>> keyType;
  private final Value<List<String>> valueType;
  private final Value<List<String>> flashAttention;
  private final Value<List<String>> threads;
  private final Value<List<String>> gpuLayers;
  private final Value<Boolean> noRepack;
  private final Value<Boolean> noWarmup;
  private final Value<String> output;

  Bench(Streams streams) {
    super(
        streams,
        "bench",
        "Measure the evaluation of prompts (pp) and the generation of tokens (tg).",
        "Options take several values, separated by commas or by giving them again; numbers also"
            + " ranges: 'first-last', 'first-last+step' or 'first-last*factor'.");
    models =
        texts(
            "FILE|NAME",
            "The GGUF files, or owner/name, as -hf (default: the built-in model).",
            "-m",
            "--model");
    repositories =
        texts(
            "NAME",
            "Models of Hugging Face, owner/name[:quant], downloaded where they are not there.",
            "-hf",
            "-hfr",
            "--hf-repo");
    file = text("FILE", "Which of their files, in place of a quant.", "-hff", "--hf-file");
    hub = new HubFlags(this);
    prompt = texts("N", "Tokens of a prompt (default: 512).", "-p", "--n-prompt");
    generate = texts("N", "Tokens generated (default: 128).", "-n", "--n-gen");
    both = texts("PP,TG", "Both, one after the other.", "-pg");
    depth = texts("N", "Tokens that are there before (default: 0).", "-d", "--n-depth");
    repetitions =
        integer("5", "How often each test is repeated (default: 5).", "-r", "--repetitions");
    batch = texts("N", "Most tokens evaluated in one go (default: 2048).", "-b", "--batch-size");
    microBatch = texts("N", "Most tokens in one pass (default: 512).", "-ub", "--ubatch-size");
    keyType = texts("TYPE", "How keys are stored (default: f16).", "-ctk", "--cache-type-k");
    valueType = texts("TYPE", "How values are stored (default: f16).", "-ctv", "--cache-type-v");
    flashAttention =
        texts("on|off|auto", "Flash attention (default: auto).", "-fa", "--flash-attn");
    threads =
        texts(
            "N",
            "Threads of the processor (default: as many as compute fastest).",
            "-t",
            "--threads");
    gpuLayers =
        texts(
            "N",
            "Layers on the graphics card (default: all).",
            "-ngl",
            "--gpu-layers",
            "--n-gpu-layers");
    noRepack = flag("Leave the weights as they are in the file.", "-nr", "--no-repack");
    noWarmup = flag("Measure from the first run on.", "--no-warmup");
    output = text("md|json|csv", "How to print (default: md).", "-o", "--output");
  }

  /// How a model is loaded; null is the built-in one.
  private record Load(Path file, int threads, int gpuLayers) {
    Model load(Backend backend, boolean repack) throws IOException {
      var options = ModelOptions.defaults().withGpuLayers(gpuLayers).withRepack(repack);
      return file == null ? Model.builtIn(backend, options) : Model.load(file, backend, options);
    }
  }

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
    if (repetitions.get() < 1) {
      throw usage("-r " + repetitions.get() + ", from 1");
    }
    Printer printer =
        switch (output.get()) {
          case null -> new Markdown();
          case "md" -> new Markdown();
          case "json" -> new Json();
          case "csv" -> new Csv();
          default -> throw usage("-o " + output.get() + ": md, json or csv");
        };
    var settings = settings();
    var loads = loads();
    boolean begun = false;
    for (var load : loads) {
      try (var backend = Backend.best(load.threads);
          var model = load.load(backend, !noRepack.get())) {
        for (var setting : settings) {
          var result = new Result(load, setting, backend, model, measure(model, setting));
          // What fails at once leaves no half of a table.
          if (!begun) {
            printer.begin();
          }
          begun = true;
          printer.print(result);
          streams.out().flush();
        }
      }
    }
    printer.end();
    return 0;
  }

  private List<Load> loads() throws IOException {
    var loads = new ArrayList<Load>();
    for (var model : files()) {
      for (int layers :
          each("-ngl", gpuLayers.get(), Integer.MAX_VALUE, -2).stream()
              .map(n -> n < 0 ? Integer.MAX_VALUE : n)
              .toList()) {
        for (int n : each("-t", threads.get(), Backend.defaultThreads(), 1)) {
          loads.add(new Load(model, n, layers));
        }
      }
    }
    return loads;
  }

  private List<Path> files() throws IOException {
    if (models.get().contains("")) {
      throw usage("which model? Give -m FILE, -hf NAME or set TENON_MODEL");
    }
    if (file.get() != null && repositories.get().isEmpty()) {
      throw usage("--hf-file needs -hf NAME");
    }
    var files = new ArrayList<Path>();
    if (models.get().isEmpty() && repositories.get().isEmpty()) {
      files.add(null); // the built-in one
    }
    for (var given : models.get()) {
      // A comma separates files, unless there is a file of that name.
      for (var model : Files.exists(Path.of(given)) ? List.of(given) : split(given)) {
        files.add(hub.file(model));
      }
    }
    for (var given : repositories.get()) {
      for (var name : split(given)) {
        files.add(hub.model(hub.name(name), file.get()));
      }
    }
    return files;
  }

  private List<Setting> settings() {
    var tests = new ArrayList<int[]>(); // prompt, generate
    each("-p", prompt.get(), 512, 0).forEach(n -> tests.add(new int[] {n, 0}));
    each("-n", generate.get(), 128, 0).forEach(n -> tests.add(new int[] {0, n}));
    for (var pair : both.get()) {
      var numbers = each("-pg", List.of(pair), 0, 0);
      if (numbers.size() != 2) {
        throw usage("-pg " + pair + ": two numbers, such as 512,128");
      }
      tests.add(new int[] {numbers.get(0), numbers.get(1)});
    }
    tests.removeIf(test -> test[0] == 0 && test[1] == 0);
    var settings = new ArrayList<Setting>();
    for (int ofBatch : each("-b", batch.get(), 2048, 1)) {
      for (int ofPass : each("-ub", microBatch.get(), 512, 1)) {
        for (var keys : each("-ctk", keyType.get(), TensorType.F16, SessionFlags::cacheType)) {
          for (var values :
              each("-ctv", valueType.get(), TensorType.F16, SessionFlags::cacheType)) {
            for (var flash :
                each("-fa", flashAttention.get(), FlashAttention.AUTO, SessionFlags::attention)) {
              for (int before : each("-d", depth.get(), 0, 0)) {
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
      if (!noWarmup.get()) {
        evaluate(session, setting.batch, tokens(random, model, setting.prompt));
        generate(session, tokens(random, model, Math.min(1, setting.generate)));
        session.rewind(0);
      }
      evaluate(session, setting.batch, tokens(random, model, setting.depth));
      var nanos = new long[repetitions.get()];
      for (int i = 0; i < nanos.length; i++) {
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
      fields.put("model_filename", model.gguf().path().toString());
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
      column("size", 10, r -> size(r.model.bytes()));
      column("params", 10, r -> count(r.model.parameters()));
      column("backend", -10, Result::backendName);
      if (!gpuLayers.get().isEmpty()) {
        column(
            "ngl", 3, r -> r.load.gpuLayers == Integer.MAX_VALUE ? "all" : "" + r.load.gpuLayers);
      }
      column("threads", 7, r -> "" + r.load.threads);
      // As llama-bench: these where they were asked for.
      if (!batch.get().isEmpty()) {
        column("n_batch", 7, r -> "" + r.setting.batch);
      }
      if (!microBatch.get().isEmpty()) {
        column("n_ubatch", 8, r -> "" + r.setting.microBatch);
      }
      if (!keyType.get().isEmpty()) {
        column("type_k", 6, r -> r.setting.keyType.ggmlName());
      }
      if (!valueType.get().isEmpty()) {
        column("type_v", 6, r -> r.setting.valueType.ggmlName());
      }
      if (!flashAttention.get().isEmpty()) {
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

    private static String size(long bytes) {
      return bytes < 1L << 30
          ? String.format(Locale.ROOT, "%.2f MiB", bytes / 1048576.0)
          : String.format(Locale.ROOT, "%.2f GiB", bytes / 1073741824.0);
    }

    private static String count(long count) {
      return count < 1_000_000_000
          ? String.format(Locale.ROOT, "%.2f M", count / 1e6)
          : String.format(Locale.ROOT, "%.2f B", count / 1e9);
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
