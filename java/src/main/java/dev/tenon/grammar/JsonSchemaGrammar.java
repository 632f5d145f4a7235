package dev.tenon.grammar;

import dev.tenon.grammar.Schema.Member;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/// Writes the grammar of a JSON Schema as llama.cpp writes it, so that a schema means the same in
/// both.
/// https://github.com/ggml-org/llama.cpp/blob/v0.5.0/common/json-schema-to-grammar.cpp
///
/// It differs where a text would come out that is no JSON or not valid under the schema: bare
/// quotes, backslashes and control characters in what a pattern or another name matches, some
/// bounds of integers, required members that are not among the properties, and patterns that have
/// classes such as `\d` or are not anchored, where llama.cpp takes every string.
final class JsonSchemaGrammar {
  /// The longest text of all rules.
  private static final int MAX_LENGTH = 1 << 26;

  /// The deepest nesting of rules within rules, references followed.
  private static final int MAX_DEPTH = 1000;

  private static final Pattern NO_NAME = Pattern.compile("[^a-zA-Z0-9-]+");

  /// Rules that are the same in every grammar, each with those that it needs.
  private record Common(String rule, String... needed) {}

  private static final Map<String, Common> PRIMITIVES =
      Map.ofEntries(
          Map.entry("boolean", new Common("(\"true\" | \"false\")")),
          Map.entry("decimal-part", new Common("[0-9]{1,16}")),
          Map.entry("integral-part", new Common("[0] | [1-9] [0-9]{0,15}")),
          Map.entry(
              "number",
              new Common(
                  "(\"-\"? integral-part) (\".\" decimal-part)? ([eE] [-+]? integral-part)?",
                  "integral-part",
                  "decimal-part")),
          Map.entry("integer", new Common("(\"-\"? integral-part)", "integral-part")),
          Map.entry(
              "value",
              new Common(
                  "object | array | string | number | boolean | null",
                  "object",
                  "array",
                  "string",
                  "number",
                  "boolean",
                  "null")),
          Map.entry(
              "object",
              new Common(
                  "\"{\" space ( string \":\" space value (\",\" space string \":\" space value)*"
                      + " )? space \"}\"",
                  "string",
                  "value")),
          Map.entry(
              "array",
              new Common("\"[\" space ( value (\",\" space value)* )? space \"]\"", "value")),
          Map.entry(
              "uuid",
              new Common(
                  "\"\\\"\" [0-9a-fA-F]{8} \"-\" [0-9a-fA-F]{4} \"-\" [0-9a-fA-F]{4} \"-\""
                      + " [0-9a-fA-F]{4} \"-\" [0-9a-fA-F]{12} \"\\\"\"")),
          Map.entry(
              "char",
              new Common(
                  "[^\"\\\\\\x7F\\x00-\\x1F] | [\\\\] ([\"\\\\bfnrt] | \"u\" [0-9a-fA-F]{4})")),
          Map.entry("string", new Common("\"\\\"\" char* \"\\\"\"", "char")),
          Map.entry("null", new Common("\"null\"")));

  private static final Map<String, Common> FORMATS =
      Map.of(
          "date",
          new Common(
              "[0-9]{4} \"-\" ( \"0\" [1-9] | \"1\" [0-2] ) \"-\" ( \"0\" [1-9] | [1-2] [0-9] |"
                  + " \"3\" [0-1] )"),
          "time",
          new Common(
              "([01] [0-9] | \"2\" [0-3]) \":\" [0-5] [0-9] \":\" [0-5] [0-9] ( \".\" [0-9]{3} )?"
                  + " ( \"Z\" | ( \"+\" | \"-\" ) ( [01] [0-9] | \"2\" [0-3] ) \":\" [0-5] [0-9]"
                  + " )"),
          "date-time",
          new Common("date \"T\" time", "date", "time"),
          "date-string",
          new Common("\"\\\"\" date \"\\\"\"", "date"),
          "time-string",
          new Common("\"\\\"\" time \"\\\"\"", "time"),
          "date-time-string",
          new Common("\"\\\"\" date-time \"\\\"\"", "date-time"));

