package dev.tenon.chat;

import dev.tenon.grammar.Grammar;
import dev.tenon.grammar.Trigger;
import java.util.List;
import java.util.Objects;

/// What holds a model to the form of a template's calls and to the schemas of the tools' arguments.
///
/// @param gbnf the grammar
/// @param triggers what it begins with in a reply that may be text as well; empty where the whole
///     reply is of the grammar
/// @param opening the end of the prompt that is part of the form: what reads the reply is given it
///     first; often empty
public record ToolGrammar(String gbnf, List<Trigger> triggers, String opening) {
  /// Makes one.
  public ToolGrammar {
    Objects.requireNonNull(gbnf, "gbnf");
    Objects.requireNonNull(opening, "opening");
    triggers = List.copyOf(triggers);
  }

  /// {@return whether the reply is free until a trigger}
  public boolean lazy() {
    return !triggers.isEmpty();
  }

  /// {@return the grammar, parsed}
  public Grammar grammar() {
    return Grammar.parse(gbnf);
  }
}
