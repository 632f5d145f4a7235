package dev.tenon.sampling;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;

/// Several sequences side by side, of which the likeliest go on, as in transformers' `_beam_search`
/// (4.57) for one prompt.
///
/// Each step looks at the sequences that the running ones may become. Those that end are candidates
/// for the result if they are among the best, as many as there are beams; the best of the others
/// run on. In transformers all beams begin as the prompt, and those but the first with a score so
/// low that nothing comes of them; so do they here, for where few tokens are allowed these make up
/// the number.
final class BeamSearch implements Search {
  /// What takes a beam out of the race.
  private static final float OUT = -1e9f;

  private final int vocabulary;
  private final int beams;
  private final int limit;
  private final int promptLength;
  private final int returned;
  private final double lengthPenalty;
  private final EarlyStopping earlyStopping;
  private final int[] ends;
  private final RandomGenerator random; // null where the best are taken
  private final Scorer scorer;
  private final Ranking ranking = new Ranking();

  // The running sequences, best first, and their rows; and where those of the next step are
  // written.
  private int running;
  private int length;
  private int[][] sequences;
  private int[][] nextSequences;
  private float[] scores;
  private float[] nextScores;
  private int[] rows;
  private int[] nextRows;
  private final Frontier frontier;

  // What the running sequences may become. Ordered by their keys: their scores, or where they are
  // drawn what puts them in the order of the draw.
  private final int offered; // of each
  private int candidates;
  private final int[] candidateBeams;
  private final int[] candidateTokens;
  private final float[] candidateScores;
  private final float[] candidateKeys;
  private final float[] keys;

  private final List<ScoredTokens> finished = new ArrayList<>(); // best first, at most one a beam
  private boolean done;

  BeamSearch(
      GenerationSettings settings,
      RandomGenerator random,
      int vocabulary,
      int[] prompt,
      int[] source) {
    this.vocabulary = vocabulary;
    this.random = settings.draws() ? random : null;
    beams = settings.numBeams();
    limit = settings.lengthLimit(prompt.length);
    promptLength = prompt.length;
    returned = settings.numReturnSequences();
    lengthPenalty = settings.lengthPenalty();
    earlyStopping = settings.earlyStopping();
    ends = settings.eos().stream().mapToInt(Integer::intValue).sorted().distinct().toArray();
    scorer = new Scorer(settings, vocabulary, prompt.length, source);

    length = promptLength;
    sequences = new int[beams][];
    nextSequences = new int[beams][];
    int capacity = (int) Math.min(limit, promptLength + 64L);
    for (int beam = 0; beam < beams; beam++) {
      sequences[beam] = Arrays.copyOf(prompt, capacity);
      nextSequences[beam] = Arrays.copyOf(prompt, capacity);
    }
    running = beams;
    scores = new float[beams];
    Arrays.fill(scores, 1, beams, OUT);
    nextScores = new float[beams];
    rows = new int[beams];
    nextRows = new int[beams];
    frontier = new Frontier(beams, prompt[promptLength - 1]);

    // As many as can be among the best, and as can be the best of those that do not end.
    int wanted = this.random == null ? beams + ends.length : drawn();
    offered = Math.min(vocabulary, wanted);
    candidateBeams = new int[beams * offered];
    candidateTokens = new int[beams * offered];
    candidateScores = new float[beams * offered];
    candidateKeys = new float[beams * offered];
    keys = this.random == null ? null : new float[vocabulary];
  }

  /// {@return how many continuations transformers draws}
  private int drawn() {
    return Math.max(2, 1 + ends.length) * beams;
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
    candidates = 0;
    for (int row = 0; row < logits.length; row++) {
      offer(row, logits[row]);
    }
    int drawn = random == null ? candidates : Math.min(candidates, drawn());
    ranking.rank(candidateKeys, candidates, drawn);
    var order = new int[drawn];
    Arrays.setAll(order, ranking::index);

    boolean last = length + 1 >= limit;
    int open = 0;
    for (int place = 0; place < drawn; place++) {
      int candidate = order[place];
      if (!last && !isEnd(candidateTokens[candidate])) {
        order[open++] = candidate;
      } else if (place < beams) {
        finish(candidate);
      }
    }
    if (random != null) {
      sortByScore(order, open);
    }
    goOn(order, Math.min(beams, open));
    done = last || open == 0 || !canImprove();
    if (done) {
      frontier.clear();
    }
  }

