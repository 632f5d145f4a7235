package dev.tenon.tokenizer;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A file with a small vocabulary, to open as a tokenizer.
final class TokenizerFile {
  private final GgufWriter writer = new GgufWriter();

  /// A file of an algorithm with these tokens.
  static TokenizerFile of(String model, List<String> tokens) {
    return new TokenizerFile()
        .put("model", new GgufValue.Text(model))
        .put("tokens", GgufValue.Array.strings(tokens));
  }

  static TokenizerFile of(String model, String... tokens) {
    return of(model, List.of(tokens));
  }

  /// A SentencePiece vocabulary: unknown, begin, end, then these.
  static TokenizerFile llama(List<String> tokens) {
    var all = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
    all.addAll(tokens);
    var types = new int[all.size()];
    Arrays.fill(types, 1);
    types[0] = 2;
    types[1] = 3;
    types[2] = 3;
    for (int i = 3; i < types.length; i++) {
      types[i] = all.get(i).matches("<0x[0-9A-F]{2}>") ? 6 : 1;
    }
    return of("llama", all).types(types);
  }

  TokenizerFile put(String key, GgufValue value) {
    writer.put("tokenizer.ggml." + key, value);
    return this;
  }

  TokenizerFile put(String key, boolean value) {
    return put(key, new GgufValue.Bool(value));
  }

  TokenizerFile put(String key, long value) {
    return put(key, new GgufValue.Int(GgufType.UINT32, value));
  }

  TokenizerFile name(String name) {
    writer.put("general.name", name);
    return this;
  }

  TokenizerFile pre(String name) {
    return put("pre", new GgufValue.Text(name));
  }

  TokenizerFile types(int... types) {
    return put("token_type", GgufValue.Array.of(types));
  }

  TokenizerFile scores(float... scores) {
    return put("scores", GgufValue.Array.of(scores));
  }

  TokenizerFile merges(String... merges) {
    return put("merges", GgufValue.Array.strings(List.of(merges)));
  }

  Tokenizer open() throws IOException {
    return with(Tokenizer::of);
  }

  boolean present() throws IOException {
    return with(Tokenizer::present);
  }

  private interface Use<T> {
    T of(Gguf gguf) throws IOException;
  }

  private <T> T with(Use<T> use) throws IOException {
    var file = Files.createTempFile("vocabulary", ".gguf");
    try {
      writer.write(file);
      try (var gguf = Gguf.open(file)) {
        return use.of(gguf);
      }
    } finally {
      Files.delete(file);
    }
  }
}
