package dev.tenon.jinja;

import dev.tenon.jinja.Expression.Given;
import dev.tenon.jinja.Statement.Target;
import dev.tenon.jinja.Token.Type;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Reads expressions: from the weakest binding, `if … else`, to names and literals.
final class ExpressionParser {
  /// The deepest nesting of parentheses, signs and the like.
  private static final int MAX_DEPTH = 150;

  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
  private static final Set<String> CONSTANTS =
      Set.of("true", "false", "none", "True", "False", "None");

  private final Tokens tokens;

  /// Filters and tests that do not exist, used where that is an error at once.
  private final List<TemplateException> unknown = new ArrayList<>();

  private Frame frame = Frame.root();
  private int depth;

  ExpressionParser(Tokens tokens) {
    this.tokens = tokens;
  }

  Frame frame() {
    return frame;
  }

  void setFrame(Frame inside) {
    frame = inside;
  }

  /// Throws an error if a filter or test does not exist.
  void checkKnown() {
    if (!unknown.isEmpty()) throw unknown.getFirst();
  }

  /// Goes one level deeper into the source.
  void enter() {
    if (++depth > MAX_DEPTH)
      throw new TemplateException(
          "nested deeper than " + MAX_DEPTH + " levels", tokens.current().at());
  }

  void leave() {
    depth--;
  }

  // Targets of assignments.

  /// Reads a name that is assigned to.
  String name() {
    var token = tokens.expect(Type.NAME);
    if (CONSTANTS.contains(token.text()))
      throw new TemplateException("can't assign to '" + token.text() + "'", token.at());
    return token.text();
  }

  /// Reads what is assigned to.
  Target target(boolean namespaces) {
    var at = tokens.current().at();
    var items = new ArrayList<Target>();
    boolean tuple = false;
    while (true) {
      if (endsTuple("in")) break;
      items.add(simpleTarget(namespaces));
      if (!tokens.skipOperator(",")) break;
      tuple = true;
    }
    if (tuple) return new Statement.TupleTarget(at, items);
    if (items.isEmpty())
      throw new TemplateException(
          "expected an expression, got " + tokens.current().description(), at);
    return items.getFirst();
  }

  private Target simpleTarget(boolean namespaces) {
    var token = tokens.current();
    if (namespaces && token.is(Type.NAME) && tokens.look().isOperator(".")) {
      tokens.next();
      tokens.next();
      frame.read(token.text());
      return new Statement.AttributeTarget(
          token.at(), token.text(), tokens.expect(Type.NAME).text());
    }
    return target(primary(false));
  }

  private Target target(Expression expression) {
    return switch (expression) {
      case Expression.Name name -> {
        assign(name.name(), name.at());
        yield new Statement.NameTarget(name.name());
      }
      case Expression.TupleOf tuple ->
          new Statement.TupleTarget(tuple.at(), tuple.items().stream().map(this::target).toList());
      default -> throw new TemplateException("can't assign to this", expression.at());
    };
  }

  private void assign(String name, Position at) {
    if (name.equals("loop") && frame.inLoop())
      throw new TemplateException("can't assign to the special loop variable in a for-loop", at);
    frame.assign(name);
  }

  // From weak to strong.

  /// Reads an expression or, where commas divide several, a tuple.
  Expression tuple(boolean conditional, String end) {
    return tuple(conditional, end, false);
  }

  private Expression tuple(boolean conditional, String end, boolean parentheses) {
    var at = tokens.current().at();
    var items = new ArrayList<Expression>();
    boolean tuple = false;
    while (!endsTuple(end)) {
      items.add(conditional ? expression() : or());
      if (!tokens.skipOperator(",")) break;
      tuple = true;
    }
    if (tuple || items.isEmpty() && parentheses) return new Expression.TupleOf(at, items);
    if (items.isEmpty())
      throw new TemplateException(
          "expected an expression, got " + tokens.current().description(), at);
    return items.getFirst();
  }

  private boolean endsTuple(String end) {
    var token = tokens.current();
    return token.is(Type.VARIABLE_END)
        || token.is(Type.BLOCK_END)
        || token.isOperator(")")
        || end != null && token.isName(end);
  }

  /// Reads an expression.
  Expression expression() {
    int known = unknown.size();
    var at = tokens.current().at();
    enter();
    var result = or();
    while (tokens.skipName("if")) {
      var test = or();
      var otherwise = tokens.skipName("else") ? expression() : null;
      result = new Expression.Conditional(at, test, result, otherwise);
      // What may not be called need not exist.
      unknown.subList(known, unknown.size()).clear();
      at = tokens.current().at();
    }
    leave();
    return result;
  }

  private Expression or() {
    var left = and();
    while (tokens.current().isName("or")) {
      var at = tokens.next().at();
      left = new Expression.Or(at, left, and());
    }
    return left;
  }

  private Expression and() {
    var left = not();
    while (tokens.current().isName("and")) {
      var at = tokens.next().at();
      left = new Expression.And(at, left, not());
    }
    return left;
  }

  private Expression not() {
    if (!tokens.current().isName("not")) return comparison();
    enter();
    var at = tokens.next().at();
    var result = new Expression.Unary(at, "not", not());
    leave();
    return result;
  }

