package dev.tenon.cli;

import dev.tenon.tokenizer.TokenizedText;
import dev.tenon.tokenizer.Tokenizer;
import dev.tenon.tokenizer.Truncation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// Turns text into tokens and back.
final class Tokenize extends Command {
  private final ModelFile model;
  private final Value<String> argument;
  private final Value<String> text;
  private final Value<String> file;
  private final Value<String> pair;
  private final Value<Integer> maxLength;
  private final Value<Boolean> ids;
  private final Value<Boolean> json;
  private final Value<String> decode;
  private final Value<Boolean> noBos;
  private final Value<Boolean> noParseSpecial;

  Tokenize(Streams streams) {
    super(
        streams,
        "tokenize",
        "Turn text into tokens, one a line, or tokens into text.",
        "Text is read from stdin where neither --text nor -f gives it. Every byte counts; bytes"
            + " that are not UTF-8 become U+FFFD. A file that holds a vocabulary alone will do.");
    model = new ModelFile(this, "The GGUF file, or owner/name, as -hf.", true);
    argument = argument("TEXT", "The text.");
    text = text("TEXT", "The text.", "--text", "-p", "--prompt");
    file = text("FILE", "The file with the text; '-' for stdin.", "-f", "--file");
    pair = text("TEXT", "A second text, for models that take two.", "--pair");
    maxLength =
        integer(
            null,
            "Cut the text, the longer one of a pair first, so that there are at most N tokens.",
            "--max-length");
    ids = flag("Print the ids alone, as a JSON array.", "--ids");
    json =
        flag(
            "Print ids, segments, and where in its text each token comes from, as JSON.", "--json");
    decode =
        text(
            "IDS",
            "Print the text of ids, such as 1,2,3; special tokens are left out.",
            "--decode");
    noBos = flag("Do not add the tokens that begin and end a text.", "--no-bos");
    noParseSpecial = flag("Take what looks like a special token for text.", "--no-parse-special");
  }

  @Override
  int call() throws Exception {
    var ways = Stream.of(argument, text, file, decode).filter(way -> way.get() != null).count();
    if (ways > 1) {
      throw usage("one text, please: an argument, --text, -f or --decode");
    }
    boolean whole = pair.get() != null || maxLength.get() != null || json.get();
    if (whole && (decode.get() != null || noBos.get() || noParseSpecial.get())) {
      throw usage(
          "--pair, --max-length and --json do not go together with --decode, --no-bos and"
              + " --no-parse-special");
    }
    if (ids.get() && json.get()) {
      throw usage("one of --ids and --json, please");
    }
    if (maxLength.get() != null && maxLength.get() < 0) {
      throw usage("--max-length must not be negative, given " + maxLength.get());
    }
    var given = decode.get() == null ? null : TokenIds.parse(this, "--decode", decode.get());
    try (var gguf = model.open()) {
      if (!Tokenizer.present(gguf)) {
        throw new IOException(gguf.path() + " has no vocabulary");
      }
      var tokenizer = Tokenizer.of(gguf);
      if (given != null) {
        TokenIds.check(given, tokenizer.vocabularySize());
        streams.out().print(tokenizer.decode(given));
        if (streams.outTerminal()) {
          streams.out().println("");
        }
      } else if (whole) {
        var tokens =
            maxLength.get() == null
                ? tokenizer.tokenize(text(), pair.get())
                : tokenizer.tokenize(text(), pair.get(), new Truncation(maxLength.get()));
        if (json.get()) {
          printJson(json(tokenizer, tokens));
        } else {
          print(tokenizer, tokens.ids());
        }
      } else {
        print(tokenizer, tokenizer.encode(text(), !noBos.get(), !noParseSpecial.get()));
      }
    }
    return 0;
  }

  private String text() throws IOException {
    if (argument.get() != null || text.get() != null) {
      return argument.get() == null ? text.get() : argument.get();
    }
    var bytes = file.get() == null ? streams.readAll() : InputFile.bytes(file.get(), streams);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /// {@return the fields that an encoding of the library tokenizers has}
  private static Map<String, Object> json(Tokenizer tokenizer, TokenizedText tokens) {
    var result = new LinkedHashMap<String, Object>();
    result.put("ids", list(tokens.ids()));
    result.put("type_ids", list(tokens.typeIds()));
    result.put("tokens", Arrays.stream(tokens.ids()).mapToObj(tokenizer::piece).toList());
    var offsets = new ArrayList<Object>();
    var special = new ArrayList<Object>();
    for (int i = 0; i < tokens.length(); i++) {
      offsets.add(List.of((long) tokens.starts()[i], (long) tokens.ends()[i]));
      special.add(tokens.sequences()[i] < 0 ? 1L : 0L);
    }
    result.put("offsets", offsets);
    result.put("word_ids", list(tokens.words()));
    result.put("sequence_ids", list(tokens.sequences()));
    result.put("special_tokens_mask", special);
    return result;
  }

  /// {@return numbers, null for -1}
  private static List<Object> list(int[] values) {
    var list = new ArrayList<Object>();
    for (int value : values) {
      list.add(value < 0 ? null : (Object) (long) value);
    }
    return list;
  }

  private void print(Tokenizer tokenizer, int[] tokens) throws IOException {
    var out = streams.out();
    if (ids.get()) {
      out.print("[");
      for (int i = 0; i < tokens.length; i++) {
        out.print((i > 0 ? ", " : "") + tokens[i]);
      }
      out.println("]");
      return;
    }
    for (int token : tokens) {
      var id = Integer.toString(token);
      out.print(" ".repeat(Math.max(0, 6 - id.length())) + id + " -> '");
      out.write(tokenizer.bytes(token, true)); // may be a part of a character
      out.println("'");
    }
  }
}
