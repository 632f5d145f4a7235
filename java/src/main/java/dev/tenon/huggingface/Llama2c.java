package dev.tenon.huggingface;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// llama2.c's own files: a model (seven integers, then its weights in binary32) and a tokenizer.
///
/// A model is given as the Hugging Face folder of the same Llama would be: the names of its
/// tensors, the order of the rows of queries and keys, and its configuration.
///
/// ```java
/// try (var checkpoint = Llama2c.open(Path.of("stories260K.bin"))) {
///   checkpoint.tensor("model.embed_tokens.weight").shape(); // [512, 64]
/// }
/// ```
public final class Llama2c {
  private static final int HEADER_BYTES = 7 * Integer.BYTES;
  private static final int MOST_TOKENS = 1 << 24;

  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path path;
  private final MemorySegment file;
  private final Map<String, StoredTensor> tensors = new LinkedHashMap<>();
  private long at = HEADER_BYTES;

  private Llama2c(Path path, MemorySegment file) {
    this.path = path;
    this.file = file;
  }

  /// The seven integers. A negative size of the vocabulary says that the output has its own
  /// weights.
  private record Header(
      int width, int hidden, int layers, int heads, int keyHeads, int vocabulary, int context) {
    int headWidth() {
      return width / heads;
    }

    boolean tied() {
      return vocabulary > 0;
    }
  }

