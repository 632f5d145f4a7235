package dev.tenon.convert;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorInfo;
import dev.tenon.gguf.TensorType;
import java.util.List;

/// Which type each tensor gets: the rules of `llama_tensor_get_type` in llama.cpp 0.5.0
/// (src/llama-quant.cpp), to the letter, so that a file is the same whoever makes it.
///
/// Some rules count the tensors they have seen: ask for each tensor once, in the order of layers.
final class TensorTypes {
  private final QuantizeOptions options;
  private final FileType target;
  private final String architecture;
  private final int layers;
  private final long experts;
  private final long queriesPerKey;
  private final boolean seventyBillion;
  private final boolean tiedEmbeddings;
  private final int attentionValues;

  private int attentionValuesSeen;
  private int downSeen;
  private int gateSeen;
  private int upSeen;

  /// What a tensor is for, by its name.
  private enum Category {
    EMBEDDING,
    QUERY,
    VALUE,
    KEY,
    QUERY_KEY_VALUE,
    LATENT_KEY_VALUE,
    ATTENTION_OUTPUT,
    UP,
    GATE,
    DOWN,
    OUTPUT,
    OTHER;

    /// Those that suffer most from few bits.
    boolean isValue() {
      return this == VALUE || this == QUERY_KEY_VALUE || this == LATENT_KEY_VALUE;
    }
  }

  /// A choice.
  ///
  /// @param wanted what the rules say
  /// @param type the same, or another where the rows of the tensor are no whole number of blocks
  record Choice(TensorType wanted, TensorType type) {}

  /// Reads what the rules ask of the model.
  ///
  /// @param names of all tensors that there will be
  TensorTypes(Gguf source, QuantizeOptions options, List<String> names) throws GgufFormatException {
    this.options = options;
    target = options.type();
    var overrides = options.metadata();
    architecture =
        overrides.get("general.architecture") instanceof GgufValue.Text(var text)
            ? text
            : source.text("general.architecture", "");
    layers = Math.clamp(number(source, "block_count", 0), 0, Integer.MAX_VALUE);
    experts = number(source, "expert_count", 0);
    long heads = number(source, "attention.head_count", 0);
    long keyHeads = number(source, "attention.head_count_kv", heads);
    queriesPerKey = keyHeads == 0 ? 0 : heads / keyHeads;
    long own = layers - number(source, "nextn_predict_layers", 0);
    seventyBillion =
        switch (architecture) {
          case "llama", "llama-embed" -> own == 80 && heads != keyHeads;
          case "deci", "olmo", "qwen2" -> own == 80;
          case "jais2" -> own == 68;
          default -> false;
        };
    tiedEmbeddings = names.stream().noneMatch(name -> category(name) == Category.OUTPUT);
    attentionValues = (int) names.stream().filter(name -> category(name).isValue()).count();
  }

  /// A number of the architecture; of one for each layer the first.
  private long number(Gguf source, String name, long fallback) throws GgufFormatException {
    var key = architecture + "." + name;
    if (options.metadata().get(key) instanceof GgufValue.Int(_, var value)) return value;
    if (!source.isArray(key)) return source.integer(key, fallback);
    var each = source.integers(key);
    return each.length == 0 ? fallback : each[0];
  }

  /// Whether a tensor is a weight that is quantized at all.
  boolean quantizes(String name, Shape shape) {
    if (target == FileType.COPY || shape.rank() < 2 || !name.endsWith("weight")) return false;
    if (name.equals("output.weight")) return !options.leaveOutput();
    if (name.equals("position_embd.weight") || name.equals("token_types.weight")) return false;
    for (var part : KEPT) if (name.contains(part)) return false;
    return true;
  }

