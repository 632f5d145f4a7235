package dev.tenon.models;

import dev.tenon.gguf.GgufFormatException;
import dev.tenon.huggingface.Config;
import dev.tenon.huggingface.DecoderKeys;
import dev.tenon.huggingface.GgufPlan;
import dev.tenon.huggingface.Weight;
import dev.tenon.tensor.Rope;
import dev.tenon.tensor.Weights;
import java.io.IOException;
import java.util.Set;

/// LongRoPE (Ding et al., 2024): the frequencies of rotary positions are divided by factors, which
/// are others in a context longer than the one the model was first trained on, and what is rotated
/// is lengthened a little.
final class LongRope {
  private static final String SHORT = "rope_factors_short.weight";
  private static final String LONG = "rope_factors_long.weight";

  /// Phi-3's configurations called it `su` before.
  private static final Set<String> NAMES = Set.of("longrope", "su");

  private LongRope() {}

  /// {@return a rotation with the factors, where the file has them}
  ///
  /// @throws GgufFormatException if it has one of the two alone, or they are not one for each
  ///     frequency
  static Rope bind(Rope rope, Weights w) throws GgufFormatException {
    if (!w.has(SHORT) && !w.has(LONG)) return rope;
    int frequencies = rope.dims() / 2;
    return rope.withFactors(w.vector(SHORT, frequencies), w.vector(LONG, frequencies));
  }

  /// Puts the factors, where a folder asks for them.
  ///
  /// @param config of the folder
  /// @param dims rotated elements of a head
  /// @param plan takes them
  static void map(Config config, int dims, GgufPlan plan) throws IOException {
    var rope = DecoderKeys.rope(config);
    if (!NAMES.contains(rope.textOr("rope_type", ""))) return;
    int original = originalContext(config);
    plan.key("rope.scaling.original_context_length", original);
    plan.key("rope.scaling.attn_factor", magnitude(config, rope, original));
    plan.tensor(LONG, factors(rope, "long_factor", dims / 2));
    plan.tensor(SHORT, factors(rope, "short_factor", dims / 2));
  }

  /// {@return the context the model was first trained on, in tokens}
  static int originalContext(Config config) throws IOException {
    var rope = DecoderKeys.rope(config);
    return rope.size("original_max_position_embeddings", config.size("max_position_embeddings"));
  }

  /// As transformers has it: what the configuration says, else by how much the context grew.
  private static double magnitude(Config config, Config rope, int original) throws IOException {
    if (rope.has("attention_factor")) return rope.real("attention_factor");
    double growth =
        rope.has("original_max_position_embeddings")
            ? (double) config.size("max_position_embeddings") / original
            : rope.real("factor", 1);
    if (growth <= 1) return 1;
    if (original == 1)
      throw rope.malformed("original_max_position_embeddings", "more than 1", "" + original);
    return Math.sqrt(1 + Math.log(growth) / Math.log(original));
  }

  private static Weight factors(Config rope, String key, int frequencies) throws IOException {
    var factors = rope.reals(key);
    if (factors.length != frequencies)
      throw rope.malformed(
          key, frequencies + " numbers, one for each frequency", factors.length + " numbers");
    for (double factor : factors)
      if (!(factor > 0)) throw rope.malformed(key, "numbers above 0", "" + factor);
    return Weight.of(factors);
  }
}
