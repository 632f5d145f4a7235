package dev.tenon.convert;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import dev.tenon.huggingface.ElementType;
import dev.tenon.huggingface.FolderMapping;
import dev.tenon.huggingface.FormatException;
import dev.tenon.huggingface.GgufPlan;
import dev.tenon.huggingface.ModelFolder;
import dev.tenon.huggingface.Weight;
import dev.tenon.json.Json;
import dev.tenon.model.Architecture;
import dev.tenon.model.Hyperparameters;
import dev.tenon.tensor.Backend;
import dev.tenon.tensor.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.regex.Pattern;

/// Makes a GGUF file of a Hugging Face folder: what the architecture says of its keys and tensors,
/// the tokenizer, and what is known of the model otherwise.
///
/// Tensors have the bytes that `convert_hf_to_gguf.py` of llama.cpp 0.5.0 gives them; a type that
/// it does not know is made at once, with the bytes that a [Quantizer] makes of a file that loses
/// nothing. The file was bound to its architecture before a tensor of it is written: what could not
/// be loaded is not made.
///
/// ```java
/// try (var folder = ModelFolder.open(Path.of("TinyStories-656K"))) {
///   var converter = Converter.of(folder, ConvertOptions.usual().withType(FileType.Q8_0));
///   converter.bytes(); // of its tensors, before anything is done
///   converter.write(Path.of("tiny-stories-q8_0.gguf"));
/// }
/// ```
///
/// Immutable; one thread at a time may write.
public final class Converter {
  private static final int QUANTIZATION_VERSION = 2; // GGML_QNT_VERSION

  /// What upstream keeps in F32 although it has the shape of a matrix.
  private static final Pattern ALWAYS_F32 =
      Pattern.compile(
          ".*_norm\\.weight"
              + "|(.*\\.)?(position_embd|token_types)\\.weight"
              + "|posnet\\.\\d+\\.norm[12]\\.weight"
              + "|blk\\.\\d+\\.(ffn_gate_inp(_shexp)?|ssm_conv1d(_[qkv])?|shortconv\\.conv"
              + "|time_mix_(first|w[12]|decay_w[12]|lerp_fused)|altup_(correct|predict)_coef"
              + "|indexer\\.proj)\\.weight"
              + "|.*(?<!\\.weight)");

  /// What upstream keeps in F16 where the rest is ternary.
  private static final Pattern NEVER_TERNARY =
      Pattern.compile(
          "(token_embd|per_layer_token_embd|output|blk\\.\\d+\\.(altup_router|laurel_[lr]))"
              + "\\.weight");

  private final ModelFolder folder;
  private final ConvertOptions options;
  private final FileType type;
  private final Map<String, GgufValue> metadata;
  private final List<Step> steps;
  private final String fileName;

  /// What becomes of one tensor.
  ///
  /// @param name in the file
  /// @param weight what it is made of
  /// @param type its elements
  public record Step(String name, Weight weight, TensorType type) {
    /// {@return its dimensions, the fastest-varying first}
    public Shape shape() {
      var shape = weight.shape();
      var dimensions = new long[Math.max(1, shape.length)];
      dimensions[0] = 1;
      for (int d = 0; d < shape.length; d++) dimensions[d] = shape[shape.length - 1 - d];
      return Shape.of(dimensions);
    }

    /// {@return the size it has, in bytes}
    public long bytes() {
      return type.bytes(shape());
    }
  }

  private Converter(
      ModelFolder folder,
      ConvertOptions options,
      FileType type,
      Map<String, GgufValue> metadata,
      List<Step> steps,
      String fileName) {
    this.folder = folder;
    this.options = options;
    this.type = type;
    this.metadata = Collections.unmodifiableMap(metadata);
    this.steps = List.copyOf(steps);
    this.fileName = fileName;
  }

  /// {@return the classes of transformers whose folders can be converted, each with the
  /// architecture that it becomes}
  public static SortedMap<String, String> known() {
    var known = new TreeMap<String, String>();
    for (var architecture : Architecture.all())
      if (architecture instanceof FolderMapping mapping)
        for (var name : mapping.classes()) known.put(name, architecture.name());
    return known;
  }

