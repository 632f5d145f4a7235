package dev.tenon;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.json.Json;
import dev.tenon.sampling.EarlyStopping;
import dev.tenon.sampling.GenerationSettings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What a model's makers say of how its texts are generated: `generation_config.json`.
///
/// Keys that are not known are passed over, and so are null values and negative ids, which stand
/// for none. All else must make sense: what cannot be followed is an error rather than another text
/// than was meant. A file is opened without it.
public final class GenerationConfig {
  private static final String KEY = "tenon.generation_config";

  /// What transformers takes for not set.
  private static final int UNSET_MAX_LENGTH = 20;

  private final Map<String, ?> values;
  private GenerationSettings settings = GenerationSettings.defaults();

  private GenerationConfig(Map<String, ?> values) {
    this.values = values;
  }

  /// {@return the settings that a file has: those it was converted with, or where it has none the
  /// defaults with the tokens of its vocabulary}
  ///
  /// @param gguf the file
  /// @throws GgufFormatException if what it has is malformed or out of range; the message has the
  ///     key
  public static GenerationSettings of(Gguf gguf) throws GgufFormatException {
    if (!gguf.has(KEY)) return ofVocabulary(gguf);
    GenerationSettings settings;
    try {
      settings = of(Json.object(gguf.text(KEY)));
    } catch (IllegalArgumentException e) {
      throw gguf.malformed(KEY, KEY + " with settings as JSON", e.getMessage());
    }
    return settings.decoderStart() >= 0
        ? settings
        : settings.withDecoderStart(decoderStart(gguf, settings.bos()));
  }

  /// {@return the settings that a `generation_config.json` has, and else the defaults}
  ///
  /// @param values its members, as [Json#object] gives them
  /// @throws IllegalArgumentException if one is malformed or out of range; the message has its name
  public static GenerationSettings of(Map<String, ?> values) {
    return new GenerationConfig(values).read();
  }

  private static GenerationSettings ofVocabulary(Gguf gguf) throws GgufFormatException {
    int bos = id(gguf, "tokenizer.ggml.bos_token_id", -1);
    int eos = id(gguf, "tokenizer.ggml.eos_token_id", -1);
    return GenerationSettings.defaults()
        .withBos(bos)
        .withEos(eos < 0 ? List.of() : List.of(eos))
        .withPad(id(gguf, "tokenizer.ggml.padding_token_id", -1))
        .withDecoderStart(decoderStart(gguf, bos));
  }

  private static int decoderStart(Gguf gguf, int otherwise) throws GgufFormatException {
    return id(gguf, gguf.text("general.architecture", "") + ".decoder_start_token_id", otherwise);
  }

  private static int id(Gguf gguf, String key, int otherwise) throws GgufFormatException {
    long id = gguf.integer(key, otherwise);
    if (id > Integer.MAX_VALUE)
      throw gguf.malformed(key, "at most " + Integer.MAX_VALUE, Long.toString(id));
    return (int) Math.max(-1, id);
  }

  private GenerationSettings read() {
    var none = settings;
    int maxLength = integer("max_length", 0);
    boolean draws = flag("do_sample");
    int beams = integer("num_beams", 1);
    // More sequences than beams come only from draws, which are switched on first.
    settings =
        none.withDoSample(draws)
            .withNumBeams(beams)
            .withNumReturnSequences(integer("num_return_sequences", 1))
            .withMaxLength(maxLength == UNSET_MAX_LENGTH ? 0 : maxLength)
            .withMaxNewTokens(integer("max_new_tokens", 0))
            .withMinLength(integer("min_length", 0))
            .withMinNewTokens(integer("min_new_tokens", 0))
            .withLengthPenalty(real("length_penalty", none.lengthPenalty()))
            .withEarlyStopping(earlyStopping())
            .withNoRepeatNgramSize(integer("no_repeat_ngram_size", 0))
            .withEncoderNoRepeatNgramSize(integer("encoder_no_repeat_ngram_size", 0))
            .withRepetitionPenalty(real("repetition_penalty", 1))
            .withEncoderRepetitionPenalty(real("encoder_repetition_penalty", 1))
            .withBadWordsIds(badWords())
            .withSequenceBias(sequenceBias())
            .withForcedBos(Math.max(-1, integer("forced_bos_token_id", -1)))
            .withForcedEos(ids("forced_eos_token_id"))
            .withSuppressTokens(ids("suppress_tokens"))
            .withBeginSuppressTokens(ids("begin_suppress_tokens"))
            .withRemoveInvalidValues(flag("remove_invalid_values"))
            .withRenormalizeLogits(flag("renormalize_logits"));
    readDecay();
    readDraws();
    return settings
        .withBos(Math.max(-1, integer("bos_token_id", -1)))
        .withEos(ids("eos_token_id"))
        .withPad(Math.max(-1, integer("pad_token_id", -1)))
        .withDecoderStart(decoderStart());
  }

