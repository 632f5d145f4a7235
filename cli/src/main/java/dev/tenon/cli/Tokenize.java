package dev.tenon.cli;

import dev.tenon.gguf.Gguf;
import dev.tenon.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/// Turns text into tokens and back.
@CommandLine.Command(
    name = "tokenize",
    description = {
      "Turn text into tokens, one a line, or tokens into text.",
      "Text is read from stdin where neither --text nor -f gives it. Every byte counts; bytes that"
          + " are not UTF-8 become U+FFFD. A file that holds a vocabulary alone will do."
    })
final class Tokenize extends Command {
  @Option(
      names = {"-m", "--model"},
      paramLabel = "FILE",
      description = "The GGUF file.")
  String model;

  @Option(
      names = {"--text", "-p", "--prompt"},
      paramLabel = "TEXT",
      description = "The text.")
  String text;

  @Option(
      names = {"-f", "--file"},
      paramLabel = "FILE",
      description = "The file with the text; '-' for stdin.")
  String file;

  @Option(
      names = {"--ids"},
      description = "Print the ids alone, as a JSON array.")
  boolean ids;

  @Option(
      names = {"--decode"},
      paramLabel = "IDS",
      description = "Print the text of ids, such as 1,2,3; special tokens are left out.")
  String decode;

  @Option(
      names = {"--no-bos"},
      description = "Do not add the begin token.")
  boolean noBos;

  @Option(
      names = {"--no-parse-special"},
      description = "Take what looks like a special token for text.")
  boolean noParseSpecial;

  Tokenize(Streams streams) {
    super(streams);
  }

  @Override
  int call() throws Exception {
    if ((text == null ? 0 : 1) + (file == null ? 0 : 1) + (decode == null ? 0 : 1) > 1) {
      throw usage("one of --text, -f and --decode, please");
    }
    if (model == null || model.isEmpty()) {
      throw usage("which vocabulary? Give -m FILE or set TENON_MODEL");
    }
    var given = decode == null ? null : TokenIds.parse(this, "--decode", decode);
    try (var gguf = Gguf.open(Path.of(model))) {
      if (!Tokenizer.present(gguf)) {
        throw new IOException(model + " has no vocabulary");
      }
      var tokenizer = Tokenizer.of(gguf);
      if (given != null) {
        TokenIds.check(given, tokenizer.vocabularySize());
        streams.out().print(tokenizer.decode(given));
        if (streams.outTerminal()) {
          streams.out().println("");
        }
      } else {
        print(tokenizer, tokenizer.encode(text(), tokenizer.addsBos() && !noBos, !noParseSpecial));
      }
    }
    return 0;
  }

  private String text() throws IOException {
    if (text != null) {
      return text;
    }
    var bytes =
        file == null || file.equals("-") ? streams.readAll() : Files.readAllBytes(Path.of(file));
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private void print(Tokenizer tokenizer, int[] tokens) throws IOException {
    var out = streams.out();
    if (ids) {
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
