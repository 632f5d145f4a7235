package dev.tenon.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class FilterTest {
  private static final float INF = Float.POSITIVE_INFINITY;

  @Test
  void eachLeavesACandidateAndKeepsTheListWhole() {
    var random = new Random(8);
    for (int round = 0; round < 3000; round++) {
      int n = 1 + random.nextInt(40);
      var logits = new float[n];
      for (int i = 0; i < n; i++) {
        int dice = random.nextInt(20);
        logits[i] = dice == 0 ? -INF : dice == 1 ? INF : (float) random.nextGaussian() * 20;
      }
      float p = random.nextFloat() * 1.2f - 0.1f;
      int least = random.nextInt(50) - 5;
      var filter =
          switch (round % 12) {
            case 0 -> Filter.typical(p, least);
            case 1 -> Filter.topNSigma(p * 3);
            case 2 -> Filter.xtc(1, p / 2, least, random);
            case 3 -> Filter.temperature(p, p, p * 4 - 2);
            case 4 -> Filter.mirostat(p * 10, p, random);
            case 5 -> Filter.mirostat2(p * 10, p, random);
            case 6 -> Filter.adaptiveP(p, p, random);
            case 7 -> Filter.logitBias(Map.of(n - 1, p, n, p, n + 5, -INF));
            case 8 -> Filter.dry(p, 1 + p, random.nextInt(3), 10, List.of(new int[] {1, 2}));
            case 9 -> Filter.topP(p, least);
            case 10 -> Filter.minP(p, least);
            default -> Filter.infill(new Letters("abcdefghijklmnopqrstuvwxyzabcdefghijklmn."));
          };
      var candidates = Candidates.of(logits);
      if (random.nextBoolean()) {
        candidates.sort();
      }
      if (random.nextBoolean()) {
        candidates.keep(0, 1 + random.nextInt(n));
      }
      for (int i = 0; i < 20; i++) {
        filter.accept(random.nextInt(4));
      }
      filter.apply(candidates);
      assertThat(candidates.size()).as("%s", filter).isPositive();
      assertThat(IntStream.range(0, candidates.size()).map(candidates::id).distinct().count())
          .isEqualTo(candidates.size());
      for (int i = 0; i < candidates.size(); i++) {
        assertThat(candidates.logit(i)).isNotNaN();
        assertThat(candidates.probability(i)).as("%s", filter).isBetween(0f, 1.0001f);
        if (candidates.sorted() && i > 0) {
          assertThat(candidates.logit(i)).isLessThanOrEqualTo(candidates.logit(i - 1));
        }
      }
      int drawn = candidates.draw(random.nextDouble());
      assertThat(candidates.selected()).isLessThan(candidates.size());
      assertThat(drawn).isBetween(0, candidates.size() - 1);
    }
  }

  @Test
  void topNSigmaExcludesWhatIsFarBelowTheBest() {
    var candidates = Candidates.of(10, 8, 6, -INF, 0);
    double mean = 24 / 4.0;
    double deviation = Math.sqrt((16 + 4 + 0 + 36) / 4.0);
    assertThat(mean).isEqualTo(6);
    assertThat(deviation).isCloseTo(3.74, within(0.01));
    Filter.topNSigma(1).apply(candidates);
    assertThat(logits(candidates)).containsExactly(10, 8, -INF, -INF, -INF);
    candidates = Candidates.of(10, 8, 6, -INF, 0);
    Filter.topNSigma(2).apply(candidates);
    assertThat(logits(candidates)).containsExactly(10, 8, 6, -INF, -INF);
    candidates = Candidates.of(1, 2);
    Filter.topNSigma(0).apply(candidates);
    assertThat(logits(candidates)).containsExactly(1, 2);
  }

  /// Of one very likely token and many equal ones, the entropy is closer to the many.
  @Test
  void typicalMayDropTheBest() {
    var probabilities = new float[21];
    Arrays.fill(probabilities, 0.03f);
    probabilities[20] = 0.4f;
    var logs = new float[21];
    for (int i = 0; i < 21; i++) {
      logs[i] = (float) Math.log(probabilities[i]);
    }
    var candidates = Candidates.of(logs);
    Filter.typical(0.5f, 1).apply(candidates);
    assertThat(candidates.indexOf(20)).isEqualTo(-1);
    assertThat(candidates.size()).isEqualTo(17);
    // What has no probability at all is the least typical, and no reason to despair.
    candidates = Candidates.of(0, -INF, 0, -INF);
    Filter.typical(0.9f, 1).apply(candidates);
    assertThat(IntStream.range(0, 2).map(candidates::id).toArray()).containsExactly(0, 2);
    assertThat(candidates.size()).isEqualTo(2);
  }

  @Test
  void xtcDropsAllTopChoicesButTheLast() {
    var logs = new float[] {log(0.4), log(0.05), log(0.3), log(0.2), log(0.05)};
    assertThat(left(logs, Filter.xtc(1, 0.1f, 1, new Random(1)))).containsExactly(3, 1, 4);
    assertThat(left(logs, Filter.xtc(1, 0.35f, 1, new Random(1)))).hasSize(5);
    assertThat(left(logs, Filter.xtc(1, 0.1f, 4, new Random(1)))).hasSize(5);
    assertThat(left(logs, Filter.xtc(1, 0.51f, 1, new Random(1)))).hasSize(5);
    assertThat(left(logs, Filter.xtc(0, 0.1f, 1, new Random(1)))).hasSize(5);
    var sometimes = Filter.xtc(0.3f, 0.1f, 1, new MersenneTwister(5));
    int dropped = 0;
    for (int i = 0; i < 10_000; i++) {
      dropped += left(logs, sometimes).length == 3 ? 1 : 0;
    }
    assertThat(dropped / 1e4).isCloseTo(0.3, within(0.02));
  }

  @Test
  void dynamicTemperatureFollowsTheEntropy() {
    var sure = Candidates.of(1000, 0, 0, 0);
    Filter.temperature(1, 0.5f, 1).apply(sure);
    assertThat(sure.logit(0)).isEqualTo(1000 / 0.5f);
    var unsure = Candidates.of(3, 3, 3, 3);
    Filter.temperature(1, 0.5f, 1).apply(unsure);
    assertThat(unsure.logit(0)).isCloseTo(3 / 1.5f, within(1e-5f));
    assertThat(unsure.probability(3)).isCloseTo(0.25f, within(1e-6f));
    var between = Candidates.of(log(0.5), log(0.5), -INF, -INF);
    Filter.temperature(1, 1, 2).apply(between);
    assertThat(between.logit(0)).isCloseTo(log(0.5) / (2 * 0.25f), within(1e-5f));
    var one = Candidates.of(3);
    Filter.temperature(0.5f, 0.1f, 1).apply(one);
    assertThat(one.logit(0)).isEqualTo(3);
    var constant = Candidates.of(3, 1);
    Filter.temperature(0.5f, 0, 1).apply(constant);
    assertThat(constant.logit(0)).isEqualTo(6);
  }

  @Test
  void logitBiasFindsItsTokensAnywhere() {
    var bias = Filter.logitBias(Map.of(1, 2f, 3, -INF, 9, 1f));
    var candidates = Candidates.of(5, 1, 4, 3);
    bias.apply(candidates);
    assertThat(logits(candidates)).containsExactly(5, 3, 4, -INF);
    candidates = Candidates.of(5, 1, 4, 3);
    candidates.sort();
    bias.apply(candidates);
    assertThat(logits(candidates)).containsExactly(5, 4, -INF, 3);
    assertThat(candidates.sorted()).isFalse();
    assertThatThrownBy(() -> Filter.logitBias(Map.of(-1, 2f))).hasMessageContaining("-1");
    assertThatThrownBy(() -> Filter.logitBias(Map.of(1, Float.NaN)))
        .hasMessageContaining("not a number");
  }

  @Test
  void dryPenalisesWhatWouldProlongARepetition() {
    // a b c d a b c: d would be the fourth of a repetition.
    var history = new int[] {0, 1, 2, 3, 0, 1, 2};
    assertThat(dry(history, 2, List.of())).containsExactly(0, 0, 0, -0.8f * 1.75f, 0);
    assertThat(dry(history, 3, List.of())).containsExactly(0, 0, 0, -0.8f, 0);
    assertThat(dry(history, 4, List.of())).containsExactly(0, 0, 0, 0, 0);
    // A breaker cuts the repetition: of "b c" one token may still be repeated, of "c" none.
    assertThat(dry(history, 1, List.of(new int[] {1}))).containsExactly(0, 0, 0, -0.8f, 0);
    assertThat(dry(history, 1, List.of(new int[] {2}))).containsExactly(0, 0, 0, 0, 0);
    assertThat(dry(history, 1, List.of(new int[] {1, 2}))).containsExactly(0, 0, 0, 0, 0);
    assertThat(dry(history, 1, List.of(new int[] {1, 3})))
        .containsExactly(0, 0, 0, (float) (-0.8f * Math.pow(1.75f, 2)), 0);
    // A breaker itself is not penalised.
    assertThat(dry(history, 2, List.of(new int[] {3}))).containsExactly(0, 0, 0, 0, 0);
    assertThatThrownBy(() -> dry(history, 1, List.of(new int[0])))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Filter.dry(1, 2, -1, 9, List.of())).hasMessageContaining("-1");
  }

  private static float[] dry(int[] history, int allowed, List<int[]> breakers) {
    var filter = Filter.dry(0.8f, 1.75f, allowed, 100, breakers);
    for (int token : history) {
      filter.accept(token);
    }
    var candidates = Candidates.of(new float[5]);
    filter.apply(candidates);
    var shuffled = Candidates.of(new float[5]);
    shuffled.sort();
    filter.apply(shuffled);
    assertThat(logits(shuffled)).isEqualTo(logits(candidates));
    filter.reset();
    var fresh = Candidates.of(new float[5]);
    filter.apply(fresh);
    assertThat(logits(fresh)).containsOnly(0);
    return logits(candidates);
  }

  /// The lengths of repetitions, found by comparing every place with the end.
  @Test
  void dryFindsEveryRepetition() {
    var random = new Random(17);
    for (int round = 0; round < 500; round++) {
      int lastN = 1 + random.nextInt(60);
      int allowed = random.nextInt(4);
      var filter = Filter.dry(1, 2, allowed, lastN, List.of());
      var history = new int[random.nextInt(100)];
      for (int i = 0; i < history.length; i++) {
        history[i] = random.nextInt(3);
        filter.accept(history[i]);
      }
      var seen = Arrays.copyOfRange(history, Math.max(0, history.length - lastN), history.length);
      var expected = new float[3];
      for (int next = 1; next < seen.length && seen.length > allowed; next++) {
        int length = 0;
        while (length < next && seen[next - 1 - length] == seen[seen.length - 1 - length]) {
          length++;
        }
        if (length >= allowed) {
          float penalty = (float) -Math.pow(2, length - allowed);
          expected[seen[next]] = Math.min(expected[seen[next]], penalty);
        }
      }
      var candidates = Candidates.of(new float[3]);
      filter.apply(candidates);
      assertThat(logits(candidates)).isEqualTo(expected);
    }
  }

  @Test
  void dryFindsItsBreakersInTheTextsOfTokens() {
    // 0 to 9: a b c : x: :: cd e " :"
    var vocabulary = new Letters("a", "b", "c", ":", "x:", "::", "cd", "e", " :", "abc");
    assertThat(breaks(vocabulary, ":", 3)).isTrue();
    assertThat(breaks(vocabulary, ":", 4)).isTrue();
    assertThat(breaks(vocabulary, ":", 0)).isFalse();
    // "cde" is the token cd and then e, or c and then what d and e are: nothing, so only cd.
    assertThat(breaks(vocabulary, "cde", 6, 7)).isTrue();
    assertThat(breaks(vocabulary, "cde", 6, 0)).isFalse();
    assertThat(breaks(vocabulary, "ce", 2, 7)).isTrue();
    assertThat(breaks(vocabulary, "ce", 9, 7)).isTrue();
    assertThat(breaks(vocabulary, "", 0)).isFalse();
  }

  /// Whether these tokens at the end of a text keep what is before them from being repeated.
  private static boolean breaks(Letters vocabulary, String breaker, int... tokens) {
    var filter = Filter.dry(1, 2, 1, 100, List.of(breaker), vocabulary);
    for (int i = 0; i < 2; i++) {
      filter.accept(1);
      for (int token : tokens) {
        filter.accept(token);
      }
    }
    var candidates = Candidates.of(new float[10]);
    filter.apply(candidates);
    return candidates.logit(1) == 0;
  }

  @Test
  void infillJoinsTokensThatBeginAlike() {
    // "re" and "return" share what is left of the probability; "r" is the beginning of both.
    var vocabulary = new Letters("r", "re", "return", "x", ".");
    assertThat(left(new float[] {1, 3, 2, 0, -9}, Filter.infill(vocabulary))).containsExactly(1, 4);
    // Where the end is likely, it ends.
    assertThat(left(new float[] {1, 3, 2, 0, 3}, Filter.infill(vocabulary))).containsExactly(4);
    // Nothing has much probability, so it ends as well.
    var many = new Letters("abcdefghijklmnopqrst.");
    var flat = new float[21];
    flat[20] = -30;
    assertThat(left(flat, Filter.infill(many))).containsExactly(20);
    assertThatThrownBy(() -> Filter.infill(new Letters("a", "b")))
        .isInstanceOf(IllegalArgumentException.class);
  }

  /// The tokens that llama.cpp 0.5.0 draws with seed 42 from logits that turn a little at each
  /// step.
  @Test
  void drawsAsLlamaCppDoes() {
    Supplier<MersenneTwister> seeded = () -> new MersenneTwister(42);
    assertThat(drawn(Filter.mirostat(3, 0.1f, seeded.get())))
        .containsExactly(
            38, 87, 62, 59, 97, 64, 80, 77, 44, 19, 98, 73, 18, 78, 12, 50, 47, 85, 11, 27, 24, 92,
            56, 75);
    assertThat(drawn(Filter.mirostat2(3, 0.1f, seeded.get())))
        .containsExactly(
            87, 87, 10, 48, 56, 64, 9, 6, 74, 79, 98, 62, 78, 78, 1, 80, 6, 85, 11, 57, 54, 92, 86,
            75);
    assertThat(drawn(Filter.adaptiveP(0.1f, 0.8f, seeded.get())))
        .containsExactly(
            79, 17, 78, 59, 45, 10, 47, 32, 13, 65, 5, 71, 92, 0, 99, 61, 60, 0, 0, 53, 41, 5, 97,
            23);
    assertThat(drawn(Filter.xtc(0.5f, 0.05f, 1, seeded.get())))
        .containsExactly(
            13, 16, 78, 86, 45, 12, 50, 30, 22, 76, 46, 18, 9, 26, 99, 6, 58, 33, 0, 57, 62, 70, 97,
            23);
  }

  private static int[] drawn(Filter filter) {
    var sampler = Sampler.of(new MersenneTwister(42), filter);
    var tokens = new int[24];
    for (int step = 0; step < tokens.length; step++) {
      var logits = new float[100];
      for (int i = 0; i < logits.length; i++) {
        logits[i] = (i * 37 + step * 11) % 101 / 12f;
      }
      tokens[step] = sampler.sample(logits);
      sampler.accept(tokens[step]);
    }
    return tokens;
  }

  @Test
  void mirostatKeepsTheSurpriseAtItsTarget() {
    var random = new Random(6);
    for (float target : new float[] {2, 4}) {
      for (var filter :
          List.of(
              Filter.mirostat2(target, 0.1f, new MersenneTwister(1)),
              Filter.mirostat(target, 0.1f, new MersenneTwister(1)))) {
        double sum = 0;
        int counted = 0;
        for (int i = 0; i < 700; i++) {
          var logits = new float[400];
          for (int j = 0; j < logits.length; j++) {
            logits[j] = (float) (-1.1 * Math.log(j + 1) + random.nextGaussian() * 0.1);
          }
          var candidates = Candidates.of(logits);
          filter.apply(candidates);
          if (i >= 200) {
            sum -= Math.log(candidates.probability(candidates.selected())) / Math.log(2);
            counted++;
          }
        }
        assertThat(sum / counted).isCloseTo(target, within(0.2));
      }
    }
  }

  @Test
  void adaptivePKeepsTheProbabilityAtItsTarget() {
    var filter = Filter.adaptiveP(0.3f, 0.9f, new MersenneTwister(3));
    var logs = new float[] {log(0.6), log(0.3), log(0.06), log(0.04)};
    double sum = 0;
    for (int i = 0; i < 5000; i++) {
      var candidates = Candidates.of(logs);
      filter.apply(candidates);
      int token = candidates.id(candidates.selected());
      sum += Math.exp(logs[token]);
      filter.accept(token);
    }
    assertThat(sum / 5000).isCloseTo(0.3, within(0.03));
  }

  private static float log(double probability) {
    return (float) Math.log(probability);
  }

  private static int[] left(float[] logits, Filter filter) {
    var candidates = Candidates.of(logits);
    filter.apply(candidates);
    return IntStream.range(0, candidates.size()).map(candidates::id).toArray();
  }

  private static float[] logits(Candidates candidates) {
    var logits = new float[candidates.size()];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = candidates.logit(i);
    }
    return logits;
  }

  /// A vocabulary of some texts, encoded greedily; the end is a dot.
  private record Letters(String... texts) implements Vocabulary {
    Letters(String letters) {
      this(letters.split(""));
    }

    @Override
    public int size() {
      return texts.length;
    }

    @Override
    public byte[] text(int token) {
      return texts[token].getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public byte[] piece(int token) {
      return endsGeneration(token) ? new byte[0] : text(token);
    }

    @Override
    public int[] encode(String text) {
      var ids = IntStream.builder();
      for (int at = 0; at < text.length(); ) {
        int best = -1;
        for (int id = 0; id < texts.length; id++) {
          boolean longer = best < 0 || texts[id].length() > texts[best].length();
          best = longer && text.startsWith(texts[id], at) ? id : best;
        }
        if (best < 0) {
          return ids.add(99).build().toArray();
        }
        ids.add(best);
        at += texts[best].length();
      }
      return ids.build().toArray();
    }

    @Override
    public boolean endsGeneration(int token) {
      return token < texts.length && texts[token].equals(".");
    }

    @Override
    public int endOfTurn() {
      return Arrays.asList(texts).indexOf(".");
    }
  }
}
