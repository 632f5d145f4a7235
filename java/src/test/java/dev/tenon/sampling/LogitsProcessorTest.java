package dev.tenon.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

class LogitsProcessorTest {
  private static final float LOW = Float.NEGATIVE_INFINITY;
  private static final float INF = Float.POSITIVE_INFINITY;
  private static final float NAN = Float.NaN;

  private static float[] process(LogitsProcessor processor, int[] tokens, float... scores) {
    processor.process(tokens, tokens.length, scores);
    return scores;
  }

  private static float[] process(
      UnaryOperator<GenerationSettings> change, int prompt, int[] tokens, float... scores) {
    var settings = change.apply(GenerationSettings.defaults().withEos(List.of(2)));
    return process(LogitsProcessor.of(settings, prompt, 0, 1), tokens, scores);
  }

  @Test
  void whatIsThereTwiceIsPenalisedOnce() {
    assertThat(process(LogitsProcessor.repetitionPenalty(2), new int[] {0, 0, 1, 9}, 4, -4, 4, LOW))
        .containsExactly(2, -8, 4, LOW);
    assertThat(
            process(
                LogitsProcessor.encoderRepetitionPenalty(2, 0, 1, 1, 9), new int[] {2}, 4, -4, 4))
        .containsExactly(8, -2, 4);
    assertThatIllegalArgumentException().isThrownBy(() -> LogitsProcessor.repetitionPenalty(0));
  }

  @Test
  void ngramsOccurOnce() {
    int[] tokens = {1, 2, 3, 1, 2, 0, 1, 2};
    assertThat(process(LogitsProcessor.noRepeatNgram(3), tokens, 0, 0, 0, 0))
        .containsExactly(LOW, 0, 0, LOW);
    assertThat(process(LogitsProcessor.noRepeatNgram(1), tokens, 0, 0, 0, 0, 0))
        .containsExactly(LOW, LOW, LOW, LOW, 0);
    assertThat(process(LogitsProcessor.noRepeatNgram(9), tokens, 0, 0)).containsExactly(0, 0);
    assertThat(process(LogitsProcessor.noRepeatNgram(10), tokens, 0, 0)).containsExactly(0, 0);
    assertThat(process(LogitsProcessor.encoderNoRepeatNgram(2, 2, 1, 3, 2, 3), tokens, 0, 0, 0, 0))
        .containsExactly(0, LOW, 0, LOW);
    assertThatIllegalArgumentException().isThrownBy(() -> LogitsProcessor.noRepeatNgram(0));
  }

