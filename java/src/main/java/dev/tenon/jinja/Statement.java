package dev.tenon.jinja;

import java.util.List;

/// What a template does: a piece of text, something printed, or a tag.
sealed interface Statement {
  /// {@return where it stands in the source}
  Position at();

  record Text(Position at, String text) implements Statement {}

  record Print(Position at, Expression value, Expression.Escaping escaping) implements Statement {}

  /// A loop; filter is null where there is none.
  ///
  /// @param escaping of what a recursive call of the loop returns
  record For(
      Position at,
      Target target,
      Expression iterable,
      Expression filter,
      boolean recursive,
      List<Statement> body,
      List<Statement> otherwise,
      Expression.Escaping escaping)
      implements Statement {}

  record If(Position at, List<Branch> branches, List<Statement> otherwise) implements Statement {}

  record Branch(Expression test, List<Statement> body) {}

  record Assign(Position at, Target target, Expression value) implements Statement {}

  /// `{% set x %}…{% endset %}`; filter is null where there is none.
  record AssignBlock(Position at, Target target, Expression.Filtered filter, List<Statement> body)
      implements Statement {}

  record DefineMacro(Position at, Definition macro) implements Statement {}

  /// A call with a body that the callee gets as `caller`.
  record CallBlock(Position at, Expression.Call call, Definition caller) implements Statement {}

  /// A macro's parameters and body.
  ///
  /// @param name the name, null for the body of a call block
  /// @param parameters the parameters
  /// @param defaults the default values of the last parameters
  /// @param body what it prints
  /// @param usesCaller whether the body speaks of `caller`
  /// @param usesKwargs whether the body speaks of `kwargs`, so that any name may be given
  /// @param usesVarargs whether the body speaks of `varargs`, so that any number may be given
  record Definition(
      String name,
      List<String> parameters,
      List<Expression> defaults,
      List<Statement> body,
      boolean usesCaller,
      boolean usesKwargs,
      boolean usesVarargs) {}

  record FilterBlock(
      Position at, Expression.Filtered filter, List<Statement> body, Expression.Escaping escaping)
      implements Statement {}

  record With(Position at, List<Target> targets, List<Expression> values, List<Statement> body)
      implements Statement {}

  record Autoescape(Position at, Expression on, List<Statement> body) implements Statement {}

  record Block(Position at, String name, boolean scoped, boolean required, List<Statement> body)
      implements Statement {}

  /// What a model would say; it prints its body, in a scope of its own.
  record GenerationBlock(Position at, List<Statement> body) implements Statement {}

  record Break(Position at) implements Statement {}

  record Continue(Position at) implements Statement {}

  /// A statement that needs other templates.
  record NeedsLoader(Position at, String name) implements Statement {}

  /// What can be assigned to.
  sealed interface Target {}

  record NameTarget(String name) implements Target {}

  /// An attribute of a namespace.
  record AttributeTarget(Position at, String namespace, String name) implements Target {}

  record TupleTarget(Position at, List<Target> items) implements Target {}
}
