package dev.tenon.sampling;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The scores of the next token: the model's, edited by processors, and by filters where tokens are
/// drawn.
final class Scorer {
  private final LogitsProcessor processor;
  private final List<Filter> filters; // none where the best is taken
  private final boolean renormalize;
  private final LogSoftmax logSoftmax = new LogSoftmax();
  private final Ranking ranking = new Ranking();
  private final Candidates candidates = new Candidates();
  private final float[] scores;

  /// Plans as transformers' `_get_logits_processor` does.
  Scorer(GenerationSettings settings, int vocabulary, int promptLength, int[] source) {
    processor = LogitsProcessor.of(settings, promptLength, source);
    filters = settings.draws() ? filters(settings) : List.of();
    renormalize = settings.renormalizeLogits();
    scores = new float[vocabulary];
  }

  private static List<Filter> filters(GenerationSettings settings) {
    // A beam needs a token to go on with beside the ends.
    int minKeep = settings.numBeams() == 1 ? 1 : Math.max(2, settings.eos().size() + 1);
    var filters = new ArrayList<Filter>();
    if (settings.temperature() != 1) {
      filters.add(Filter.temperature((float) settings.temperature()));
    }
    if (settings.topK() > 0) {
      filters.add(Filter.topK(Math.max(settings.topK(), minKeep)));
    }
    if (settings.topP() < 1) {
      filters.add(Filter.topP((float) settings.topP(), minKeep));
    }
    if (settings.minP() > 0) {
      filters.add(Filter.minP((float) settings.minP(), minKeep));
    }
    if (settings.typicalP() < 1) {
      filters.add(Filter.typical((float) settings.typicalP(), minKeep));
    }
    if (settings.epsilonCutoff() > 0 && settings.epsilonCutoff() < 1) {
      filters.add(new Cutoff((float) settings.epsilonCutoff(), false, minKeep));
    }
    if (settings.etaCutoff() > 0 && settings.etaCutoff() < 1) {
      filters.add(new Cutoff((float) settings.etaCutoff(), true, minKeep));
    }
    return filters;
  }

  /// {@return edited logits, as they are where one sequence goes on by itself; valid until the next
  /// call}
  float[] ofLogits(float[] logits, int[] tokens, int length) {
    System.arraycopy(logits, 0, scores, 0, scores.length);
    processor.process(tokens, length, scores);
    if (ranking.anyNan(scores, scores.length)) {
      for (int i = 0; i < scores.length; i++) {
        scores[i] = Float.isNaN(scores[i]) ? Float.NEGATIVE_INFINITY : scores[i];
      }
    }
    return filter();
  }

  /// {@return edited log-probabilities, as they are where beams compete; valid until the next call}
  float[] ofLogProbabilities(float[] logits, int[] tokens, int length) {
    logSoftmax.apply(logits, scores);
    processor.process(tokens, length, scores);
    return filter();
  }

  private float[] filter() {
    if (!filters.isEmpty()) {
      candidates.load(scores);
      for (var filter : filters) {
        filter.apply(candidates);
      }
      Arrays.fill(scores, Float.NEGATIVE_INFINITY);
      for (int i = 0; i < candidates.size; i++) {
        scores[candidates.ids[i]] = candidates.logits[i];
      }
    }
    if (renormalize) {
      logSoftmax.apply(scores, scores);
    }
    return scores;
  }

  /// {@return the token that has the highest of the edited scores, the lowest id on a tie}
  int best() {
    ranking.rank(scores, scores.length, 1);
    return ranking.index(0);
  }

  /// {@return the logarithm of the probability that the edited scores give to a token}
  float logProbability(int token) {
    return logSoftmax.at(token, scores);
  }
}
