package dev.tenon.cli;

import dev.tenon.GenerateOptions;
import dev.tenon.Model;
import dev.tenon.cli.Command.Value;
import dev.tenon.sampling.Filter;
import dev.tenon.sampling.GenerationSettings;
import dev.tenon.sampling.Sampler;
import dev.tenon.sampling.SamplerSettings;
import dev.tenon.sampling.Stage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.random.RandomGenerator;
import java.util.regex.Pattern;
import picocli.CommandLine.TypeConversionException;

/// How tokens are picked, and how many.
final class GenerateFlags {
  private static final Pattern BIAS =
      Pattern.compile(
          "\\s*([0-9]{1,9})\\s*([+-])\\s*"
              + "([+-]?(?:inf|infinity|(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)(?:e[+-]?[0-9]+)?))\\s*",
          Pattern.CASE_INSENSITIVE);

  private final Command command;
  private final Value<Integer> count;
  private final Value<Boolean> ignoreEos;
  private final Value<Long> seed;
  private final Value<Float> temperature;
  private final Value<Integer> topK;
  private final Value<Float> topP;
  private final Value<Float> minP;
  private final Value<Integer> repeatLastN;
  private final Value<Float> repeatPenalty;
  private final Value<Float> presencePenalty;
  private final Value<Float> frequencyPenalty;
  private final Value<String> samplers;
  private final Value<String> letters;
  private final Value<Float> topNSigma;
  private final Value<Float> typicalP;
  private final Value<Float> xtcProbability;
  private final Value<Float> xtcThreshold;
  private final Value<Float> dryMultiplier;
  private final Value<Float> dryBase;
  private final Value<Integer> dryAllowedLength;
  private final Value<Integer> dryLastN;
  private final Value<List<String>> dryBreakers;
  private final Value<Float> dynamicRange;
  private final Value<Float> dynamicExponent;
  private final Value<Integer> mirostat;
  private final Value<Float> mirostatRate;
  private final Value<Float> mirostatEntropy;
  private final Value<Float> adaptiveTarget;
  private final Value<Float> adaptiveDecay;
  private final Value<List<String>> logitBias;
  private boolean best; // where no temperature is given

  GenerateFlags(Command command) {
    this.command = command;
    count =
        command.integer(
            "-1",
            "Most tokens to generate; -1 for as many as the context holds (default: -1).",
            "-n",
            "--predict",
            "--n-predict");
    ignoreEos = command.flag("Go on where the model would end.", "--ignore-eos");
    seed =
        command.option(
            Long.class,
            GenerateFlags::seed,
            "-1",
            "N",
            "The same seed gives the same text; -1 for a random one (default: -1).",
            "-s",
            "--seed");
    temperature =
        command.real(
            "0.8",
            "Temperature; 0 takes the best token each time (default: 0.8).",
            "--temp",
            "--temperature");
    topK =
        command.integer(
            "40", "Pick among so many of the best; 0 for all (default: 40).", "--top-k");
    topP =
        command.real(
            "0.95",
            "Pick among the best that have this probability together (default: 0.95).",
            "--top-p");
    minP =
        command.real("0.05", "Least probability, relative to the best (default: 0.05).", "--min-p");
    repeatLastN =
        command.integer(
            "64",
            "How far back penalties look; -1 for all of the context (default: 64).",
            "--repeat-last-n");
    repeatPenalty =
        command.real(
            "1", "Divides the score of a repeated token (default: 1, off).", "--repeat-penalty");
    presencePenalty =
        command.real(
            "0",
            "Subtracted from the score of a repeated token (default: 0).",
            "--presence-penalty");
    frequencyPenalty =
        command.real(
            "0", "Subtracted for each time it was repeated (default: 0).", "--frequency-penalty");
    samplers =
        command.text(
            "NAMES",
            "The samplers in their order, separated by ';' (default: "
                + names(SamplerSettings.defaults().stages())
                + "); also infill and adaptive_p.",
            "--samplers");
    letters =
        command.text(
            "LETTERS",
            "The same, a letter for each: " + letters(Arrays.asList(Stage.values())) + ".",
            "--sampler-seq",
            "--sampling-seq");
    topNSigma =
        command.real(
            "-1",
            "Pick above so many standard deviations below the best score; -1 for all (default:"
                + " -1).",
            "--top-nsigma",
            "--top-n-sigma");
    typicalP =
        command.real(
            "1",
            "Pick among those of typical surprise that have this probability together; 1 for all"
                + " (default: 1).",
            "--typical",
            "--typical-p");
    xtcProbability =
        command.real(
            "0", "How often the top choices are dropped (XTC; default: 0).", "--xtc-probability");
    xtcThreshold =
        command.real(
            "0.1",
            "Probability from which a token is a top choice; above 0.5 none is (default: 0.1).",
            "--xtc-threshold");
    dryMultiplier =
        command.real(
            "0",
            "Penalty for prolonging a repetition (DRY); 0 for none (default: 0).",
            "--dry-multiplier");
    dryBase =
        command.real(
            "1.75", "How it grows with each repeated token (default: 1.75).", "--dry-base");
    dryAllowedLength =
        command.integer(
            "2", "So many repeated tokens are not penalised (default: 2).", "--dry-allowed-length");
    dryLastN =
        command.integer(
            "64",
            "How far back DRY looks; 0 for nowhere, -1 for all of the context (default: 64).",
            "--dry-penalty-last-n");
    dryBreakers =
        command.texts(
            "TEXT",
            "DRY sees no repetition across it; may be repeated, and 'none' forgets those before it"
                + " (default: '\\n', ':', '\"', '*').",
            "--dry-sequence-breaker");
    dynamicRange =
        command.real(
            "0",
            "The temperature goes up and down by so much with the entropy (default: 0).",
            "--dynatemp-range");
    dynamicExponent =
        command.real("1", "Exponent of the entropy in that (default: 1).", "--dynatemp-exp");
    mirostat =
        command.integer(
            "0",
            "1 or 2 to keep the surprise at a target (Mirostat), with the temperature and without"
                + " the other samplers (default: 0).",
            "--mirostat");
    mirostatRate = command.real("0.1", "How fast that learns (default: 0.1).", "--mirostat-lr");
    mirostatEntropy = command.real("5", "The target, in bits (default: 5).", "--mirostat-ent");
    adaptiveTarget =
        command.real(
            "-1",
            "Probability of the tokens to pick, where adaptive_p is among the samplers; -1 for any"
                + " (default: -1).",
            "--adaptive-target");
    adaptiveDecay =
        command.real(
            "0.9",
            "How much a token counts there relative to the next (default: 0.9).",
            "--adaptive-decay");
    logitBias =
        command.texts(
            "ID(+/-)BIAS",
            "Add to the score of a token: 15043+1, 15043-inf; may be repeated.",
            "-l",
            "--logit-bias");
  }

