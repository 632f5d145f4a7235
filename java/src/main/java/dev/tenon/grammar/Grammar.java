package dev.tenon.grammar;

import dev.tenon.json.Json;
import dev.tenon.tokenizer.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.function.ToIntFunction;

/// The form that a text must have: a context-free grammar.
///
/// ```java
/// var list = Grammar.parse("root ::= (\"- \" [^\\n]+ \"\\n\")+");
/// list.accepts("- bread\n- milk\n"); // true
/// list.match("- bread\n* milk\n").message(); // line 2, column 1: found '*', …
/// ```
///
/// Immutable and thread-safe.
///
/// @see <a href="https://github.com/ggml-org/llama.cpp/blob/v0.5.0/grammars/README.md">GBNF</a>
public final class Grammar {
  private final String text;
  private final Rules rules;

  private Grammar(String text, Rules rules) {
    this.text = text;
    this.rules = rules;
  }

  /// Reads llama.cpp's GBNF: rules, alternatives, groups, literals, character classes with ranges,
  /// negation and the escapes `\x`, `\U` and `\` with `u`, `.`, the repetitions `*`, `+`, `?`,
  /// `{m}`, `{m,}` and `{m,n}`, comments, and tokens by id (`<[id]>`, `!<[id]>`). It begins with
  /// the rule `root`.
  ///
  /// At most 2000 repetitions of one thing can be asked for; an upper bound above that is none, as
  /// in llama.cpp.
  ///
  /// @param gbnf the grammar
  /// @return the grammar, checked
  /// @throws GrammarException if it is malformed, has no root, names a rule that it does not define
  ///     or has one that begins with itself, repeats too often or names a token by its text
  public static Grammar parse(String gbnf) {
    Objects.requireNonNull(gbnf, "gbnf");
    return new Grammar(gbnf, GbnfParser.parse(gbnf, null));
  }

  /// Reads GBNF in which tokens may be named by their text, too (`<think>`).
  ///
  /// @param gbnf the grammar
  /// @param tokenizer knows the tokens
  /// @return the grammar, checked
  /// @throws GrammarException as [#parse(String)]; or if what is in angle brackets, with them, is
  ///     not exactly one token
  public static Grammar parse(String gbnf, Tokenizer tokenizer) {
    Objects.requireNonNull(gbnf, "gbnf");
    Objects.requireNonNull(tokenizer, "tokenizer");
    ToIntFunction<String> ids =
        token -> {
          var encoded = tokenizer.encode(token, false, true);
          return encoded.length == 1 ? encoded[0] : -1;
        };
    return new Grammar(gbnf, GbnfParser.parse(gbnf, ids));
  }

  /// {@return the grammar of the JSON texts that are valid under a schema}
  ///
  /// @param schema the schema as JSON
  /// @throws dev.tenon.json.JsonException if it is not JSON
  /// @throws GrammarException as [#ofJsonSchema(Map)]
  public static Grammar ofJsonSchema(String schema) {
    return ofSchema(Json.parse(Objects.requireNonNull(schema, "schema")));
  }

  /// {@return the grammar of JSON texts that are valid under a schema}
  ///
  /// The grammar is llama.cpp's for the same schema, but for what would not be valid. Members come
  /// in the order of `properties`, and white space where its rule `space` has it. It knows `$ref`
  /// within the schema, `oneOf` and `anyOf` (alike), `allOf`, `const`, `enum`, `type`,
  /// `properties`, `required`, `additionalProperties`, `items`, `prefixItems`, `minItems`,
  /// `maxItems`, `pattern`, `minLength`, `maxLength`, the formats `date`, `time`, `date-time` and
  /// `uuid`, and the bounds of integers.
  ///
  /// Every other keyword is passed over, and these do not hold where they stand:
  ///
  /// - `pattern` where it has no counterpart as a grammar, as with lookaround or references back:
  ///   every string is allowed;
  /// - `format`, `minLength` and `maxLength` beside a `pattern`, the lengths beside a format, too;
  /// - bounds of `number`, `multipleOf`, `uniqueItems`, `minProperties`, `maxProperties`,
  ///   `patternProperties`, `propertyNames`, `contains`, `not` and `if`;
  /// - that of `oneOf` no two may hold;
  /// - what stands beside `$ref`, `oneOf`, `anyOf`, `const` or `enum`, `allOf` beside `properties`,
  ///   and of what is in `allOf` all but the properties, or the values that the lists share.
  ///
  /// On the other hand some valid texts are left out: members in another order, other white space,
  /// items after those of `prefixItems` that neither `items` nor `minItems` asks for, and a few
  /// ways to write the names of additional members: with a character escaped by its number, where
  /// it could be that of another member.
  ///
  /// @param schema the schema, as [Json#object] reads it
  /// @throws GrammarException if the schema is malformed, refers to what is not there, is nested
  ///     too deeply, or nothing satisfies it
  public static Grammar ofJsonSchema(Map<String, ?> schema) {
    return ofSchema(Objects.requireNonNull(schema, "schema"));
  }

