package dev.tenon.huggingface;

import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import java.io.IOException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;

/// The keys and tensors that a GGUF file will have, in their order: what a [FolderMapping] fills.
///
/// Keys of the architecture are given without its name in front: `key("block_count", 2)` is
/// `llama.block_count`. Confined to one thread.
public final class GgufPlan {
  private final String architecture;
  private final String prefix; // what stands before names of tensors: `blk.3.`, or nothing
  private final Map<String, GgufValue> keys;
  private final Map<String, Weight> tensors;

  /// A plan without anything.
  ///
  /// @param architecture value of `general.architecture`, for example `llama`
  public GgufPlan(String architecture) {
    this(architecture, "", new LinkedHashMap<>(), new LinkedHashMap<>());
  }

  private GgufPlan(
      String architecture,
      String prefix,
      Map<String, GgufValue> keys,
      Map<String, Weight> tensors) {
    this.architecture = architecture;
    this.prefix = prefix;
    this.keys = keys;
    this.tensors = tensors;
  }

  /// {@return value of `general.architecture`}
  public String architecture() {
    return architecture;
  }

  /// {@return the same plan for the tensors of a layer: names are given without `blk.3.` in front}
  ///
  /// @param layer from 0
  public GgufPlan block(int layer) {
    return new GgufPlan(architecture, prefix + "blk." + layer + ".", keys, tensors);
  }

  /// {@return the same plan for the tensors of a part, such as `enc` and `dec` in a model of two
  /// halves: names are given without `enc.` in front}
  ///
  /// @param name of the part
  public GgufPlan part(String name) {
    return new GgufPlan(architecture, prefix + name + ".", keys, tensors);
  }

  /// Puts a count or size, as `UINT32`.
  ///
  /// @param key without the architecture's name
  /// @param value from 0 to 2^32 - 1
  /// @return this
  /// @throws IllegalArgumentException if the value is out of range
  public GgufPlan key(String key, long value) {
    return key(key, new GgufValue.Int(GgufType.UINT32, value));
  }

  /// Puts a number, as `FLOAT32`.
  ///
  /// @param key without the architecture's name
  /// @param value rounded to binary32
  /// @return this
  public GgufPlan key(String key, double value) {
    return key(key, new GgufValue.Real(GgufType.FLOAT32, value));
  }

  /// Puts a text.
  ///
  /// @param key without the architecture's name
  /// @param value the text
  /// @return this
  public GgufPlan key(String key, String value) {
    return key(key, new GgufValue.Text(value));
  }

  /// Puts a value of any type.
  ///
  /// @param key without the architecture's name
  /// @param value the value
  /// @return this
  public GgufPlan key(String key, GgufValue value) {
    return fullKey(architecture + "." + key, value);
  }

  /// Puts a value under a key of Tenon's own, for what GGUF has no key for; others pass over it.
  ///
  /// @param key without `tenon.` in front
  /// @param value the value
  /// @return this
  public GgufPlan own(String key, GgufValue value) {
    return fullKey("tenon." + key, value);
  }

  /// Puts a count of the vocabulary, as `UINT32`.
  ///
  /// @param key without `tokenizer.ggml.` in front, for example `token_type_count`
  /// @param value from 0 to 2^32 - 1
  /// @return this
  /// @throws IllegalArgumentException if the value is out of range
  public GgufPlan tokenizerKey(String key, long value) {
    return fullKey("tokenizer.ggml." + key, new GgufValue.Int(GgufType.UINT32, value));
  }

  /// Says where `general.file_type` stands among the keys; whoever writes the file puts its value.
  ///
  /// @return this
  GgufPlan fileType() {
    return fullKey("general.file_type", new GgufValue.Int(GgufType.UINT32, 0));
  }

  private GgufPlan fullKey(String key, GgufValue value) {
    keys.put(key, value);
    return this;
  }

  /// Puts a tensor.
  ///
  /// @param name GGUF's, whole but for the layer, for example `attn_q.weight`
  /// @param weight what it is made of
  /// @return this
  /// @throws IllegalArgumentException if there is one of that name
  public GgufPlan tensor(String name, Weight weight) {
    if (tensors.putIfAbsent(prefix + name, weight) != null) {
      throw new IllegalArgumentException("tensor " + prefix + name + ": there is one of that name");
    }
    return this;
  }

  /// Puts `name.weight`, and `name.bias` where the folder has it.
  ///
  /// @param name GGUF's, for example `attn_q`
  /// @param folder where they are
  /// @param stored their name there, for example `model.layers.0.self_attn.q_proj`
  /// @return this
  /// @throws IOException if there is no such weight
  public GgufPlan projection(String name, ModelFolder folder, String stored) throws IOException {
    return projection(name, folder, stored, UnaryOperator.identity());
  }

  /// Puts `name.weight`, and `name.bias` where the folder has it, both changed.
  ///
  /// @param name GGUF's, for example `attn_q`
  /// @param folder where they are
  /// @param stored their name there, for example `model.layers.0.self_attn.q_proj`
  /// @param change applied to both, for example `w -> w.rotaryPairs(heads)`
  /// @return this
  /// @throws IOException if there is no such weight
  public GgufPlan projection(
      String name, ModelFolder folder, String stored, UnaryOperator<Weight> change)
      throws IOException {
    tensor(name + ".weight", change.apply(folder.weight(stored + ".weight")));
    if (folder.has(stored + ".bias")) {
      tensor(name + ".bias", change.apply(folder.weight(stored + ".bias")));
    }
    return this;
  }

  /// Puts the embedding `token_embd.weight`, and `output.weight` where it is not the same: not
  /// where the configuration ties them, one alone is stored, or both are the same elements.
  ///
  /// @param folder where they are
  /// @param embedding name of the embedding there, for example `model.embed_tokens.weight`
  /// @param output name of the output there, for example `lm_head.weight`
  /// @param tiedByDefault what the class takes for `tie_word_embeddings` where the configuration
  ///     does not say it
  /// @return this
  /// @throws FormatException if `tie_word_embeddings` is neither true nor false
  /// @throws IOException if neither is there, or one is missing that should not be
  public GgufPlan embeddings(
      ModelFolder folder, String embedding, String output, boolean tiedByDefault)
      throws IOException {
    boolean tied = folder.config().bool("tie_word_embeddings", tiedByDefault);
    if (!tied || folder.has(output)) {
      var weight = folder.weight(output);
      if (!tied && !folder.tied(embedding, output)) tensor("output.weight", weight);
      if (!folder.has(embedding)) return tensor("token_embd.weight", weight);
    }
    return tensor("token_embd.weight", folder.weight(embedding));
  }

  /// {@return every key and its value, in the order in which they are to be written}
  public Map<String, GgufValue> keys() {
    return Collections.unmodifiableMap(keys);
  }

  /// {@return every tensor by its name in the file, in order}
  public Map<String, Weight> tensors() {
    return Collections.unmodifiableMap(tensors);
  }

  @Override
  public String toString() {
    return architecture + " of " + tensors.size() + " tensors";
  }
}
