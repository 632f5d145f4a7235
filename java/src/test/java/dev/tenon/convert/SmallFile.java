package dev.tenon.convert;

import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/// A file with the tensors of a model of a few layers, of random weights.
final class SmallFile {
  static final int LAYERS = 8;

  private SmallFile() {}

  static GgufWriter writer(int width) {
    var random = new Random(1);
    var to = new GgufWriter().put("general.architecture", "llama").put("general.name", "small");
    number(to, "llama.block_count", LAYERS);
    number(to, "llama.attention.head_count", 4);
    number(to, "llama.attention.head_count_kv", 2);
    tensor(to, random, "token_embd.weight", width, 32);
    tensor(to, random, "output.weight", width, 32);
    tensor(to, random, "output_norm.weight", width);
    // The order of names is not that of numbers.
    for (int i = LAYERS - 1; i >= 0; i--) {
      for (var name : List.of("attn_q", "attn_k", "attn_v", "attn_output", "ffn_down"))
        tensor(to, random, "blk." + i + "." + name + ".weight", width, 8);
      tensor(to, random, "blk." + i + ".attn_norm.weight", width);
    }
    return to;
  }

  static void number(GgufWriter to, String key, int value) {
    to.put(key, new GgufValue.Int(GgufType.UINT32, value));
  }

  static void tensor(GgufWriter to, Random random, String name, long... dimensions) {
    var shape = Shape.of(dimensions);
    var values = new float[Math.toIntExact(shape.elements())];
    for (int i = 0; i < values.length; i++) values[i] = (float) random.nextGaussian();
    tensor(to, name, values, dimensions);
  }

  static void tensor(GgufWriter to, String name, float[] values, long... dimensions) {
    var data = MemorySegment.ofArray(new byte[4 * values.length]);
    MemorySegment.copy(values, 0, data, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, values.length);
    to.tensor(name, TensorType.F32, Shape.of(dimensions), data);
  }

  /// The names of what is in a folder.
  static List<String> names(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }
}
