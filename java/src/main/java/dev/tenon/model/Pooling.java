package dev.tenon.model;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/// How the hidden states of a text's tokens become its embedding.
///
/// @param mode what is made of the tokens
/// @param normalize whether embeddings are scaled to length 1
/// @param maxTokens how many tokens of a text are read, special ones included;
///     [Integer#MAX_VALUE] where the file does not say
/// @param prompts texts put in front, by name, for example `query`
/// @param defaultPrompt name of the prompt that is used unasked; null for none
public record Pooling(
    Mode mode,
    boolean normalize,
    int maxTokens,
    Map<String, String> prompts,
    String defaultPrompt) {

  /// What is made of the tokens.
  public enum Mode {
    /// The mean of all.
    MEAN,
    /// The first.
    CLS,
    /// The last.
    LAST,
    /// The largest of each element.
    MAX
  }

  /// Copies the prompts.
  ///
  /// @throws IllegalArgumentException if there is no room for a token
  public Pooling {
    if (maxTokens < 1)
      throw new IllegalArgumentException("pooling: maxTokens " + maxTokens + ", at least 1");
    prompts = Map.copyOf(prompts);
  }

  /// {@return how a file makes embeddings}
  ///
  /// The mode is llama.cpp's `<architecture>.pooling_type` (1 mean, 2 first, 3 last), or
  /// `tenon.pooling.mode` (`max`), which it has no number for. Without either (0 and 4, of a
  /// classifier, count as none) it is the mean, as sentence-transformers takes it. The others are
  /// `tenon.pooling.normalize`, true where absent, as llama.cpp's tools do; `max_tokens`, `prompts`
  /// with their `prompt_names`, and `default_prompt`.
  ///
  /// @param gguf open file
  /// @throws GgufFormatException if a key has another type or an unknown value
  public static Pooling of(Gguf gguf) throws GgufFormatException {
    return new Pooling(
        mode(gguf),
        gguf.bool("tenon.pooling.normalize", true),
        Hyperparameters.positive(gguf, "tenon.pooling.max_tokens", Integer.MAX_VALUE),
        prompts(gguf),
        gguf.text("tenon.pooling.default_prompt", null));
  }

  private static Mode mode(Gguf gguf) throws GgufFormatException {
    var own = "tenon.pooling.mode";
    if (gguf.has(own)) {
      if (gguf.text(own).equals("max")) return Mode.MAX;
      throw gguf.malformed(own, own + " of max", gguf.text(own));
    }
    var key = gguf.text("general.architecture") + ".pooling_type";
    int number = Hyperparameters.number(gguf, key, 0);
    return switch (number) {
      case 0, 1, 4 -> Mode.MEAN;
      case 2 -> Mode.CLS;
      case 3 -> Mode.LAST;
      default -> throw gguf.malformed(key, key + " from 0 to 4", "" + number);
    };
  }

  private static Map<String, String> prompts(Gguf gguf) throws GgufFormatException {
    var key = "tenon.pooling.prompts";
    var prompts = new LinkedHashMap<String, String>();
    if (!gguf.has(key)) return prompts;
    var names = gguf.strings("tenon.pooling.prompt_names");
    var texts = gguf.strings(key);
    if (texts.size() != names.size())
      throw gguf.malformed(key, "a text for each of " + names.size() + " names", "" + texts.size());
    for (int i = 0; i < names.size(); i++) prompts.put(names.get(i), texts.get(i));
    return prompts;
  }

  /// {@return the tokens whose hidden states it needs; null for all}
  ///
  /// @param tokens how many the text has, at least 1
  public int[] needed(int tokens) {
    return switch (mode) {
      case CLS -> new int[] {0};
      case LAST -> new int[] {tokens - 1};
      case MEAN, MAX -> null;
    };
  }

  /// {@return the embedding of a text}
  ///
  /// @param states hidden states of the tokens that are [#needed], one after the other; at least
  ///     one
  /// @param width elements of each
  /// @throws IllegalArgumentException if they are not whole rows, or there is none
  public float[] pool(float[] states, int width) {
    if (width < 1 || states.length == 0 || states.length % width != 0)
      throw new IllegalArgumentException(
          "pool: " + states.length + " elements in rows of " + width);
    int rows = states.length / width;
    var pooled =
        switch (mode) {
          case CLS -> Arrays.copyOf(states, width);
          case LAST -> Arrays.copyOfRange(states, states.length - width, states.length);
          case MEAN -> mean(states, rows, width);
          case MAX -> largest(states, rows, width);
        };
    return normalize ? normalized(pooled) : pooled;
  }

  private static float[] mean(float[] states, int rows, int width) {
    var sum = new double[width];
    for (int i = 0; i < states.length; i++) sum[i % width] += states[i];
    var mean = new float[width];
    for (int i = 0; i < width; i++) mean[i] = (float) (sum[i] / rows);
    return mean;
  }

  private static float[] largest(float[] states, int rows, int width) {
    var largest = Arrays.copyOf(states, width);
    for (int row = 1; row < rows; row++)
      for (int i = 0; i < width; i++) largest[i] = Math.max(largest[i], states[row * width + i]);
    return largest;
  }

  /// `x` scaled to length 1, in place; one of zeros stays as it is.
  private static float[] normalized(float[] x) {
    double squares = 0;
    for (float element : x) squares += (double) element * element;
    double length = Math.sqrt(squares);
    for (int i = 0; length > 0 && i < x.length; i++) x[i] = (float) (x[i] / length);
    return x;
  }
}
