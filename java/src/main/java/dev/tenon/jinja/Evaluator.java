package dev.tenon.jinja;

import dev.tenon.jinja.Expression.Escaping;
import dev.tenon.jinja.Expression.Given;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Finds the values of expressions.
final class Evaluator {
  private final Interpreter in;
  private final Meter meter;

  Evaluator(Interpreter in) {
    this.in = in;
    this.meter = in.meter();
  }

  /// {@return an expression's value, null for `None`}
  Object value(Expression expression, Scope scope) {
    meter.step();
    meter.enter();
    Object value;
    try {
      value =
          switch (expression) {
            case Expression.Literal literal -> literal.value();
            case Expression.Name name -> name(name.name(), scope);
            case Expression.Attribute attribute ->
                Items.attribute(meter, value(attribute.target(), scope), attribute.name());
            case Expression.Item item ->
                Items.item(meter, value(item.target(), scope), value(item.index(), scope));
            case Expression.Slice slice -> slice(slice, scope);
            case Expression.Call call -> call(call, scope);
            case Expression.Filtered filtered ->
                filtered(filtered, value(filtered.target(), scope), scope);
            case Expression.Tested tested -> tested(tested, scope);
            case Expression.Comparison comparison -> comparison(comparison, scope);
            case Expression.And and -> {
              var left = value(and.left(), scope);
              yield Values.truth(left) ? value(and.right(), scope) : left;
            }
            case Expression.Or or -> {
              var left = value(or.left(), scope);
              yield Values.truth(left) ? left : value(or.right(), scope);
            }
            case Expression.Unary unary -> unary(unary.sign(), value(unary.operand(), scope));
            case Expression.Binary binary ->
                Operators.binary(
                    meter,
                    binary.sign(),
                    value(binary.left(), scope),
                    value(binary.right(), scope));
            case Expression.Concat concat -> concat(concat, scope);
            case Expression.Conditional conditional -> conditional(conditional, scope);
            case Expression.ListOf list -> values(list.items(), scope);
            case Expression.TupleOf tuple -> new Tuple(values(tuple.items(), scope));
            case Expression.DictOf dict -> dict(dict, scope);
          };
    } catch (TemplateException e) {
      throw e.at(expression.at());
    }
    meter.leave();
    return value;
  }

  private static Object name(String name, Scope scope) {
    var value = scope.get(name);
    return value == Scope.MISSING ? Undefined.name(name) : value;
  }

  private Object valueOrNull(Expression expression, Scope scope) {
    return expression == null ? null : value(expression, scope);
  }

  private List<Object> values(List<Expression> items, Scope scope) {
    meter.elements(items.size());
    var values = new ArrayList<Object>(items.size());
    for (var item : items) values.add(value(item, scope));
    return values;
  }

  private Dict dict(Expression.DictOf expression, Scope scope) {
    var dict = new Dict();
    for (var pair : expression.pairs()) {
      meter.elements(2);
      var key = value(pair.key(), scope);
      dict.put(meter, key, value(pair.value(), scope));
    }
    return dict;
  }

  private Object slice(Expression.Slice slice, Scope scope) {
    return Items.slice(
        meter,
        value(slice.target(), scope),
        valueOrNull(slice.start(), scope),
        valueOrNull(slice.stop(), scope),
        valueOrNull(slice.step(), scope));
  }

  private static Object unary(String sign, Object operand) {
    return switch (sign) {
      case "not" -> !Values.truth(operand);
      case "-" -> Operators.negative(operand);
      default -> Operators.positive(operand);
    };
  }

  private Object comparison(Expression.Comparison comparison, Scope scope) {
    var left = value(comparison.first(), scope);
    for (var link : comparison.links()) {
      var right = value(link.operand(), scope);
      if (!Operators.compare(meter, link.sign(), left, right)) return false;
      left = right;
    }
    return true;
  }

  private Object conditional(Expression.Conditional conditional, Scope scope) {
    if (Values.truth(value(conditional.test(), scope))) return value(conditional.then(), scope);
    if (conditional.otherwise() != null) return value(conditional.otherwise(), scope);
    return Undefined.because(
        "the inline if-expression on line "
            + conditional.at().line()
            + " evaluated to false and no else section was defined.");
  }

  private Object concat(Expression.Concat concat, Scope scope) {
    var parts = values(concat.parts(), scope);
    boolean markup =
        concat.escaping() == Escaping.ON && parts.stream().anyMatch(Markup.class::isInstance);
    var out = new Output(meter);
    for (var part : parts)
      out.append(markup ? Markup.escape(meter, part).text() : Repr.text(meter, part));
    return markup ? new Markup(out.toString()) : out.toString();
  }

  // Calls.

  private Object call(Expression.Call call, Scope scope) {
    var callee = value(call.callee(), scope);
    return call(callee, arguments(call.given(), scope));
  }

  /// {@return what a call block prints}
  Object call(Expression.Call call, Scope scope, Macro caller) {
    try {
      var callee = value(call.callee(), scope);
      return call(callee, arguments(call.given(), scope).with("caller", caller));
    } catch (TemplateException e) {
      throw e.at(call.at());
    }
  }

  private Object call(Object callee, Arguments given) {
    if (callee instanceof Callable callable) return callable.call(in, given);
    if (callee instanceof Undefined undefined) throw undefined.error();
    throw new TemplateException("'" + Types.name(callee) + "' object is not callable");
  }

  /// {@return what a filter makes of a value}
  Object filtered(Expression.Filtered filtered, Object target, Scope scope) {
    var filter = Filters.get(filtered.name());
    return filter.call(in, arguments(filtered.given(), scope).after(target));
  }

  /// {@return what the filters at the head of a filter block make of its text}
  Object block(Expression.Filtered filtered, Object text, Scope scope) {
    meter.enter();
    try {
      var target =
          filtered.target() instanceof Expression.Filtered inner ? block(inner, text, scope) : text;
      var value = filtered(filtered, target, scope);
      meter.leave();
      return value;
    } catch (TemplateException e) {
      throw e.at(filtered.at());
    }
  }

  private Object tested(Expression.Tested tested, Scope scope) {
    var target = value(tested.target(), scope);
    var test = Tests.get(tested.name());
    return test.call(in, arguments(tested.given(), scope).after(target));
  }

  private Arguments arguments(Given given, Scope scope) {
    if (given == Given.NOTHING) return Arguments.NONE;
    var positional = values(given.positional(), scope);
    Map<String, Object> named = Map.of();
    if (!given.named().isEmpty() || given.doubleStar() != null) named = new LinkedHashMap<>();
    for (var keyword : given.named()) named.put(keyword.name(), value(keyword.value(), scope));
    if (given.star() != null) {
      var star = value(given.star(), scope);
      positional.addAll(Values.list(meter, star));
    }
    if (given.doubleStar() != null) addNamed(value(given.doubleStar(), scope), named);
    return new Arguments(positional, named);
  }

  private void addNamed(Object value, Map<String, Object> named) {
    if (!(value instanceof Dict dict))
      throw new TemplateException("argument after ** must be a mapping, not " + Types.name(value));
    for (var items = dict.items(); items.hasNext(); ) {
      var item = ((Tuple) items.next()).items();
      var name = Values.textOrNull(item.get(0));
      if (name == null) throw new TemplateException("keywords must be strings");
      if (named.containsKey(name))
        throw new TemplateException("got multiple values for keyword argument '" + name + "'");
      named.put(name, item.get(1));
    }
  }
}
