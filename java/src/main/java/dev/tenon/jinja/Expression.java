package dev.tenon.jinja;

import java.util.List;

/// What has a value.
sealed interface Expression {
  /// {@return where it stands in the source}
  Position at();

  record Literal(Position at, Object value) implements Expression {}

  record Name(Position at, String name) implements Expression {}

  record TupleOf(Position at, List<Expression> items) implements Expression {}

  record ListOf(Position at, List<Expression> items) implements Expression {}

  record DictOf(Position at, List<Pair> pairs) implements Expression {}

  record Pair(Expression key, Expression value) {}

  /// `not`, `-` or `+`.
  record Unary(Position at, String sign, Expression operand) implements Expression {}

  record Binary(Position at, String sign, Expression left, Expression right)
      implements Expression {}

  record And(Position at, Expression left, Expression right) implements Expression {}

  record Or(Position at, Expression left, Expression right) implements Expression {}

  /// Operands of `~`.
  record Concat(Position at, List<Expression> parts, Escaping escaping) implements Expression {}

  /// A chain of comparisons, such as `a < b <= c`.
  record Comparison(Position at, Expression first, List<Link> links) implements Expression {}

  record Link(String sign, Expression operand) {}

  record Attribute(Position at, Expression target, String name) implements Expression {}

  record Item(Position at, Expression target, Expression index) implements Expression {}

  /// `target[start:stop:step]`; the parts that are not given are null.
  record Slice(Position at, Expression target, Expression start, Expression stop, Expression step)
      implements Expression {}

  record Call(Position at, Expression callee, Given given) implements Expression {}

  /// A filter; the target is null at the head of a filter block.
  record Filtered(Position at, Expression target, String name, Given given) implements Expression {}

  record Tested(Position at, Expression target, String name, Given given) implements Expression {}

  /// `then if test else otherwise`; otherwise is null where it is not given.
  record Conditional(Position at, Expression test, Expression then, Expression otherwise)
      implements Expression {}

  /// What stands in a call's parentheses; star and doubleStar are null where there is none.
  record Given(
      List<Expression> positional, List<Keyword> named, Expression star, Expression doubleStar) {
    static final Given NOTHING = new Given(List.of(), List.of(), null, null);
  }

  record Keyword(String name, Expression value) {}

  /// Whether what is printed at a place has HTML's special characters replaced.
  enum Escaping {
    OFF,
    ON,
    /// Known when it is rendered.
    DYNAMIC
  }
}
