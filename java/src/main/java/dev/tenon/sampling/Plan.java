package dev.tenon.sampling;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/// How settings become a chain of filters, as llama.cpp's `common_sampler_init` does it.
///
/// @param settings what to build
/// @param vocabulary null if it is not needed
record Plan(SamplerSettings settings, Vocabulary vocabulary) {
  /// Filters after which the best candidate is the same.
  private static final Set<Stage> KEEP_BEST =
      EnumSet.of(Stage.TOP_N_SIGMA, Stage.TOP_K, Stage.TOP_P, Stage.MIN_P);

  Sampler sampler(Filter... first) {
    var filters = new ArrayList<>(List.of(first));
    if (!settings.logitBias().isEmpty()) {
      filters.add(Filter.logitBias(settings.logitBias()));
    }
    if (settings.mirostat() > 0) {
      filters.add(Filter.temperature(settings.temperature()));
      filters.add(
          new Mirostat(
              settings.mirostat(), settings.mirostatTau(), settings.mirostatEta(), random()));
      return Sampler.of(random(), filters.toArray(Filter[]::new));
    }
    int end = settings.stages().indexOf(Stage.TEMPERATURE);
    if (end >= 0 && settings.temperature() <= 0 && settings.temperatureRange() <= 0) {
      return greedy(filters, settings.stages().subList(0, end));
    }
    for (var stage : settings.stages()) {
      if (active(stage) && stage != Stage.ADAPTIVE_P) {
        filters.add(filter(stage));
      }
    }
    if (settings.stages().contains(Stage.ADAPTIVE_P)) {
      filters.add(filter(Stage.ADAPTIVE_P));
    }
    return Sampler.of(random(), filters.toArray(Filter[]::new));
  }

  /// Where the temperature is 0, one candidate is left after it, and what comes later decides
  /// nothing; nor does what comes right before it and leaves the best where it is.
  private Sampler greedy(List<Filter> filters, List<Stage> before) {
    var deciding =
        new ArrayList<>(before.stream().filter(s -> s != Stage.ADAPTIVE_P && active(s)).toList());
    while (!deciding.isEmpty() && KEEP_BEST.contains(deciding.getLast())) {
      deciding.removeLast();
    }
    deciding.forEach(stage -> filters.add(filter(stage)));
    return Sampler.greedy(filters.toArray(Filter[]::new));
  }

  private boolean active(Stage stage) {
    return switch (stage) {
      case PENALTIES ->
          settings.repeatLastN() > 0
              && (settings.repeatPenalty() != 1
                  || settings.frequencyPenalty() != 0
                  || settings.presencePenalty() != 0);
      case DRY -> Dry.active(settings.dryMultiplier(), settings.dryBase(), settings.dryLastN());
      case TOP_N_SIGMA -> settings.topNSigma() > 0;
      case TOP_K -> settings.topK() > 0;
      case TYPICAL_P -> settings.typicalP() < 1;
      case TOP_P -> settings.topP() < 1;
      case MIN_P -> settings.minP() > 0;
      case XTC -> settings.xtcProbability() > 0 && settings.xtcThreshold() <= 0.5f;
      case TEMPERATURE -> settings.temperature() != 1 || settings.temperatureRange() > 0;
      case INFILL, ADAPTIVE_P -> true;
    };
  }

  private Filter filter(Stage stage) {
    int minKeep = settings.minKeep();
    return switch (stage) {
      case PENALTIES ->
          Filter.penalties(
              settings.repeatLastN(),
              settings.repeatPenalty(),
              settings.frequencyPenalty(),
              settings.presencePenalty());
      case DRY ->
          new Dry(
              settings.dryMultiplier(),
              settings.dryBase(),
              settings.dryAllowedLength(),
              settings.dryLastN(),
              vocabulary == null
                  ? new SequenceBreakers(List.of())
                  : new SequenceBreakers(settings.dryBreakers(), vocabulary));
      case TOP_N_SIGMA -> Filter.topNSigma(settings.topNSigma());
      case TOP_K -> Filter.topK(settings.topK());
      case TYPICAL_P -> Filter.typical(settings.typicalP(), minKeep);
      case TOP_P -> Filter.topP(settings.topP(), minKeep);
      case MIN_P -> Filter.minP(settings.minP(), minKeep);
      case XTC -> Filter.xtc(settings.xtcProbability(), settings.xtcThreshold(), minKeep, random());
      case TEMPERATURE ->
          Filter.temperature(
              settings.temperature(), settings.temperatureRange(), settings.temperatureExponent());
      case INFILL -> Filter.infill(vocabulary);
      case ADAPTIVE_P ->
          Filter.adaptiveP(settings.adaptiveTarget(), settings.adaptiveDecay(), random());
    };
  }

  /// {@return a generator of its own for each that draws, all with the same seed}
  private MersenneTwister random() {
    long seed = settings.seed();
    return new MersenneTwister(seed == -1 ? ThreadLocalRandom.current().nextInt() : (int) seed);
  }
}
