package dev.tenon.gguf;

import static dev.tenon.gguf.GgufBytes.header;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;

/// What fuzzing begins with: small files that are whole, and those that once did harm.
final class FuzzSeeds {
  private FuzzSeeds() {}

  static Stream<Arguments> all() throws IOException {
    var seeds = new ArrayList<byte[]>();
    var file = Files.createTempFile("seed", ".gguf");
    try {
      seeds.add(Files.readAllBytes(Samples.everything(file)));
      seeds.add(Files.readAllBytes(Samples.tensorsAlone(file)));
      llama().write(file);
      seeds.add(Files.readAllBytes(file));
    } finally {
      Files.delete(file);
    }
    seeds.add(header(0, 0).toBytes());
    seeds.add(header(2, 0, 1).key("a", GgufType.UINT8).u8(1).toBytes());
    seeds.add(aligned().toBytes());
    seeds.addAll(regressions());
    return seeds.stream().map(seed -> Arguments.of((Object) seed));
  }

  /// The metadata of a small Llama with a vocabulary of eight, as converters write them.
  private static GgufWriter llama() {
    var uint32 = GgufType.UINT32;
    return new GgufWriter()
        .put("general.architecture", "llama")
        .put("general.name", "tiny")
        .put("llama.block_count", new GgufValue.Int(uint32, 1))
        .put("llama.context_length", new GgufValue.Int(uint32, 128))
        .put("llama.embedding_length", new GgufValue.Int(uint32, 4))
        .put("llama.rope.freq_base", new GgufValue.Real(GgufType.FLOAT32, 10000))
        .put("tokenizer.ggml.model", "llama")
        .put(
            "tokenizer.ggml.tokens",
            GgufValue.Array.strings(List.of("<unk>", "<s>", "</s>", "a", "b", "▁", "ab", "▁a")))
        .put("tokenizer.ggml.scores", GgufValue.Array.of(0f, 0f, 0f, -1f, -2f, -3f, -4f, -5f))
        .put("tokenizer.ggml.token_type", GgufValue.Array.of(2, 3, 3, 1, 1, 1, 1, 1))
        .put("tokenizer.ggml.bos_token_id", new GgufValue.Int(uint32, 1))
        .put("tokenizer.ggml.add_bos_token", new GgufValue.Bool(true))
        .tensor("token_embd.weight", TensorType.F32, Shape.of(4, 8), Samples.filled(128, 1))
        .tensor("blk.0.attn_q.weight", TensorType.F16, Shape.of(4, 4), Samples.filled(32, 2));
  }

  private static GgufBytes aligned() {
    return header(2, 1)
        .key("general.alignment", GgufType.UINT32)
        .u32(1)
        .tensor("a", TensorType.I8, 3, 2, 1)
        .tensor("b", TensorType.I8, 0, 3)
        .bytes(1, 2, 3, 4, 5);
  }

  /// Inputs that once broke something; none is known so far but those that would.
  private static List<byte[]> regressions() {
    long huge = 1L << 60;
    return List.of(
        header(huge, huge).toBytes(),
        header(0, 1).array("a", GgufType.STRING, huge).toBytes(),
        header(0, 1).array("a", GgufType.UINT64, 1L << 61).toBytes(),
        header(1, 0).tensor("t", TensorType.I8, 0, 0, 1L << 32, 1L << 32).pad(32).toBytes());
  }
}