  private void readDecay() {
    var decay = list("exponential_decay_length_penalty");
    if (decay == null) return;
    if (decay.size() != 2)
      throw malformed("exponential_decay_length_penalty", "[start, factor]", decay);
    settings =
        settings.withExponentialDecayLengthPenalty(
            integer("exponential_decay_length_penalty", decay.get(0)),
            real("exponential_decay_length_penalty", decay.get(1)));
  }

  private void readDraws() {
    // Without top_k there are 50; null says that there is no limit.
    boolean unlimited = values.containsKey("top_k") && values.get("top_k") == null;
    settings =
        settings
            .withTemperature(real("temperature", 1))
            .withTopK(unlimited ? 0 : integer("top_k", settings.topK()))
            .withTopP(real("top_p", 1))
            .withMinP(real("min_p", 0))
            .withTypicalP(real("typical_p", 1))
            .withEpsilonCutoff(real("epsilon_cutoff", 0))
            .withEtaCutoff(real("eta_cutoff", 0));
  }

  /// The token that is named, or else the one that begins a text.
  private int decoderStart() {
    var start = ids("decoder_start_token_id");
    if (start.size() > 1) throw malformed("decoder_start_token_id", "one id", start);
    return start.isEmpty() ? Math.max(-1, integer("bos_token_id", -1)) : start.getFirst();
  }

  private EarlyStopping earlyStopping() {
    var value = values.get("early_stopping");
    if (value == null || value.equals(false)) return EarlyStopping.FALSE;
    if (value.equals(true)) return EarlyStopping.TRUE;
    if (value.equals("never")) return EarlyStopping.NEVER;
    throw malformed("early_stopping", "true, false or \"never\"", value);
  }

  private List<List<Integer>> badWords() {
    var words = new ArrayList<List<Integer>>();
    var given = list("bad_words_ids");
    if (given != null) for (var word : given) words.add(sequence("bad_words_ids", word));
    return words;
  }

  private Map<List<Integer>, Double> sequenceBias() {
    var bias = new LinkedHashMap<List<Integer>, Double>();
    var given = list("sequence_bias");
    if (given == null) return bias;
    for (var entry : given) {
      if (!(entry instanceof List<?> pair && pair.size() == 2))
        throw malformed("sequence_bias", "pairs of ids and a number", entry);
      bias.put(sequence("sequence_bias", pair.get(0)), real("sequence_bias", pair.get(1)));
    }
    return bias;
  }

  private List<Integer> sequence(String name, Object value) {
    if (!(value instanceof List<?> ids)) throw malformed(name, "a list of ids", value);
    return ids.stream().map(id -> integer(name, id)).toList();
  }

  /// One id or several, without the negative ones.
  private List<Integer> ids(String name) {
    var value = values.get(name);
    if (value == null) return List.of();
    var ids = sequence(name, value instanceof List<?> several ? several : List.of(value));
    return ids.stream().filter(id -> id >= 0).toList();
  }

  private List<?> list(String name) {
    var value = values.get(name);
    if (value == null || value instanceof List<?>) return (List<?>) value;
    throw malformed(name, "a list", value);
  }

  private boolean flag(String name) {
    var value = values.get(name);
    if (value == null || value instanceof Boolean) return Boolean.TRUE.equals(value);
    throw malformed(name, "true or false", value);
  }

  private int integer(String name, int otherwise) {
    var value = values.get(name);
    return value == null ? otherwise : integer(name, value);
  }

  private static int integer(String name, Object value) {
    if (value instanceof Number number && number.doubleValue() == (int) number.doubleValue())
      return number.intValue();
    throw malformed(name, "an integer", value);
  }

  private double real(String name, double otherwise) {
    var value = values.get(name);
    return value == null ? otherwise : real(name, value);
  }

  private static double real(String name, Object value) {
    if (value instanceof Number number) return number.doubleValue();
    throw malformed(name, "a number", value);
  }

  private static IllegalArgumentException malformed(String name, String expected, Object found) {
    var text = String.valueOf(found);
    var shown = text.length() > 60 ? text.substring(0, 60) + "…" : text;
    return new IllegalArgumentException(name + ": expected " + expected + ", found " + shown);
  }
}
