package dev.tenon.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// A stream of tokens as text: never half a character, and in all what decoding at once gives.
class TextDecoderTest {
  /// Bytes are tokens 3 and on.
  private static Tokenizer bytes;

  @BeforeAll
  static void open() throws IOException {
    var tokens = new ArrayList<>(IntStream.range(0, 256).mapToObj("<0x%02X>"::formatted).toList());
    tokens.addAll(List.of("▁a", "é", "▁"));
    bytes = TokenizerFile.llama(tokens).open();
  }

  private static int[] tokens(byte... utf8) {
    return IntStream.range(0, utf8.length).map(i -> 3 + (utf8[i] & 0xff)).toArray();
  }

  @Test
  void holdsBackUntilACharacterIsWhole() {
    var decoder = bytes.decoder();
    var given = new ArrayList<String>();
    for (int token : tokens("é€😀x".getBytes(StandardCharsets.UTF_8))) {
      given.add(decoder.accept(token));
    }
    assertThat(given).containsExactly("", "é", "", "", "€", "", "", "", "😀", "x");
    assertThat(decoder.finish()).isEmpty();
  }

  @Test
  void whatIsNeverWholeBecomesAReplacementCharacter() {
    var decoder = bytes.decoder();
    assertThat(decoder.accept(3 + 0xe2)).isEmpty();
    assertThat(decoder.accept(3 + 'x')).isEqualTo("\ufffdx");
    assertThat(decoder.accept(3 + 0xf0)).isEmpty();
    assertThat(decoder.accept(3 + 0x9f)).isEmpty();
    assertThat(decoder.finish()).isEqualTo("\ufffd");
    assertThat(decoder.finish()).isEmpty();
  }

  @Test
  void finishingMakesItNew() {
    var decoder = bytes.decoder();
    assertThat(decoder.accept(259)).isEqualTo("a");
    assertThat(decoder.accept(259)).isEqualTo(" a");
    assertThat(decoder.accept(3 + 0xc3)).isEmpty();
    assertThat(decoder.finish()).isEqualTo("\ufffd");
    assertThat(decoder.accept(259)).isEqualTo("a");
  }

  @Test
  void aPromptComesFirst() {
    var decoder = bytes.decoder();
    assertThat(decoder.accept(bytes.bos())).isEmpty();
    assertThat(decoder.accept(259)).as("after the begin token alone").isEqualTo("a");
    assertThat(decoder.accept(259)).as("after text").isEqualTo(" a");
  }

  @Test
  void anyBytesGiveWhatJavaMakesOfThem() {
    var random = new Random(7);
    for (int round = 0; round < 20_000; round++) {
      var utf8 = new byte[random.nextInt(12)];
      for (int i = 0; i < utf8.length; i++) {
        utf8[i] =
            (byte) (random.nextInt(4) == 0 ? random.nextInt(128) : 0x80 + random.nextInt(128));
      }
      var expected = new String(utf8, StandardCharsets.UTF_8);
      expected = expected.startsWith(" ") ? expected.substring(1) : expected;
      assertThat(bytes.decode(tokens(utf8))).isEqualTo(expected);
    }
  }

  @Test
  void aStreamGivesWhatDecodingAtOnceGives() {
    var random = new Random(11);
    for (int round = 0; round < 5_000; round++) {
      var ids = random.ints(random.nextInt(20), 0, bytes.vocabularySize()).toArray();
      var decoder = bytes.decoder();
      var text = new StringBuilder();
      for (int id : ids) {
        var piece = decoder.accept(id);
        assertThat(piece).as("half a pair").doesNotMatch("(?s).*[\\ud800-\\udbff]");
        text.append(piece);
      }
      assertThat(text.append(decoder.finish()).toString()).isEqualTo(bytes.decode(ids));
    }
  }
}
