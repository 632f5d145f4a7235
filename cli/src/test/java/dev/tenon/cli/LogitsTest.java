package dev.tenon.cli;

import static dev.tenon.cli.Tried.tenon;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogitsTest {
  @TempDir static Path folder;
  private static String tiny;

  @BeforeAll
  static void write() throws IOException {
    tiny = TinyModel.write(folder.resolve("tiny.gguf")).toString();
  }

  private static float[] floats(byte[] bytes) {
    var floats = new float[bytes.length / 4];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(floats);
    return floats;
  }

  @Test
  void writesARowForEachToken() throws IOException {
    var args = new String[] {"logits", "-m", tiny, "--tokens", "1,5,6,7,8,9,10"};
    var all = tenon(args).succeeded().bytes();
    assertThat(all).hasSize(7 * TinyModel.VOCABULARY * 4);
    var file = folder.resolve("logits.f32");
    Files.writeString(file, "something older");
    assertThat(tenon(append(args, "-o", file.toString())).succeeded().out()).isEmpty();
    assertThat(file).hasBinaryContent(all);
    try (var left = Files.list(folder)) {
      assertThat(left.map(p -> p.getFileName().toString()))
          .containsExactlyInAnyOrder("tiny.gguf", "logits.f32");
    }
    // The same numbers, but for rounding, however many at a time.
    for (var chunk : new String[] {"1", "2", "5", "7", "100", "2147483647"}) {
      assertThat(floats(tenon(append(args, "--chunk", chunk)).succeeded().bytes()))
          .as(chunk)
          .usingComparatorWithPrecision(1e-2f)
          .containsExactly(floats(all));
    }
  }

  @Test
  void textBeginsWithTheBeginToken() {
    var text = tenon("logits", "-m", tiny, "ab").succeeded().bytes();
    assertThat(tenon("logits", "-m", tiny, "-p", "ab").succeeded().bytes()).isEqualTo(text);
    assertThat(tenon("logits", "-m", tiny, "--tokens", "1,265").succeeded().bytes())
        .isEqualTo(text);
  }

  @Test
  void theBestTenAreValidJson() throws IOException {
    var args = new String[] {"logits", "-m", tiny, "--tokens", "1,5,6"};
    var all = floats(tenon(args).succeeded().bytes());
    var last = Arrays.copyOfRange(all, 2 * TinyModel.VOCABULARY, all.length);
    double sum = 0;
    for (float logit : last) {
      sum += Math.exp(logit);
    }
    int count = 0;
    float above = Float.POSITIVE_INFINITY;
    var json = tenon(append(args, "--json")).succeeded();
    try (var parser = new JsonFactory().createParser(json.bytes())) {
      assertThat(parser.nextToken()).isEqualTo(JsonToken.START_ARRAY);
      while (parser.nextToken() == JsonToken.START_OBJECT) {
        count++;
        parser.nextToken();
        assertThat(parser.currentName()).isEqualTo("id");
        int id = parser.nextIntValue(-1);
        assertThat(parser.nextFieldName()).isEqualTo("text");
        parser.nextToken();
        assertThat(parser.nextFieldName()).isEqualTo("logit");
        parser.nextToken();
        float logit = parser.getFloatValue();
        assertThat(logit).isEqualTo(last[id], within(1e-3f)).isLessThanOrEqualTo(above);
        above = logit;
        assertThat(parser.nextFieldName()).isEqualTo("probability");
        parser.nextToken();
        assertThat(parser.getDoubleValue()).isCloseTo(Math.exp(logit) / sum, within(1e-3));
        assertThat(parser.nextToken()).isEqualTo(JsonToken.END_OBJECT);
      }
    }
    assertThat(count).isEqualTo(10);
  }

  @Test
  void whatIsOfAnotherKindOfModelIsRefused() {
    var args = new String[] {"logits", "-m", tiny, "--tokens", "1,5,6"};
    var all = tenon(args).succeeded().bytes();
    assertThat(tenon(append(args, "--output", "logits")).succeeded().bytes()).isEqualTo(all);
    tenon(append(args, "--output", "hidden_states")).failed("hidden_states", "logits");
    tenon(append(args, "--token-types", "0,0,0")).failed("--token-types", "a decoder");
    tenon(append(args, "--decoder-tokens", "1")).failed("--decoder-tokens", "a decoder");
    tenon(append(args, "--token-types", "x")).refused("--token-types");
  }

  private static String[] append(String[] args, String... more) {
    var all = new ArrayList<>(List.of(args));
    all.addAll(List.of(more));
    return all.toArray(String[]::new);
  }
}
