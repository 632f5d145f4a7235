package dev.tenon.huggingface;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// How the Hugging Face folders of a family become GGUF files: stands beside the family's graph, so
/// that one file says how a model computes and what its weights are called elsewhere.
///
/// ```java
/// public List<String> classes() {
///   return List.of("Qwen2ForCausalLM");
/// }
///
/// public void keys(Config config, GgufPlan plan) throws IOException {
///   DecoderKeys.put(plan, config);
/// }
///
/// public void map(ModelFolder folder, GgufPlan plan) throws IOException {
///   keys(folder.config(), plan);
///   plan.projection("token_embd", folder, "model.embed_tokens");
///   // …
/// }
/// ```
///
/// Stateless and thread-safe.
public interface FolderMapping {
  /// {@return the classes of transformers whose folders it knows, as `architectures` in
  /// `config.json` names them, for example `LlamaForCausalLM`}
  List<String> classes();

  /// {@return what a class takes for keys that `config.json` does not have: the defaults of its
  /// configuration in transformers, as [dev.tenon.json.Json] gives values. Those of sizes that
  /// every folder has need not be among them.}
  ///
  /// @param modelClass one of [#classes]
  default Map<String, Object> defaults(String modelClass) {
    return Map.of();
  }

  /// Says what follows from the configuration alone: the keys of the file, and tensors that are
  /// computed from it, such as factors of rotary frequencies. So a new model can be made that has
  /// no folder yet.
  ///
  /// @param config of the folder, with the [#defaults] of its class
  /// @param plan what the file will have
  /// @throws FormatException if the configuration is malformed
  /// @throws UnsupportedOperationException if it asks for something that the graph does not do; or
  ///     if nothing but a folder makes such a file, as by default
  /// @throws IOException as [FormatException] alone
  default void keys(Config config, GgufPlan plan) throws IOException {
    throw new UnsupportedOperationException(
        config.path()
            + ": a new model of class "
            + config.architecture()
            + " cannot be made: it is no decoder");
  }

  /// {@return the weights that a new model of a configuration has, of those that a network of this
  /// family can do without: by GGUF's names, without `blk.3.` in front}
  ///
  /// @param config with the [#defaults] of its class
  /// @throws FormatException if a value is of another type
  default Set<String> optionalWeights(Config config) throws FormatException {
    return Set.of();
  }

  /// Says what keys and tensors the file has: [#keys], and what is stored. Every tensor of the
  /// folder is to be [asked for][ModelFolder#weight] or [left out][ModelFolder#leaveOut]: one that
  /// is neither was not understood, and the folder is refused.
  ///
  /// @param folder configuration and tensors, of one of [#classes]
  /// @param plan what the file will have
  /// @throws FormatException if the configuration is malformed
  /// @throws UnsupportedOperationException if it asks for something that the graph does not do; the
  ///     message has the key and its value
  /// @throws IOException if a tensor is missing
  void map(ModelFolder folder, GgufPlan plan) throws IOException;
}
