package dev.tenon.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.fixtures.Fixtures;
import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// llama2.c's files of a model, against the GGUF file of the same model.
class Llama2cTest {
  @TempDir private Path folder;

  private static Path model() {
    return Fixtures.need("models/stories260K-llama2c").resolve("stories260K.bin");
  }

  @Test
  void weightsAndConfigurationAreThoseOfTheModel() throws IOException {
    var config = Llama2c.config(model());
    assertThat(config.size("hidden_size")).isEqualTo(64);
    assertThat(config.size("num_key_value_heads")).isEqualTo(4);
    assertThat(config.bool("tie_word_embeddings", false)).isTrue();
    try (var checkpoint = Checkpoint.open(model());
        var gguf = Gguf.open(Fixtures.need("models/stories260K.gguf"))) {
      assertSame(checkpoint, "model.embed_tokens.weight", gguf, "token_embd.weight");
      assertSame(checkpoint, "model.layers.1.mlp.up_proj.weight", gguf, "blk.1.ffn_up.weight");
      assertSame(
          checkpoint, "model.layers.4.self_attn.o_proj.weight", gguf, "blk.4.attn_output.weight");
      assertSame(checkpoint, "model.norm.weight", gguf, "output_norm.weight");
      // Rows of queries are in Hugging Face's order: the first of each pair of a head, then the
      // second ones.
      var query = checkpoint.tensor("model.layers.0.self_attn.q_proj.weight");
      var expected = numbers(gguf, "blk.0.attn_q.weight");
      var found = new float[64];
      for (int row = 0; row < 64; row++) {
        query.read(row * 64L, found, 0, 64);
        int from = row / 8 * 8 + row % 8 % 4 * 2 + row % 8 / 4;
        assertThat(found).isEqualTo(Arrays.copyOfRange(expected, from * 64, from * 64 + 64));
      }
    }
  }

  private static void assertSame(Checkpoint checkpoint, String name, Gguf gguf, String other)
      throws IOException {
    var tensor = checkpoint.tensor(name);
    var found = new float[Math.toIntExact(tensor.elements())];
    tensor.read(0, found, 0, found.length);
    assertThat(found).isEqualTo(numbers(gguf, other));
  }

  private static float[] numbers(Gguf gguf, String name) throws IOException {
    return gguf.data(gguf.tensor(name)).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
  }

  @Test
  void theTokenizerGivesTheSameIds() throws IOException {
    var vocabulary = Llama2c.tokenizer(Llama2c.tokenizerBeside(model()), 512);
    var writer = new GgufWriter();
    vocabulary.putInto(writer);
    var file = folder.resolve("vocabulary.gguf");
    writer.write(file);
    try (var ours = Gguf.open(file);
        var theirs = Gguf.open(Fixtures.need("models/stories260K.gguf"))) {
      var found = Tokenizer.of(ours);
      var expected = Tokenizer.of(theirs);
      for (var text : new String[] {"Once upon a time", " two  spaces é\n", "", "中 \"x\""}) {
        assertThat(found.encode(text, true, false)).isEqualTo(expected.encode(text, true, false));
      }
    }
  }

  @Test
  void whatIsNoneIsRefused() throws IOException {
    var bytes = Files.readAllBytes(model());
    var file = folder.resolve("model.bin");
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 4));
    assertThatThrownBy(() -> Checkpoint.open(file)).isInstanceOf(FormatException.class);
    Files.write(file, Arrays.copyOf(bytes, bytes.length + 4));
    assertThatThrownBy(() -> Checkpoint.open(file)).isInstanceOf(FormatException.class);
    bytes[12] = 3; // heads
    Files.write(file, bytes);
    assertThatThrownBy(() -> Checkpoint.open(file)).isInstanceOf(FormatException.class);
    Files.write(file, new byte[10]);
    assertThatThrownBy(() -> Checkpoint.open(file)).isInstanceOf(FormatException.class);
    var tokens = Llama2c.tokenizerBeside(model());
    assertThatThrownBy(() -> Llama2c.tokenizer(tokens, 511)).isInstanceOf(FormatException.class);
    assertThatThrownBy(() -> Llama2c.tokenizer(tokens, 513)).isInstanceOf(FormatException.class);
  }
}