  private final SchemaReader.Document document;
  private TreeMap<String, String> rules = new TreeMap<>();
  private final Set<String> resolving = new HashSet<>();
  private int depth;
  private long length;

  private JsonSchemaGrammar(SchemaReader.Document document) {
    this.document = document;
  }

  /// {@return the grammar of a schema}
  ///
  /// @param schema JSON
  /// @throws GrammarException if it is malformed, or one that nothing satisfies
  static String of(Object schema) {
    var grammar = new JsonSchemaGrammar(SchemaReader.read(schema));
    grammar.rules.put("space", "| \" \" | \"\\n\"{1,2} [ \\t]{0,20}");
    grammar.visit(grammar.document.root(), "");
    var text = new StringBuilder();
    grammar.rules.forEach(
        (name, rule) -> text.append(name).append(" ::= ").append(rule).append('\n'));
    return text.toString();
  }

  // Rules.

  /// Adds a rule.
  ///
  /// @return its name, which is another where there is one of that name that says something else
  String add(String name, String rule) {
    var base = NO_NAME.matcher(name).replaceAll("-");
    var free = base;
    for (int i = 0; !rules.getOrDefault(free, rule).equals(rule); i++) {
      free = base + i;
    }
    if (rules.put(free, rule) == null) {
      length += rule.length();
      if (length > MAX_LENGTH) {
        throw new GrammarException("the grammar of the schema is too long");
      }
    }
    return free;
  }

  private String common(String name, String kind) {
    var common = PRIMITIVES.containsKey(kind) ? PRIMITIVES.get(kind) : FORMATS.get(kind);
    var added = add(name, common.rule);
    for (var needed : common.needed) {
      if (!rules.containsKey(needed)) {
        common(needed, needed);
      }
    }
    return added;
  }

  /// Adds a rule that is the same in every grammar, and those that it needs.
  String common(String kind) {
    return common(kind, kind);
  }

  /// A rule of a primitive type, which is `root` itself where that is all there is.
  private String primitive(String rule, String type) {
    return common(rule.equals("root") ? "root" : type, type);
  }

  private static boolean isReserved(String name) {
    return name.equals("root") || PRIMITIVES.containsKey(name) || FORMATS.containsKey(name);
  }

  /// {@return a literal of GBNF}
  private static String literal(String text) {
    return '"'
        + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\r", "\\r").replace("\n", "\\n")
        + '"';
  }

  /// {@return an item, repeated}
  ///
  /// @param max [Integer#MAX_VALUE] for no limit
  /// @param separator what stands between two; empty for nothing
  static String repetition(String item, int min, int max, String separator) {
    boolean bounded = max != Integer.MAX_VALUE;
    if (max == 0) {
      return "";
    }
    if (min == 0 && max == 1) {
      return item + "?";
    }
    if (separator.isEmpty()) {
      if (min <= 1 && min >= 0 && !bounded) {
        return item + (min == 1 ? "+" : "*");
      }
      return item + "{" + min + "," + (bounded ? max : "") + "}";
    }
    var more = "(" + separator + " " + item + ")";
    var list = item + " " + repetition(more, Math.max(0, min - 1), bounded ? max - 1 : max, "");
    return min == 0 ? "(" + list + ")?" : list;
  }

  // Schemas.

