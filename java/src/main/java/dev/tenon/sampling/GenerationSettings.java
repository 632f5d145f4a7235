package dev.tenon.sampling;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

/// How sequences are generated, with the names, defaults and meaning of transformers' generation
/// configuration. Immutable; each `with…` makes a copy.
///
/// ```java
/// var settings = GenerationSettings.defaults().withNumBeams(4).withEos(List.of(2));
/// var search = Search.of(settings, vocabulary, prompt, source);
/// ```
///
/// @param maxLength the most tokens of a sequence, the prompt's with them (of the decoder's); 0
///     for 20 more than the prompt has
/// @param maxNewTokens the most tokens after the prompt, whatever `maxLength` says; 0 for what
///     that says
/// @param minLength the fewest tokens of a sequence, the prompt's with them, before an end token
/// @param minNewTokens the fewest tokens after the prompt before an end token, whatever
///     `minLength` says; 0 for what that says
/// @param numBeams how many sequences are continued side by side, from 1 to 64; 1 for no beam
///     search
/// @param numReturnSequences how many sequences come out: at most the number of beams; where there
///     is 1 beam, more than 1 only where tokens are drawn, and at most 64
/// @param lengthPenalty a finished sequence's score is divided by the number of its new tokens to
///     this power: above 0 favours long ones, below 0 short ones
/// @param earlyStopping when a beam search ends
/// @param noRepeatNgramSize sequences of so many tokens occur at most once; 0 for no limit
/// @param encoderNoRepeatNgramSize sequences of so many tokens that the source has do not occur; 0
///     for no limit
/// @param repetitionPenalty divides positive scores of tokens that the sequence has, its prompt
///     with it, and multiplies others; 1 for none
/// @param encoderRepetitionPenalty multiplies positive scores of tokens that the source has and
///     divides others; 1 for none
/// @param badWordsIds sequences of tokens that do not occur
/// @param sequenceBias added to the score of a token where it would complete one of these
///     sequences
/// @param forcedBos the token after a prompt of one token; -1 for any
/// @param forcedEos the tokens of which one is the last where the length is reached; empty for any
/// @param suppressTokens tokens that do not occur
/// @param beginSuppressTokens tokens that do not come first
/// @param decayStart after how many new tokens the end tokens' scores begin to grow
/// @param decayFactor how they grow with each token from there on; 1 for not at all
/// @param removeInvalidValues whether scores that are no numbers become 0, and infinite ones
///     finite
/// @param renormalizeLogits whether the scores, once edited, become log-probabilities again
/// @param doSample whether tokens are drawn; else the best are taken
/// @param temperature divides the scores before a draw; 0 takes the best
/// @param topK how many of the best tokens to draw from; 0 for all
/// @param topP probability that the tokens to draw from must reach together; 1 for all
/// @param minP probability, relative to the best, that a token must have to be drawn; 0 for any
/// @param typicalP probability that the tokens of typical surprise must reach together; 1 for all
/// @param epsilonCutoff probability that a token must have to be drawn; 0 for any
/// @param etaCutoff the same, but less where the model is unsure; 0 for any
/// @param bos the token that begins a text; -1 for none
/// @param eos the tokens that end a text, at most 256; empty for none
/// @param pad the token that fills up; -1 for none
/// @param decoderStart the token that a decoder beside an encoder begins with; -1 for none
public record GenerationSettings(
    int maxLength,
    int maxNewTokens,
    int minLength,
    int minNewTokens,
    int numBeams,
    int numReturnSequences,
    double lengthPenalty,
    EarlyStopping earlyStopping,
    int noRepeatNgramSize,
    int encoderNoRepeatNgramSize,
    double repetitionPenalty,
    double encoderRepetitionPenalty,
    List<List<Integer>> badWordsIds,
    Map<List<Integer>, Double> sequenceBias,
    int forcedBos,
    List<Integer> forcedEos,
    List<Integer> suppressTokens,
    List<Integer> beginSuppressTokens,
    int decayStart,
    double decayFactor,
    boolean removeInvalidValues,
    boolean renormalizeLogits,
    boolean doSample,
    double temperature,
    int topK,
    double topP,
    double minP,
    double typicalP,
    double epsilonCutoff,
    double etaCutoff,
    int bos,
    List<Integer> eos,
    int pad,
    int decoderStart) {
  /// The most sequences side by side: a cache tells so many apart.
  public static final int MAX_SEQUENCES = 64;

  private static final int MAX_ENDS = 256;
  private static final int DEFAULT_NEW_TOKENS = 20;

  private static final GenerationSettings DEFAULTS =
      new GenerationSettings(
          0,
          0,
          0,
          0,
          1,
          1,
          1,
          EarlyStopping.FALSE,
          0,
          0,
          1,
          1,
          List.of(),
          Map.of(),
          -1,
          List.of(),
          List.of(),
          List.of(),
          0,
          1,
          false,
          false,
          false,
          1,
          50,
          1,
          0,
          1,
          0,
          0,
          -1,
          List.of(),
          -1,
          -1);

  /// Checks that the numbers make sense; copies the lists and the map.
  ///
  /// @throws IllegalArgumentException if a number is out of its range; the message has
  ///     transformers' name of it and the value
  public GenerationSettings {
    atLeast("max_length", 0, maxLength);
    atLeast("max_new_tokens", 0, maxNewTokens);
    atLeast("min_length", 0, minLength);
    atLeast("min_new_tokens", 0, minNewTokens);
    range("num_beams", 1, MAX_SEQUENCES, numBeams);
    range("num_return_sequences", 1, MAX_SEQUENCES, numReturnSequences);
    if (numReturnSequences > numBeams && !(numBeams == 1 && doSample)) {
      throw new IllegalArgumentException(
          "num_return_sequences "
              + numReturnSequences
              + " with num_beams "
              + numBeams
              + ": at most one for each beam, unless do_sample draws with one");
    }
    finite("length_penalty", lengthPenalty);
    Objects.requireNonNull(earlyStopping);
    atLeast("no_repeat_ngram_size", 0, noRepeatNgramSize);
    atLeast("encoder_no_repeat_ngram_size", 0, encoderNoRepeatNgramSize);
    penalty("repetition_penalty", repetitionPenalty);
    penalty("encoder_repetition_penalty", encoderRepetitionPenalty);
    badWordsIds = badWordsIds.stream().map(word -> words("bad_words_ids", word)).toList();
    var biases = new LinkedHashMap<List<Integer>, Double>();
    sequenceBias.forEach(
        (ids, bias) -> biases.put(words("sequence_bias", ids), number("sequence_bias", bias)));
    sequenceBias = Collections.unmodifiableMap(biases);
    atLeast("forced_bos_token_id", -1, forcedBos);
    forcedEos = ids("forced_eos_token_id", forcedEos);
    suppressTokens = ids("suppress_tokens", suppressTokens);
    beginSuppressTokens = ids("begin_suppress_tokens", beginSuppressTokens);
    atLeast("exponential_decay_length_penalty: start", 0, decayStart);
    penalty("exponential_decay_length_penalty: factor", decayFactor);
    finite("temperature", temperature);
    if (temperature < 0) {
      throw new IllegalArgumentException("temperature " + temperature + " is negative");
    }
    atLeast("top_k", 0, topK);
    share("top_p", topP);
    share("min_p", minP);
    share("typical_p", typicalP);
    share("epsilon_cutoff", epsilonCutoff);
    share("eta_cutoff", etaCutoff);
    atLeast("bos_token_id", -1, bos);
    eos = ids("eos_token_id", eos);
    if (eos.size() > MAX_ENDS) {
      throw new IllegalArgumentException(
          "eos_token_id: " + eos.size() + " ids, at most " + MAX_ENDS);
    }
    atLeast("pad_token_id", -1, pad);
    atLeast("decoder_start_token_id", -1, decoderStart);
  }

  /// {@return transformers' defaults: 20 new tokens, the best one at a time, and no token known}
  public static GenerationSettings defaults() {
    return DEFAULTS;
  }

  /// {@return a copy}
  ///
  /// @param length the most tokens of a sequence, the prompt's with them (of the decoder's); 0 for
  ///     20 more than the prompt has
  /// @throws IllegalArgumentException if `length` is negative
  public GenerationSettings withMaxLength(int length) {
    return with(draft -> draft.maxLength = length);
  }

  /// {@return a copy}
  ///
  /// @param tokens the most tokens after the prompt, whatever `maxLength` says; 0 for what that
  ///     says
  /// @throws IllegalArgumentException if `tokens` is negative
  public GenerationSettings withMaxNewTokens(int tokens) {
    return with(draft -> draft.maxNewTokens = tokens);
  }

  /// {@return a copy}
  ///
  /// @param length the fewest tokens of a sequence, the prompt's with them, before an end token
  /// @throws IllegalArgumentException if `length` is negative
  public GenerationSettings withMinLength(int length) {
    return with(draft -> draft.minLength = length);
  }

  /// {@return a copy}
  ///
  /// @param tokens the fewest tokens after the prompt before an end token, whatever `minLength`
  ///     says; 0 for what that says
  /// @throws IllegalArgumentException if `tokens` is negative
  public GenerationSettings withMinNewTokens(int tokens) {
    return with(draft -> draft.minNewTokens = tokens);
  }

  /// {@return a copy}
  ///
  /// @param beams how many sequences are continued side by side, from 1 to 64; 1 for no beam
  ///     search
  /// @throws IllegalArgumentException if `beams` is out of range, or below the number of sequences
  ///     to return
  public GenerationSettings withNumBeams(int beams) {
    return with(draft -> draft.numBeams = beams);
  }

  /// {@return a copy}
  ///
  /// @param sequences how many sequences come out: at most the number of beams; where there is 1
  ///     beam, more than 1 only where tokens are drawn, and at most 64
  /// @throws IllegalArgumentException if `sequences` is out of range
  public GenerationSettings withNumReturnSequences(int sequences) {
    return with(draft -> draft.numReturnSequences = sequences);
  }

  /// {@return a copy}
  ///
  /// @param exponent a finished sequence's score is divided by the number of its new tokens to
  ///     this power: above 0 favours long ones, below 0 short ones
  /// @throws IllegalArgumentException if `exponent` is not finite
  public GenerationSettings withLengthPenalty(double exponent) {
    return with(draft -> draft.lengthPenalty = exponent);
  }

  /// {@return a copy}
  ///
  /// @param when when a beam search ends
  public GenerationSettings withEarlyStopping(EarlyStopping when) {
    return with(draft -> draft.earlyStopping = when);
  }

  /// {@return a copy}
  ///
  /// @param size sequences of so many tokens occur at most once; 0 for no limit
  /// @throws IllegalArgumentException if `size` is negative
  public GenerationSettings withNoRepeatNgramSize(int size) {
    return with(draft -> draft.noRepeatNgramSize = size);
  }

  /// {@return a copy}
  ///
  /// @param size sequences of so many tokens that the source has do not occur; 0 for no limit
  /// @throws IllegalArgumentException if `size` is negative
  public GenerationSettings withEncoderNoRepeatNgramSize(int size) {
    return with(draft -> draft.encoderNoRepeatNgramSize = size);
  }

  /// {@return a copy}
  ///
  /// @param penalty divides positive scores of tokens that the sequence has, its prompt with it,
  ///     and multiplies others; 1 for none
  /// @throws IllegalArgumentException if `penalty` is not above 0 and finite
  public GenerationSettings withRepetitionPenalty(double penalty) {
    return with(draft -> draft.repetitionPenalty = penalty);
  }

  /// {@return a copy}
  ///
  /// @param penalty multiplies positive scores of tokens that the source has and divides others; 1
  ///     for none
  /// @throws IllegalArgumentException if `penalty` is not above 0 and finite
  public GenerationSettings withEncoderRepetitionPenalty(double penalty) {
    return with(draft -> draft.encoderRepetitionPenalty = penalty);
  }

  /// {@return a copy}
  ///
  /// @param words sequences of tokens that do not occur
  /// @throws IllegalArgumentException if `words` has an empty one or a negative id
  public GenerationSettings withBadWordsIds(List<List<Integer>> words) {
    return with(draft -> draft.badWordsIds = words);
  }

  /// {@return a copy}
  ///
  /// @param bias added to the score of a token where it would complete one of these sequences
  /// @throws IllegalArgumentException if `bias` has an empty sequence, a negative id or a number
  ///     that is none
  public GenerationSettings withSequenceBias(Map<List<Integer>, Double> bias) {
    return with(draft -> draft.sequenceBias = bias);
  }

  /// {@return a copy}
  ///
  /// @param token the token after a prompt of one token; -1 for any
  /// @throws IllegalArgumentException if `token` is below -1
  public GenerationSettings withForcedBos(int token) {
    return with(draft -> draft.forcedBos = token);
  }

  /// {@return a copy}
  ///
  /// @param tokens the tokens of which one is the last where the length is reached; empty for any
  /// @throws IllegalArgumentException if `tokens` has a negative id
  public GenerationSettings withForcedEos(List<Integer> tokens) {
    return with(draft -> draft.forcedEos = tokens);
  }

  /// {@return a copy}
  ///
  /// @param tokens tokens that do not occur
  /// @throws IllegalArgumentException if `tokens` has a negative id
  public GenerationSettings withSuppressTokens(List<Integer> tokens) {
    return with(draft -> draft.suppressTokens = tokens);
  }

  /// {@return a copy}
  ///
  /// @param tokens tokens that do not come first
  /// @throws IllegalArgumentException if `tokens` has a negative id
  public GenerationSettings withBeginSuppressTokens(List<Integer> tokens) {
    return with(draft -> draft.beginSuppressTokens = tokens);
  }

  /// {@return a copy}
  ///
  /// @param start after how many new tokens the end tokens' scores begin to grow
  /// @param factor how they grow with each token from there on; 1 for not at all
  /// @throws IllegalArgumentException if `start` is negative, or `factor` not above 0 and finite
  public GenerationSettings withExponentialDecayLengthPenalty(int start, double factor) {
    return with(
        draft -> {
          draft.decayStart = start;
          draft.decayFactor = factor;
        });
  }

  /// {@return a copy}
  ///
  /// @param removed whether scores that are no numbers become 0, and infinite ones finite
  public GenerationSettings withRemoveInvalidValues(boolean removed) {
    return with(draft -> draft.removeInvalidValues = removed);
  }

  /// {@return a copy}
  ///
  /// @param normalised whether the scores, once edited, become log-probabilities again
  public GenerationSettings withRenormalizeLogits(boolean normalised) {
    return with(draft -> draft.renormalizeLogits = normalised);
  }

  /// {@return a copy}
  ///
  /// @param drawn whether tokens are drawn; else the best are taken
  public GenerationSettings withDoSample(boolean drawn) {
    return with(draft -> draft.doSample = drawn);
  }

  /// {@return a copy}
  ///
  /// @param divisor divides the scores before a draw; 0 takes the best
  /// @throws IllegalArgumentException if `divisor` is negative or not finite
  public GenerationSettings withTemperature(double divisor) {
    return with(draft -> draft.temperature = divisor);
  }

  /// {@return a copy}
  ///
  /// @param k how many of the best tokens to draw from; 0 for all
  /// @throws IllegalArgumentException if `k` is negative
  public GenerationSettings withTopK(int k) {
    return with(draft -> draft.topK = k);
  }

  /// {@return a copy}
  ///
  /// @param p probability that the tokens to draw from must reach together; 1 for all
  /// @throws IllegalArgumentException if `p` is not from 0 to 1
  public GenerationSettings withTopP(double p) {
    return with(draft -> draft.topP = p);
  }

  /// {@return a copy}
  ///
  /// @param p probability, relative to the best, that a token must have to be drawn; 0 for any
  /// @throws IllegalArgumentException if `p` is not from 0 to 1
  public GenerationSettings withMinP(double p) {
    return with(draft -> draft.minP = p);
  }

  /// {@return a copy}
  ///
  /// @param p probability that the tokens of typical surprise must reach together; 1 for all
  /// @throws IllegalArgumentException if `p` is not from 0 to 1
  public GenerationSettings withTypicalP(double p) {
    return with(draft -> draft.typicalP = p);
  }

  /// {@return a copy}
  ///
  /// @param p probability that a token must have to be drawn; 0 for any
  /// @throws IllegalArgumentException if `p` is not from 0 to 1
  public GenerationSettings withEpsilonCutoff(double p) {
    return with(draft -> draft.epsilonCutoff = p);
  }

  /// {@return a copy}
  ///
  /// @param p the same, but less where the model is unsure; 0 for any
  /// @throws IllegalArgumentException if `p` is not from 0 to 1
  public GenerationSettings withEtaCutoff(double p) {
    return with(draft -> draft.etaCutoff = p);
  }

  /// {@return a copy}
  ///
  /// @param token the token that begins a text; -1 for none
  /// @throws IllegalArgumentException if `token` is below -1
  public GenerationSettings withBos(int token) {
    return with(draft -> draft.bos = token);
  }

  /// {@return a copy}
  ///
  /// @param tokens the tokens that end a text, at most 256; empty for none
  /// @throws IllegalArgumentException if `tokens` has a negative id or more than 256
  public GenerationSettings withEos(List<Integer> tokens) {
    return with(draft -> draft.eos = tokens);
  }

  /// {@return a copy}
  ///
  /// @param token the token that fills up; -1 for none
  /// @throws IllegalArgumentException if `token` is below -1
  public GenerationSettings withPad(int token) {
    return with(draft -> draft.pad = token);
  }

  /// {@return a copy}
  ///
  /// @param token the token that a decoder beside an encoder begins with; -1 for none
  /// @throws IllegalArgumentException if `token` is below -1
  public GenerationSettings withDecoderStart(int token) {
    return with(draft -> draft.decoderStart = token);
  }

  /// {@return whether tokens are drawn: that is asked for, and the temperature is not 0}
  public boolean draws() {
    return doSample && temperature > 0;
  }

  /// {@return the most tokens that a sequence has, those of its prompt with them}
  ///
  /// @param promptLength how many tokens the prompt has
  public int lengthLimit(int promptLength) {
    if (maxNewTokens > 0) {
      return (int) Math.min(Integer.MAX_VALUE, (long) promptLength + maxNewTokens);
    }
    return maxLength > 0 ? maxLength : promptLength + DEFAULT_NEW_TOKENS;
  }

  /// {@return the fewest tokens that a sequence has before an end token, those of its prompt with
  /// them}
  ///
  /// @param promptLength how many tokens the prompt has
  public int leastLength(int promptLength) {
    return minNewTokens > 0
        ? (int) Math.min(Integer.MAX_VALUE, (long) promptLength + minNewTokens)
        : minLength;
  }

  /// {@return what transformers fills shorter sequences up with: the padding token, or the first
  /// end token where there is none (and, with beams, where it is 0); -1 where neither is known}
  public int filler() {
    if (pad > 0 || pad == 0 && numBeams == 1) {
      return pad;
    }
    return eos.isEmpty() ? -1 : eos.getFirst();
  }

  private GenerationSettings with(Consumer<GenerationDraft> change) {
    var draft = new GenerationDraft(this);
    change.accept(draft);
    return draft.finish();
  }

  private static void atLeast(String name, int least, int value) {
    if (value < least) {
      throw new IllegalArgumentException(name + " " + value + ", at least " + least);
    }
  }

  private static void range(String name, int least, int most, int value) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(name + " " + value + ", from " + least + " to " + most);
    }
  }

  private static void finite(String name, double value) {
    if (!Float.isFinite((float) value)) {
      throw new IllegalArgumentException(name + " " + value + " is not finite");
    }
  }

  private static double number(String name, double value) {
    if (Double.isNaN(value)) {
      throw new IllegalArgumentException(name + " has a bias that is not a number");
    }
    return value;
  }

  private static void penalty(String name, double value) {
    if (!((float) value > 0)
        || !Float.isFinite((float) value)
        || !Float.isFinite(1 / (float) value)) {
      throw new IllegalArgumentException(name + " " + value + " is not above 0 and finite");
    }
  }

  private static void share(String name, double value) {
    if (!(value >= 0 && value <= 1)) {
      throw new IllegalArgumentException(name + " " + value + ", from 0 to 1");
    }
  }

  private static List<Integer> ids(String name, List<Integer> ids) {
    for (int id : ids) {
      if (id < 0) {
        throw new IllegalArgumentException(name + ": id " + id + " is negative");
      }
    }
    return List.copyOf(ids);
  }

  private static List<Integer> words(String name, List<Integer> ids) {
    if (ids.isEmpty()) {
      throw new IllegalArgumentException(name + " has an empty sequence");
    }
    return ids(name, ids);
  }
}
