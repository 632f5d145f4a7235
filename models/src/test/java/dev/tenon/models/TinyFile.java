package dev.tenon.models;

import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import dev.tenon.model.Architecture;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

/// Files of random weights, small enough to evaluate in milliseconds.
interface TinyFile {
  /// Special tokens, then one for each byte.
  int TOKENS = 3 + 256;

  /// What computes it.
  Architecture architecture();

  /// Puts the keys and tensors of the architecture.
  void fill(GgufWriter gguf);

  /// Writes the file.
  default Path write(Path file) throws IOException {
    return write(file, _ -> {});
  }

  /// Writes the file after `change` has had its way with it: what a test of bad files needs.
  default Path write(Path file, Consumer<GgufWriter> change) throws IOException {
    var gguf = new GgufWriter();
    gguf.put("general.architecture", architecture().name());
    fill(gguf);
    change.accept(gguf);
    gguf.write(file);
    return file;
  }

  static void number(GgufWriter gguf, String key, long value) {
    gguf.put(key, new GgufValue.Int(GgufType.UINT32, value));
  }

  static void real(GgufWriter gguf, String key, double value) {
    gguf.put(key, new GgufValue.Real(GgufType.FLOAT32, value));
  }

  /// Puts a vocabulary of single bytes.
  static void vocabulary(GgufWriter gguf) {
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

  /// Puts tensors of random numbers.
  record Weights(GgufWriter gguf, Random random) {
    void weight(String name, long... dims) {
      var shape = Shape.of(dims);
      var values = new float[(int) shape.elements()];
      for (int i = 0; i < values.length; i++) values[i] = 0.3f * (float) random.nextGaussian();
      var bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asFloatBuffer().put(values);
      gguf.tensor(name, TensorType.F32, shape, MemorySegment.ofArray(bytes.array()));
    }

    void norm(String name, int width, boolean bias) {
      weight(name + ".weight", width);
      if (bias) weight(name + ".bias", width);
    }

    void projection(String name, int in, int out, boolean bias) {
      weight(name + ".weight", in, out);
      if (bias) weight(name + ".bias", out);
    }
  }
}
