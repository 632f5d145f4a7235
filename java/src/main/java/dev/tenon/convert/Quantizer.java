package dev.tenon.convert;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.TensorInfo;
import dev.tenon.gguf.TensorType;
import dev.tenon.tensor.RowQuantizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;

/// Makes a smaller file of a model: the same as llama-quantize of llama.cpp 0.5.0, byte for byte.
///
/// ```java
/// try (var gguf = Gguf.open(Path.of("model-f16.gguf"))) {
///   var quantizer = Quantizer.of(gguf, QuantizeOptions.of(FileType.Q4_K_M));
///   quantizer.bytes(); // of its tensors, before anything is done
///   quantizer.write(Path.of("model-q4_k_m.gguf"));
/// }
/// ```
///
/// Immutable; one thread at a time may write.
public final class Quantizer {
  private static final int VERSION = 2; // GGML_QNT_VERSION
  private static final int GUESSED = 1024; // LLAMA_FTYPE_GUESSED
  private static final int MOST_TEXT_BYTES = 127;

  private final Gguf source;
  private final QuantizeOptions options;
  private final ImportanceMatrix importance;
  private final List<Step> steps;
  private final int layers;

  /// What becomes of one tensor.
  ///
  /// @param source as the file has it
  /// @param name as it will be called, which differs where layers before it are left out
  /// @param wanted the type that was chosen
  /// @param type the same, or another where its rows are no whole number of blocks of that
  /// @param needsImportance whether it would be garbage without an importance of its columns
  public record Step(
      TensorInfo source, String name, TensorType wanted, TensorType type, boolean needsImportance) {
    /// {@return the size it will have, in bytes}
    public long bytes() {
      return type.bytes(source.shape());
    }
  }

  private Quantizer(Gguf source, QuantizeOptions options, List<Step> steps, int layers) {
    this.source = source;
    this.options = options;
    this.importance = options.importance();
    this.steps = List.copyOf(steps);
    this.layers = layers;
  }

  /// Chooses a type for each tensor.
  ///
  /// @param source an open file, to stay open
  /// @param options what it becomes
  /// @return the plan, ready to be written
  /// @throws IllegalArgumentException if no type goes with the shape of a tensor
  /// @throws GgufFormatException if the metadata that the choice depends on are malformed
  public static Quantizer of(Gguf source, QuantizeOptions options) throws GgufFormatException {
    if (options.importance() != null && options.importance().isEmpty())
      options = options.withImportance(null);
    var tensors = new ArrayList<>(source.tensors());
    tensors.sort(Comparator.comparing(TensorInfo::name, Layers.ORDER));
    var renumbering = new Layers.Renumbering(options.prunedLayers());
    var names = new LinkedHashMap<TensorInfo, String>();
    for (var tensor : tensors) {
      var name = renumbering.rename(tensor.name());
      if (name != null) names.put(tensor, name);
    }
    if (options.keepSplit()) {
      tensors.sort(Comparator.comparingInt(TensorInfo::part).thenComparingLong(TensorInfo::offset));
    }
    var types = new TensorTypes(source, options, List.copyOf(names.values()));
    var steps = new ArrayList<Step>();
    for (var tensor : tensors) {
      var name = names.get(tensor);
      if (name == null) continue;
      var choice = types.choose(tensor, name);
      boolean quantized = types.quantizes(name, tensor.shape());
      checkType(tensor, choice.type());
      steps.add(
          new Step(
              tensor,
              name,
              choice.wanted(),
              choice.type(),
              quantized
                  && tensor.type() != choice.type()
                  && (types.needsImportance(name, choice.type())
                      || RowQuantizer.needsImportance(choice.type()))));
    }
    return new Quantizer(source, options, steps, renumbering.count());
  }

  private static void checkType(TensorInfo tensor, TensorType type) {
    if (tensor.type() == type) return;
    if (!RowQuantizer.canQuantize(type))
      throw new IllegalArgumentException(
          tensor.name() + " cannot become " + type.ggmlName() + ": no weights are stored so");
    if (tensor.shape().n0() % type.blockElements() != 0)
      throw new IllegalArgumentException(
          tensor.name()
              + " "
              + tensor.shape()
              + " cannot become "
              + type.ggmlName()
              + ": its rows are no multiple of "
              + type.blockElements());
  }

  /// {@return what becomes of each tensor, in the order of the file to be}
  public List<Step> steps() {
    return steps;
  }

  /// {@return the bytes of all tensors to be}
  public long bytes() {
    return steps.stream().mapToLong(Step::bytes).sum();
  }

  /// Writes the file, or the files of a set, whose names are then made from the target's. It
  /// appears under its name when it is complete.
  ///
  /// @param target where it is to be; replaced as a whole
  /// @return the file, or the files
  /// @throws IllegalArgumentException if the target is a file of the source, or a weight has no
  ///     importance and cannot do without
  /// @throws IllegalStateException if weights are quantized already, and the options do not allow
  ///     to do it again
  /// @throws UnsupportedOperationException if weights are of a type that cannot be read
  /// @throws CancellationException if the thread is interrupted; nothing is left behind, and it
  ///     stays interrupted
  /// @throws IOException if a file cannot be read or written, or a weight is infinite, not a number
  ///     or too large for its type; nothing is left behind
  public List<Path> write(Path target) throws IOException {
    var jobs = new ArrayList<RowPipeline.Job>();
    for (var step : steps) jobs.add(job(step));
    try (var pipeline =
        new RowPipeline(
            source, jobs, options.threads(), options.bufferBytes(), options.progress())) {
      int parts = options.keepSplit() ? source.parts() : 1;
      var writers = new ArrayList<GgufWriter>();
      for (int part = 0; part < parts; part++) {
        var writer = new GgufWriter();
        if (part == 0) putMetadata(writer);
        if (parts > 1) SplitSet.number(writer, part, parts, steps.size());
        for (var step : steps) {
          if (parts == 1 || step.source.part() == part)
            writer.tensor(step.name, step.type, step.source.shape(), pipeline::writeNext);
        }
        writers.add(writer);
      }
      if (options.keepSplit()) return SplitSet.write(source, prefix(target), writers);
      SplitSet.checkOther(source, target);
      SplitSet.write(writers.getFirst(), target);
      return List.of(target);
    }
  }