  private static Grammar ofSchema(Object schema) {
    var text = JsonSchemaGrammar.of(schema);
    Rules rules;
    try {
      rules = GbnfParser.parse(text, null);
    } catch (GrammarException e) {
      throw new GrammarException("no grammar can be made of the schema: " + e.getMessage());
    }
    if (rules.isEmpty()) {
      throw new GrammarException("nothing satisfies the schema: what it requires never ends");
    }
    return new Grammar(text, rules);
  }

  /// {@return whether a text has this form}
  ///
  /// @param text any text; one with half a surrogate pair has none
  /// @throws IllegalStateException if the grammar can be read in too many ways
  public boolean accepts(String text) {
    return match(text).accepted();
  }

  /// {@return how far a text has this form}
  ///
  /// @param text any text; half a surrogate pair fits nowhere
  /// @throws IllegalStateException if the grammar can be read in too many ways
  public Match match(String text) {
    return match(utf8(text));
  }

  /// {@return how far a text has this form}
  ///
  /// @param utf8 the text; what is not well-formed UTF-8 fits nowhere
  /// @throws IllegalStateException if the grammar can be read in too many ways
  public Match match(byte[] utf8) {
    var automaton = automaton();
    var state = automaton.start();
    int border = 0; // where the character begins
    for (int i = 0; i < utf8.length; i++) {
      if (state.atBorder()) {
        border = i;
        automaton.readCharacter();
        if (automaton.isLarge()) {
          automaton = automaton.rebasedOn(state);
          state = automaton.current();
        }
      }
      state = automaton.step(state, utf8[i]);
      if (automaton.isDead(state)) {
        return Match.failure(utf8, border, false);
      }
    }
    if (automaton.mayEnd(state)) {
      return Match.ACCEPTED;
    }
    return state.atBorder()
        ? Match.failure(utf8, utf8.length, true)
        : Match.failure(utf8, border, false);
  }

  /// {@return the bytes of a text; those of half a surrogate pair are malformed}
  static byte[] utf8(String text) {
    if (text.chars().noneMatch(c -> Character.isSurrogate((char) c))) {
      return text.getBytes(StandardCharsets.UTF_8);
    }
    var bytes = new ByteArrayOutputStream(text.length() + 16);
    text.codePoints()
        .forEach(
            c -> {
              if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
                bytes.write(0xe0 | c >> 12);
                bytes.write(0x80 | c >> 6 & 0x3f);
                bytes.write(0x80 | c & 0x3f);
              } else {
                bytes.writeBytes(Character.toString(c).getBytes(StandardCharsets.UTF_8));
              }
            });
    return bytes.toByteArray();
  }

  Automaton automaton() {
    return new Automaton(rules);
  }

  /// {@return the grammar as GBNF: the text that it was parsed from, or what was made of a schema}
  @Override
  public String toString() {
    return text;
  }

  /// {@return a character for a person to read}
  static String quoted(int codePoint) {
    return switch (codePoint) {
      case '\n' -> "the end of the line";
      case '\t' -> "a tab";
      case '\r' -> "a carriage return";
      default ->
          codePoint < 0x20
                  || codePoint >= 0x7f && codePoint < 0xa0
                  || codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE
              ? String.format("U+%04X", codePoint)
              : "'" + Character.toString(codePoint) + "'";
    };
  }
}
