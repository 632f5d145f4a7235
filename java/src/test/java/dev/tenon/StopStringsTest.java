package dev.tenon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class StopStringsTest {
  /// All that is given out for `text` cut into pieces at `cuts`, and what stopped it.
  private static String[] run(List<String> strings, String text, Random cuts) {
    var stops = new StopStrings(strings);
    var out = new StringBuilder();
    for (int at = 0; at < text.length() && stops.found() == null; ) {
      int to = Math.min(text.length(), at + cuts.nextInt(4));
      out.append(stops.accept(text.substring(at, to)));
      at = to;
    }
    if (stops.found() == null) out.append(stops.finish());
    return new String[] {out.toString(), stops.found()};
  }

  @Test
  void aStopStringAcrossPiecesIsFoundAndNotGivenOut() {
    var stops = new StopStrings(List.of("\nUser:"));
    assertThat(stops.accept("Hi")).isEqualTo("Hi");
    assertThat(stops.accept(".\n")).isEqualTo(".");
    assertThat(stops.accept("Us")).isEmpty();
    assertThat(stops.found()).isNull();
    assertThat(stops.accept("er: and more")).isEmpty();
    assertThat(stops.found()).isEqualTo("\nUser:");
  }

  @Test
  void whatTurnsOutToBeNoStopStringIsGivenOut() {
    var stops = new StopStrings(List.of("abab!"));
    assertThat(stops.accept("xaba")).isEqualTo("x");
    assertThat(stops.accept("b")).isEmpty();
    assertThat(stops.accept("a")).isEqualTo("ab"); // "aba" may still begin one
    assertThat(stops.accept("?")).isEqualTo("aba?");
    assertThat(stops.accept("ab")).isEmpty();
    assertThat(stops.finish()).isEqualTo("ab");
  }

  @Test
  void howTheTextIsCutMakesNoDifference() {
    var random = new Random(7);
    for (int round = 0; round < 20_000; round++) {
      var strings = random.ints(1 + random.nextInt(3)).mapToObj(_ -> word(random, 1, 4)).toList();
      var text = word(random, 0, 12);
      var expected = byHand(strings, text);
      assertThat(run(strings, text, random))
          .as(strings + " in " + text)
          .containsExactly(expected[0], expected[1]);
    }
  }

  /// The first place where some string ends, and the longest that ends there.
  private static String[] byHand(List<String> strings, String text) {
    for (int end = 1; end <= text.length(); end++) {
      String longest = null;
      for (var s : strings) {
        if (text.substring(0, end).endsWith(s)
            && (longest == null || s.length() > longest.length())) longest = s;
      }
      if (longest != null) return new String[] {text.substring(0, end - longest.length()), longest};
    }
    return new String[] {text, null};
  }

  private static String word(Random random, int least, int most) {
    var word = new StringBuilder();
    for (int i = least + random.nextInt(most - least + 1); i > 0; i--)
      word.append((char) ('a' + random.nextInt(2)));
    return word.toString();
  }

  @Test
  void anEmptyStringIsNoStop() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Stops(false, List.of("a", ""), Set.of(), false, null));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Stops(false, List.of(), Set.of(-1), false, null));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GenerateOptions.of(1).withContextShift(-2));
  }
}