  /// Adds the rules of a schema.
  ///
  /// @param name where it stands: the names on the way there, with `-` between; empty for the root
  /// @return the name of its rule
  private String visit(Schema schema, String name) {
    if (++depth > MAX_DEPTH) {
      throw new GrammarException("the schema is nested too deeply, with its $ref followed");
    }
    var rule = isReserved(name) ? name + "-" : name.isEmpty() ? "root" : name;
    var within = name.isEmpty() ? "" : name + "-";
    var added =
        switch (schema) {
          case Schema.Any _ -> add(rule, common("value"));
          case Schema.Ref(var pointer) -> add(rule, reference(pointer));
          case Schema.AnyOf(var schemas) -> {
            var names = new ArrayList<String>();
            for (var each : schemas) {
              names.add(visit(each, (name.isEmpty() ? "alternative-" : within) + names.size()));
            }
            yield add(rule, String.join(" | ", names));
          }
          case Schema.AllOf(var schemas) -> add(rule, allOf(schemas, name));
          case Schema.Const(var json) -> add(rule, literal(json));
          case Schema.Enum(var values) -> {
            var literals = values.stream().map(JsonSchemaGrammar::literal).toList();
            yield add(rule, "(" + String.join(" | ", literals) + ")");
          }
          case Schema.Primitive(var type) -> primitive(rule, type);
          case Schema.Whole(long min, long max) ->
              min == Long.MIN_VALUE && max == Long.MAX_VALUE
                  ? primitive(rule, "integer")
                  : add(rule, IntegerRange.of(min, max));
          case Schema.Text text -> text(text, rule);
          case Schema.Array(Schema.Any _, int min, int max)
              when min == 0 && max == Integer.MAX_VALUE ->
              primitive(rule, "array");
          case Schema.Array(var items, int min, int max) -> {
            var item = visit(items, within + "item");
            var list = repetition(item, min, max, "\",\" space");
            yield add(rule, "\"[\" space " + list + " space \"]\"");
          }
          case Schema.Tuple(var items, var rest, int min, int max) -> {
            var names = new ArrayList<String>();
            for (var item : items) {
              names.add(visit(item, within + "tuple-" + names.size()));
            }
            var list = String.join(" \",\" space ", names);
            if (rest != null) {
              var item = visit(rest, within + "item");
              list +=
                  names.isEmpty()
                      ? repetition(item, min, max, "\",\" space")
                      : " " + repetition("(\",\" space " + item + ")", min, max, "");
            }
            yield add(rule, "\"[\" space " + list + " space \"]\"");
          }
          case Schema.Members(var members, Schema.Any _) when members.isEmpty() ->
              add(rule, common("object"));
          case Schema.Members(var members, var additional) ->
              add(rule, object(members, additional, name));
        };
    depth--;
    return added;
  }

  private String reference(String pointer) {
    var name = "ref" + NO_NAME.matcher(pointer.substring(1)).replaceAll("-");
    if (!rules.containsKey(name) && resolving.add(pointer)) {
      name = visit(document.targets().get(pointer), name);
      resolving.remove(pointer);
    }
    return name;
  }

  private String text(Schema.Text text, String rule) {
    if (!text.pattern().isEmpty()) {
      var before = new TreeMap<>(rules);
      try {
        return add(rule, PatternRule.of(text.pattern(), rule, this));
      } catch (PatternRule.UnsupportedException _) {
        rules = before;
        return add(rule, common("string"));
      } catch (PatternRule.InvalidException e) {
        throw new GrammarException(
            "JSON Schema: the pattern \"" + text.pattern() + "\" is malformed: " + e.getMessage());
      }
    }
    if (text.format().equals("uuid")) {
      return primitive(rule, "uuid");
    }
    if (!text.format().isEmpty()) {
      return add(rule, common(text.format() + "-string"));
    }
    if (text.minLength() > 0 || text.maxLength() < Integer.MAX_VALUE) {
      var characters = repetition(common("char"), text.minLength(), text.maxLength(), "");
      return add(rule, "\"\\\"\" " + characters + " \"\\\"\"");
    }
    return primitive(rule, "string");
  }

  // Objects.

