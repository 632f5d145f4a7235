package dev.tenon.cli;

import dev.tenon.GenerateOptions;
import dev.tenon.grammar.Grammar;
import dev.tenon.sampling.Sampler;
import dev.tenon.sampling.SamplerSettings;
import dev.tenon.sampling.Stage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Collectors;

/// How answers are generated, by the names that Ollama and llama.cpp have for it, and the grammar
/// that they are held to.
final class Parameters {
  private final SamplerMaker maker;
  private SamplerSettings settings;
  private GenerateOptions options;
  private Grammar grammar; // null for none
  private Sampler sampler; // null until it is asked for: then with what is set

  /// Makes a sampler for a model.
  @FunctionalInterface
  interface SamplerMaker {
    /// {@return a sampler with those settings}
    ///
    /// @param grammar what the answer is held to, or null
    /// @throws IOException if the model lacks what they ask for
    Sampler make(SamplerSettings settings, Grammar grammar) throws IOException;
  }

  Parameters(SamplerMaker maker, SamplerSettings settings, GenerateOptions options) {
    this.maker = maker;
    this.settings = settings;
    this.options = options;
  }

  GenerateOptions options() {
    return options;
  }

  /// {@return the sampler for the next answer; the same one as long as nothing is set}
  ///
  /// @throws IOException if the model lacks what is set
  Sampler sampler() throws IOException {
    if (sampler == null) {
      sampler = maker.make(settings, grammar);
    }
    return sampler;
  }

  /// {@return what answers are held to, or null}
  Grammar grammar() {
    return grammar;
  }

  /// Holds answers to a grammar, or to none where it is null.
  void grammar(Grammar other) {
    grammar = other;
    sampler = null;
  }

  /// Sets one.
  ///
  /// @throws IllegalArgumentException if there is none of that name, or the value makes no sense;
  ///     nothing has changed then
  void set(String name, List<String> values) {
    var parameter = find(name);
    try {
      parameter.set().to(this, values);
    } catch (NumberFormatException _) {
      throw new IllegalArgumentException(
          parameter.name() + ": '" + values.getFirst() + "' is not " + parameter.kind());
    }
    sampler = null;
  }

  /// {@return a line for one}
  ///
  /// @throws IllegalArgumentException if there is none of that name
  String line(String name) {
    return line(find(name));
  }

  /// {@return a line for each}
  List<String> lines() {
    return ALL.stream().map(this::line).toList();
  }

  private String line(Parameter parameter) {
    return String.format(Locale.ROOT, "%-22s %s", parameter.name(), parameter.get().apply(this));
  }

  /// {@return the names, as they are shown}
  static List<String> names() {
    return ALL.stream().map(Parameter::name).toList();
  }

  private static Parameter find(String name) {
    var wanted = name.toLowerCase(Locale.ROOT).replace('-', '_');
    if (wanted.equals("num_ctx") || wanted.equals("ctx_size")) {
      throw new IllegalArgumentException(name + " is chosen when the chat starts, with -c");
    }
    var known = new ArrayList<String>();
    for (var parameter : ALL) {
      if (parameter.name().equals(wanted) || parameter.others().contains(wanted)) {
        return parameter;
      }
      known.add(parameter.name());
      known.addAll(parameter.others());
    }
    throw new IllegalArgumentException(
        "no such parameter: " + name + Tenon.suggestion(wanted, known));
  }

  // ---- What there is.

  /// One of them.
  ///
  /// @param name what it is shown as
  /// @param others what else it is called
  /// @param kind what its value is
  /// @param get shows it
  /// @param set takes what was typed; throws IllegalArgumentException where that makes no sense
  private record Parameter(
      String name, List<String> others, String kind, Function<Parameters, Object> get, Setter set) {
    Parameter called(String... names) {
      return new Parameter(name, List.of(names), kind, get, set);
    }
  }

  @FunctionalInterface
  private interface Setter {
    void to(Parameters parameters, List<String> values);
  }

  private static final String WHOLE = "a whole number";

