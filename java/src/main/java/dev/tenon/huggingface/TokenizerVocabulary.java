package dev.tenon.huggingface;

import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.json.Json;
import dev.tenon.tokenizer.TokenizerSteps;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// A tokenizer as a GGUF file has it: the keys `tokenizer.ggml.*`, `tokenizer.chat_template` and,
/// where those cannot say all, Tenon's own ([TokenizerSteps]).
///
/// Immutable and thread-safe.
public final class TokenizerVocabulary {
  static final int NORMAL = 1;
  static final int UNKNOWN = 2;
  static final int CONTROL = 3;
  static final int USER_DEFINED = 4;
  static final int UNUSED = 5;
  static final int BYTE = 6;

  private static final float ADDED_SCORE = -1000;

  private final String model;
  private final List<String> tokens;
  private final Map<String, GgufValue> metadata;

  private TokenizerVocabulary(String model, List<String> tokens, Map<String, GgufValue> metadata) {
    this.model = model;
    this.tokens = List.copyOf(tokens);
    this.metadata = Collections.unmodifiableMap(metadata);
  }

  /// {@return the algorithm by its name in `tokenizer.ggml.model`: `llama` for byte-pair encoding
  /// of SentencePiece's kind, `gpt2` for the byte-level kind, `t5` for unigram,
  /// `bert` for WordPiece}
  public String model() {
    return model;
  }

  /// {@return the texts of all tokens, in the order of their ids}
  public List<String> tokens() {
    return tokens;
  }

  /// {@return every key and value, in the order in which they are to be written}
  public Map<String, GgufValue> metadata() {
    return metadata;
  }

  /// {@return whether llama.cpp's keys cannot say all: then Tenon's own stand beside them}
  public boolean hasOwnKeys() {
    return metadata.containsKey(TokenizerSteps.STEPS);
  }

  /// Puts every key into a file to be.
  ///
  /// @param writer where the keys go
  public void putInto(GgufWriter writer) {
    metadata.forEach(writer::put);
  }

  @Override
  public String toString() {
    return "tokenizer " + model + " of " + tokens.size() + " tokens";
  }

  /// Tokens by id, in the making. Ids without a token become `[PAD5]`, which is never used.
  static final class Table {
    private final ArrayList<String> texts = new ArrayList<>();
    private final ArrayList<Float> scores = new ArrayList<>();
    private final ArrayList<Integer> types = new ArrayList<>();

    /// How many ids there may be.
    private final int most;

    Table(int most) {
      this.most = most;
    }

    int size() {
      return texts.size();
    }

    /// {@return the text of a token, or null}
    String text(int id) {
      return id >= 0 && id < texts.size() ? texts.get(id) : null;
    }

    int type(int id) {
      return types.get(id);
    }

    /// Puts a token in its place; nothing happens where the id is beyond the most.
    void put(int id, String text, float score, int type) {
      if (id >= most) {
        return;
      }
      while (texts.size() <= id) {
        texts.add(null);
        scores.add(0f);
        types.add(UNUSED);
      }
      texts.set(id, text);
      scores.set(id, score);
      types.set(id, type);
    }

    /// Fills up to a number of tokens.
    ///
    /// @param score of tokens that are never used
    void fill(int size, float score) {
      for (int id = 0; id < Math.max(size, texts.size()); id++) {
        if (id >= texts.size() || texts.get(id) == null) {
          put(id, "[PAD" + id + "]", score, UNUSED);
        }
      }
      var known = new HashSet<>(texts);
      var seen = new HashSet<String>();
      for (int id = 0; id < texts.size(); id++) {
        // Of two of one text, as some folders have them, the second can never come about.
        if (!seen.add(texts.get(id))) {
          var text = "[PAD" + id + "]";
          while (!known.add(text)) {
            text = "[" + text + "]";
          }
          seen.add(text);
          put(id, text, score, UNUSED);
        }
      }
    }

    /// {@return the id of a text, or -1}
    int find(String text) {
      return texts.indexOf(text);
    }
  }

  /// What a file will say of a tokenizer.
  static final class Builder {
    private final Map<String, GgufValue> metadata = new LinkedHashMap<>();
    private final String model;
    private final Table table;

    Builder(String model, String pre, Table table, boolean scores) {
      this.model = model;
      this.table = table;
      text("model", model);
      if (pre != null) {
        text("pre", pre);
      }
      put("tokens", GgufValue.Array.strings(table.texts));
      if (scores) {
        var values = new float[table.size()];
        for (int i = 0; i < values.length; i++) {
          values[i] = table.scores.get(i);
        }
        put("scores", GgufValue.Array.of(values));
      }
      put(
          "token_type",
          GgufValue.Array.of(table.types.stream().mapToInt(Integer::intValue).toArray()));
    }

    Builder put(String key, GgufValue value) {
      metadata.put("tokenizer.ggml." + key, value);
      return this;
    }

    Builder text(String key, String text) {
      return put(key, new GgufValue.Text(text));
    }

    Builder flag(String key, boolean flag) {
      return put(key, new GgufValue.Bool(flag));
    }

    /// Names a special token; nothing happens where it is none of the table's.
    Builder id(String key, long id) {
      return id < 0 || id >= table.size() ? this : put(key, new GgufValue.Int(GgufType.UINT32, id));
    }

    boolean has(String key) {
      return metadata.containsKey("tokenizer.ggml." + key);
    }

    Builder own(String key, GgufValue value) {
      metadata.put(key, value);
      return this;
    }

    /// Puts the [steps][TokenizerSteps#STEPS], members by name, so that the same folder always
    /// makes the same file.
    Builder steps(Map<String, ?> steps) {
      return own(TokenizerSteps.STEPS, new GgufValue.Text(Json.write(sorted(steps))));
    }

    private static Object sorted(Object json) {
      return switch (json) {
        case Map<?, ?> map -> {
          var members = new TreeMap<String, Object>();
          map.forEach((name, value) -> members.put((String) name, sorted(value)));
          yield members;
        }
        case List<?> list -> {
          var elements = new ArrayList<Object>();
          list.forEach(element -> elements.add(sorted(element)));
          yield elements;
        }
        case null, default -> json;
      };
    }

    TokenizerVocabulary build() {
      return new TokenizerVocabulary(model, table.texts, metadata);
    }
  }

  /// The vocabulary of llama2.c, whose first tokens are unknown, begin, end and the bytes.
  static TokenizerVocabulary ofLlama2c(List<String> tokens, List<Float> scores) {
    var table = new Table(tokens.size());
    for (int id = 0; id < tokens.size(); id++) {
      var text = tokens.get(id);
      switch (id) {
        case 0 -> table.put(id, "<unk>", 0, UNKNOWN);
        case 1 -> table.put(id, "<s>", 0, CONTROL);
        case 2 -> table.put(id, "</s>", 0, CONTROL);
        default -> {
          boolean isByte = id < 259 && TokenizerFiles.isByte(text);
          table.put(id, text.replace(' ', '\u2581'), scores.get(id), isByte ? BYTE : NORMAL);
        }
      }
    }
    table.fill(tokens.size(), ADDED_SCORE);
    return new Builder("llama", "default", table, true)
        .id("bos_token_id", 1)
        .id("eos_token_id", 2)
        .id("unknown_token_id", 0)
        .flag("add_bos_token", true)
        .flag("add_eos_token", false)
        .flag("add_space_prefix", true)
        .build();
  }
}
