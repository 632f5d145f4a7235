package dev.tenon;

import dev.tenon.gguf.GgufFormatException;
import dev.tenon.model.Encoder;
import dev.tenon.model.EncoderEvaluator.Sequence;
import dev.tenon.model.Pooling;
import dev.tenon.tokenizer.TokenizedText;
import dev.tenon.tokenizer.Truncation;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/// Turns texts into vectors that lie near each other where the texts mean the same: what
/// sentence-transformers gives.
///
/// Texts of any lengths are read together, without padding. Confined to the thread that made it.
///
/// ```java
/// try (var embedder = new Embedder(model)) {
///   float[][] vectors = embedder.embed(List.of("A cat sleeps.", "A kitten naps."));
///   IO.println(Embedder.cosine(vectors[0], vectors[1]));
/// }
/// ```
public final class Embedder implements AutoCloseable {
  /// Texts whose tokens are in memory at once.
  private static final int TEXTS = 4096;

  /// Tokens whose hidden states are.
  private static final int TOKENS = 8192;

  private final TextHead head;
  private final Pooling pooling;
  private final Truncation truncation;
  private final String prompt;

  /// Opens a model, to embed as its file says.
  ///
  /// @param model stays open longer than this
  /// @throws UnsupportedOperationException if it is no encoder
  /// @throws IllegalStateException if it has no vocabulary, or is closed
  /// @throws UncheckedIOException if what its file says of embeddings is malformed
  /// @throws dev.tenon.tensor.BackendException if there is not the memory
  public Embedder(Model model) {
    this(model, pooling(model));
  }

  /// Opens a model.
  ///
  /// @param model stays open longer than this
  /// @param pooling how hidden states become a vector, and what goes before each text
  /// @throws UnsupportedOperationException if it is no encoder
  /// @throws IllegalStateException if it has no vocabulary, or is closed
  /// @throws dev.tenon.tensor.BackendException if there is not the memory
  public Embedder(Model model, Pooling pooling) {
    this.pooling = pooling;
    prompt =
        pooling.defaultPrompt() == null
            ? ""
            : pooling.prompts().getOrDefault(pooling.defaultPrompt(), "");
    head =
        new TextHead(
            model, "embed texts", output -> output.name().equals(Encoder.HIDDEN_STATES), 1);
    int most = Math.min(head.positions(), head.maxLength());
    truncation = new Truncation(Math.min(most, pooling.maxTokens()));
  }

  /// {@return how a model's file says that it embeds}
  ///
  /// @param model of any kind
  /// @throws UncheckedIOException if what its file says is malformed
  public static Pooling pooling(Model model) {
    try {
      return Pooling.of(model.gguf());
    } catch (GgufFormatException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// {@return elements of a vector}
  public int width() {
    return head.width();
  }

  /// {@return the most tokens of a text that are read, the rest is left out}
  public int maxTokens() {
    return truncation.maxLength();
  }

  /// {@return the vector of a text}
  ///
  /// @param text any text; an empty one has the vector of the tokens that are put around a text
  /// @throws IllegalStateException if this is closed
  /// @throws java.util.concurrent.CancellationException if the thread is interrupted
  /// @throws dev.tenon.tensor.BackendException if the computation fails
  public float[] embed(String text) {
    return embed(List.of(text))[0];
  }

  /// {@return the vector of each text, in their order}
  ///
  /// @param texts any texts, in any order
  /// @throws IllegalStateException if this is closed
  /// @throws java.util.concurrent.CancellationException if the thread is interrupted
  /// @throws dev.tenon.tensor.BackendException if the computation fails
  public float[][] embed(List<String> texts) {
    var vectors = new float[texts.size()][];
    for (int from = 0; from < vectors.length; from += TEXTS)
      embed(texts.subList(from, Math.min(vectors.length, from + TEXTS)), from, vectors);
    return vectors;
  }

  private void embed(List<String> texts, int first, float[][] vectors) {
    var tokenizer = head.tokenizer();
    var tokens =
        texts.parallelStream()
            .map(text -> tokenizer.tokenize(prompt + text, null, truncation))
            .toList();
    // Texts of one length are computed best; and then no more than fit.
    var order =
        IntStream.range(0, texts.size())
            .boxed()
            .sorted(Comparator.comparingInt(i -> tokens.get(i).length()))
            .toList();
    for (int from = 0; from < order.size(); ) {
      int to = from;
      int rows = 0;
      var sequences = new ArrayList<Sequence>();
      while (to < order.size() && (to == from || rows < TOKENS)) {
        var text = tokens.get(order.get(to++));
        rows += text.length();
        sequences.add(sequence(text));
      }
      var states = head.evaluate(sequences);
      for (int i = from; i < to; i++)
        vectors[first + order.get(i)] = pooling.pool(states[i - from][0], width());
      from = to;
    }
  }

  private Sequence sequence(TokenizedText text) {
    return head.sequence(text, text.length() == 0 ? null : pooling.needed(text.length()));
  }

  /// {@return a vector scaled as llama.cpp's tools do}
  ///
  /// @param vector any; not changed
  /// @param norm -1 for as it is, 0 so that the largest element is 32760, 1 by the sum of elements
  ///     without their signs, 2 to length 1, more by the norm of that power
  /// @throws IllegalArgumentException if `norm` is below -1
  public static float[] normalized(float[] vector, int norm) {
    if (norm < -1) throw new IllegalArgumentException("norm " + norm + ", at least -1");
    double size = 0;
    for (float x : vector) {
      size =
          switch (norm) {
            case -1 -> 1;
            case 0 -> Math.max(size, Math.abs(x) / 32760.0);
            case 2 -> size + (double) x * x;
            default -> size + Math.pow(Math.abs(x), norm);
          };
    }
    if (norm == 2) size = Math.sqrt(size);
    else if (norm > 0) size = Math.pow(size, 1.0 / norm);
    var scaled = new float[vector.length];
    for (int i = 0; i < scaled.length; i++) scaled[i] = size > 0 ? (float) (vector[i] / size) : 0;
    return scaled;
  }

  /// {@return the cosine of the angle between two vectors: 1 where they point the same way; 0 where
  /// one has no length}
  ///
  /// @param a any vector
  /// @param b of as many elements
  /// @throws IllegalArgumentException if one has more elements
  public static double cosine(float[] a, float[] b) {
    if (a.length != b.length)
      throw new IllegalArgumentException(
          "cosine: vectors of " + a.length + " and " + b.length + " elements");
    double product = 0;
    double ofA = 0;
    double ofB = 0;
    for (int i = 0; i < a.length; i++) {
      product += (double) a[i] * b[i];
      ofA += (double) a[i] * a[i];
      ofB += (double) b[i] * b[i];
    }
    double sizes = Math.sqrt(ofA) * Math.sqrt(ofB);
    return sizes > 0 ? product / sizes : 0;
  }

  /// Frees what was held. Closing twice has no effect.
  ///
  /// @throws WrongThreadException if called by another thread than the one that made it
  @Override
  public void close() {
    head.close();
  }
}