  private static String names(List<Stage> stages) {
    return String.join(";", stages.stream().map(Stage::toString).toList());
  }

  private static String letters(List<Stage> stages) {
    return String.join(", ", stages.stream().map(stage -> stage.letter() + " " + stage).toList());
  }

  private static Long seed(String text) {
    try {
      return Long.valueOf(text);
    } catch (NumberFormatException _) {
      throw new TypeConversionException("'" + text + "' is not a seed: from -1 to " + 0xffff_ffffL);
    }
  }

  /// Takes the best token each time, where no temperature is given: for a model too small to be
  /// drawn from.
  void best() {
    best = true;
  }

  private float temperature() {
    return best && !command.given(temperature) ? 0 : temperature.get();
  }

  GenerateOptions options() {
    return GenerateOptions.of(count()).withIgnoreEos(ignoreEos.get());
  }

  /// {@return settings with what these flags say of them: how many tokens, and how they are drawn}
  ///
  /// @param settings the model's own, which hold where a flag is not given
  GenerationSettings settings(GenerationSettings settings) {
    var changed = settings;
    if (count.get() > 0) {
      changed = changed.withMaxNewTokens(count.get());
    }
    if (ignoreEos.get()) {
      changed = changed.withEos(List.of());
    }
    if (command.given(temperature)) {
      changed = atTemperature(changed, temperature.get());
    }
    if (command.given(topK)) {
      changed = changed.withTopK(Math.max(0, topK.get()));
    }
    if (command.given(topP)) {
      changed = changed.withTopP(decimal(Math.min(1, topP.get())));
    }
    if (command.given(minP)) {
      changed = changed.withMinP(decimal(minP.get()));
    }
    return command.given(typicalP)
        ? changed.withTypicalP(decimal(Math.min(1, typicalP.get())))
        : changed;
  }

  /// {@return settings that draw at a temperature, or where it is 0 take the best}
  static GenerationSettings atTemperature(GenerationSettings settings, float temperature) {
    if (Range.TEMPERATURE.check("--temperature", temperature) > 0) {
      return settings.withDoSample(true).withTemperature(decimal(temperature));
    }
    // More sequences than beams come from draws alone.
    var one = settings.numBeams() == 1 ? settings.withNumReturnSequences(1) : settings;
    return one.withDoSample(false);
  }

  /// {@return the number as it was written, not the nearest one of fewer bits}
  static double decimal(float number) {
    return Double.parseDouble(Float.toString(number));
  }

  /// {@return the most tokens to generate; -1 where nothing says it}
  int count() {
    return Math.max(count.get(), -1);
  }

  /// {@return whether it is asked for that tokens are drawn}
  boolean draws() {
    return command.given(temperature) && temperature.get() > 0;
  }

  /// {@return where draws come from}
  RandomGenerator random() {
    return new SplittableRandom(seed());
  }

  /// Says what is wrong with the flags, before the wait for a model.
  void check() {
    settings(0);
  }

  /// {@return a new sampler; with `--verbose` the seed is told, so that a run can be repeated}
  ///
  /// @param first applied before all others, such as the mask of a grammar
  /// @throws IllegalStateException if the model lacks what the flags ask for
  Sampler sampler(Model model, Filter... first) {
    return model.sampler(settings(), first);
  }