  private static final List<Parameter> ALL =
      List.of(
          real(
                  "temperature",
                  Range.TEMPERATURE,
                  SamplerSettings::temperature,
                  SamplerSettings::withTemperature)
              .called("temp"),
          whole("top_k", SamplerSettings::topK, SamplerSettings::withTopK),
          real("top_p", Range.TOP_P, SamplerSettings::topP, SamplerSettings::withTopP),
          real("min_p", Range.MIN_P, SamplerSettings::minP, SamplerSettings::withMinP),
          real(
                  "typical_p",
                  Range.TYPICAL_P,
                  SamplerSettings::typicalP,
                  SamplerSettings::withTypicalP)
              .called("typ_p", "typical"),
          real(
                  "top_n_sigma",
                  Range.TOP_N_SIGMA,
                  SamplerSettings::topNSigma,
                  SamplerSettings::withTopNSigma)
              .called("top_nsigma"),
          real(
              "xtc_probability",
              Range.XTC_PROBABILITY,
              SamplerSettings::xtcProbability,
              (s, x) -> s.withXtc(x, s.xtcThreshold())),
          real(
              "xtc_threshold",
              Range.XTC_THRESHOLD,
              SamplerSettings::xtcThreshold,
              (s, x) -> s.withXtc(s.xtcProbability(), x)),
          real(
                  "dynatemp_range",
                  Range.DYNATEMP_RANGE,
                  SamplerSettings::temperatureRange,
                  (s, x) -> s.withTemperatureRange(x, s.temperatureExponent()))
              .called("dynatemp"),
          real(
                  "dynatemp_exponent",
                  Range.DYNATEMP_EXPONENT,
                  SamplerSettings::temperatureExponent,
                  (s, x) -> s.withTemperatureRange(s.temperatureRange(), x))
              .called("dynatemp_exp"),
          setting(
              "repeat_last_n",
              WHOLE,
              s -> endless(s.repeatLastN()),
              (s, x) ->
                  s.withPenalties(
                      GenerateFlags.orAll(Integer.parseInt(x)),
                      s.repeatPenalty(),
                      s.frequencyPenalty(),
                      s.presencePenalty())),
          real(
              "repeat_penalty",
              Range.REPEAT_PENALTY,
              SamplerSettings::repeatPenalty,
              (s, x) ->
                  s.withPenalties(s.repeatLastN(), x, s.frequencyPenalty(), s.presencePenalty())),
          real(
              "frequency_penalty",
              Range.FREQUENCY_PENALTY,
              SamplerSettings::frequencyPenalty,
              (s, x) ->
                  s.withPenalties(s.repeatLastN(), s.repeatPenalty(), x, s.presencePenalty())),
          real(
              "presence_penalty",
              Range.PRESENCE_PENALTY,
              SamplerSettings::presencePenalty,
              (s, x) ->
                  s.withPenalties(s.repeatLastN(), s.repeatPenalty(), s.frequencyPenalty(), x)),
          real(
              "dry_multiplier",
              Range.DRY_MULTIPLIER,
              SamplerSettings::dryMultiplier,
              (s, x) -> s.withDry(x, s.dryBase(), s.dryAllowedLength(), s.dryLastN())),
          real(
              "dry_base",
              Range.DRY_BASE,
              SamplerSettings::dryBase,
              (s, x) -> s.withDry(s.dryMultiplier(), x, s.dryAllowedLength(), s.dryLastN())),
          whole(
              "dry_allowed_length",
              SamplerSettings::dryAllowedLength,
              (s, x) ->
                  s.withDry(
                      s.dryMultiplier(),
                      s.dryBase(),
                      Range.DRY_ALLOWED_LENGTH.check("dry_allowed_length", x),
                      s.dryLastN())),
          setting(
                  "dry_penalty_last_n",
                  WHOLE,
                  s -> endless(s.dryLastN()),
                  (s, x) ->
                      s.withDry(
                          s.dryMultiplier(),
                          s.dryBase(),
                          s.dryAllowedLength(),
                          GenerateFlags.orAll(
                              Range.DRY_LAST_N.check("dry_penalty_last_n", Integer.parseInt(x)))))
              .called("dry_last_n"),
          new Parameter(
              "dry_sequence_breakers",
              List.of("dry_sequence_breaker"),
              "texts",
              p -> quoted(p.settings.dryBreakers()),
              (p, values) -> p.settings = p.settings.withDryBreakers(texts(values))),
          whole(
              "mirostat",
              SamplerSettings::mirostat,
              (s, x) ->
                  s.withMirostat(
                      Range.MIROSTAT.check("mirostat", x), s.mirostatTau(), s.mirostatEta())),
          real(
                  "mirostat_tau",
                  Range.MIROSTAT_ENTROPY,
                  SamplerSettings::mirostatTau,
                  (s, x) -> s.withMirostat(s.mirostat(), x, s.mirostatEta()))
              .called("mirostat_ent"),
          real(
                  "mirostat_eta",
                  Range.MIROSTAT_RATE,
                  SamplerSettings::mirostatEta,
                  (s, x) -> s.withMirostat(s.mirostat(), s.mirostatTau(), x))
              .called("mirostat_lr"),
          real(
              "adaptive_target",
              Range.ADAPTIVE_TARGET,
              SamplerSettings::adaptiveTarget,
              (s, x) -> s.withAdaptiveP(x, s.adaptiveDecay())),
          real(
              "adaptive_decay",
              Range.ADAPTIVE_DECAY,
              SamplerSettings::adaptiveDecay,
              (s, x) -> s.withAdaptiveP(s.adaptiveTarget(), x)),
          whole("min_keep", SamplerSettings::minKeep, SamplerSettings::withMinKeep),
          setting(
              "samplers",
              "a list such as top_k;top_p;temperature",
              s -> s.stages().stream().map(Stage::toString).collect(Collectors.joining(";")),
              (s, x) -> s.withStages(Stage.ofNames(x))),
          setting("seed", WHOLE, SamplerSettings::seed, (s, x) -> s.withSeed(seed(x))),
          option(
                  "num_predict",
                  WHOLE,
                  GenerateOptions::maxTokens,
                  (o, x) -> o.withMaxTokens(Math.max(-1, Integer.parseInt(x))))
              .called("n_predict", "predict", "max_tokens"),
          option(
                  "num_keep",
                  WHOLE,
                  GenerateOptions::keep,
                  (o, x) -> o.withContextShift(kept(o, Integer.parseInt(x))))
              .called("n_keep", "keep"),
          option(
              "context_shift",
              "true or false",
              o -> o.keep() >= 0,
              (o, x) -> o.withContextShift(truth(x) ? Math.max(0, o.keep()) : -1)),
          option(
              "ignore_eos",
              "true or false",
              o -> o.stops().ignoreEos(),
              (o, x) -> o.withIgnoreEos(truth(x))),
          new Parameter(
              "stop",
              List.of("reverse_prompt"),
              "texts",
              p -> quoted(p.options.stops().strings()),
              (p, values) ->
                  p.options = p.options.withStopStrings(texts(values).toArray(String[]::new))));

