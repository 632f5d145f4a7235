package dev.tenon.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TextTableTest {
  @Test
  void findsWhatWasAdded() {
    var random = new Random(1);
    var table = new TextTable(0);
    var numbers = new HashMap<String, Integer>();
    for (int i = 0; i < 20_000; i++) {
      var text = Integer.toString(random.nextInt(30_000), 36).repeat(1 + random.nextInt(2));
      var utf8 = ("<" + text + ">").getBytes(StandardCharsets.UTF_8);
      int known = numbers.getOrDefault(text, -1);
      assertThat(table.find(utf8, 1, utf8.length - 1)).isEqualTo(known);
      int added = table.add(utf8, 1, utf8.length - 1);
      assertThat(added).isEqualTo(known < 0 ? numbers.size() : -1);
      numbers.putIfAbsent(text, added);
    }
    assertThat(table.size()).isEqualTo(numbers.size());
    numbers.forEach(
        (text, number) -> {
          assertThat(table.find(text)).isEqualTo(number);
          assertThat(table.text(number)).isEqualTo(text);
          assertThat(table.length(number)).isEqualTo(text.length());
        });
    assertThat(table.find("?")).isEqualTo(-1);
    assertThat(table.find("?".repeat(100))).isEqualTo(-1);
  }
}