  /// Opens a model.
  ///
  /// @param path a `.bin` file of llama2.c (version 0)
  /// @return its weights; the caller closes them
  /// @throws FormatException if it is none
  /// @throws IOException if it cannot be read or mapped
  public static Checkpoint open(Path path) throws IOException {
    var arena = Arena.ofShared();
    try {
      var model = new Llama2c(path, CheckpointFiles.map(path, arena));
      model.readTensors(model.header());
      return new MappedCheckpoint(
          path, arena, model.file, model.tensors, Map.of("format", "llama2.c"));
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
  }

  /// {@return the configuration of a model, by the keys of a Hugging Face `config.json`}
  ///
  /// @param path a `.bin` file of llama2.c (version 0)
  /// @throws FormatException if it is none
  /// @throws IOException if it cannot be read or mapped
  public static Config config(Path path) throws IOException {
    try (var arena = Arena.ofConfined()) {
      var header = new Llama2c(path, CheckpointFiles.map(path, arena)).header();
      var values = new LinkedHashMap<String, Object>();
      values.put("architectures", List.of("LlamaForCausalLM"));
      values.put("model_type", "llama");
      values.put("hidden_act", "silu");
      values.put("hidden_size", (long) header.width);
      values.put("intermediate_size", (long) header.hidden);
      values.put("num_hidden_layers", (long) header.layers);
      values.put("num_attention_heads", (long) header.heads);
      values.put("num_key_value_heads", (long) header.keyHeads);
      values.put("vocab_size", (long) Math.abs(header.vocabulary));
      values.put("max_position_embeddings", (long) header.context);
      values.put("rms_norm_eps", 1e-5);
      values.put("rope_theta", 10000.0);
      values.put("tie_word_embeddings", header.tied());
      values.put("bos_token_id", 1L);
      values.put("eos_token_id", 2L);
      return new Config(path, values);
    }
  }

  private Header header() throws IOException {
    if (file.byteSize() < HEADER_BYTES) {
      throw malformed(0, "the header of a llama2.c model", file.byteSize() + " bytes");
    }
    var n = new int[7];
    for (int i = 0; i < n.length; i++) {
      n[i] = file.get(INT, (long) i * Integer.BYTES);
    }
    var header = new Header(n[0], n[1], n[2], n[3], n[4], n[5], n[6]);
    boolean plausible =
        n[0] > 0
            && n[1] > 0
            && n[2] > 0
            && n[2] <= 1 << 16
            && n[3] > 0
            && n[4] > 0
            && n[5] != 0
            && n[5] != Integer.MIN_VALUE
            && n[6] > 0
            && n[0] % n[3] == 0
            && n[0] / n[3] % 2 == 0
            && n[3] % n[4] == 0;
    if (!plausible) {
      throw malformed(
          0,
          "the header of a llama2.c model: width, hidden, layers, heads, key heads, vocabulary,"
              + " context",
          Arrays.toString(n));
    }
    return header;
  }

  private void readTensors(Header h) throws IOException {
    long keys = (long) h.keyHeads * h.headWidth();
    add("model.embed_tokens.weight", Math.abs((long) h.vocabulary), h.width);
    layers(h, "input_layernorm", h.width);
    heads(h, "self_attn.q_proj", h.heads);
    heads(h, "self_attn.k_proj", h.keyHeads);
    layers(h, "self_attn.v_proj", keys, h.width);
    layers(h, "self_attn.o_proj", h.width, h.width);
    layers(h, "post_attention_layernorm", h.width);
    layers(h, "mlp.gate_proj", h.hidden, h.width);
    layers(h, "mlp.down_proj", h.width, h.hidden);
    layers(h, "mlp.up_proj", h.hidden, h.width);
    add("model.norm.weight", h.width);
    // Sines and cosines of positions, which everyone computes now.
    at += (long) h.context * (h.headWidth() / 2) * 2 * Float.BYTES;
    if (!h.tied()) {
      add("lm_head.weight", -(long) h.vocabulary, h.width);
    }
    if (at != file.byteSize()) {
      throw malformed(
          0, "a llama2.c model of " + at + " bytes, by its header", file.byteSize() + " bytes");
    }
  }

  private void layers(Header h, String name, long... shape) throws IOException {
    for (int i = 0; i < h.layers; i++) {
      add("model.layers." + i + "." + name + ".weight", shape);
    }
  }

  /// Rows of a head are pairs that are turned together; Hugging Face has the first of each pair,
  /// then the second ones.
  private void heads(Header h, String name, int heads) throws IOException {
    for (int i = 0; i < h.layers; i++) {
      var full = "model.layers." + i + "." + name + ".weight";
      int half = h.headWidth() / 2;
      long[] sizes = {heads, 2, half, h.width};
      long[] strides = {2L * half * h.width, h.width, 2L * h.width, 1};
      long[] shape = {(long) heads * h.headWidth(), h.width};
      var data = take(full, shape);
      tensors.put(
          full, new StoredTensor(full, ElementType.F32, shape, path, data, 0, sizes, strides));
    }
  }

  private void add(String name, long... shape) throws IOException {
    tensors.put(name, new StoredTensor(name, ElementType.F32, shape, path, take(name, shape)));
  }

  /// {@return the next bytes, those of a tensor}
  private MemorySegment take(String name, long... shape) throws IOException {
    long elements = CheckpointFiles.elements(shape);
    long left = file.byteSize() - at;
    if (left < 0 || elements > left / Float.BYTES) {
      throw malformed(
          at,
          name + " of " + elements + " numbers, by the header",
          "a file of " + file.byteSize() + " bytes");
    }
    at += elements * Float.BYTES;
    return file.asSlice(at - elements * Float.BYTES, elements * Float.BYTES);
  }

  /// Reads a tokenizer.
  ///
  /// @param path a tokenizer's `.bin` file of llama2.c
  /// @param size how many tokens it has, as the model says: `vocab_size`
  /// @return its vocabulary
  /// @throws FormatException if it is none, or has another number of tokens
  /// @throws IllegalArgumentException if `size` is below 3 or above 2^24
  /// @throws IOException if it cannot be read
  public static TokenizerVocabulary tokenizer(Path path, int size) throws IOException {
    if (size < 3 || size > MOST_TOKENS) {
      throw new IllegalArgumentException(
          "tokenizer: " + size + " tokens; 3 to " + MOST_TOKENS + " are possible");
    }
    try (var arena = Arena.ofConfined()) {
      return new Llama2c(path, CheckpointFiles.map(path, arena)).vocabulary(size);
    }
  }

  private TokenizerVocabulary vocabulary(int size) throws IOException {
    var tokens = new ArrayList<String>();
    var scores = new ArrayList<Float>();
    at = Integer.BYTES; // the length of the longest
    while (tokens.size() < size) {
      if (file.byteSize() - at < 2 * Integer.BYTES) {
        throw malformed(at, "token " + tokens.size() + " of " + size, "the end of the file");
      }
      scores.add(file.get(FLOAT, at));
      int length = file.get(INT, at + Float.BYTES);
      at += 2 * Integer.BYTES;
      if (length < 0 || length > file.byteSize() - at) {
        throw malformed(
            at - Integer.BYTES,
            "the length of token " + tokens.size() + " within the file",
            "" + length);
      }
      tokens.add(
          new String(
              file.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8));
      at += length;
    }
    if (at != file.byteSize()) {
      throw malformed(
          at, "the end after " + size + " tokens", file.byteSize() - at + " more bytes");
    }
    return TokenizerVocabulary.ofLlama2c(tokens, scores);
  }

  /// {@return the tokenizer's file of a folder that has llama2.c's two files, or null}
  ///
  /// @param model the model's file
  /// @throws IOException if the folder cannot be read
  public static Path tokenizerBeside(Path model) throws IOException {
    var folder = model.toAbsolutePath().getParent();
    if (folder == null) {
      throw new NoSuchFileException(model.toString());
    }
    try (var files = Files.list(folder)) {
      return files
          .filter(file -> !file.getFileName().equals(model.getFileName()))
          .filter(
              file -> file.getFileName().toString().toLowerCase(Locale.ROOT).matches("tok.*\\.bin"))
          .sorted()
          .findFirst()
          .orElse(null);
    }
  }

  private FormatException malformed(long offset, String expected, String found) {
    return new FormatException(path, offset, expected, found);
  }
}
