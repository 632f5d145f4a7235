package dev.tenon.cli;

import dev.tenon.gguf.Gguf;
import dev.tenon.grammar.Grammar;
import dev.tenon.tokenizer.Tokenizer;
import java.io.IOException;

/// Prints a grammar, or says whether it accepts a text.
final class GrammarCommand extends Command {
  private final GrammarFlags grammar;
  private final Value<String> file;
  private final ModelFile model;

  GrammarCommand(Streams streams) {
    super(
        streams,
        "grammar",
        "Print a grammar, or say whether it accepts a text.",
        "With -f it prints \"accepted\" and ends with exit code 0 where the text has the form of"
            + " the grammar, else it says where it departs from that, with exit code 1. Every byte"
            + " of the text counts, a line end at its end too.");
    grammar = new GrammarFlags(this);
    file = text("FILE", "The text to look at; '-' for stdin.", "-f", "--file");
    model = new ModelFile(this, "The GGUF file with the tokens that a grammar names: <think>.");
  }

  @Override
  int call() throws Exception {
    if (!grammar.given()) {
      throw usage(
          "which grammar? Give --grammar, --grammar-file, --json-schema or --json-schema-file");
    }
    var parsed = grammar();
    if (file.get() == null) {
      var text = parsed.toString();
      streams.out().print(text.endsWith("\n") ? text : text + "\n");
      return 0;
    }
    var match = parsed.match(InputFile.bytes(file.get(), streams));
    if (match.accepted()) {
      streams.out().println("accepted");
      return 0;
    }
    var name = file.get().equals("-") ? "the text" : file.get();
    streams.err().println("tenon: " + Text.visible(name + " is not accepted: " + match.message()));
    return 1;
  }

  private Grammar grammar() throws IOException {
    var gbnf = grammar.gbnf();
    // Only tokens that are named by their text need a vocabulary.
    if (gbnf == null || !model.given() || !gbnf.contains("<")) {
      return grammar.grammar(null);
    }
    try (var gguf = Gguf.open(model.path())) {
      if (!Tokenizer.present(gguf)) {
        throw new IOException(gguf.path() + " has no vocabulary");
      }
      return grammar.grammar(Tokenizer.of(gguf));
    }
  }
}