  private Expression comparison() {
    var first = sum();
    var at = tokens.current().at();
    var links = new ArrayList<Expression.Link>();
    while (true) {
      var token = tokens.current();
      if (token.is(Type.OPERATOR) && COMPARISONS.contains(token.text())) {
        tokens.next();
        links.add(new Expression.Link(token.text(), sum()));
      } else if (tokens.skipName("in")) {
        links.add(new Expression.Link("in", sum()));
      } else if (token.isName("not") && tokens.look().isName("in")) {
        tokens.next();
        tokens.next();
        links.add(new Expression.Link("not in", sum()));
      } else {
        return links.isEmpty() ? first : new Expression.Comparison(at, first, links);
      }
    }
  }

  private Expression sum() {
    var left = concat();
    while (tokens.current().isOperator("+") || tokens.current().isOperator("-")) {
      var sign = tokens.next();
      left = new Expression.Binary(sign.at(), sign.text(), left, concat());
    }
    return left;
  }

  private Expression concat() {
    var first = product();
    if (!tokens.current().isOperator("~")) return first;
    var at = tokens.current().at();
    var parts = new ArrayList<Expression>();
    parts.add(first);
    while (tokens.skipOperator("~")) parts.add(product());
    return new Expression.Concat(at, parts, frame.escaping());
  }

  private Expression product() {
    var left = power();
    while (tokens.current().isOperator("*")
        || tokens.current().isOperator("/")
        || tokens.current().isOperator("//")
        || tokens.current().isOperator("%")) {
      var sign = tokens.next();
      left = new Expression.Binary(sign.at(), sign.text(), left, power());
    }
    return left;
  }

  /// Reads powers, which go from left to right: Jinja is not Python here.
  private Expression power() {
    var left = unary(true);
    while (tokens.current().isOperator("**")) {
      var sign = tokens.next();
      left = new Expression.Binary(sign.at(), "**", left, unary(true));
    }
    return left;
  }

  private Expression unary(boolean filters) {
    enter();
    var token = tokens.current();
    var result =
        token.isOperator("-") || token.isOperator("+")
            ? new Expression.Unary(tokens.next().at(), token.text(), unary(false))
            : primary(true);
    result = postfix(result);
    if (filters) result = filtersAndTests(result);
    leave();
    return result;
  }

  private Expression primary(boolean reading) {
    var token = tokens.next();
    var at = token.at();
    return switch (token.type()) {
      case NAME ->
          switch (token.text()) {
            case "true", "True" -> new Expression.Literal(at, true);
            case "false", "False" -> new Expression.Literal(at, false);
            case "none", "None" -> new Expression.Literal(at, null);
            default -> {
              if (reading) frame.read(token.text());
              yield new Expression.Name(at, token.text());
            }
          };
      case STRING -> {
        var text = new StringBuilder(token.text());
        while (tokens.current().is(Type.STRING)) text.append(tokens.next().text());
        yield new Expression.Literal(at, text.toString());
      }
      case INTEGER, FLOAT -> new Expression.Literal(at, token.value());
      case OPERATOR ->
          switch (token.text()) {
            case "(" -> {
              var inside = tuple(true, null, true);
              tokens.expectOperator(")");
              yield inside;
            }
            case "[" -> list(at);
            case "{" -> dict(at);
            default -> throw unexpected(token);
          };
      default -> throw unexpected(token);
    };
  }

  private static TemplateException unexpected(Token token) {
    return new TemplateException("unexpected " + token.description(), token.at());
  }

  private Expression list(Position at) {
    var items = new ArrayList<Expression>();
    while (!tokens.current().isOperator("]")) {
      items.add(expression());
      if (!tokens.current().isOperator("]")) tokens.expectOperator(",");
    }
    tokens.next();
    return new Expression.ListOf(at, items);
  }

  private Expression dict(Position at) {
    var pairs = new ArrayList<Expression.Pair>();
    while (!tokens.current().isOperator("}")) {
      var key = expression();
      tokens.expectOperator(":");
      pairs.add(new Expression.Pair(key, expression()));
      if (!tokens.current().isOperator("}")) tokens.expectOperator(",");
    }
    tokens.next();
    return new Expression.DictOf(at, pairs);
  }

  private Expression postfix(Expression target) {
    var result = target;
    while (true) {
      var token = tokens.current();
      if (token.isOperator(".")) result = attribute(result);
      else if (token.isOperator("[")) result = subscript(result);
      else if (token.isOperator("(")) result = new Expression.Call(token.at(), result, given());
      else return result;
    }
  }

  private Expression attribute(Expression target) {
    var at = tokens.next().at();
    var name = tokens.next();
    return switch (name.type()) {
      case NAME -> new Expression.Attribute(at, target, name.text());
      case INTEGER ->
          new Expression.Item(at, target, new Expression.Literal(name.at(), name.value()));
      default ->
          throw new TemplateException(
              "expected name or number, got " + name.description(), name.at());
    };
  }

