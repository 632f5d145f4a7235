package dev.tenon.cli;

import dev.tenon.gguf.Gguf;
import dev.tenon.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/// Turns text into tokens and back.
final class Tokenize extends Command {
  private final ModelFile model;
  private final Value<String> text;
  private final Value<String> file;
  private final Value<Boolean> ids;
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
    model = new ModelFile(this, "The GGUF file, or owner/name, as -hf.");
    text = text("TEXT", "The text.", "--text", "-p", "--prompt");
    file = text("FILE", "The file with the text; '-' for stdin.", "-f", "--file");
    ids = flag("Print the ids alone, as a JSON array.", "--ids");
    decode =
        text(
            "IDS",
            "Print the text of ids, such as 1,2,3; special tokens are left out.",
            "--decode");
    noBos = flag("Do not add the begin token.", "--no-bos");
    noParseSpecial = flag("Take what looks like a special token for text.", "--no-parse-special");
  }

  @Override
  int call() throws Exception {
    if ((text.get() == null ? 0 : 1) + (file.get() == null ? 0 : 1) + (decode.get() == null ? 0 : 1)
        > 1) {
      throw usage("one of --text, -f and --decode, please");
    }
    if (!model.given()) {
      throw usage("which vocabulary? Give -m FILE, -hf NAME or set TENON_MODEL");
    }
    var given = decode.get() == null ? null : TokenIds.parse(this, "--decode", decode.get());
    try (var gguf = Gguf.open(model.path())) {
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
      } else {
        print(
            tokenizer,
            tokenizer.encode(text(), tokenizer.addsBos() && !noBos.get(), !noParseSpecial.get()));
      }
    }
    return 0;
  }

  private String text() throws IOException {
    if (text.get() != null) {
      return text.get();
    }
    var bytes = file.get() == null ? streams.readAll() : InputFile.bytes(file.get(), streams);
    return new String(bytes, StandardCharsets.UTF_8);
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
