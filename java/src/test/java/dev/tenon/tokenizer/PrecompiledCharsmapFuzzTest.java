package dev.tenon.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// SentencePiece's table, by hand and broken.
class PrecompiledCharsmapFuzzTest {
  /// A tree of the texts `a` to "xy" and `ab` to "": units are at the exclusive or of the offset
  /// before and a byte.
  private static byte[] table() {
    var units = new int[1 << 9];
    units[0] = 0x100 << 10; // all texts begin at 0x100 ^ byte
    units['a' ^ 0x100] = 0x80 << 10 | 1 << 8 | 'a';
    int a = 'a' ^ 0x100 ^ 0x80;
    units[a] = 1 << 31; // becomes what stands at 0
    units[a ^ 'b'] = 0x40 << 10 | 1 << 8 | 'b';
    units[a ^ 'b' ^ 0x40] = 1 << 31 | 3;
    return table(units, "xy\0\0");
  }

  private static byte[] table(int[] units, String texts) {
    var utf8 = texts.getBytes(StandardCharsets.UTF_8);
    var table = ByteBuffer.allocate(4 + 4 * units.length + utf8.length);
    table.order(ByteOrder.LITTLE_ENDIAN).putInt(4 * units.length);
    for (int unit : units) {
      table.putInt(unit);
    }
    return table.put(utf8).array();
  }

  private static String replaced(PrecompiledCharsmap charsmap, String text) {
    var result = new StringBuilder();
    charsmap.replace(text, (part, _, _) -> result.append(part));
    return result.toString();
  }

  private static String longest(PrecompiledCharsmap charsmap, String text) {
    var result = new StringBuilder();
    for (int at = 0; at < text.length(); ) {
      at = charsmap.longest(text, at, text.length(), (part, _, _) -> result.append(part));
    }
    return result.toString();
  }

  @Test
  void sentencePieceTakesTheLongest() {
    var charsmap = new PrecompiledCharsmap(table());
    assertThat(longest(charsmap, "cabad")).isEqualTo("cxyd");
  }

  @Test
  void tokenizersGoesByClusters() {
    var charsmap = new PrecompiledCharsmap(table());
    assertThat(replaced(charsmap, "cabad")).isEqualTo("cxybxyd");
    // A short cluster becomes what the first text becomes that it begins with.
    assertThat(replaced(charsmap, "a\u0301c")).isEqualTo("xyc");
    assertThat(replaced(charsmap, "a\u0301\u0301\u0301c")).isEqualTo("xy\u0301\u0301\u0301c");
  }

  @Test
  void aTreeBeyondTheTableIsRefused() {
    for (var table : new byte[][] {{}, {1, 2, 3}, {0, 0, 0, 0}, {8, 0, 0, 0, 1, 2, 3, 4}}) {
      assertThatThrownBy(() -> new PrecompiledCharsmap(table))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("precompiled_charsmap: expected a tree");
    }
    assertThatThrownBy(() -> new PrecompiledCharsmap(new byte[] {-1, -1, -1, -1, 0, 0, 0, 0}))
        .hasMessageContaining("4294967295 bytes");
  }

  @Test
  void noTableLeadsAstray() {
    var random = new Random(11);
    for (int round = 0; round < 2000; round++) {
      byte[] table;
      if (round % 2 == 0) {
        table = table();
        for (int i = 0; i < 20; i++) {
          table[4 + random.nextInt(table.length - 4)] = (byte) random.nextInt();
        }
      } else {
        var units = random.ints(256).toArray();
        for (int i = 0; i < units.length; i++) { // units that their byte leads to, of any offset
          units[i] = units[i] & 0x3ff00 | i & 0xff;
        }
        table = table(units, "no end");
      }
      var charsmap = new PrecompiledCharsmap(table);
      var text = new StringBuilder();
      for (int i = 0; i < 40; i++) {
        text.appendCodePoint(random.nextInt(i % 2 == 0 ? 128 : 0xd800));
      }
      int[] end = {0};
      charsmap.replace(
          text.toString(),
          (_, from, to) -> {
            assertThat(from).isEqualTo(end[0]);
            end[0] = to;
          });
      assertThat(end[0]).isEqualTo(text.length());
      longest(charsmap, text.toString());
    }
  }
}
