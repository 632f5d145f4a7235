package dev.tenon.chat;

import dev.tenon.grammar.Grammar;
import dev.tenon.grammar.GrammarException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Writes a [Peg] as GBNF, for what constrains the sampling of a reply. What a model is only
/// forgiven is left out, and arguments follow their schema.
///
/// A grammar of GBNF has no look-ahead: where the expression has some, the grammar allows more.
final class PegGrammar {
  private static final String SPACE = "| \" \" | \"\\n\"{1,2} [ \\t]{0,20}";

  /// Rules that every schema's grammar has alike.
  private static final Set<String> COMMON =
      Set.of(
          "space",
          "string",
          "char",
          "number",
          "integral-part",
          "decimal-part",
          "integer",
          "boolean",
          "null",
          "value",
          "object",
          "array",
          "uuid",
          "date",
          "time",
          "date-time",
          "date-string",
          "time-string",
          "date-time-string");

  private final Map<String, String> rules = new LinkedHashMap<>();
  private final Map<Peg.Rule, String> names = new IdentityHashMap<>();
  private final Deque<Peg.Rule> unwritten = new ArrayDeque<>();
  private final Map<List<String>, String> untils = new LinkedHashMap<>();

  private PegGrammar() {}

  /// {@return the grammar of a whole reply}
  static String of(Peg peg) {
    var grammar = new PegGrammar();
    grammar.rules.put("root", "");
    grammar.rules.put("root", grammar.expression(peg));
    return grammar.text();
  }

  /// {@return the grammar of what follows the triggers in a reply: its calls}
  static String ofTriggers(Peg peg) {
    var grammar = new PegGrammar();
    var triggers = new ArrayList<Peg.Rule>();
    triggers(peg, triggers, new IdentityHashMap<>());
    grammar.rules.put("root", "");
    var names = new LinkedHashSet<String>();
    for (var trigger : triggers) names.add(grammar.reference(trigger));
    grammar.rules.put("root", String.join(" | ", names));
    return grammar.text();
  }

  private String text() {
    rules.put("space", SPACE);
    while (!unwritten.isEmpty()) {
      var rule = unwritten.poll();
      rules.put(names.get(rule), expression(rule.part()));
    }
    var text = new StringBuilder();
    rules.forEach((name, body) -> text.append(name).append(" ::= ").append(body).append('\n'));
    return text.toString();
  }

  private static void triggers(Peg peg, List<Peg.Rule> triggers, Map<Peg, Boolean> visited) {
    if (peg instanceof Peg.Rule rule) {
      if (visited.put(rule, true) != null) return;
      if (rule.trigger) triggers.add(rule);
    }
    for (var part : parts(peg)) triggers(part, triggers, visited);
  }

  private static List<Peg> parts(Peg peg) {
    return switch (peg) {
      case Peg.Sequence(var parts) -> parts;
      case Peg.Choice(var alternatives) -> alternatives;
      case Peg.Repeat repeat -> List.of(repeat.part());
      case Peg.Tagged(_, var part) -> List.of(part);
      case Peg.Whole(var part) -> List.of(part);
      case Peg.Written(_, var written) -> List.of(written);
      case Peg.Through(var part, _) -> List.of(part);
      case Peg.Rule rule -> List.of(rule.part());
      default -> List.of();
    };
  }

