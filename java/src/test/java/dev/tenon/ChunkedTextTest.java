package dev.tenon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class ChunkedTextTest {
  @Test
  void nobodyCanChangeIt() {
    int[][] given = {{1, 2, 3, 4}, {5, 6, 7, 8}};
    var text = ChunkedText.of(given);
    given[0][0] = 9;
    given[1] = null;
    text.chunks()[1][1] = 9;
    text.chunks()[0] = new int[1];
    assertThat(text.chunks()).isDeepEqualTo(new int[][] {{1, 2, 3, 4}, {5, 6, 7, 8}});
    assertThat(text.count()).isEqualTo(2);
    assertThat(text.length()).isEqualTo(4);
  }

  @Test
  void chunksAreEquallyLong() {
    assertThatIllegalArgumentException().isThrownBy(() -> ChunkedText.of(new int[0][]));
    assertThatIllegalArgumentException().isThrownBy(() -> ChunkedText.of(new int[][] {{1, 2, 3}}));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ChunkedText.of(new int[][] {{1, 2, 3, 4}, {1, 2, 3, 4, 5}}));
  }
}
