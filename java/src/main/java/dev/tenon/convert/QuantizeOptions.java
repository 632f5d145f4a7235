package dev.tenon.convert;

import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.TensorType;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/// How a file is quantized. Immutable; each `with…` makes a copy.
///
/// @param type what most weights become, and the rule for the others
/// @param threads that compute, from 1 to 512
/// @param importance how much each column of each weight counts, or null
/// @param outputType the type of `output.weight`, or null for that of the rule
/// @param embeddingType the type of `token_embd.weight`, or null for that of the rule
/// @param rules types for tensors by name, the first that matches counting; none for a type of
///     plain floats
/// @param pure whether every weight gets the same type, without the rule
/// @param leaveOutput whether `output.weight` stays as it is
/// @param requantize whether weights that are quantized already may be quantized again, which loses
///     more than going from floats
/// @param keepSplit whether a split set becomes a split set of the same parts
/// @param prunedLayers layers that are left out
/// @param metadata values put over those of the file, in this order
/// @param bufferBytes the most memory for rows in the making, at least 1; one row of the longest
///     is needed in any case
/// @param progress is told how far it is
public record QuantizeOptions(
    FileType type,
    int threads,
    ImportanceMatrix importance,
    TensorType outputType,
    TensorType embeddingType,
    List<Rule> rules,
    boolean pure,
    boolean leaveOutput,
    boolean requantize,
    boolean keepSplit,
    SortedSet<Integer> prunedLayers,
    Map<String, GgufValue> metadata,
    long bufferBytes,
    Progress progress) {

  private static final long USUAL_BUFFER = 1L << 33;

  /// The type of tensors by name.
  ///
  /// @param name found anywhere in the name of a tensor
  /// @param type what they become
  public record Rule(Pattern name, TensorType type) {
    /// Checks that nothing is null.
    public Rule {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(type, "type");
    }
  }

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException if one is out of range, a layer is negative, or a type is one
  ///     that nothing can be quantized to
  public QuantizeOptions {
    Objects.requireNonNull(type, "type");
    Objects.requireNonNull(progress, "progress");
    if (threads < 1 || threads > 512)
      throw new IllegalArgumentException("threads: " + threads + ", from 1 to 512");
    if (bufferBytes < 1)
      throw new IllegalArgumentException("buffer of " + bufferBytes + " bytes, at least 1");
    rules = List.copyOf(rules);
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    prunedLayers = Collections.unmodifiableSortedSet(new TreeSet<>(prunedLayers));
    if (!prunedLayers.isEmpty() && prunedLayers.first() < 0)
      throw new IllegalArgumentException("layer " + prunedLayers.first() + ", at least 0");
  }

  /// {@return the defaults: all processors, the type's rule for every tensor, no importance}
  ///
  /// @param type what most weights become
  public static QuantizeOptions of(FileType type) {
    return new QuantizeOptions(
        type,
        Math.min(Runtime.getRuntime().availableProcessors(), 512),
        null,
        null,
        null,
        List.of(),
        false,
        false,
        false,
        false,
        Collections.emptySortedSet(),
        Map.of(),
        USUAL_BUFFER,
        (_, _) -> {});
  }

  /// {@return a copy with another number of threads}
  ///
  /// @param count from 1 to 512
  public QuantizeOptions withThreads(int count) {
    return with(draft -> draft.threads = count);
  }

  /// {@return a copy with an importance of each column}
  ///
  /// @param matrix or null for none
  public QuantizeOptions withImportance(ImportanceMatrix matrix) {
    return with(draft -> draft.importance = matrix);
  }

  /// {@return a copy with another type of `output.weight`}
  ///
  /// @param of or null for that of the rule
  public QuantizeOptions withOutputType(TensorType of) {
    return with(draft -> draft.outputType = of);
  }

  /// {@return a copy with another type of `token_embd.weight`}
  ///
  /// @param of or null for that of the rule
  public QuantizeOptions withEmbeddingType(TensorType of) {
    return with(draft -> draft.embeddingType = of);
  }

  /// {@return a copy with types for tensors by name}
  ///
  /// @param byName the first that matches counts; not retained
  public QuantizeOptions withRules(List<Rule> byName) {
    return with(draft -> draft.rules = byName);
  }

  /// {@return a copy that gives every weight the same type or not}
  ///
  /// @param same whether the rule is left aside
  public QuantizeOptions withPure(boolean same) {
    return with(draft -> draft.pure = same);
  }

  /// {@return a copy that leaves `output.weight` as it is or not}
  ///
  /// @param leave whether it stays
  public QuantizeOptions withLeaveOutput(boolean leave) {
    return with(draft -> draft.leaveOutput = leave);
  }

  /// {@return a copy that quantizes what is quantized already or refuses to}
  ///
  /// @param allowed whether it may
  public QuantizeOptions withRequantize(boolean allowed) {
    return with(draft -> draft.requantize = allowed);
  }

  /// {@return a copy that makes a split set of a split set or one file}
  ///
  /// @param keep whether the parts stay
  public QuantizeOptions withKeepSplit(boolean keep) {
    return with(draft -> draft.keepSplit = keep);
  }

  /// {@return a copy without some layers}
  ///
  /// @param layers those to leave out; not retained
  public QuantizeOptions withPrunedLayers(SortedSet<Integer> layers) {
    return with(draft -> draft.prunedLayers = layers);
  }

  /// {@return a copy with values over those of the file}
  ///
  /// @param values put in this order; not retained
  public QuantizeOptions withMetadata(Map<String, GgufValue> values) {
    return with(draft -> draft.metadata = values);
  }

  /// {@return a copy with another bound to its memory}
  ///
  /// @param most bytes of rows in the making, at least 1
  public QuantizeOptions withBufferBytes(long most) {
    return with(draft -> draft.bufferBytes = most);
  }

  /// {@return a copy that reports progress}
  ///
  /// @param listener called on the thread that makes the file
  public QuantizeOptions withProgress(Progress listener) {
    return with(draft -> draft.progress = listener);
  }

  private QuantizeOptions with(Consumer<Draft> change) {
    var draft = new Draft(this);
    change.accept(draft);
    return draft.done();
  }

  /// A copy while one of its values is changed.
  private static final class Draft {
    FileType type;
    int threads;
    ImportanceMatrix importance;
    TensorType outputType;
    TensorType embeddingType;
    List<Rule> rules;
    boolean pure;
    boolean leaveOutput;
    boolean requantize;
    boolean keepSplit;
    SortedSet<Integer> prunedLayers;
    Map<String, GgufValue> metadata;
    long bufferBytes;
    Progress progress;

    Draft(QuantizeOptions from) {
      type = from.type;
      threads = from.threads;
      importance = from.importance;
      outputType = from.outputType;
      embeddingType = from.embeddingType;
      rules = from.rules;
      pure = from.pure;
      leaveOutput = from.leaveOutput;
      requantize = from.requantize;
      keepSplit = from.keepSplit;
      prunedLayers = from.prunedLayers;
      metadata = from.metadata;
      bufferBytes = from.bufferBytes;
      progress = from.progress;
    }

    QuantizeOptions done() {
      return new QuantizeOptions(
          type,
          threads,
          importance,
          outputType,
          embeddingType,
          rules,
          pure,
          leaveOutput,
          requantize,
          keepSplit,
          prunedLayers,
          metadata,
          bufferBytes,
          progress);
    }
  }
}
