package dev.tenon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class ScoresTest {
  @Test
  void softmaxIsOfOneRow() {
    var scores = Scores.softmax(new float[] {9, 1, 2, 3, 9}, 1, 3);
    assertThat(scores).containsExactly(new float[] {0.09003057f, 0.24472848f, 0.66524094f}, off());
    assertThat(Scores.softmax(new float[] {-1e4f, 0}))
        .containsExactly(new float[] {0, 1}, within(0f));
    assertThat(Scores.softmax(new float[] {1e30f, 1e30f}))
        .containsExactly(new float[] {0.5f, 0.5f}, off());
  }

  @Test
  void sigmoidIsOfEach() {
    assertThat(Scores.sigmoid(new float[] {0, 2, -2, 1000}))
        .containsExactly(new float[] {0.5f, 0.880797f, 0.119203f, 1}, off());
  }

  @Test
  void ofEqualOnesTheFirstComesFirst() {
    var scores = new float[] {1, 3, 2, 3, 2};
    assertThat(Scores.best(scores)).isEqualTo(1);
    assertThat(Scores.best(scores, 4)).containsExactly(1, 3, 2, 4);
    assertThat(Scores.best(scores, 100)).containsExactly(1, 3, 2, 4, 0);
  }

  @Test
  void asManyAsNoneAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Scores.most(0))
        .withMessageContaining("0");
  }

  @Test
  void vectorsAreScaledAsLlamaCppDoes() {
    var vector = new float[] {3, -4, 0};
    assertThat(Embedder.normalized(vector, -1)).containsExactly(vector, off());
    assertThat(Embedder.normalized(vector, 0))
        .containsExactly(new float[] {24570, -32760, 0}, within(0.01f));
    assertThat(Embedder.normalized(vector, 1))
        .containsExactly(new float[] {3 / 7f, -4 / 7f, 0}, off());
    assertThat(Embedder.normalized(vector, 2)).containsExactly(new float[] {0.6f, -0.8f, 0}, off());
    float cube = (float) Math.cbrt(27 + 64);
    assertThat(Embedder.normalized(vector, 3))
        .containsExactly(new float[] {3 / cube, -4 / cube, 0}, off());
    assertThat(Embedder.normalized(new float[2], 2)).containsExactly(0, 0);
    assertThatIllegalArgumentException().isThrownBy(() -> Embedder.normalized(vector, -2));
  }

  @Test
  void cosines() {
    var a = new float[] {1, 2, 2};
    assertThat(Embedder.cosine(a, new float[] {2, 4, 4})).isCloseTo(1, within(1e-12));
    assertThat(Embedder.cosine(a, new float[] {-1, -2, -2})).isCloseTo(-1, within(1e-12));
    assertThat(Embedder.cosine(a, new float[] {2, -1, 0})).isZero();
    assertThat(Embedder.cosine(a, new float[3])).isZero();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Embedder.cosine(a, new float[2]))
        .withMessageContaining("3 and 2");
  }

  private static Offset<Float> off() {
    return within(1e-6f);
  }
}
