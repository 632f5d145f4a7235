package dev.tenon.cli;

import static dev.tenon.cli.Tried.tenon;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonToken;
import dev.tenon.fixtures.Fixtures;
import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

class InspectTest {
  @TempDir static Path folder;

  /// The names of all fields of a JSON text, which must be valid to its end.
  private static HashSet<String> fields(byte[] json) throws IOException {
    var names = new HashSet<String>();
    try (var parser = new JsonFactory().createParser(json)) {
      for (JsonToken token; (token = parser.nextToken()) != null; ) {
        if (token == JsonToken.FIELD_NAME) {
          names.add(parser.currentName());
        }
      }
    }
    return names;
  }

  @Test
  void showsWhatIsThere() throws IOException {
    var file = TinyModel.write(folder.resolve("tiny.gguf")).toString();
    var text = tenon("inspect", file).succeeded().out();
    assertThat(text)
        .contains("GGUF v3", "llama", "general.name = \"tiny\"", "llama.block_count = 2")
        .contains("[\"<unk>\", \"<s>\"", "(268 of string)", "blk.1.ffn_down.weight", "[48, 32]")
        .contains("TENSORS (21)", "f32", "weights", "cache", "128 tokens")
        .doesNotContain("<0x7F>");
    assertThat(tenon("inspect", "-m", file).succeeded().out()).isEqualTo(text);
    assertThat(tenon("inspect", file, "-c", "64", "-ctk", "f32").succeeded().out())
        .contains("64 tokens, keys f32, values f16");
  }

  @Test
  void jsonIsCompleteAndValid() throws IOException {
    var file = TinyModel.write(folder.resolve("tiny.gguf")).toString();
    var json = tenon("inspect", "--json", file).succeeded();
    assertThat(fields(json.bytes()))
        .contains("metadata", "tensors", "memory", "parameters", "llama.block_count", "total");
    assertThat(json.out()).contains("<0x7F>", "blk.1.ffn_down.weight");
  }

  @Test
  void everyTypeOfValueIsShown() throws IOException {
    var writer = new GgufWriter().put("general.architecture", "nonesuch");
    writer.put("escape", "\u001b[2J\r\nx\u202e");
    writer.put("long", "x".repeat(1000));
    writer.put("uint64", new GgufValue.Int(GgufType.UINT64, -1));
    writer.put("int64", new GgufValue.Int(GgufType.INT64, Long.MIN_VALUE));
    writer.put("nan", new GgufValue.Real(GgufType.FLOAT32, Double.NaN));
    writer.put("infinity", new GgufValue.Real(GgufType.FLOAT64, Double.NEGATIVE_INFINITY));
    writer.put("tenth", new GgufValue.Real(GgufType.FLOAT32, 0.1f));
    writer.put("flag", new GgufValue.Bool(true));
    writer.put("empty", GgufValue.Array.strings(List.of()));
    writer.put(
        "nested",
        GgufValue.Array.of(
            GgufType.ARRAY, List.of(GgufValue.Array.of(1, 2), GgufValue.Array.of())));
    var file = folder.resolve("types.gguf");
    writer.write(file);
    var text = tenon("inspect", file.toString()).succeeded().out();
    assertThat(text)
        .contains("18446744073709551615", "-9223372036854775808", "tenth = 0.1\n", "(1000 char")
        .contains("\\u001b[2J\\r\\nx", "MEMORY\n  unknown")
        .doesNotContain("\u001b", "\r", "\u202e");
    var json = tenon("inspect", "--json", file.toString()).succeeded();
    assertThat(fields(json.bytes())).contains("nested", "nan");
    assertThat(json.out())
        .contains("18446744073709551615", "\"NaN\"", "\"-Infinity\"", ": 0.1,", "x".repeat(1000));
  }

  @TestFactory
  Stream<DynamicTest> readsEveryArchitecture() throws IOException {
    return Fixtures.each("archs", "*.gguf", InspectTest::read);
  }

  @TestFactory
  Stream<DynamicTest> readsEveryVocabulary() throws IOException {
    return Fixtures.each("tokenizers", "*.gguf", InspectTest::read);
  }

  private static void read(Path file) throws IOException {
    assertThat(tenon("inspect", file.toString()).succeeded().out()).contains("METADATA");
    assertThat(fields(tenon("inspect", "--json", file.toString()).succeeded().bytes()))
        .contains("general.architecture", "tensors", "memory");
  }
}
