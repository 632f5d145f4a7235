package dev.tenon.cli;

import dev.tenon.gguf.Gguf;
import dev.tenon.grammar.Grammar;
import dev.tenon.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.stream.Stream;

/// Prints a grammar, or says whether it accepts a text.
final class GrammarCommand extends Command {
  private final Value<String> grammar;
  private final Value<String> grammarFile;
  private final Value<String> schema;
  private final Value<String> schemaFile;
  private final Value<String> file;
  private final Value<String> model;

  GrammarCommand(Streams streams) {
    super(
        streams,
        "grammar",
        "Print a grammar, or say whether it accepts a text.",
        "With -f it prints \"accepted\" and ends with exit code 0 where the text has the form of"
            + " the grammar, else it says where it departs from that, with exit code 1. Every byte"
            + " of the text counts, a line end at its end too.");
    grammar = text("TEXT", "The grammar, in GBNF.", "--grammar");
    grammarFile = text("FILE", "The file with the grammar.", "--grammar-file");
    schema = text("TEXT", "The JSON Schema to make a grammar of.", "-j", "--json-schema");
    schemaFile = text("FILE", "The file with the JSON Schema.", "-jf", "--json-schema-file");
    file = text("FILE", "The text to look at; '-' for stdin.", "-f", "--file");
    model =
        text(
            "FILE",
            "The GGUF file with the tokens that a grammar names: <think>.",
            "-m",
            "--model");
  }

  @Override
  int call() throws Exception {
    long given =
        Stream.of(grammar, grammarFile, schema, schemaFile)
            .map(Value::get)
            .filter(Objects::nonNull)
            .count();
    if (given != 1) {
      throw usage(
          (given == 0 ? "which grammar? Give one of" : "one grammar, please:")
              + " --grammar, --grammar-file, --json-schema and --json-schema-file");
    }
    var parsed = grammar();
    if (file.get() == null) {
      var text = parsed.toString();
      streams.out().print(text.endsWith("\n") ? text : text + "\n");
      return 0;
    }
    var match =
        parsed.match(
            file.get().equals("-") ? streams.readAll() : Files.readAllBytes(Path.of(file.get())));
    if (match.accepted()) {
      streams.out().println("accepted");
      return 0;
    }
    var name = file.get().equals("-") ? "the text" : file.get();
    streams.err().println("tenon: " + Text.visible(name + " is not accepted: " + match.message()));
    return 1;
  }

  private Grammar grammar() throws IOException {
    if (schema.get() != null) {
      return Grammar.ofJsonSchema(schema.get());
    }
    if (schemaFile.get() != null) {
      return Grammar.ofJsonSchema(read(schemaFile.get()));
    }
    var gbnf = grammar.get() != null ? grammar.get() : read(grammarFile.get());
    var vocabulary = model.get();
    if (vocabulary == null || vocabulary.isEmpty() || !gbnf.contains("<")) {
      return Grammar.parse(gbnf);
    }
    try (var gguf = Gguf.open(Path.of(vocabulary))) {
      if (!Tokenizer.present(gguf)) {
        throw new IOException(vocabulary + " has no vocabulary");
      }
      return Grammar.parse(gbnf, Tokenizer.of(gguf));
    }
  }

  private static String read(String file) throws IOException {
    try {
      var bytes = ByteBuffer.wrap(Files.readAllBytes(Path.of(file)));
      return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException e) {
      throw new IOException(file + " is not UTF-8", e);
    }
  }
}