  /// {@return the settings; with `--verbose` the seed is told, so that a run can be repeated}
  SamplerSettings settings() {
    return settings(seed());
  }

  private long seed() {
    long chosen = seed.get();
    if (chosen == -1) {
      chosen = Integer.toUnsignedLong(ThreadLocalRandom.current().nextInt());
    }
    if (command.verbose() && temperature() > 0) {
      command.streams.err().println("seed: " + chosen);
    }
    return chosen;
  }

  private SamplerSettings settings(long chosenSeed) {
    if (seed.get() < -1 || seed.get() > 0xffff_ffffL) {
      throw command.usage("--seed " + seed.get() + ", from -1 to " + 0xffff_ffffL);
    }
    try {
      return SamplerSettings.defaults()
          .withStages(stages())
          .withTopK(topK.get())
          .withTopP(Range.TOP_P.check("--top-p", topP.get()))
          .withMinP(Range.MIN_P.check("--min-p", minP.get()))
          .withTypicalP(Range.TYPICAL_P.check("--typical-p", typicalP.get()))
          .withTopNSigma(Range.TOP_N_SIGMA.check("--top-n-sigma", topNSigma.get()))
          .withXtc(
              Range.XTC_PROBABILITY.check("--xtc-probability", xtcProbability.get()),
              Range.XTC_THRESHOLD.check("--xtc-threshold", xtcThreshold.get()))
          .withTemperature(Range.TEMPERATURE.check("--temperature", temperature()))
          .withTemperatureRange(
              Range.DYNATEMP_RANGE.check("--dynatemp-range", dynamicRange.get()),
              Range.DYNATEMP_EXPONENT.check("--dynatemp-exp", dynamicExponent.get()))
          .withPenalties(
              orAll(repeatLastN.get()),
              Range.REPEAT_PENALTY.check("--repeat-penalty", repeatPenalty.get()),
              Range.FREQUENCY_PENALTY.check("--frequency-penalty", frequencyPenalty.get()),
              Range.PRESENCE_PENALTY.check("--presence-penalty", presencePenalty.get()))
          .withDry(
              Range.DRY_MULTIPLIER.check("--dry-multiplier", dryMultiplier.get()),
              Range.DRY_BASE.check("--dry-base", dryBase.get()),
              Range.DRY_ALLOWED_LENGTH.check("--dry-allowed-length", dryAllowedLength.get()),
              orAll(Range.DRY_LAST_N.check("--dry-penalty-last-n", dryLastN.get())))
          .withDryBreakers(breakers())
          .withMirostat(
              Range.MIROSTAT.check("--mirostat", mirostat.get()),
              Range.MIROSTAT_ENTROPY.check("--mirostat-ent", mirostatEntropy.get()),
              Range.MIROSTAT_RATE.check("--mirostat-lr", mirostatRate.get()))
          .withAdaptiveP(
              Range.ADAPTIVE_TARGET.check("--adaptive-target", adaptiveTarget.get()),
              Range.ADAPTIVE_DECAY.check("--adaptive-decay", adaptiveDecay.get()))
          .withLogitBias(bias())
          .withSeed(chosenSeed);
    } catch (IllegalArgumentException e) {
      throw command.usage(e.getMessage());
    }
  }

  /// {@return how far back to look: -1 is all of the context}
  static int orAll(int lastN) {
    return lastN < 0 ? Integer.MAX_VALUE : lastN;
  }

  private List<Stage> stages() {
    if (samplers.get() != null && letters.get() != null) {
      throw command.usage("one of --samplers and --sampler-seq, please");
    }
    try {
      if (samplers.get() != null) {
        return Stage.ofNames(samplers.get());
      }
      return letters.get() != null
          ? Stage.ofLetters(letters.get())
          : SamplerSettings.defaults().stages();
    } catch (IllegalArgumentException e) {
      var flag = samplers.get() != null ? "--samplers: " : "--sampler-seq: ";
      throw command.usage(flag + e.getMessage());
    }
  }

  private List<String> breakers() {
    if (dryBreakers.get().isEmpty()) {
      return SamplerSettings.defaults().dryBreakers();
    }
    var breakers = new ArrayList<String>();
    for (var text : dryBreakers.get()) {
      if (text.equals("none")) {
        breakers.clear();
      } else {
        breakers.add(EscapeFlags.unescaped(text));
      }
    }
    return breakers;
  }

  /// {@return a text with `\n` and the like as what they stand for}
  private Map<Integer, Float> bias() {
    var biases = new TreeMap<Integer, Float>();
    for (var text : logitBias.get()) {
      var parts = BIAS.matcher(text);
      if (!parts.matches()) {
        throw command.usage(
            "--logit-bias: '" + text + "' is not a token's id, + or -, and a number");
      }
      var number = parts.group(3).toLowerCase(Locale.ROOT).replaceAll("inf.*", "Infinity");
      float bias = Float.parseFloat(number) * (parts.group(2).equals("-") ? -1 : 1);
      biases.merge(Integer.valueOf(parts.group(1)), bias, Float::sum);
    }
    return biases;
  }
}
