package dev.tenon.model;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.tensor.KvCache;
import dev.tenon.tensor.Rope;
import dev.tenon.tensor.Tensor;

/// The numbers shared by most decoders, read from `<architecture>.*`.
///
/// @param architecture value of `general.architecture`, the prefix of the keys
/// @param layers blocks
/// @param width embedding length
/// @param ffnWidth feed-forward length, 0 where the file has none
/// @param heads query heads
/// @param kvHeads key and value heads; divides `heads`
/// @param headDim elements of a query and of a key
/// @param valueDim elements of a value
/// @param vocabulary token ids
/// @param contextLength trained context, in tokens
public record Hyperparameters(
    String architecture,
    int layers,
    int width,
    int ffnWidth,
    int heads,
    int kvHeads,
    int headDim,
    int valueDim,
    int vocabulary,
    int contextLength) {

  /// {@return the numbers in `gguf`}
  ///
  /// @param gguf open file
  /// @throws GgufFormatException if a required key is absent or of another type, a number is not
  ///     positive, or the heads do not divide evenly
  public static Hyperparameters of(Gguf gguf) throws GgufFormatException {
    var architecture = gguf.text("general.architecture");
    var key = architecture + ".";
    int heads = positive(gguf, key + "attention.head_count");
    int width = positive(gguf, key + "embedding_length");
    int kvHeads = positive(gguf, key + "attention.head_count_kv", heads);
    if (heads % kvHeads != 0)
      throw gguf.malformed(
          key + "attention.head_count_kv",
          key + "attention.head_count_kv a divisor of the " + heads + " heads",
          "" + kvHeads);
    int layers = positive(gguf, key + "block_count");
    int most = Math.max(512, gguf.tensors().size()); // a layer has a tensor at least
    if (layers > most)
      throw gguf.malformed(key + "block_count", key + "block_count from 1 to " + most, "" + layers);
    int headDim = positive(gguf, key + "attention.key_length", width / heads);
    int valueDim = positive(gguf, key + "attention.value_length", width / heads);
    if ((long) heads * Math.max(headDim, valueDim) > Integer.MAX_VALUE)
      throw gguf.malformed(
          key + "attention.head_count",
          "heads of " + headDim + " that go together",
          heads + " of them");
    return new Hyperparameters(
        architecture,
        layers,
        width,
        number(gguf, key + "feed_forward_length", 0),
        heads,
        kvHeads,
        headDim,
        valueDim,
        vocabulary(gguf),
        positive(gguf, key + "context_length"));
  }

  /// {@return the numbers of the decoder in `gguf`, a file of an encoder-decoder, of which [#of]
  /// gives the encoder's: where no key says otherwise they are the same}
  ///
  /// @param gguf open file
  /// @throws GgufFormatException if a required key is absent or of another type, a number is not
  ///     positive, or there are more layers than tensors
  public static Hyperparameters ofDecoder(Gguf gguf) throws GgufFormatException {
    var encoder = of(gguf);
    var key = encoder.architecture + ".";
    int layers = positive(gguf, key + "decoder_block_count", encoder.layers);
    int most = Math.max(512, gguf.tensors().size());
    if (layers > most)
      throw gguf.malformed(
          key + "decoder_block_count", key + "decoder_block_count from 1 to " + most, "" + layers);
    int heads = positive(gguf, key + "attention.decoder_head_count", encoder.heads);
    int headDim = positive(gguf, key + "attention.key_length", encoder.width / heads);
    int valueDim = positive(gguf, key + "attention.value_length", encoder.width / heads);
    if ((long) heads * Math.max(headDim, valueDim) > Integer.MAX_VALUE)
      throw gguf.malformed(
          key + "attention.decoder_head_count",
          "heads of " + headDim + " that go together",
          heads + " of them");
    return new Hyperparameters(
        encoder.architecture,
        layers,
        encoder.width,
        number(gguf, key + "decoder_feed_forward_length", encoder.ffnWidth),
        heads,
        heads,
        headDim,
        valueDim,
        encoder.vocabulary,
        encoder.contextLength);
  }

  /// {@return the integer at `key`, or `fallback` if absent}
  ///
  /// @param gguf open file
  /// @param key for example `llama.expert_count`
  /// @param fallback used when absent
  /// @throws GgufFormatException if present but not an integer from 0 to 2^31 - 1
  public static int number(Gguf gguf, String key, int fallback) throws GgufFormatException {
    return inRange(gguf, key, gguf.integer(key, fallback), 0);
  }

  /// {@return the integer at `key`}
  ///
  /// @param gguf open file
  /// @param key for example `llama.block_count`
  /// @throws GgufFormatException if absent or not an integer from 1 to 2^31 - 1
  public static int positive(Gguf gguf, String key) throws GgufFormatException {
    return inRange(gguf, key, gguf.integer(key), 1);
  }

  /// {@return the integer at `key`, or `fallback` if absent}
  ///
  /// @param gguf open file
  /// @param key for example `llama.attention.key_length`
  /// @param fallback used when absent
  /// @throws GgufFormatException if the integer is not from 1 to 2^31 - 1
  public static int positive(Gguf gguf, String key, int fallback) throws GgufFormatException {
    return inRange(gguf, key, gguf.integer(key, fallback), 1);
  }

  /// {@return the number at `key` that a norm adds to what it divides by}
  ///
  /// @param gguf open file
  /// @param key for example `llama.attention.layer_norm_rms_epsilon`
  /// @throws GgufFormatException if absent, not a number, or negative
  public static float epsilon(Gguf gguf, String key) throws GgufFormatException {
    var epsilon = (float) gguf.real(key);
    if (!(epsilon >= 0)) throw gguf.malformed(key, key + " of at least 0", "" + epsilon);
    return epsilon;
  }

  /// {@return what a cache holds for each token}
  public KvCache.Layout cacheLayout() {
    return new KvCache.Layout(layers, kvHeads, headDim, valueDim);
  }

  /// {@return the rotation the file describes: its base, and its scaling (`none`, `linear`,
  /// `longrope`, `yarn`)}
  ///
  /// @param gguf open file
  /// @param layout which elements of a head form a pair
  /// @param factors divisors of the frequencies, F32 `[dims / 2]`, or null
  /// @throws GgufFormatException if a key has another type, or the rotated elements do not fit a
  ///     head
  /// @throws UnsupportedOperationException if the scaling is unknown; the message has the known
  /// ones
  public Rope rope(Gguf gguf, Rope.Layout layout, Tensor factors) throws GgufFormatException {
    var key = architecture + ".rope.";
    int dims = number(gguf, key + "dimension_count", headDim);
    if (dims < 2 || dims % 2 != 0 || dims > headDim)
      throw gguf.malformed(
          key + "dimension_count",
          key + "dimension_count an even number from 2 to the head's " + headDim,
          "" + dims);
    var scaling = gguf.text(key + "scaling.type", "linear");
    double factor = finite(gguf, key + "scaling.factor", finite(gguf, key + "scale_linear", 0));
    if (factor < 0 || factor > 0 && !Float.isFinite((float) (1 / factor)))
      throw gguf.malformed(
          key + "scaling.factor", key + "scaling.factor of at least 0", "" + factor);
    boolean yarn =
        switch (scaling) {
          case "none", "linear", "longrope" -> false;
          case "yarn" -> true;
          default ->
              throw new UnsupportedOperationException(
                  key + "scaling.type " + scaling + ": known are none, linear, longrope, yarn");
        };
    float scale = factor == 0 || scaling.equals("none") ? 1 : (float) (1 / factor);
    int originalContext = number(gguf, key + "scaling.original_context_length", 0);
    double extrapolation = finite(gguf, key + "scaling.yarn_ext_factor", -1);
    if (extrapolation < 0) extrapolation = yarn ? 1 : 0;
    return new Rope(
        layout,
        dims,
        base(gguf, key + "freq_base", 10000),
        scale,
        originalContext == 0 ? contextLength : originalContext,
        (float) extrapolation,
        magnitude(gguf, key, scale, extrapolation),
        (float) finite(gguf, key + "scaling.yarn_beta_fast", 32),
        (float) finite(gguf, key + "scaling.yarn_beta_slow", 1),
        factors,
        factors);
  }

  /// {@return how many tokens each token sees, itself included: the integer at `key`, or
  /// [Integer#MAX_VALUE] for all where it is absent or 0}
  ///
  /// @param gguf open file
  /// @param key for example `gemma3.attention.sliding_window`
  /// @throws GgufFormatException if present but not an integer from 0 to 2^31 - 1
  public static int window(Gguf gguf, String key) throws GgufFormatException {
    int window = number(gguf, key, 0);
    return window == 0 ? Integer.MAX_VALUE : window;
  }

  /// {@return the base of rotary frequencies at `key`, or `fallback` if absent}
  ///
  /// @param gguf open file
  /// @param key for example `gemma3.rope.freq_base_swa`
  /// @param fallback used when absent
  /// @throws GgufFormatException if present but no positive number
  public static float base(Gguf gguf, String key, double fallback) throws GgufFormatException {
    var base = (float) finite(gguf, key, fallback);
    if (!(base > 0)) throw gguf.malformed(key, key + " above 0", "" + base);
    return base;
  }

  /// {@return the number at `key`, or `fallback` if absent}
  ///
  /// @param gguf open file
  /// @param key for example `gemma3.attention.scale`
  /// @param fallback used when absent
  /// @throws GgufFormatException if present but not a number, not finite, or beyond binary32
  public static double finite(Gguf gguf, String key, double fallback) throws GgufFormatException {
    double number = gguf.real(key, fallback);
    if (!Float.isFinite((float) number)) throw gguf.malformed(key, key + " finite", "" + number);
    return number;
  }

  /// YaRN multiplies what it rotates by `0.1 ln(factor) + 1`, which ggml does by itself; a file may
  /// ask for another strength (`yarn_log_multiplier`), and multiply once more (`attn_factor`).
  private static float magnitude(Gguf gguf, String key, float scale, double extrapolation)
      throws GgufFormatException {
    double magnitude = finite(gguf, key + "scaling.attn_factor", 1);
    if (extrapolation == 0)
      return (float) (magnitude * finite(gguf, key + "scaling.yarn_attn_factor", 1));
    double factor = 1 / scale;
    double logMultiplier = finite(gguf, key + "scaling.yarn_log_multiplier", 0);
    double ggmlOwn = 1 + 0.1 * Math.log(factor);
    if (logMultiplier == 0) return (float) (magnitude * yarnScale(factor, 1) / ggmlOwn);
    return (float) (magnitude * yarnScale(factor, 1) / yarnScale(factor, logMultiplier) / ggmlOwn);
  }

  private static double yarnScale(double factor, double multiplier) {
    return factor <= 1 ? 1 : 0.1 * multiplier * Math.log(factor) + 1;
  }

  /// The number of tokens listed, else the number the file says, else the rows of the embedding.
  private static int vocabulary(Gguf gguf) throws GgufFormatException {
    if (gguf.isArray("tokenizer.ggml.tokens")) return gguf.strings("tokenizer.ggml.tokens").size();
    var key = gguf.text("general.architecture") + ".vocab_size";
    if (gguf.has(key)) return positive(gguf, key);
    return (int) Math.min(gguf.tensor("token_embd.weight").shape().n1(), Integer.MAX_VALUE);
  }

  private static int inRange(Gguf gguf, String key, long value, int least)
      throws GgufFormatException {
    if (value >= least && value <= Integer.MAX_VALUE) return (int) value;
    if (gguf.has(key))
      throw gguf.malformed(key, key + " from " + least + " to " + Integer.MAX_VALUE, "" + value);
    throw new GgufFormatException(gguf.path(), -1, key, "none, and " + value + " in its place");
  }
}
