package dev.tenon.sampling;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.random.RandomGenerator;

/// One token after the other, the best or one that is drawn; where they are drawn, for several
/// sequences that know nothing of each other.
final class TokenSearch implements Search {
  private final int vocabulary;
  private final int limit;
  private final int promptLength;
  private final double lengthPenalty;
  private final int[] ends;
  private final RandomGenerator random; // null where the best is taken
  private final Scorer scorer;
  private final Candidates candidates = new Candidates();
  private final Frontier frontier;
  private final List<Sequence> sequences = new ArrayList<>();
  private boolean done;

  private static final class Sequence {
    int[] tokens;
    int length;
    float score;
    int row;
    int nextRow;
    boolean ended;

    void add(int token) {
      if (length == tokens.length) {
        tokens = Arrays.copyOf(tokens, length + Math.max(16, length / 2));
      }
      tokens[length++] = token;
    }
  }

  TokenSearch(
      GenerationSettings settings,
      RandomGenerator random,
      int vocabulary,
      int[] prompt,
      int[] source) {
    this.vocabulary = vocabulary;
    this.random = settings.draws() ? random : null;
    limit = settings.lengthLimit(prompt.length);
    promptLength = prompt.length;
    lengthPenalty = settings.lengthPenalty();
    ends = settings.eos().stream().mapToInt(Integer::intValue).sorted().toArray();
    scorer = new Scorer(settings, vocabulary, prompt.length, source);
    int n = settings.draws() ? settings.numReturnSequences() : 1;
    frontier = new Frontier(n, prompt[promptLength - 1]);
    for (int i = 0; i < n; i++) {
      var sequence = new Sequence();
      sequence.tokens = prompt.clone();
      sequence.length = promptLength;
      sequences.add(sequence);
    }
  }

  @Override
  public boolean done() {
    return done;
  }

  @Override
  public int rows() {
    return frontier.rows();
  }

  @Override
  public int[] tokens() {
    return frontier.tokens();
  }

  @Override
  public int[] parents() {
    return frontier.parents();
  }

  @Override
  public void step(float[]... logits) {
    frontier.check(logits, vocabulary, done);
    frontier.clear();
    for (int row = 0; row < logits.length; row++) {
      float[] scores = null;
      for (var sequence : sequences) {
        if (!sequence.ended && sequence.row == row) {
          if (scores == null) {
            scores = scorer.ofLogits(logits[row], sequence.tokens, sequence.length);
            if (random != null) {
              candidates.load(scores);
            }
          }
          advance(sequence);
        }
      }
    }
    done = true;
    for (var sequence : sequences) {
      sequence.row = sequence.nextRow;
      done &= sequence.ended;
    }
  }

  /// Chooses a token by the scores at hand.
  private void advance(Sequence sequence) {
    int chosen =
        random == null ? scorer.best() : candidates.id(candidates.draw(random.nextDouble()));
    sequence.add(chosen);
    sequence.score += scorer.logProbability(chosen);
    sequence.ended = sequence.length >= limit || Arrays.binarySearch(ends, chosen) >= 0;
    if (!sequence.ended) {
      sequence.nextRow = frontier.add(sequence.row, chosen);
    }
  }

  @Override
  public List<ScoredTokens> results() {
    return sequences.stream()
        .filter(sequence -> sequence.length > promptLength)
        .map(
            sequence ->
                new ScoredTokens(
                    Arrays.copyOf(sequence.tokens, sequence.length),
                    sequence.score
                        / (float) Math.pow(sequence.length - promptLength, lengthPenalty)))
        .sorted(Comparator.comparing(ScoredTokens::score, Comparator.reverseOrder()))
        .toList();
  }
}