  /// {@return the expression; empty where it takes nothing}
  private String expression(Peg peg) {
    return switch (peg) {
      case Peg.Nothing() -> "";
      case Peg.End() -> "";
      case Peg.Ahead _ -> "";
      case Peg.Not _ -> "";
      case Peg.Kinds _ -> "";
      case Peg.Literal(var text) -> literal(text);
      case Peg.Sequence(var parts) -> {
        var expressions = new ArrayList<String>();
        for (var part : parts) {
          var expression = grouped(part, false);
          if (!expression.isEmpty()) expressions.add(expression);
        }
        yield String.join(" ", expressions);
      }
      case Peg.Choice(var alternatives) -> {
        var expressions = new ArrayList<String>();
        for (var alternative : alternatives) {
          if (!never(alternative)) expressions.add(expression(alternative));
        }
        yield String.join(" | ", expressions);
      }
      case Peg.Repeat repeat -> {
        var part = grouped(repeat.part(), true);
        yield part.isEmpty() ? "" : part + times(repeat);
      }
      case Peg.Space() -> "space";
      case Peg.Characters(var set) -> set + "+";
      case Peg.Until(var ends) -> ends.isEmpty() ? ".*" : until(ends, false);
      case Peg.Quoted(var quote) ->
          "( [^"
              + quote
              + "\\\\] | \"\\\\\" ( ["
              + quote
              + "\\\\/bfnrt] | \"u\" [0-9a-fA-F]{4} ) )*";
      case Peg.JsonValue json -> json(json);
      case Peg.PythonValue() -> python();
      case Peg.Tagged(_, var part) -> expression(part);
      case Peg.Whole(var part) -> expression(part);
      case Peg.Tolerated(var part) -> expression(part);
      case Peg.Written(_, var written) -> expression(written);
      case Peg.Through(_, var end) -> until(List.of(end), true);
      case Peg.Rule rule -> reference(rule);
    };
  }

  /// Whether nothing of it may be sampled.
  private static boolean never(Peg peg) {
    return switch (peg) {
      case Peg.Tolerated _ -> true;
      case Peg.Choice(var alternatives) -> alternatives.stream().allMatch(PegGrammar::never);
      default -> false;
    };
  }

  /// An expression that stands among others.
  private String grouped(Peg peg, boolean repeated) {
    var expression = expression(peg);
    return expression.isEmpty() || !compound(peg, repeated) ? expression : "(" + expression + ")";
  }

  private static boolean compound(Peg peg, boolean repeated) {
    return switch (peg) {
      case Peg.Choice _ -> true;
      case Peg.Sequence _ -> repeated;
      case Peg.Tagged(_, var part) -> compound(part, repeated);
      case Peg.Whole(var part) -> compound(part, repeated);
      case Peg.Written(_, var written) -> compound(written, repeated);
      case Peg.Characters _, Peg.Repeat _, Peg.Quoted _ -> repeated;
      default -> false;
    };
  }

  private static String times(Peg.Repeat repeat) {
    if (repeat.most() < 0) {
      return repeat.least() == 0 ? "*" : repeat.least() == 1 ? "+" : "{" + repeat.least() + ",}";
    }
    if (repeat.least() == 0 && repeat.most() == 1) return "?";
    if (repeat.least() == repeat.most())
      return repeat.least() == 1 ? "" : "{" + repeat.least() + "}";
    return "{" + repeat.least() + "," + repeat.most() + "}";
  }

  private String reference(Peg.Rule rule) {
    var known = names.get(rule);
    if (known != null) return known;
    var name = unused(rule.name);
    names.put(rule, name);
    rules.put(name, "");
    unwritten.add(rule);
    return name;
  }

  private String unused(String name) {
    var unused = name;
    for (int i = 1; rules.containsKey(unused) || COMMON.contains(unused); i++)
      unused = name + "-" + i;
    return unused;
  }

  private static String literal(String text) {
    var quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"', '\\' -> quoted.append('\\').append(c);
        case '\n' -> quoted.append("\\n");
        case '\r' -> quoted.append("\\r");
        case '\t' -> quoted.append("\\t");
        default -> quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }

  // Texts up to a marker: the states of the automaton of Aho and Corasick, a rule for each.