  private static Path prefix(Path target) {
    var name = target.getFileName().toString();
    return name.endsWith(".gguf")
        ? target.resolveSibling(name.substring(0, name.length() - ".gguf".length()))
        : target;
  }

  /// What there is to do for one tensor, if it can be done.
  private RowPipeline.Job job(Step step) {
    var tensor = step.source;
    if (tensor.type() == step.type) return new RowPipeline.Job(tensor, step.type, null);
    if (!RowQuantizer.canDequantize(tensor.type()))
      throw new UnsupportedOperationException(
          tensor.name() + " is " + tensor.type().ggmlName() + ", which cannot be quantized");
    if (tensor.type().isQuantized() && !options.requantize())
      throw new IllegalStateException(
          tensor.name()
              + " is quantized already, to "
              + tensor.type().ggmlName()
              + "; to quantize it again loses more and must be allowed");
    var columns = importance == null ? null : importance.of(tensor.name());
    var shape = tensor.shape();
    if (columns != null && columns.length != shape.n0() * shape.n2()) {
      // A table of embeddings is looked up and not multiplied with: what is said of it means the
      // output that shares it, if anything.
      if (!TensorTypes.isEmbedding(step.name))
        throw new IllegalArgumentException(
            importance.name()
                + " has "
                + columns.length
                + " columns for "
                + tensor.name()
                + ", which has "
                + shape.n0() * shape.n2());
      columns = null;
    }
    if (columns == null && step.needsImportance)
      throw new IllegalArgumentException(
          step.name
              + " would become "
              + step.type.ggmlName()
              + ", which needs an importance of its columns: "
              + (importance == null
                  ? "give an importance matrix"
                  : importance.name() + " has none"));
    return new RowPipeline.Job(tensor, step.type, columns);
  }

  /// Metadata in upstream's order: what is put over something else comes last.
  private void putMetadata(GgufWriter writer) throws GgufFormatException {
    writer.copy(source);
    for (var key : SplitSet.KEYS) writer.remove(key);
    last(writer, "general.quantization_version", uint32(VERSION));
    last(writer, "general.file_type", uint32(fileType()));
    options.metadata().forEach((key, value) -> last(writer, key, value));
    if (importance != null) {
      if (importance.path() != null)
        last(writer, "quantize.imatrix.file", text(importance.path().toString()));
      if (!importance.datasets().isEmpty())
        last(writer, "quantize.imatrix.dataset", text(importance.datasets().getFirst()));
      last(writer, "quantize.imatrix.entries_count", uint32(importance.weights().size()));
      if (importance.chunks() > 0)
        last(writer, "quantize.imatrix.chunks_count", uint32(importance.chunks()));
    }
    if (!options.prunedLayers().isEmpty())
      last(writer, source.text("general.architecture", "") + ".block_count", uint32(layers));
  }

  private static void last(GgufWriter writer, String key, GgufValue value) {
    writer.remove(key).put(key, value);
  }

  private static GgufValue uint32(long value) {
    return new GgufValue.Int(GgufType.UINT32, value);
  }

  /// As much of a text as upstream's fixed buffer holds.
  private static GgufValue text(String text) {
    int end = text.length();
    while (text.substring(0, end).getBytes(StandardCharsets.UTF_8).length > MOST_TEXT_BYTES)
      end = text.offsetByCodePoints(end, -1);
    return new GgufValue.Text(text.substring(0, end));
  }

  /// The number of the type; of a copy that of the file, or else a guess from what most tensors
  // are.
  private long fileType() throws GgufFormatException {
    if (options.type() != FileType.COPY) return options.type().id();
    if (source.has("general.file_type")) return source.integer("general.file_type");
    Map<TensorType, Integer> counts = new EnumMap<>(TensorType.class);
    var most = TensorType.F32;
    int times = 0;
    for (var step : steps) {
      int count = counts.merge(step.source.type(), 1, Integer::sum);
      if (count > times) {
        times = count;
        most = step.source.type();
      }
    }
    return GUESSED | usual(most);
  }

  /// The type of a file most of whose tensors are of a type.
  private static int usual(TensorType most) {
    return switch (most) {
      case Q2_K -> FileType.Q2_K.id();
      case Q3_K -> FileType.Q3_K_M.id();
      case Q4_K -> FileType.Q4_K_M.id();
      case Q5_K -> FileType.Q5_K_M.id();
      case IQ2_XS -> FileType.IQ2_XS.id();
      case IQ2_S -> FileType.IQ2_S.id();
      case IQ3_S -> FileType.IQ3_S.id();
      case NVFP4 -> 39;
      case MXFP4 -> FileType.F32.id();
      default -> {
        for (var type : FileType.values()) if (type.tensorType() == most) yield type.id();
        yield FileType.F32.id();
      }
    };
  }
}