  /// Parts of the names of tensors that stay as they are: norms, routers, and what is small and
  /// sensitive.
  private static final List<String> KEPT =
      List.of(
          "_norm.weight",
          "ffn_gate_inp.weight",
          "ffn_gate_tid2eid.weight",
          "altup",
          "laurel",
          "per_layer_model_proj",
          "ssm_conv1d",
          "shortconv.conv.weight",
          "indexer.k_proj.weight",
          "indexer.q_proj.weight",
          "time_mix_first.weight",
          "time_mix_w0.weight",
          "time_mix_w1.weight",
          "time_mix_w2.weight",
          "time_mix_v0.weight",
          "time_mix_v1.weight",
          "time_mix_v2.weight",
          "time_mix_a0.weight",
          "time_mix_a1.weight",
          "time_mix_a2.weight",
          "time_mix_g1.weight",
          "time_mix_g2.weight",
          "time_mix_decay_w1.weight",
          "time_mix_decay_w2.weight",
          "time_mix_lerp_fused.weight",
          "attn_rel_b.weight",
          ".position_embd",
          "sam.pos_embd",
          "sam.neck.",
          "sam.net_",
          ".rel_pos",
          ".patch_embd",
          ".patch_merger",
          "a.rvq.codebook",
          "mm.a.code_embd");

  /// {@return the type that a tensor gets}
  ///
  /// @param tensor for its type and shape
  /// @param name its name in the file to be
  /// @throws IllegalArgumentException if no type goes with the shape
  Choice choose(TensorInfo tensor, String name) {
    if (!quantizes(name, tensor.shape())) return new Choice(tensor.type(), tensor.type());
    var category = category(name);
    if (options.embeddingType() != null
        && category == Category.EMBEDDING
        && !(name.equals("per_layer_token_embd.weight") && ruled(name) != null))
      return exactly(options.embeddingType());
    if (options.outputType() != null && category == Category.OUTPUT)
      return exactly(options.outputType());
    var usual = target.tensorType();
    if (!usual.isQuantized()) return exactly(usual);
    var type = ruled(name);
    if (type == null) type = options.pure() ? usual : mixed(usual, tensor.shape(), name, category);
    return new Choice(type, fitting(type, tensor.shape(), name));
  }

  private static Choice exactly(TensorType type) {
    return new Choice(type, type);
  }

  private TensorType ruled(String name) {
    for (var rule : options.rules()) if (rule.name().matcher(name).find()) return rule.type();
    return null;
  }

  /// A type whose blocks rows of that length are made of.
  private static TensorType fitting(TensorType type, Shape shape, String name) {
    if (shape.n0() % type.blockElements() == 0) return type;
    var smaller =
        switch (type) {
          case IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S, IQ4_XS -> TensorType.IQ4_NL;
          case Q2_0, Q2_K, Q3_K, TQ1_0, TQ2_0 -> TensorType.Q4_0;
          case Q4_K -> TensorType.Q5_0;
          case Q5_K -> TensorType.Q5_1;
          case Q6_K -> TensorType.Q8_0;
          default -> {
            if (type.blockElements() <= 32) yield type;
            throw new IllegalArgumentException(
                name
                    + " "
                    + shape
                    + " cannot become "
                    + type.ggmlName()
                    + ": its rows are no multiple of "
                    + type.blockElements()
                    + ", and no other type stands in for that");
          }
        };
    return shape.n0() % smaller.blockElements() == 0 ? smaller : TensorType.F16;
  }

  static Category category(String name) {
    if (name.equals("output.weight")) return Category.OUTPUT;
    if (isEmbedding(name)) return Category.EMBEDDING;
    if (name.contains("attn_qkv.weight")) return Category.QUERY_KEY_VALUE;
    if (name.contains("attn_kv_b.weight")) return Category.LATENT_KEY_VALUE;
    if (name.contains("attn_v.weight")) return Category.VALUE;
    if (name.contains("attn_k.weight")) return Category.KEY;
    if (name.contains("attn_q.weight")) return Category.QUERY;
    if (name.contains("attn_output.weight")) return Category.ATTENTION_OUTPUT;
    if (name.contains("ffn_up")) return Category.UP;
    if (name.contains("ffn_gate")) return Category.GATE;
    if (name.contains("ffn_down")) return Category.DOWN;
    return Category.OTHER;
  }

  static boolean isEmbedding(String name) {
    return name.equals("token_embd.weight") || name.equals("per_layer_token_embd.weight");
  }

  /// Whether a tensor would be garbage without an importance of its columns.
  boolean needsImportance(String name, TensorType type) {
    if (isEmbedding(name) || name.equals("output.weight")) return false;
    return switch (type) {
      case IQ3_XXS, IQ2_XXS, IQ2_XS, IQ2_S, IQ1_M, IQ1_S -> true;
      case Q2_K -> target == FileType.Q2_K_S;
      default -> false;
    };
  }

