package dev.tenon.models;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/// A Hugging Face folder of a Llama of random weights, to be changed before it is written.
final class TinyFolder {
  static final int WIDTH = 32;
  static final int VOCABULARY = 40;

  final Map<String, Tensor> tensors = new LinkedHashMap<>();
  String config =
      """
      {"architectures":["LlamaForCausalLM"],"hidden_size":32,"intermediate_size":64,
       "num_attention_heads":4,"num_key_value_heads":2,"num_hidden_layers":2,"vocab_size":40,
       "max_position_embeddings":64,"rms_norm_eps":1e-5,"tie_word_embeddings":false}\
      """;

  /// A tensor as a file has it.
  record Tensor(String type, long[] shape, byte[] bytes) {
    static Tensor of(long[] shape, float... values) {
      var bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
      for (float value : values) bytes.putFloat(value);
      return new Tensor("F32", shape, bytes.array());
    }

    /// The same as BF16, cut off.
    Tensor half() {
      var from = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
      var to = ByteBuffer.allocate(bytes.length / 2).order(ByteOrder.LITTLE_ENDIAN);
      while (from.hasRemaining()) to.putShort((short) (from.getInt() >>> 16));
      return new Tensor("BF16", shape, to.array());
    }
  }

  TinyFolder() {
    var random = new Random(1);
    add(random, "model.embed_tokens.weight", VOCABULARY, WIDTH);
    add(random, "lm_head.weight", VOCABULARY, WIDTH);
    add(random, "model.norm.weight", WIDTH);
    for (int i = 0; i < 2; i++) {
      var layer = "model.layers." + i + ".";
      add(random, layer + "input_layernorm.weight", WIDTH);
      add(random, layer + "post_attention_layernorm.weight", WIDTH);
      add(random, layer + "self_attn.q_proj.weight", WIDTH, WIDTH);
      add(random, layer + "self_attn.k_proj.weight", WIDTH / 2, WIDTH);
      add(random, layer + "self_attn.v_proj.weight", WIDTH / 2, WIDTH);
      add(random, layer + "self_attn.o_proj.weight", WIDTH, WIDTH);
      add(random, layer + "mlp.gate_proj.weight", 2 * WIDTH, WIDTH);
      add(random, layer + "mlp.up_proj.weight", 2 * WIDTH, WIDTH);
      add(random, layer + "mlp.down_proj.weight", WIDTH, 2 * WIDTH);
    }
  }

  private void add(Random random, String name, long... shape) {
    var values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    for (int i = 0; i < values.length; i++) values[i] = (float) random.nextGaussian() / 4;
    tensors.put(name, Tensor.of(shape, values));
  }

  TinyFolder halved() {
    tensors.replaceAll((_, tensor) -> tensor.half());
    return this;
  }

  /// Writes one file of weights.
  Path write(Path folder) throws IOException {
    return write(folder, 1);
  }

  /// Writes several files of weights with an index, or one.
  Path write(Path folder, int shards) throws IOException {
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("config.json"), config);
    var names = new ArrayList<>(tensors.keySet());
    var index = new ArrayList<String>();
    for (int shard = 0; shard < shards; shard++) {
      var file =
          shards == 1
              ? "model.safetensors"
              : "model-%05d-of-%05d.safetensors".formatted(shard + 1, shards);
      var part = names.subList(names.size() * shard / shards, names.size() * (shard + 1) / shards);
      writeShard(folder.resolve(file), part);
      for (var name : part) index.add("\"" + name + "\":\"" + file + "\"");
    }
    if (shards > 1)
      Files.writeString(
          folder.resolve("model.safetensors.index.json"),
          "{\"weight_map\":{" + String.join(",", index) + "}}");
    return folder;
  }

  private void writeShard(Path file, List<String> names) throws IOException {
    var header = new StringBuilder("{");
    long at = 0;
    for (var name : names) {
      var tensor = tensors.get(name);
      header.append(
          "%s\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
              .formatted(
                  at == 0 ? "" : ",",
                  name,
                  tensor.type,
                  Arrays.toString(tensor.shape),
                  at,
                  at + tensor.bytes.length));
      at += tensor.bytes.length;
    }
    var text = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
    var bytes = ByteBuffer.allocate((int) (8 + text.length + at)).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(text.length).put(text);
    for (var name : names) bytes.put(tensors.get(name).bytes);
    Files.write(file, bytes.array());
  }
}
