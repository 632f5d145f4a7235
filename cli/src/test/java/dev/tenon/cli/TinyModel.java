package dev.tenon.cli;

import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/// A Llama of a few kilobytes with random weights and a SentencePiece vocabulary of bytes and a few
/// words: begin token 1, end token 2, byte b is token 3 + b.
final class TinyModel {
  static final int WIDTH = 32;
  static final int HEADS = 4;
  static final int KEY_VALUE_HEADS = 2;
  static final int FEED_FORWARD = 48;
  static final int LAYERS = 2;
  static final int CONTEXT = 128;
  static final List<String> WORDS = List.of("▁", "a", "b", "▁a", "▁b", "ab", "▁ab", "é", "\n");
  static final int VOCABULARY = 3 + 256 + WORDS.size();

  private static final ValueLayout.OfFloat F32 =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private TinyModel() {}

  /// A writer with everything in it, for a test to change something.
  static GgufWriter writer() {
    return tensors(vocabulary(numbers(new GgufWriter()), true));
  }

  /// Writes the model.
  static Path write(Path file) throws IOException {
    writer().write(file);
    return file;
  }

  static GgufWriter numbers(GgufWriter to) {
    to.put("general.architecture", "llama").put("general.name", "tiny");
    number(to, "llama.context_length", CONTEXT);
    number(to, "llama.embedding_length", WIDTH);
    number(to, "llama.block_count", LAYERS);
    number(to, "llama.feed_forward_length", FEED_FORWARD);
    number(to, "llama.attention.head_count", HEADS);
    number(to, "llama.attention.head_count_kv", KEY_VALUE_HEADS);
    number(to, "llama.rope.dimension_count", WIDTH / HEADS);
    number(to, "llama.vocab_size", VOCABULARY);
    return to.put(
        "llama.attention.layer_norm_rms_epsilon", new GgufValue.Real(GgufType.FLOAT32, 1e-5f));
  }

  static GgufWriter vocabulary(GgufWriter to, boolean addBos) {
    var tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
    var types = new ArrayList<>(List.of(2, 3, 3));
    for (int b = 0; b < 256; b++) {
      tokens.add(String.format("<0x%02X>", b));
      types.add(6);
    }
    for (var word : WORDS) {
      tokens.add(word);
      types.add(1);
    }
    var scores = new float[tokens.size()];
    for (int i = 259; i < scores.length; i++) {
      scores[i] = 259 - i;
    }
    to.put("tokenizer.ggml.model", "llama");
    to.put("tokenizer.ggml.tokens", GgufValue.Array.strings(tokens));
    to.put("tokenizer.ggml.scores", GgufValue.Array.of(scores));
    to.put(
        "tokenizer.ggml.token_type",
        GgufValue.Array.of(types.stream().mapToInt(Integer::intValue).toArray()));
    number(to, "tokenizer.ggml.bos_token_id", 1);
    number(to, "tokenizer.ggml.eos_token_id", 2);
    number(to, "tokenizer.ggml.unknown_token_id", 0);
    return to.put("tokenizer.ggml.add_bos_token", new GgufValue.Bool(addBos));
  }

  static GgufWriter tensors(GgufWriter to) {
    var random = new Random(1);
    int keys = WIDTH / HEADS * KEY_VALUE_HEADS;
    tensor(to, random, "token_embd.weight", WIDTH, VOCABULARY);
    tensor(to, random, "output_norm.weight", WIDTH);
    tensor(to, random, "output.weight", WIDTH, VOCABULARY);
    for (int i = 0; i < LAYERS; i++) {
      tensor(to, random, "blk." + i + ".attn_norm.weight", WIDTH);
      tensor(to, random, "blk." + i + ".attn_q.weight", WIDTH, WIDTH);
      tensor(to, random, "blk." + i + ".attn_k.weight", WIDTH, keys);
      tensor(to, random, "blk." + i + ".attn_v.weight", WIDTH, keys);
      tensor(to, random, "blk." + i + ".attn_output.weight", WIDTH, WIDTH);
      tensor(to, random, "blk." + i + ".ffn_norm.weight", WIDTH);
      tensor(to, random, "blk." + i + ".ffn_gate.weight", WIDTH, FEED_FORWARD);
      tensor(to, random, "blk." + i + ".ffn_up.weight", WIDTH, FEED_FORWARD);
      tensor(to, random, "blk." + i + ".ffn_down.weight", FEED_FORWARD, WIDTH);
    }
    return to;
  }

  static void number(GgufWriter to, String key, int value) {
    to.put(key, new GgufValue.Int(GgufType.UINT32, value));
  }

  static void tensor(GgufWriter to, Random random, String name, long... dimensions) {
    var shape = Shape.of(dimensions);
    var data = MemorySegment.ofArray(new byte[Math.toIntExact(4 * shape.elements())]);
    for (long i = 0; i < shape.elements(); i++) {
      data.setAtIndex(F32, i, (float) random.nextGaussian());
    }
    to.tensor(name, TensorType.F32, shape, data);
  }
}