  @Test
  void badWordsDoNotOccurButAloneAnEndIsNone() {
    var words = List.of(List.of(0), List.of(2), List.of(5, 1), List.of(4, 5, 3), List.of(99));
    var processor = LogitsProcessor.badWords(words, List.of(2));
    assertThat(process(processor, new int[] {4, 5}, 0, 0, 0, 0)).containsExactly(LOW, LOW, 0, 0);
    assertThat(process(processor, new int[] {6, 4, 5}, 0, 0, 0, 0))
        .containsExactly(LOW, LOW, 0, LOW);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LogitsProcessor.badWords(List.of(List.of()), List.of()));
  }

  @Test
  void sequencesAreBiasedWhereTheyWouldBeComplete() {
    var bias = Map.of(List.of(0), 1.0, List.of(5, 0), 2.0, List.of(6, 1), -3.0);
    assertThat(process(s -> s.withSequenceBias(bias), 1, new int[] {4, 5}, 1, 1, 1))
        .containsExactly(4, 1, 1);
  }

  @Test
  void lengthsForceAndForbid() {
    int[] two = {0, 0};
    assertThat(process(s -> s.withMinLength(3), 1, two, 1, 1, 1)).containsExactly(1, 1, LOW);
    assertThat(process(s -> s.withMinLength(2), 1, two, 1, 1, 1)).containsExactly(1, 1, 1);
    assertThat(process(s -> s.withMinNewTokens(2), 1, two, 1, 1, 1)).containsExactly(1, 1, LOW);
    assertThat(process(s -> s.withMinNewTokens(2).withMinLength(9), 0, two, 1, 1, 1))
        .containsExactly(1, 1, 1);
    assertThat(process(s -> s.withForcedBos(1), 1, two, 1, 1, 1)).containsExactly(1, 1, 1);
    assertThat(process(s -> s.withForcedBos(1), 1, new int[] {0}, 1, 1, 1))
        .containsExactly(LOW, 0, LOW);
    assertThat(process(s -> s.withForcedEos(List.of(2, 7)).withMaxLength(3), 1, two, 1, 1, 1))
        .containsExactly(LOW, LOW, 0);
    assertThat(process(s -> s.withForcedEos(List.of(2)).withMaxNewTokens(3), 1, two, 1, 1, 1))
        .containsExactly(1, 1, 1);
    assertThat(process(s -> s.withSuppressTokens(List.of(0, 8)), 1, two, 1, 1))
        .containsExactly(LOW, 1);
    assertThat(process(s -> s.withBeginSuppressTokens(List.of(0)), 2, two, 1, 1))
        .containsExactly(LOW, 1);
    assertThat(process(s -> s.withBeginSuppressTokens(List.of(0)), 1, two, 1, 1))
        .containsExactly(1, 1);
    assertThat(process(s -> s.withBeginSuppressTokens(List.of(0)).withForcedBos(1), 1, two, 1, 1))
        .containsExactly(LOW, 1);
  }

  @Test
  void endsGrowLikelierAndAreNeverNoNumber() {
    UnaryOperator<GenerationSettings> decay = s -> s.withExponentialDecayLengthPenalty(1, 2);
    assertThat(process(decay, 1, new int[2], 1, 1, -1)).containsExactly(1, 1, -1);
    assertThat(process(decay, 1, new int[4], 1, 1, -1)).containsExactly(1, 1, 2);
    assertThat(process(decay, 1, new int[4], 1, 1, LOW)).containsExactly(1, 1, LOW);
    assertThat(process(decay, 1, new int[9000], 1, 1, -1)[2]).isGreaterThan(1e38f);
    assertThat(process(decay, 1, new int[9000], 1, 1, 0)[2]).isZero();
  }

  @Test
  void whatIsNoNumberBecomesOne() {
    assertThat(process(s -> s.withRemoveInvalidValues(true), 1, new int[2], NAN, INF, LOW, 1))
        .containsExactly(0, Float.MAX_VALUE, -Float.MAX_VALUE, 1);
  }

  @Test
  void isAFilterToo() {
    var sampler = Sampler.greedy(LogitsProcessor.noRepeatNgram(2).filter());
    float[] logits = {1, 3, 2};
    for (int token : new int[] {0, 1, 0}) {
      sampler.accept(token);
    }
    assertThat(sampler.sample(logits)).isEqualTo(2);
    sampler.reset();
    assertThat(sampler.sample(logits)).isEqualTo(1);
  }

  @Test
  void aFilterLeavesAMaskAsItIs() {
    var processor = LogitsProcessor.of(GenerationSettings.defaults().withForcedBos(1), 1, 0);
    var filter = processor.filter();
    filter.accept(0);
    var candidates = Candidates.of(1, 2, 3, 4);
    candidates.keepBest(2);
    filter.apply(candidates);
    assertThat(candidates.size()).isEqualTo(2);
    assertThat(candidates.id(0)).isEqualTo(3);
    assertThat(candidates.logit(0)).isEqualTo(LOW);
    assertThat(candidates.sorted()).isFalse();
  }

  @Test
  void filtersRememberLongTexts() {
    var random = new Random(1);
    var tokens = random.ints(5000, 0, 40).toArray();
    var processor = LogitsProcessor.noRepeatNgram(3);
    var filter = processor.filter();
    for (int token : tokens) {
      filter.accept(token);
    }
    var candidates = Candidates.of(new float[40]);
    filter.apply(candidates);
    var scores = process(processor, tokens, new float[40]);
    for (int token = 0; token < scores.length; token++) {
      assertThat(candidates.logit(token)).isEqualTo(scores[token]);
    }
  }
}