  private String allOf(List<Schema> schemas, String name) {
    var members = new ArrayList<Member>();
    var required = new HashSet<String>();
    var values = new TreeMap<String, Integer>(JsonSchemaGrammar::byCodePoint);
    for (var schema : schemas) {
      var parts = schema instanceof Schema.AnyOf(var alternatives) ? alternatives : List.of(schema);
      for (var part : parts) {
        switch (target(part)) {
          case Schema.Members(var own, var _) -> {
            for (var member : own) {
              members.add(member);
              if (!(schema instanceof Schema.AnyOf)) {
                required.add(member.name());
              }
            }
          }
          case Schema.Enum(var literals) -> {
            for (var value : literals) {
              values.merge(literal(value), 1, Integer::sum);
            }
          }
          default -> {}
        }
      }
    }
    if (!values.isEmpty()) {
      var shared = new ArrayList<String>();
      values.forEach(
          (value, count) -> {
            if (count == schemas.size()) {
              shared.add(value);
            }
          });
      if (!shared.isEmpty()) {
        return "(" + String.join(" | ", shared) + ")";
      }
    }
    if (members.isEmpty()) {
      var others = schemas.stream().filter(s -> !canBeEmptyObject(target(s))).toList();
      if (others.size() == 1) {
        return visit(others.getFirst(), name.isEmpty() ? "all-0" : name + "-all-0");
      }
      if (!others.isEmpty()) {
        throw new GrammarException(
            others.stream().allMatch(s -> target(s) instanceof Schema.Enum)
                ? "nothing satisfies the schema: the lists of enum within its allOf have nothing in"
                    + " common"
                : "JSON Schema: allOf is not supported for other schemas than of objects and enum");
      }
    }
    return object(
        members.stream()
            .map(m -> new Member(m.name(), m.schema(), required.contains(m.name())))
            .toList(),
        null,
        name);
  }

  private static boolean canBeEmptyObject(Schema schema) {
    return schema instanceof Schema.Any
        || schema instanceof Schema.AllOf
        || schema instanceof Schema.Members(var members, var _)
            && members.stream().noneMatch(Member::required);
  }

  /// What a chain of references ends at.
  private Schema target(Schema schema) {
    var passed = new HashSet<String>();
    while (schema instanceof Schema.Ref(var pointer)) {
      if (!passed.add(pointer)) {
        throw new GrammarException("JSON Schema: $ref \"" + pointer + "\" leads back to itself");
      }
      schema = document.targets().get(pointer);
    }
    return schema;
  }

  private String object(List<Member> members, Schema additional, String name) {
    var within = name.isEmpty() ? "" : name + "-";
    var rulesOf = new HashMap<String, String>(); // a member's key and value
    var required = new ArrayList<String>();
    var optional = new ArrayList<String>();
    for (var member : members) {
      var value = visit(member.schema(), within + member.name());
      var key = literal(JsonText.of(member.name()));
      rulesOf.put(
          member.name(), add(within + member.name() + "-kv", key + " space \":\" space " + value));
      (member.required() ? required : optional).add(member.name());
    }
    if (additional != null) {
      var value =
          additional instanceof Schema.Any
              ? common("value")
              : visit(additional, within + "additional-value");
      var key =
          members.isEmpty()
              ? common("string")
              : add(
                  within + "additional-k", otherNames(members.stream().map(Member::name).toList()));
      rulesOf.put("*", add(within + "additional-kv", key + " \":\" space " + value));
      optional.add("*");
    }
    if (required.isEmpty() && optional.isEmpty()) {
      return "\"{\" space \"}\"";
    }
    var rule = new StringBuilder("\"{\" space ");
    rule.append(String.join(" \",\" space ", required.stream().map(rulesOf::get).toList()));
    if (!optional.isEmpty()) {
      rule.append(required.isEmpty() ? " (" : " ( \",\" space ( ");
      rule.append(String.join(" | ", anyFrom(optional, rulesOf, within)));
      rule.append(required.isEmpty() ? " )?" : " ) )?");
    }
    return rule.append(" space \"}\"").toString();
  }