  // The rules, in the order of upstream's chain of conditions.

  private TensorType mixed(TensorType usual, Shape shape, String name, Category category) {
    if (category == Category.OUTPUT || tiedEmbeddings && category == Category.EMBEDDING)
      return output(usual, shape);
    if (target == FileType.MXFP4_MOE) return mxfp4(shape, category);
    if (category == Category.EMBEDDING) return embedding(usual);
    if (isBelowThreeBits()) return belowThreeBits(usual, category);
    if (category.isValue()) return value(usual);
    return switch (category) {
      case KEY -> experts == 8 ? TensorType.Q8_0 : queryOrKey(usual);
      case QUERY -> queryOrKey(usual);
      case DOWN -> down(usual, layer(name, downSeen++));
      case ATTENTION_OUTPUT -> attentionOutput(usual);
      case GATE -> inner(usual, layer(name, gateSeen++));
      case UP -> inner(usual, layer(name, upSeen++));
      default -> usual;
    };
  }

  private boolean isBelowThreeBits() {
    return switch (target) {
      case IQ2_XXS, IQ2_XS, IQ1_S, IQ2_S, IQ2_M, IQ1_M -> true;
      default -> false;
    };
  }

  private TensorType output(TensorType usual, Shape shape) {
    if (options.outputType() != null) return options.outputType();
    if (target == FileType.MXFP4_MOE
        || architecture.equals("falcon")
        || shape.n0() % usual.blockElements() != 0) return TensorType.Q8_0;
    if (isBelowThreeBits() || target == FileType.IQ3_XXS) return TensorType.Q5_K;
    return usual == TensorType.Q8_0 ? usual : TensorType.Q6_K;
  }

  private TensorType mxfp4(Shape shape, Category category) {
    boolean expert =
        !architecture.equals("bailingmoe3")
            || category == Category.UP
            || category == Category.GATE
            || category == Category.DOWN;
    return shape.n2() > 1 && expert ? TensorType.MXFP4 : TensorType.Q8_0;
  }

  private TensorType embedding(TensorType usual) {
    if (options.embeddingType() != null) return options.embeddingType();
    return switch (target) {
      case IQ2_XXS, IQ2_XS, IQ1_S, IQ1_M -> TensorType.Q2_K;
      case IQ2_S, IQ2_M, IQ3_XXS -> TensorType.IQ3_S;
      case TQ1_0, TQ2_0, Q2_0 -> TensorType.Q4_K;
      default -> usual;
    };
  }

  private TensorType belowThreeBits(TensorType usual, Category category) {
    boolean two = target == FileType.IQ2_S || target == FileType.IQ2_M;
    boolean one = target == FileType.IQ1_S || target == FileType.IQ1_M;
    var better = two ? TensorType.IQ3_S : TensorType.Q2_K;
    if (category.isValue()) {
      attentionValuesSeen++;
      return queriesPerKey >= 4 || experts >= 4 ? TensorType.Q4_K : better;
    }
    return switch (category) {
      case KEY -> experts == 8 ? TensorType.Q4_K : usual;
      case DOWN -> downSeen++ < layers / 8 ? better : usual;
      case ATTENTION_OUTPUT -> {
        if (experts == 8) yield TensorType.Q5_K;
        yield one ? TensorType.IQ2_XXS : two ? TensorType.IQ3_S : usual;
      }
      default -> usual;
    };
  }