  /// Lists the best continuations of the beams that are one row, or those that are drawn.
  private void offer(int row, float[] logits) {
    float[] next = null;
    for (int beam = 0; beam < running; beam++) {
      if (rows[beam] != row) {
        continue;
      }
      boolean first = next == null;
      if (first) {
        next = scorer.ofLogProbabilities(logits, sequences[beam], length);
      }
      if (random != null) {
        perturb(next, scores[beam]);
        ranking.rank(keys, vocabulary, offered);
      } else if (first) {
        ranking.rank(next, vocabulary, offered);
      }
      for (int place = 0; place < offered; place++) {
        int token = ranking.index(place);
        float score = next[token] + scores[beam];
        if (score == Float.NEGATIVE_INFINITY) {
          continue;
        }
        candidateBeams[candidates] = beam;
        candidateTokens[candidates] = token;
        candidateScores[candidates] = score;
        candidateKeys[candidates++] = random == null ? score : keys[token];
      }
    }
  }

  /// Adds Gumbel noise: the order of such sums is that of a draw without replacement from the
  /// softmax of the scores.
  private void perturb(float[] next, float beamScore) {
    for (int token = 0; token < vocabulary; token++) {
      float score = next[token] + beamScore;
      keys[token] =
          score == Float.NEGATIVE_INFINITY
              ? score
              : (float) (score - Math.log(-Math.log(1 - random.nextDouble())));
    }
  }

  private void sortByScore(int[] order, int n) {
    var open = Arrays.copyOf(order, n);
    var openScores = new float[n];
    for (int i = 0; i < n; i++) {
      openScores[i] = candidateScores[open[i]];
    }
    ranking.rank(openScores, n, n);
    for (int i = 0; i < n; i++) {
      order[i] = open[ranking.index(i)];
    }
  }

  private boolean isEnd(int token) {
    return Arrays.binarySearch(ends, token) >= 0;
  }

  /// Takes a sequence that has ended into the result if it is good enough.
  private void finish(int candidate) {
    float score =
        candidateScores[candidate] / (float) Math.pow(length + 1 - promptLength, lengthPenalty);
    int place = finished.size();
    while (place > 0 && finished.get(place - 1).score() < score) {
      place--;
    }
    if (place == beams || !(score > OUT)) {
      return;
    }
    var tokens = Arrays.copyOf(sequences[candidateBeams[candidate]], length + 1);
    tokens[length] = candidateTokens[candidate];
    finished.add(place, new ScoredTokens(tokens, score));
    if (finished.size() > beams) {
      finished.removeLast();
    }
  }

  /// Makes candidates the running sequences; where there are none, these stay as they are.
  private void goOn(int[] order, int n) {
    if (n == 0) {
      return;
    }
    frontier.clear();
    for (int beam = 0; beam < n; beam++) {
      int candidate = order[beam];
      int parent = candidateBeams[candidate];
      if (nextSequences[beam].length <= length) {
        int capacity = (int) Math.min(limit, length + Math.max(64L, length / 2));
        nextSequences[beam] = Arrays.copyOf(nextSequences[beam], capacity);
      }
      // They all have the prompt already.
      System.arraycopy(
          sequences[parent],
          promptLength,
          nextSequences[beam],
          promptLength,
          length - promptLength);
      nextSequences[beam][length] = candidateTokens[candidate];
      nextScores[beam] = candidateScores[candidate];
      nextRows[beam] = frontier.add(rows[parent], candidateTokens[candidate]);
    }
    var oldSequences = sequences;
    sequences = nextSequences;
    nextSequences = oldSequences;
    var oldScores = scores;
    scores = nextScores;
    nextScores = oldScores;
    var oldRows = rows;
    rows = nextRows;
    nextRows = oldRows;
    running = n;
    length++;
  }

  /// {@return whether the best running sequence can still come to be among the finished}
  private boolean canImprove() {
    boolean full = finished.size() == beams;
    if (full && earlyStopping == EarlyStopping.TRUE) {
      return false;
    }
    int best =
        earlyStopping == EarlyStopping.NEVER && lengthPenalty > 0
            ? limit - promptLength
            : length - promptLength;
    float possible = scores[0] / (float) Math.pow(best, lengthPenalty);
    return possible > (full ? finished.getLast().score() : OUT);
  }

  @Override
  public List<ScoredTokens> results() {
    if (finished.stream().noneMatch(this::isReal) && length > promptLength) {
      // Nothing could end: then the best as it stands.
      float score = scores[0] / (float) Math.pow(length - promptLength, lengthPenalty);
      return List.of(new ScoredTokens(Arrays.copyOf(sequences[0], length), score));
    }
    return finished.stream().filter(this::isReal).limit(returned).toList();
  }

  /// {@return whether a sequence is none of those that make up the number}
  private boolean isReal(ScoredTokens sequence) {
    return sequence.score() * Math.pow(sequence.tokens().length - promptLength, lengthPenalty)
        > OUT / 2;
  }
}