  private Expression subscript(Expression target) {
    var at = tokens.next().at();
    if (tokens.skipOperator("]"))
      return new Expression.Item(at, target, new Expression.TupleOf(at, List.of()));
    var first = tokens.current().isOperator(":") ? null : expression();
    if (tokens.current().isOperator(":")) {
      var slice = slice(at, target, first);
      if (tokens.current().isOperator(","))
        throw new TemplateException("a slice in a tuple is not supported", tokens.current().at());
      tokens.expectOperator("]");
      return slice;
    }
    if (tokens.skipOperator("]")) return new Expression.Item(at, target, first);
    var items = new ArrayList<Expression>();
    items.add(first);
    while (!tokens.skipOperator("]")) {
      tokens.expectOperator(",");
      items.add(expression());
      if (tokens.current().isOperator(":"))
        throw new TemplateException("a slice in a tuple is not supported", tokens.current().at());
    }
    return new Expression.Item(at, target, new Expression.TupleOf(at, items));
  }

  private Expression slice(Position at, Expression target, Expression start) {
    tokens.expectOperator(":");
    var stop = endsBound() ? null : expression();
    Expression step = null;
    if (tokens.skipOperator(":") && !endsBound()) step = expression();
    return new Expression.Slice(at, target, start, stop, step);
  }

  private boolean endsBound() {
    var token = tokens.current();
    return token.isOperator(":") || token.isOperator("]") || token.isOperator(",");
  }

  // Calls, filters and tests.

  private Given given() {
    var at = tokens.expectOperator("(").at();
    var positional = new ArrayList<Expression>();
    var named = new ArrayList<Expression.Keyword>();
    var names = new HashSet<String>();
    Expression star = null;
    Expression doubleStar = null;
    while (!tokens.current().isOperator(")")) {
      var token = tokens.current();
      if (token.isOperator("*") && star == null && doubleStar == null) {
        tokens.next();
        star = expression();
      } else if (token.isOperator("**") && doubleStar == null) {
        tokens.next();
        doubleStar = expression();
      } else if (token.is(Type.NAME) && tokens.look().isOperator("=") && doubleStar == null) {
        tokens.next();
        tokens.next();
        if (!names.add(token.text()))
          throw new TemplateException("keyword argument repeated: " + token.text(), token.at());
        named.add(new Expression.Keyword(token.text(), expression()));
      } else if (named.isEmpty() && star == null && doubleStar == null) {
        positional.add(expression());
      } else {
        throw new TemplateException("invalid syntax for function call expression", at);
      }
      if (!tokens.current().isOperator(")")) tokens.expectOperator(",");
    }
    tokens.next();
    return new Given(positional, named, star, doubleStar);
  }

  private Expression filtersAndTests(Expression target) {
    var result = target;
    while (true) {
      var token = tokens.current();
      if (token.isOperator("|")) {
        tokens.next();
        result = filter(result);
      } else if (token.isName("is")) {
        result = test(result);
      } else if (token.isOperator("(")) {
        result = new Expression.Call(token.at(), result, given());
      } else {
        return result;
      }
    }
  }

  /// Reads `|name(…)|name(…)…`, or null where there is none.
  Expression.Filtered filters() {
    Expression.Filtered result = null;
    while (tokens.skipOperator("|")) result = filter(result);
    return result;
  }

  /// Reads `name(…)|name(…)…`.
  Expression.Filtered filterChain() {
    var result = filter(null);
    while (tokens.skipOperator("|")) result = filter(result);
    return result;
  }

  private Expression.Filtered filter(Expression target) {
    var at = tokens.current().at();
    var name = dotted();
    if (!Filters.has(name) && !frame.soft())
      unknown.add(new TemplateException("No filter named '" + name + "'.", at));
    var given = tokens.current().isOperator("(") ? given() : Given.NOTHING;
    return new Expression.Filtered(at, target, name, given);
  }

  private Expression test(Expression target) {
    tokens.next();
    boolean negated = tokens.skipName("not");
    var at = tokens.current().at();
    var name = dotted();
    if (!Tests.has(name) && !frame.soft())
      unknown.add(new TemplateException("No test named '" + name + "'.", at));
    var given = Given.NOTHING;
    if (tokens.current().isOperator("(")) {
      given = given();
    } else if (startsArgument(tokens.current())) {
      if (tokens.current().isName("is"))
        throw new TemplateException(
            "You cannot chain multiple tests with is", tokens.current().at());
      given = new Given(List.of(postfix(primary(true))), List.of(), null, null);
    }
    var result = new Expression.Tested(at, target, name, given);
    return negated ? new Expression.Unary(at, "not", result) : result;
  }

  private static boolean startsArgument(Token token) {
    return switch (token.type()) {
      case NAME -> !token.isName("else") && !token.isName("or") && !token.isName("and");
      case STRING, INTEGER, FLOAT -> true;
      case OPERATOR -> token.text().equals("[") || token.text().equals("{");
      default -> false;
    };
  }

  private String dotted() {
    var name = new StringBuilder(tokens.expect(Type.NAME).text());
    while (tokens.skipOperator(".")) name.append('.').append(tokens.expect(Type.NAME).text());
    return name.toString();
  }
}