  private TensorType value(TensorType usual) {
    int seen = attentionValuesSeen++;
    if (experts == 8) return TensorType.Q8_0;
    boolean shared = queriesPerKey >= 4;
    var type =
        switch (target) {
          case Q2_K -> shared ? TensorType.Q4_K : TensorType.Q3_K;
          case Q2_K_S, IQ3_XS, IQ3_S -> shared ? TensorType.Q4_K : usual;
          case IQ3_XXS -> {
            if (shared) yield TensorType.Q4_K;
            yield options.importance() == null ? TensorType.IQ3_S : TensorType.IQ3_XXS;
          }
          case IQ3_M -> TensorType.Q4_K;
          case Q3_K_M -> seen < 2 ? TensorType.Q5_K : TensorType.Q4_K;
          case Q3_K_L -> TensorType.Q5_K;
          case IQ4_NL, IQ4_XS -> shared ? TensorType.Q5_K : usual;
          case Q4_K_M, Q5_K_M -> wantsMore(seen, attentionValues) ? TensorType.Q6_K : usual;
          case Q4_K_S -> seen < 4 ? TensorType.Q5_K : usual;
          default -> usual;
        };
    // Eight heads share these weights: better ones cost little.
    boolean few = type == TensorType.Q3_K || type == TensorType.Q4_K;
    return seventyBillion && few ? TensorType.Q5_K : type;
  }

  private TensorType queryOrKey(TensorType usual) {
    return switch (target) {
      case IQ3_XS -> TensorType.IQ3_XXS;
      case IQ3_XXS -> TensorType.IQ2_S;
      default -> usual;
    };
  }

  private TensorType down(TensorType usual, int layer) {
    boolean falcon = architecture.equals("falcon");
    boolean early = layer < layers / 8;
    boolean matrix = options.importance() != null;
    boolean more = wantsMore(layer, layers);
    return switch (target) {
      case Q2_K -> TensorType.Q3_K;
      case Q2_K_S -> early ? TensorType.Q4_K : usual;
      case IQ3_XXS -> matrix ? usual : early ? TensorType.Q4_K : TensorType.Q3_K;
      case Q3_K_M -> {
        if (layer < layers / 16) yield TensorType.Q5_K;
        yield !falcon || more ? TensorType.Q4_K : TensorType.Q3_K;
      }
      case IQ3_M -> early || experts == 8 && more ? TensorType.Q4_K : usual;
      case Q3_K_L -> falcon ? TensorType.Q4_K : TensorType.Q5_K;
      case Q4_K_M -> {
        if (!falcon) yield more ? TensorType.Q6_K : usual;
        yield layer < layers / 16 ? TensorType.Q6_K : more ? TensorType.Q5_K : TensorType.Q4_K;
      }
      case IQ4_NL, IQ4_XS -> early && !matrix ? TensorType.Q5_K : usual;
      case Q5_K_M -> more ? TensorType.Q6_K : usual;
      case Q4_K_S -> !falcon && early ? TensorType.Q5_K : usual;
      case Q4_0 -> matrix && early ? TensorType.Q4_1 : usual;
      case Q5_0 -> matrix && early ? TensorType.Q5_1 : usual;
      default -> usual;
    };
  }

  private TensorType attentionOutput(TensorType usual) {
    if (architecture.equals("falcon")) return target == FileType.Q3_K_L ? TensorType.Q4_K : usual;
    if (experts == 8)
      return switch (target) {
        case Q2_K, IQ3_XS, IQ3_XXS, Q3_K_S, Q3_K_M, IQ4_NL, Q4_K_S, Q4_K_M, IQ3_S, IQ3_M, IQ4_XS ->
            TensorType.Q5_K;
        default -> usual;
      };
    return switch (target) {
      case Q2_K -> TensorType.Q3_K;
      case IQ3_XXS -> TensorType.IQ3_S;
      case Q3_K_M, IQ3_M -> TensorType.Q4_K;
      case Q3_K_L -> TensorType.Q5_K;
      default -> usual;
    };
  }

  private TensorType inner(TensorType usual, int layer) {
    return target == FileType.IQ3_XS && layer >= layers / 8 && layer < 7L * layers / 8
        ? TensorType.IQ3_XXS
        : usual;
  }

  /// The first and last eighth of the layers, and every third between.
  private static boolean wantsMore(int layer, int layers) {
    return layer < layers / 8 || layer >= 7L * layers / 8 || (layer - layers / 8) % 3 == 2;
  }

  /// The layer of a tensor: of experts, which may stand in any order, by its name.
  private int layer(String name, int seen) {
    if (experts <= 1) return seen;
    int layer = Layers.of(name);
    if (layer < 0 || layer >= layers)
      throw new IllegalArgumentException(
          name + " is of no layer from 0 to " + (layers - 1) + ", which its type depends on");
    return layer;
  }
}
