package dev.tenon.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class SearchTest {
  private static final GenerationSettings DEFAULTS = GenerationSettings.defaults();
  private static final HashModel MODEL = new HashModel(7, 3, 40, 0);

  @Test
  void equalSequencesHaveOneRow() {
    var settings = DEFAULTS.withNumBeams(4).withForcedBos(3).withMaxNewTokens(5);
    var search = Search.of(settings, 40, new int[] {9});
    assertThat(search.rows()).isEqualTo(1);
    assertThat(search.tokens()).containsExactly(9);
    assertThat(search.parents()).containsExactly(0);
    assertThat(search.results()).isEmpty();
    search.step(MODEL.logits(9));
    assertThat(search.tokens()).containsExactly(3);
    assertThat(search.parents()).containsExactly(0);
    search.step(MODEL.logits(9, 3));
    assertThat(search.rows()).isEqualTo(4);
    assertThat(search.parents()).containsExactly(0, 0, 0, 0);
    assertThat(search.tokens()).doesNotHaveDuplicates();
  }

  @Test
  void aWideBeamFindsTheLikeliestOfAll() {
    var model = new HashModel(11, 2, 4, 0);
    var settings = DEFAULTS.withNumBeams(64).withLengthPenalty(0).withMaxNewTokens(3);
    var best = run(Search.of(settings.withNumReturnSequences(64), 4, new int[] {0}), model, 0);
    assertThat(best).hasSize(64);
    var all = new ArrayList<Float>();
    for (int i = 0; i < 64; i++) {
      all.add(logProbability(model, 0, i / 16, i / 4 % 4, i % 4));
    }
    all.sort((a, b) -> Float.compare(b, a));
    for (int i = 0; i < 64; i++) {
      assertThat(best.get(i).score()).isCloseTo(all.get(i), within(1e-5f));
      assertThat(logProbability(model, best.get(i).tokens()))
          .isCloseTo(best.get(i).score(), within(1e-5f));
    }
  }

  private static float logProbability(HashModel model, int... tokens) {
    float sum = 0;
    for (int i = 1; i < tokens.length; i++) {
      var before = Arrays.copyOf(tokens, i);
      sum += new LogSoftmax().at(tokens[i], model.logits(before));
    }
    return sum;
  }

  private static List<ScoredTokens> run(Search search, HashModel model, int... prompt) {
    var rows = List.of(prompt);
    while (!search.done()) {
      search.step(rows.stream().map(model::logits).toArray(float[][]::new));
      var next = new ArrayList<int[]>();
      var tokens = search.tokens();
      for (int row = 0; row < search.rows(); row++) {
        var before = rows.get(search.parents()[row]);
        var now = Arrays.copyOf(before, before.length + 1);
        now[before.length] = tokens[row];
        next.add(now);
      }
      rows = next;
    }
    return search.results();
  }

  @Test
  void drawsAreAsLikelyAsTheySay() {
    var model = new HashModel(5, 1.5f, 5, 0);
    var random = new Random(4);
    int rounds = 20_000;
    var settings =
        DEFAULTS.withDoSample(true).withTopK(0).withMaxNewTokens(2).withNumReturnSequences(4);
    var counts = new TreeMap<String, Integer>();
    var scores = new TreeMap<String, Float>();
    for (int round = 0; round < rounds; round++) {
      for (var drawn : run(Search.of(settings, random, 5, new int[] {1}), model, 1)) {
        var name = Arrays.toString(drawn.tokens());
        counts.merge(name, 1, Integer::sum);
        scores.put(name, drawn.score());
      }
    }
    assertThat(counts).hasSize(25);
    scores.forEach(
        (name, score) ->
            assertThat(counts.get(name) / (4.0 * rounds))
                .isCloseTo(Math.exp(2 * score), within(0.006)));
  }

  @Test
  void beamsAreDrawnWithoutReplacement() {
    // One step of two beams draws four of the tokens, and the two likeliest of these go on.
    var model = new HashModel(21, 2, 6, 0);
    var settings = DEFAULTS.withDoSample(true).withNumBeams(2).withTopK(0).withMaxNewTokens(4);
    var logits = model.logits(1);
    var p = new double[6];
    for (int i = 0; i < 6; i++) {
      p[i] = Math.exp(new LogSoftmax().at(i, logits));
    }
    var expected = new double[6];
    drawAll(p, new ArrayList<>(), 1, expected);
    var random = new Random(8);
    var counts = new int[6];
    int rounds = 40_000;
    for (int round = 0; round < rounds; round++) {
      var search = Search.of(settings, random, 6, new int[] {1});
      search.step(logits);
      for (int token : search.tokens()) {
        counts[token]++;
      }
    }
    for (int i = 0; i < 6; i++) {
      assertThat(counts[i] / (double) rounds).isCloseTo(expected[i], within(0.012));
    }
  }

  /// Adds up how likely each token is among the two likeliest of four that are drawn.
  private static void drawAll(double[] p, List<Integer> drawn, double likely, double[] sums) {
    if (drawn.size() == 4) {
      drawn.stream()
          .sorted((a, b) -> Double.compare(p[b], p[a]))
          .limit(2)
          .forEach(token -> sums[token] += likely);
      return;
    }
    double rest = 1 - drawn.stream().mapToDouble(token -> p[token]).sum();
    for (int token = 0; token < p.length; token++) {
      if (!drawn.contains(token)) {
        var more = new ArrayList<>(drawn);
        more.add(token);
        drawAll(p, more, likely * p[token] / rest, sums);
      }
    }
  }

  @Test
  void theSameSeedGivesTheSameSequences() {
    for (int beams : new int[] {1, 3}) {
      var settings = DEFAULTS.withDoSample(true).withNumBeams(beams).withMaxNewTokens(12);
      var first = run(Search.of(settings, new Random(6), 40, new int[] {2}), MODEL, 2);
      var again = run(Search.of(settings, new Random(6), 40, new int[] {2}), MODEL, 2);
      var other = run(Search.of(settings, new Random(7), 40, new int[] {2}), MODEL, 2);
      assertThat(first.getFirst().tokens())
          .isEqualTo(again.getFirst().tokens())
          .isNotEqualTo(other.getFirst().tokens());
      assertThat(run(Search.of(settings.withTemperature(0), 40, new int[] {2}), MODEL, 2))
          .usingRecursiveComparison()
          .isEqualTo(run(Search.of(settings.withDoSample(false), 40, new int[] {2}), MODEL, 2));
    }
  }

  @Test
  void whatCannotGoOnEnds() {
    // All tokens are used up after three, and none of them ends.
    var settings = DEFAULTS.withNumBeams(2).withNoRepeatNgramSize(1).withNumReturnSequences(2);
    var found = run(Search.of(settings, 3, new int[] {0}), new HashModel(1, 1, 3, 0), 0);
    assertThat(found).hasSize(1);
    assertThat(found.getFirst().tokens()).hasSize(3).containsExactlyInAnyOrder(0, 1, 2);
    // Every token is an end.
    var ends = DEFAULTS.withNumBeams(2).withNumReturnSequences(2).withEos(List.of(0, 1, 2));
    assertThat(run(Search.of(ends, 3, new int[] {0}), new HashModel(1, 1, 3, 0), 0)).hasSize(2);
    // Nothing may come at all.
    var nothing = DEFAULTS.withNumBeams(2).withSuppressTokens(List.of(0, 1, 2));
    assertThat(run(Search.of(nothing, 3, new int[] {0}), new HashModel(1, 1, 3, 0), 0)).isEmpty();
  }

  @Test
  void logitsThatAreNoNumbersAreNeverTaken() {
    for (int beams : new int[] {1, 2}) {
      for (boolean drawn : new boolean[] {false, true}) {
        var settings = DEFAULTS.withNumBeams(beams).withDoSample(drawn).withMaxNewTokens(1);
        var search = Search.of(settings, 4, new int[] {0});
        search.step(new float[] {Float.NaN, Float.NEGATIVE_INFINITY, 1, Float.NaN});
        assertThat(search.results().getFirst().tokens()).containsExactly(0, 2);
        assertThat(search.results().getFirst().score()).isZero();
      }
    }
  }

  @Test
  void refusesWhatMakesNoSense() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Search.of(DEFAULTS, 4, new int[0]))
        .withMessageContaining("0 tokens");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Search.of(DEFAULTS.withMaxLength(2), 4, new int[2]))
        .withMessageContaining("at most 2");
    assertThatIllegalArgumentException().isThrownBy(() -> Search.of(DEFAULTS, 0, new int[1]));
    assertThatThrownBy(() -> Search.of(DEFAULTS, 4, new int[] {-1}))
        .isInstanceOf(IndexOutOfBoundsException.class);
    for (int beams : new int[] {1, 2}) {
      var search = Search.of(DEFAULTS.withNumBeams(beams).withMaxNewTokens(1), 4, new int[1]);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> search.step(new float[4], new float[4]))
          .withMessageContaining("2 rows");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> search.step(new float[3]))
          .withMessageContaining("a row of 3");
      search.step(new float[4]);
      assertThat(search.done()).isTrue();
      assertThat(search.rows()).isZero();
      assertThatIllegalStateException().isThrownBy(() -> search.step(new float[4]));
    }
  }

  @Test
  void aHugeLimitTakesNoMemory() {
    var settings = DEFAULTS.withNumBeams(4).withMaxLength(Integer.MAX_VALUE).withEos(List.of(1));
    var search = Search.of(settings, 2, new int[] {0});
    for (int i = 0; i < 500 && !search.done(); i++) {
      var rows = new float[search.rows()][];
      Arrays.fill(rows, new float[] {20, -20});
      search.step(rows);
    }
    assertThat(search.results().getFirst().tokens()).hasSizeGreaterThan(1);
  }
}