  /// Finds out what the file will have, and checks that it can be loaded.
  ///
  /// @param folder an open folder, to stay open
  /// @param options what it becomes
  /// @return the plan, ready to be written
  /// @throws UnsupportedOperationException if the class is not known, or the folder asks for
  ///     something that its architecture does not do; the message has the class and the known ones
  /// @throws IllegalArgumentException if the type needs an importance matrix
  /// @throws FormatException if a file of the folder is malformed, a tensor is not understood, or
  ///     the tensors do not go with the configuration
  /// @throws IOException if a tensor is missing or a file cannot be read
  public static Converter of(ModelFolder folder, ConvertOptions options) throws IOException {
    var architecture = architecture(folder.path(), folder.modelClass());
    var plan = plan(folder, architecture);
    var type = options.type() == null ? stored(folder) : options.type();
    var plain = isPlain(type) ? type : exact(plan);
    var tensors = options.vocabularyOnly() ? Map.<String, Weight>of() : plan.tensors();
    var steps = new ArrayList<Step>();
    tensors.forEach((name, weight) -> steps.add(new Step(name, weight, type(name, weight, plain))));

    var general = GeneralMetadata.of(folder, tensors, options);
    var fileName = general.fileName(options.vocabularyOnly() ? null : type.name());
    var keys = metadata(folder, plan, general, plain);
    var converter = new Converter(folder, options, type, keys, steps, fileName);
    if (options.vocabularyOnly()) return converter;
    try (var preview = converter.writer(null).preview(folder.path())) {
      check(architecture, preview);
      return isPlain(type) ? converter : converter.quantized(preview);
    } catch (GgufFormatException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  /// {@return the architecture that knows a class}
  ///
  /// @param path where the class is named, for messages
  /// @param name the class, or null
  /// @throws UnsupportedOperationException if none does
  static Architecture architecture(Path path, String name) {
    for (var architecture : Architecture.all())
      if (name != null
          && architecture instanceof FolderMapping mapping
          && mapping.classes().contains(name)) return architecture;
    throw new UnsupportedOperationException(
        path
            + ": "
            + (name == null
                ? "config.json names no class in \"architectures\""
                : "class " + name + " is not known")
            + "; known: "
            + String.join(", ", known().keySet()));
  }

  private static GgufPlan plan(ModelFolder folder, Architecture architecture) throws IOException {
    var plan = new GgufPlan(architecture.name());
    var mapping = (FolderMapping) architecture;
    folder.assume(mapping.defaults(folder.modelClass()));
    try {
      mapping.map(folder, plan);
    } catch (IllegalArgumentException
        | IllegalStateException
        | IndexOutOfBoundsException
        | ArithmeticException e) {
      throw new FormatException(
          folder.path(), "tensors", "those of a " + folder.modelClass(), e.getMessage());
    }
    var unused = folder.unused();
    if (!unused.isEmpty())
      throw new FormatException(
          folder.path(),
          "tensors",
          "those of a " + folder.modelClass(),
          unused.size() == 1
              ? unused.getFirst() + " as well"
              : unused.getFirst() + " and " + (unused.size() - 1) + " more that it does not have");
    for (var tensor : plan.tensors().entrySet())
      if (tensor.getValue().elements() == 0 || tensor.getValue().shape().length > 4)
        throw new FormatException(
            folder.path(),
            tensor.getKey(),
            "a tensor of one to four dimensions",
            tensor.getValue().toString());
    return plan;
  }

  /// As upstream guesses: the type of the first matrix of 16 bits.
  private static FileType stored(ModelFolder folder) {
    return switch (folder.halfType()) {
      case BF16 -> FileType.BF16;
      case null, default -> FileType.F16;
    };
  }

  /// A type that loses nothing of any matrix.
  private static FileType exact(GgufPlan plan) {
    var types =
        plan.tensors().values().stream()
            .filter(weight -> weight.shape().length > 1)
            .map(Weight::type)
            .distinct()
            .toList();
    if (types.equals(List.of(ElementType.BF16))) return FileType.BF16;
    if (types.equals(List.of(ElementType.F16))) return FileType.F16;
    return FileType.F32;
  }

  /// {@return whether upstream's converter knows a type; others it leaves to be quantized}
  private static boolean isPlain(FileType type) {
    return switch (type) {
      case F32, F16, BF16, Q8_0, TQ1_0, TQ2_0 -> true;
      default -> false;
    };
  }

  /// The type of one tensor, as `prepare_tensors` chooses it.
  private static TensorType type(String name, Weight weight, FileType file) {
    var shape = weight.shape();
    if (shape.length <= 1 || ALWAYS_F32.matcher(name).matches()) return TensorType.F32;
    boolean ternary = file == FileType.TQ1_0 || file == FileType.TQ2_0;
    if (ternary && NEVER_TERNARY.matcher(name).matches()) return TensorType.F16;
    var type = file.tensorType();
    return shape[shape.length - 1] % type.blockElements() == 0 ? type : TensorType.F16;
  }

  private static Map<String, GgufValue> metadata(
      ModelFolder folder, GgufPlan plan, GeneralMetadata general, FileType type)
      throws IOException {
    var keys = new LinkedHashMap<String, GgufValue>();
    keys.put("general.architecture", new GgufValue.Text(plan.architecture()));
    general.putInto(keys);
    keys.putAll(plan.keys());
    keys.put("general.file_type", uint32(type.id()));
    keys.put("general.quantization_version", uint32(QUANTIZATION_VERSION));

    var embedding = plan.tensors().get("token_embd.weight");
    int rows = embedding == null ? 0 : Math.toIntExact(embedding.shape()[0]);
    var tokenizer = folder.tokenizer(rows);
    if (tokenizer != null) {
      keys.putAll(tokenizer.metadata());
    } else {
      keys.put("tokenizer.ggml.model", new GgufValue.Text("none"));
      // Where there are no tokens to count.
      keys.putIfAbsent(plan.architecture() + ".vocab_size", uint32(rows));
    }
    if (!folder.generation().values().isEmpty())
      keys.put(
          "tenon.generation_config", new GgufValue.Text(Json.write(folder.generation().values())));
    return keys;
  }

  private static GgufValue uint32(long value) {
    return new GgufValue.Int(GgufType.UINT32, value);
  }

  /// Binds the file to its architecture before there is one.
  private static void check(Architecture architecture, Gguf preview) throws IOException {
    var layers = Hyperparameters.of(preview).layers();
    try (var backend = Backend.cpu(1);
        var weights = Weights.of(preview, backend, layers, new Weights.Placement(0, false))) {
      architecture.bind(preview, weights);
    }
  }

  /// {@return the same as a file that is quantized from this one: in its order, with its types}
  ///
  /// @param preview this one, which loses nothing
  private Converter quantized(Gguf preview) throws GgufFormatException {
    var weights = new HashMap<String, Weight>();
    for (var step : steps) weights.put(step.name, step.weight);
    var quantized = new ArrayList<Step>();
    for (var step : Quantizer.of(preview, QuantizeOptions.of(type)).steps()) {
      if (step.needsImportance())
        throw new IllegalArgumentException(
            step.name()
                + " would become "
                + step.type().ggmlName()
                + ", which needs an importance of its columns: convert to a 16-bit type, and"
                + " quantize that with an importance matrix");
      quantized.add(new Step(step.name(), weights.get(step.name()), step.type()));
    }
    var keys = new LinkedHashMap<>(metadata);
    keys.putLast("general.quantization_version", uint32(QUANTIZATION_VERSION));
    keys.putLast("general.file_type", uint32(type.id()));
    return new Converter(folder, options, type, keys, quantized, fileName);
  }

  /// {@return the value of `general.architecture`}
  public String architecture() {
    return metadata.get("general.architecture").toString();
  }

  /// {@return the number of elements of all tensors}
  public long parameters() {
    return steps.stream().mapToLong(step -> step.weight.elements()).sum();
  }

  /// {@return the type of the file: the one asked for, or the one that was found}
  public FileType type() {
    return type;
  }

  /// {@return whether the folder has a tokenizer, so that texts can be given and had}
  public boolean hasVocabulary() {
    return !new GgufValue.Text("none").equals(metadata().get("tokenizer.ggml.model"));
  }

  /// {@return every key and value of the file, in its order}
  public Map<String, GgufValue> metadata() {
    return metadata;
  }

  /// {@return what becomes of each tensor, in the order of the file to be}
  public List<Step> steps() {
    return steps;
  }

  /// {@return the bytes of all tensors to be}
  public long bytes() {
    return steps.stream().mapToLong(Step::bytes).sum();
  }

  /// {@return a name for the file by the convention for GGUF files, for example
  /// `TinyStories-656K-F16.gguf`}
  public String fileName() {
    return fileName;
  }

  /// {@return how many tensors each file will have, where it is cut; one number where it is not}
  ///
  /// @throws IllegalArgumentException if it would have more than 65535 parts
  /// @throws IOException if the file would be one that cannot be read
  public List<Integer> parts() throws IOException {
    if (options.cut() == null) return List.of(steps.size());
    try (var preview = writer(null).preview(folder.path())) {
      var parts = SplitSet.plan(preview, options.cut());
      return parts.size() == (options.cut().metadataFirst() ? 2 : 1)
          ? List.of(steps.size())
          : parts;
    }
  }

  /// Writes the file, as [#write(Path, Progress)], and tells nobody how far it is.
  ///
  /// @param target where it is to be; replaced as a whole
  /// @return the file, or the files
  /// @throws IllegalArgumentException if the target is a file of the folder, or there would be more
  ///     than 65535 parts
  /// @throws CancellationException if the thread is interrupted; nothing is left behind, and it
  ///     stays interrupted
  /// @throws IOException if a file cannot be read or written, or a weight is one that its type
  ///     cannot hold; nothing is left behind
  public List<Path> write(Path target) throws IOException {
    return write(target, (_, _) -> {});
  }

  /// Writes the file, or the files of a set, whose names are then made from the target's. It
  /// appears under its name when it is complete.
  ///
  /// @param target where it is to be; replaced as a whole
  /// @param progress is told how far it is
  /// @return the file, or the files
  /// @throws IllegalArgumentException if the target is a file of the folder, or there would be more
  ///     than 65535 parts
  /// @throws CancellationException if the thread is interrupted; nothing is left behind, and it
  ///     stays interrupted
  /// @throws IOException if a file cannot be read or written, or a weight is one that its type
  ///     cannot hold; nothing is left behind
  public List<Path> write(Path target, Progress progress) throws IOException {
    checkOther(target);
    var parts = parts();
    var jobs =
        steps.stream()
            .map(step -> new WeightPipeline.Job(step.name, step.weight, step.type))
            .toList();
    try (var pipeline =
        new WeightPipeline(
            folder.path(), jobs, isPlain(type) ? null : type, options.threads(), progress)) {
      if (parts.size() == 1) {
        SplitSet.write(writer(pipeline), target);
        return List.of(target);
      }
      try (var preview = writer(null).preview(folder.path())) {
        return SplitSet.write(preview, prefix(target), writers(pipeline, parts));
      }
    }
  }

  private static Path prefix(Path target) {
    var name = target.getFileName().toString();
    return target.resolveSibling(name.replaceFirst("\\.gguf$", ""));
  }

  /// {@return the files of a set}
  private List<GgufWriter> writers(WeightPipeline pipeline, List<Integer> parts) {
    var writers = new ArrayList<GgufWriter>();
    int next = 0;
    for (int part = 0; part < parts.size(); part++) {
      var writer = new GgufWriter();
      if (part == 0) metadata.forEach(writer::put);
      SplitSet.number(writer, part, parts.size(), steps.size());
      for (var step : steps.subList(next, next + parts.get(part))) put(writer, step, pipeline);
      next += parts.get(part);
      writers.add(writer);
    }
    return writers;
  }

  /// {@return the file to be}
  ///
  /// @param pipeline gives its tensors; null where they are not to be written
  private GgufWriter writer(WeightPipeline pipeline) {
    var writer = new GgufWriter();
    metadata.forEach(writer::put);
    for (var step : steps) put(writer, step, pipeline);
    return writer;
  }

  private static void put(GgufWriter writer, Step step, WeightPipeline pipeline) {
    writer.tensor(step.name, step.type, step.shape(), out -> pipeline.writeNext(out));
  }

  /// Refuses to write over what is read.
  private void checkOther(Path target) throws IOException {
    if (!Files.isRegularFile(target)) return;
    boolean beside = isSame(target.toAbsolutePath().getParent(), folder.path());
    if (Files.isSameFile(target, folder.path())
        || beside && !target.getFileName().toString().endsWith(".gguf")
        || folder.files().stream().anyMatch(file -> isSame(file, target)))
      throw new IllegalArgumentException("the target is a file of the model: " + target);
  }

  private static boolean isSame(Path file, Path other) {
    try {
      return Files.isSameFile(file, other);
    } catch (IOException _) {
      return false;
    }
  }
}