  private static int kept(GenerateOptions options, int tokens) {
    if (options.keep() < 0) {
      throw new IllegalArgumentException(
          "num_keep counts where a full context shifts: /set parameter context_shift true");
    }
    if (tokens < 0) {
      throw new IllegalArgumentException("num_keep " + tokens + ", from 0");
    }
    return tokens;
  }

  private static Parameter real(
      String name,
      Range range,
      Function<SamplerSettings, Object> get,
      BiFunction<SamplerSettings, Float, SamplerSettings> with) {
    return setting(
        name, "a number", get, (s, x) -> with.apply(s, range.check(name, Float.parseFloat(x))));
  }

  private static Parameter whole(
      String name,
      Function<SamplerSettings, Object> get,
      BiFunction<SamplerSettings, Integer, SamplerSettings> with) {
    return setting(name, WHOLE, get, (s, x) -> with.apply(s, Integer.valueOf(x)));
  }

  private static Parameter setting(
      String name,
      String kind,
      Function<SamplerSettings, Object> get,
      BiFunction<SamplerSettings, String, SamplerSettings> with) {
    return new Parameter(
        name,
        List.of(),
        kind,
        p -> get.apply(p.settings),
        (p, values) -> p.settings = with.apply(p.settings, only(name, values)));
  }

  private static Parameter option(
      String name,
      String kind,
      Function<GenerateOptions, Object> get,
      BiFunction<GenerateOptions, String, GenerateOptions> with) {
    return new Parameter(
        name,
        List.of(),
        kind,
        p -> get.apply(p.options),
        (p, values) -> p.options = with.apply(p.options, only(name, values)));
  }

  // ---- Values.

  private static String only(String name, List<String> values) {
    if (values.size() != 1) {
      throw new IllegalArgumentException(name + " takes one value, not " + values.size());
    }
    return values.getFirst();
  }

  /// All of the context, which is shown as it is typed, -1.
  private static int endless(int tokens) {
    return tokens == Integer.MAX_VALUE ? -1 : tokens;
  }

  private static long seed(String text) {
    long seed = Long.parseLong(text);
    if (seed < -1 || seed > 0xffff_ffffL) {
      throw new IllegalArgumentException("seed " + text + ", from -1 to " + 0xffff_ffffL);
    }
    return seed;
  }

  private static boolean truth(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "true", "on", "1" -> true;
      case "false", "off", "0" -> false;
      default -> throw new NumberFormatException();
    };
  }

  /// Texts, of which `none` alone is no text at all.
  private static List<String> texts(List<String> values) {
    return values.equals(List.of("none")) ? List.of() : values;
  }

  private static String quoted(List<String> texts) {
    return texts.isEmpty()
        ? "none"
        : texts.stream()
            .map(text -> '"' + Text.visible(text.replace("\\", "\\\\").replace("\"", "\\\"")) + '"')
            .collect(Collectors.joining(" "));
  }

  /// {@return what was typed, taken apart at spaces; between double quotes they count, and `\n`,
  /// `\t`, `\"` and `\\` mean what they usually do}
  ///
  /// @throws IllegalArgumentException if a quote is open at the end
  static List<String> words(String typed) {
    var words = new ArrayList<String>();
    int at = 0;
    while (at < typed.length()) {
      if (Character.isWhitespace(typed.charAt(at))) {
        at++;
        continue;
      }
      var word = new StringBuilder();
      boolean quoted = typed.charAt(at) == '"';
      for (at += quoted ? 1 : 0; ; at++) {
        if (at == typed.length()) {
          if (quoted) {
            throw new IllegalArgumentException("a quote is open: " + typed);
          }
          break;
        }
        char c = typed.charAt(at);
        if (quoted ? c == '"' : Character.isWhitespace(c)) {
          at++;
          break;
        }
        if (quoted && c == '\\' && at + 1 < typed.length()) {
          c = typed.charAt(++at);
          c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
        word.append(c);
      }
      words.add(word.toString());
    }
    return words;
  }
}