  /// @param through whether the text goes on until one of the ends and takes it; else it has none
  private String until(List<String> ends, boolean through) {
    var key = new ArrayList<>(ends);
    key.add(through ? "through" : "until");
    var known = untils.get(key);
    if (known != null) return known;
    var name = unused("until-" + untils.size());
    untils.put(key, name);
    var states = new ArrayList<String>(); // all beginnings of the ends; the first is empty
    states.add("");
    var characters = new LinkedHashSet<Integer>();
    for (var end : ends) {
      end.codePoints().forEach(characters::add);
      for (int i = 1; i < end.length(); i++) {
        if (!Character.isHighSurrogate(end.charAt(i - 1))
            && !states.contains(end.substring(0, i))) {
          states.add(end.substring(0, i));
        }
      }
    }
    for (int i = 0; i < states.size(); i++) {
      var state = states.get(i);
      var next = new LinkedHashMap<String, StringBuilder>();
      var own = new StringBuilder();
      var ending = new StringBuilder();
      for (int character : characters) {
        var text = state + Character.toString(character);
        if (ends.stream().anyMatch(text::endsWith)) {
          ending.append(inClass(character));
          own.append(inClass(character));
        } else {
          while (!states.contains(text)) text = text.substring(1);
          if (!text.isEmpty()) {
            next.computeIfAbsent(text, _ -> new StringBuilder()).append(inClass(character));
            own.append(inClass(character));
          }
        }
      }
      var alternatives = new ArrayList<String>();
      if (!through) alternatives.add("");
      else if (!ending.isEmpty()) alternatives.add("[" + ending + "]");
      next.forEach(
          (text, set) -> alternatives.add("[" + set + "] " + state(name, states.indexOf(text))));
      alternatives.add("[^" + own + "] " + name);
      rules.put(state(name, i), String.join(" | ", alternatives));
    }
    return name;
  }

  private static String state(String name, int state) {
    return state == 0 ? name : name + "-" + state;
  }

  private static String inClass(int character) {
    return switch (character) {
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      case '-', ']', '[', '\\', '^' -> "\\" + (char) character;
      default -> Character.toString(character);
    };
  }

  // Values.

  private String json(Peg.JsonValue json) {
    var schema = new LinkedHashMap<String, Object>();
    if (json.schema() != null) {
      for (var shared : List.of("$defs", "definitions")) {
        if (json.document().containsKey(shared)) schema.put(shared, json.document().get(shared));
      }
      schema.putAll(json.schema());
    }
    Grammar grammar;
    try {
      grammar = Grammar.ofJsonSchema(schema);
    } catch (GrammarException _) {
      grammar = Grammar.ofJsonSchema(Map.of()); // a tool's schema that says too much is any JSON
    }
    return adopt(json.name(), grammar.toString());
  }

  /// Takes over the rules of another grammar.
  ///
  /// @return the name of its root
  private String adopt(String prefix, String gbnf) {
    var theirs = new LinkedHashMap<String, String>();
    for (var line : gbnf.split("\n")) {
      int at = line.indexOf(" ::= ");
      if (at > 0) theirs.put(line.substring(0, at), line.substring(at + 5));
    }
    var renamed = new LinkedHashMap<String, String>();
    var base = unused(prefix.replaceAll("[^a-zA-Z0-9-]+", "-"));
    for (var name : theirs.keySet()) {
      if (name.equals("root")) renamed.put(name, base);
      else if (!COMMON.contains(name)) renamed.put(name, base + "-" + name);
    }
    theirs.forEach(
        (name, body) ->
            rules.put(renamed.getOrDefault(name, name), GbnfNames.replace(body, renamed)));
    return base;
  }

  private String python() {
    if (!rules.containsKey("python-value")) {
      rules.put(
          "python-value",
          "python-dict | python-list | python-string | python-number | \"True\" | \"False\" |"
              + " \"None\" | \"true\" | \"false\" | \"null\"");
      rules.put(
          "python-dict",
          "\"{\" space (python-string space \":\" space python-value (space \",\" space"
              + " python-string space \":\" space python-value)*)? space \"}\"");
      rules.put(
          "python-list",
          "\"[\" space (python-value (space \",\" space python-value)*)? space \"]\"");
      rules.put(
          "python-string",
          "\"\\\"\" ( [^\"\\\\] | \"\\\\\" [\"\\\\/bfnrt] )* \"\\\"\" | \"'\" ( [^'\\\\] |"
              + " \"\\\\\" ['\\\\/bfnrt] )* \"'\"");
      rules.put(
          "python-number", "\"-\"? (\"0\" | [1-9] [0-9]*) (\".\" [0-9]+)? ([eE] [+-]? [0-9]+)?");
    }
    return "python-value";
  }
}
