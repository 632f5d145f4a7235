package dev.tenon.cli;

import dev.tenon.cli.Command.Value;
import dev.tenon.grammar.Grammar;
import dev.tenon.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.stream.Stream;

/// What a text must look like: a grammar, or a JSON Schema that becomes one.
final class GrammarFlags {
  private final Command command;
  private final Value<String> grammar;
  private final Value<String> grammarFile;
  private final Value<String> schema;
  private final Value<String> schemaFile;

  GrammarFlags(Command command) {
    this.command = command;
    grammar = command.text("GBNF", "The text is of this grammar.", "--grammar");
    grammarFile = command.text("FILE", "It is of the grammar in this file.", "--grammar-file");
    schema =
        command.text(
            "SCHEMA",
            "It is JSON that this JSON Schema describes; {} for any JSON.",
            "-j",
            "--json-schema");
    schemaFile =
        command.text(
            "FILE",
            "It is JSON that the JSON Schema in this file describes.",
            "-jf",
            "--json-schema-file");
  }

  /// {@return whether there is one; of several, usage is told}
  boolean given() {
    long count =
        Stream.of(grammar, grammarFile, schema, schemaFile)
            .map(Value::get)
            .filter(Objects::nonNull)
            .count();
    if (count > 1) {
      throw command.usage(
          "one of --grammar, --grammar-file, --json-schema and --json-schema-file, please");
    }
    return count == 1;
  }

  /// {@return the JSON Schema, or null where there is none}
  String schema() throws IOException {
    return schema.get() != null || schemaFile.get() == null
        ? schema.get()
        : InputFile.text(Path.of(schemaFile.get()));
  }

  /// {@return the grammar in GBNF, or null where there is none}
  String gbnf() throws IOException {
    return grammar.get() != null || grammarFile.get() == null
        ? grammar.get()
        : InputFile.text(Path.of(grammarFile.get()));
  }

  /// {@return the grammar that is given, one way or the other, or null where none is}
  ///
  /// @param tokenizer knows the tokens that GBNF may name (`<think>`); null where there is none
  Grammar grammar(Tokenizer tokenizer) throws IOException {
    var asSchema = schema();
    if (asSchema != null) {
      return Grammar.ofJsonSchema(asSchema);
    }
    var asGbnf = gbnf();
    if (asGbnf == null) {
      return null;
    }
    return tokenizer == null ? Grammar.parse(asGbnf) : Grammar.parse(asGbnf, tokenizer);
  }
}