  /// {@return for each optional member what there can be from it on, if it is the first}
  private List<String> anyFrom(List<String> optional, Map<String, String> rulesOf, String within) {
    var starts = new ArrayList<String>();
    var rest = ""; // what may come after a member
    for (int i = optional.size() - 1; i >= 0; i--) {
      var key = optional.get(i);
      var own = rulesOf.get(key);
      var next = "( \",\" space " + own + " )";
      var more = i == optional.size() - 1 ? "" : " " + add(within + key + "-rest", rest);
      starts.addFirst(own + (key.equals("*") ? " " + next + "*" : "") + more);
      rest = next + (key.equals("*") ? "*" : "?") + more;
    }
    return starts;
  }

  /// {@return a string that is none of some}
  private String otherNames(List<String> names) {
    var root = new Letters();
    for (var name : names) {
      var letters = root;
      for (int c : name.codePoints().toArray()) {
        letters = letters.next.computeIfAbsent(c, _ -> new Letters());
      }
      letters.isName = true;
    }
    var out = new StringBuilder("[\"] ( ");
    root.write(out, common("char"), 0);
    return out.append(root.isName ? " )" : " )?").append(" [\"]").toString();
  }

  /// The letters with which names go on.
  private static final class Letters {
    /// What may follow a backslash, `u` apart, and what each then stands for.
    private static final String ESCAPES = "\"\\/bfnrt";

    private static final String ESCAPED = "\"\\/\b\f\n\r\t";

    final TreeMap<Integer, Letters> next = new TreeMap<>();
    boolean isName;

    void write(StringBuilder out, String character, int depth) {
      if (depth > MAX_DEPTH) {
        throw new GrammarException("a property has a name of over " + MAX_DEPTH + " characters");
      }
      var taken = new StringBuilder();
      boolean first = true;
      for (var entry : next.entrySet()) {
        int c = entry.getKey();
        if (c == '"' || c == '\\' || c < 0x20) {
          continue; // does not stand for itself in a string: no key with it goes on from here
        }
        // What would end a class or turn it around.
        var letter = c == ']' ? "\\]" : c == '^' ? "\\x5E" : Character.toString(c);
        taken.append(letter);
        out.append(first ? "[" : " | [").append(letter).append(']');
        first = false;
        if (entry.getValue().next.isEmpty()) {
          out.append(' ').append(character).append('+');
        } else {
          out.append(" (");
          entry.getValue().write(out, character, depth + 1);
          out.append(')');
        }
      }
      out.append(first ? "" : " | ");
      out.append("[^\"").append(taken).append("\\\\\\x7F\\x00-\\x1F] ");
      out.append(character).append('*');
      escapes(out, character);
    }

    /// What begins with an escape, unless it stands for a letter with which a name goes on.
    private void escapes(StringBuilder out, String character) {
      var escapes = new StringBuilder();
      for (int i = 0; i < ESCAPES.length(); i++) {
        if (!next.containsKey((int) ESCAPED.charAt(i))) {
          escapes.append(ESCAPES.charAt(i) == '\\' ? "\\\\" : ESCAPES.charAt(i));
        }
      }
      if (!escapes.isEmpty()) {
        out.append(" | [\\\\] [").append(escapes).append("] ").append(character).append('*');
      }
      if (next.isEmpty()) {
        out.append(" | [\\\\] \"u\" [0-9a-fA-F]{4} ").append(character).append('*');
      }
    }
  }

  private static int byCodePoint(String a, String b) {
    int i = 0;
    while (i < a.length() && i < b.length() && a.charAt(i) == b.charAt(i)) {
      i++;
    }
    if (i == a.length() || i == b.length()) {
      return a.length() - b.length();
    }
    // Halves of surrogate pairs come after everything else.
    char x = a.charAt(i);
    char y = b.charAt(i);
    return Character.isSurrogate(x) == Character.isSurrogate(y)
        ? x - y
        : Character.isSurrogate(x) ? 1 : -1;
  }
}
