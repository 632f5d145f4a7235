package dev.tenon.models;

import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

/// Llama files of random weights, small enough to evaluate in milliseconds. Each part of the
/// architecture can be there or not.
record TinyLlama(
    int layers,
    int width,
    int heads,
    int kvHeads,
    int ffn,
    int experts,
    int used,
    boolean biases,
    boolean tied,
    boolean vocabulary,
    long seed) {

  static final TinyLlama DENSE = new TinyLlama(2, 32, 4, 2, 48, 0, 0, false, false, true, 1);
  static final TinyLlama BIASED = new TinyLlama(3, 48, 6, 3, 64, 0, 0, true, true, true, 2);
  static final TinyLlama MIXTURE = new TinyLlama(2, 64, 4, 1, 32, 5, 2, false, true, true, 3);

  /// Special tokens, then one for each byte.
  static final int TOKENS = 3 + 256;

  /// Writes the file.
  Path write(Path file) throws IOException {
    return write(file, _ -> {});
  }

  /// Writes the file after `change` has had its way with it: what a test of bad files needs.
  Path write(Path file, Consumer<GgufWriter> change) throws IOException {
    var gguf = new GgufWriter();
    gguf.put("general.architecture", "llama");
    number(gguf, "llama.block_count", layers);
    number(gguf, "llama.embedding_length", width);
    number(gguf, "llama.feed_forward_length", ffn);
    number(gguf, "llama.attention.head_count", heads);
    number(gguf, "llama.attention.head_count_kv", kvHeads);
    number(gguf, "llama.context_length", 512);
    gguf.put("llama.attention.layer_norm_rms_epsilon", new GgufValue.Real(GgufType.FLOAT32, 1e-5f));
    if (experts > 0) {
      number(gguf, "llama.expert_count", experts);
      number(gguf, "llama.expert_used_count", used);
    }
    if (vocabulary) vocabulary(gguf);
    else number(gguf, "llama.vocab_size", TOKENS);
    tensors(gguf);
    change.accept(gguf);
    gguf.write(file);
    return file;
  }

  static void number(GgufWriter gguf, String key, long value) {
    gguf.put(key, new GgufValue.Int(GgufType.UINT32, value));
  }

  private static void vocabulary(GgufWriter gguf) {
    var pieces = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
    for (int b = 0; b < 256; b++) pieces.add("<0x%02X>".formatted(b));
    var types = new int[TOKENS];
    types[0] = 2; // unknown
    types[1] = 3; // control
    types[2] = 3;
    for (int i = 3; i < TOKENS; i++) types[i] = 6; // byte
    gguf.put("tokenizer.ggml.model", "llama");
    gguf.put("tokenizer.ggml.tokens", GgufValue.Array.strings(pieces));
    gguf.put("tokenizer.ggml.scores", GgufValue.Array.of(new float[TOKENS]));
    gguf.put("tokenizer.ggml.token_type", GgufValue.Array.of(types));
    number(gguf, "tokenizer.ggml.bos_token_id", 1);
    number(gguf, "tokenizer.ggml.eos_token_id", 2);
  }

  private void tensors(GgufWriter gguf) {
    var random = new Random(seed);
    int headDim = width / heads;
    weight(gguf, random, "token_embd.weight", width, TOKENS);
    weight(gguf, random, "output_norm.weight", width);
    if (!tied) weight(gguf, random, "output.weight", width, TOKENS);
    for (int i = 0; i < layers; i++) {
      var block = "blk." + i + ".";
      weight(gguf, random, block + "attn_norm.weight", width);
      projection(gguf, random, block + "attn_q", width, width);
      projection(gguf, random, block + "attn_k", width, headDim * kvHeads);
      projection(gguf, random, block + "attn_v", width, headDim * kvHeads);
      projection(gguf, random, block + "attn_output", width, width);
      weight(gguf, random, block + "ffn_norm.weight", width);
      if (experts == 0) {
        projection(gguf, random, block + "ffn_gate", width, ffn);
        projection(gguf, random, block + "ffn_up", width, ffn);
        projection(gguf, random, block + "ffn_down", ffn, width);
      } else {
        weight(gguf, random, block + "ffn_gate_inp.weight", width, experts);
        weight(gguf, random, block + "ffn_gate_exps.weight", width, ffn, experts);
        weight(gguf, random, block + "ffn_up_exps.weight", width, ffn, experts);
        weight(gguf, random, block + "ffn_down_exps.weight", ffn, width, experts);
      }
    }
  }

  private void projection(GgufWriter gguf, Random random, String name, int in, int out) {
    weight(gguf, random, name + ".weight", in, out);
    if (biases) weight(gguf, random, name + ".bias", out);
  }

  private static void weight(GgufWriter gguf, Random random, String name, long... dims) {
    var shape = Shape.of(dims);
    var values = new float[(int) shape.elements()];
    for (int i = 0; i < values.length; i++) values[i] = 0.3f * (float) random.nextGaussian();
    var bytes =
        java.nio.ByteBuffer.allocate(4 * values.length).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    gguf.tensor(name, TensorType.F32, shape, MemorySegment.ofArray(bytes.array()));
  }
}
