package dev.tenon.jinja;

import dev.tenon.jinja.Expression.Escaping;
import dev.tenon.jinja.Statement.Target;
import java.time.LocalDateTime;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/// One rendering: runs statements.
final class Interpreter {
  /// How a statement ends.
  private enum Flow {
    NEXT,
    BREAK,
    CONTINUE
  }

  private final Meter meter;
  private final Supplier<LocalDateTime> clock;
  private final RandomGenerator random = RandomGenerator.getDefault();
  private final Evaluator evaluator;
  private final Scope root;

  private Output out;
  private boolean autoescape;

  Interpreter(
      Parser.Parsed template,
      Map<String, ?> variables,
      Supplier<LocalDateTime> clock,
      Limits limits) {
    this.clock = clock;
    meter = new Meter(limits);
    out = new Output(meter);
    evaluator = new Evaluator(this);
    var given = new Scope(Globals.scope());
    variables.forEach((name, value) -> given.set(name, Values.of(meter, value)));
    root = new Scope(given);
    given.set("self", new TemplateReference(template.blocks(), root));
  }

  /// {@return the template's text}
  String render(List<Statement> body) {
    run(body, root);
    return out.toString();
  }

  Meter meter() {
    return meter;
  }

  LocalDateTime now() {
    return clock.get();
  }

  RandomGenerator random() {
    return random;
  }

  /// {@return whether what is made now is HTML}
  boolean autoescape() {
    return autoescape;
  }

  Object evaluate(Expression expression, Scope scope) {
    return evaluator.value(expression, scope);
  }

  /// {@return what is printed on the way}
  String capture(Runnable action) {
    var outer = out;
    out = new Output(meter);
    action.run();
    var text = out.toString();
    out = outer;
    return text;
  }

  /// Runs statements; `break` and `continue` go no further.
  void run(List<Statement> body, Scope scope) {
    all(body, scope);
  }

  /// Prints a block, in a scope of its own inside the given one.
  void runBlock(Statement.Block block, Scope scope) {
    if (block.required())
      throw new TemplateException("Required block '" + block.name() + "' not found", block.at());
    meter.enter();
    var inside = new Scope(scope);
    inside.set(
        "super", Undefined.because("there is no parent block called '" + block.name() + "'."));
    run(block.body(), inside);
    meter.leave();
  }

  private Flow all(List<Statement> body, Scope scope) {
    for (var statement : body) {
      var flow = one(statement, scope);
      if (flow != Flow.NEXT) return flow;
    }
    return Flow.NEXT;
  }

  private Flow one(Statement statement, Scope scope) {
    meter.step();
    meter.enter();
    try {
      var flow =
          switch (statement) {
            case Statement.Text text -> print(text.text());
            case Statement.Print print -> print(print, scope);
            case Statement.If branches -> branch(branches, scope);
            case Statement.For loop -> loop(loop, scope);
            case Statement.Assign assign -> {
              assign(assign.target(), evaluate(assign.value(), scope), scope);
              yield Flow.NEXT;
            }
            case Statement.AssignBlock block -> assign(block, scope);
            case Statement.DefineMacro macro -> {
              scope.set(macro.macro().name(), new Macro(macro.macro(), scope));
              yield Flow.NEXT;
            }
            case Statement.CallBlock block ->
                printText(evaluator.call(block.call(), scope, new Macro(block.caller(), scope)));
            case Statement.FilterBlock block -> filter(block, scope);
            case Statement.With with -> with(with, scope);
            case Statement.Autoescape escape -> escape(escape, scope);
            case Statement.Block block -> {
              runBlock(block, block.scoped() ? scope : root);
              yield Flow.NEXT;
            }
            case Statement.GenerationBlock generation -> {
              run(generation.body(), new Scope(scope));
              yield Flow.NEXT;
            }
            case Statement.Break _ -> Flow.BREAK;
            case Statement.Continue _ -> Flow.CONTINUE;
            case Statement.NeedsLoader tag ->
                throw new TemplateException(
                    "'" + tag.name() + "' is not supported: there are no other templates");
          };
      meter.leave();
      return flow;
    } catch (TemplateException e) {
      throw e.at(statement.at());
    }
  }

  // Printing.

  private Flow print(String text) {
    out.append(text);
    if (out.length() > meter.limits().output())
      throw new TemplateException(
          "the template prints more than " + meter.limits().output() + " characters");
    return Flow.NEXT;
  }

  private Flow print(Statement.Print print, Scope scope) {
    var value = evaluate(print.value(), scope);
    return print(
        isOn(print.escaping()) ? Markup.escape(meter, value).text() : Repr.text(meter, value));
  }

  private boolean isOn(Escaping escaping) {
    return escaping == Escaping.ON || escaping == Escaping.DYNAMIC && autoescape;
  }

  /// Prints what a call or a filter made, which must be a text.
  private Flow printText(Object value) {
    var text = Values.textOrNull(value);
    if (text == null)
      throw new TemplateException("expected str instance, " + Types.name(value) + " found");
    return print(text);
  }

  private Flow filter(Statement.FilterBlock block, Scope scope) {
    var inside = new Scope(scope);
    var outer = out;
    out = new Output(meter);
    var flow = all(block.body(), inside);
    var text = out.toString();
    out = outer;
    if (flow != Flow.NEXT) return flow;
    return printText(
        evaluator.block(block.filter(), isOn(block.escaping()) ? new Markup(text) : text, inside));
  }

  private Flow escape(Statement.Autoescape escape, Scope scope) {
    var inside = new Scope(scope);
    boolean outer = autoescape;
    autoescape = Values.truth(evaluate(escape.on(), inside));
    var flow = all(escape.body(), inside);
    autoescape = outer;
    return flow;
  }

  // Branches and loops.

  private Flow branch(Statement.If statement, Scope scope) {
    for (var branch : statement.branches())
      if (Values.truth(evaluate(branch.test(), scope))) return all(branch.body(), scope);
    return all(statement.otherwise(), scope);
  }

  private Flow loop(Statement.For loop, Scope scope) {
    var iterable = evaluate(loop.iterable(), scope);
    if (!loop.recursive()) return loop(loop, iterable, scope, null, 0);
    return printText(recursion(loop, scope).render(iterable, 0));
  }

  private Loop.Recursion recursion(Statement.For loop, Scope scope) {
    return new Loop.Recursion() {
      @Override
      public Object render(Object iterable, int depth) {
        meter.enter();
        var text = capture(() -> loop(loop, iterable, scope, this, depth));
        meter.leave();
        return isOn(loop.escaping()) ? new Markup(text) : text;
      }
    };
  }

  private Flow loop(
      Statement.For statement, Object iterable, Scope scope, Loop.Recursion recursion, int depth) {
    var items = Values.iterate(meter, iterable);
    Object counted = iterable;
    if (statement.filter() != null) {
      var kept = kept(statement, items, scope);
      items = kept;
      counted = kept;
    }
    var loop = new Loop(meter, counted, items, recursion, depth);
    var inside = new Scope(scope);
    boolean completed = false;
    while (loop.hasNext()) {
      var item = loop.next();
      inside.clear();
      inside.set("loop", loop);
      assign(statement.target(), item, inside);
      var flow = all(statement.body(), inside);
      if (flow == Flow.BREAK) break;
      // As in Jinja2, a loop of which no round comes to its end counts as one without rounds.
      completed |= flow == Flow.NEXT;
    }
    return completed ? Flow.NEXT : all(statement.otherwise(), new Scope(scope));
  }

  private Generator kept(Statement.For loop, Iterator<Object> items, Scope scope) {
    var inside = new Scope(scope);
    return new Generator(
        () -> {
          while (items.hasNext()) {
            var item = items.next();
            inside.clear();
            assign(loop.target(), item, inside);
            if (Values.truth(evaluate(loop.filter(), inside))) return item;
          }
          return Generator.END;
        });
  }

  // Assignments.

  private Flow assign(Statement.AssignBlock block, Scope scope) {
    var inside = new Scope(scope);
    var outer = out;
    out = new Output(meter);
    var flow = all(block.body(), inside);
    var text = out.toString();
    out = outer;
    if (flow != Flow.NEXT) return flow;
    Object value = text;
    if (block.filter() != null)
      value = evaluator.block(block.filter(), autoescape ? new Markup(text) : text, inside);
    if (autoescape && !(value instanceof Markup)) value = new Markup(Repr.text(meter, value));
    assign(block.target(), value, scope);
    return Flow.NEXT;
  }

  private Flow with(Statement.With with, Scope scope) {
    var inside = new Scope(scope);
    for (int i = 0; i < with.targets().size(); i++)
      assign(with.targets().get(i), evaluate(with.values().get(i), scope), inside);
    return all(with.body(), inside);
  }

  private void assign(Target target, Object value, Scope scope) {
    switch (target) {
      case Statement.NameTarget name -> scope.set(name.name(), value);
      case Statement.AttributeTarget attribute -> {
        if (!(scope.get(attribute.namespace()) instanceof Namespace namespace))
          throw new TemplateException(
              "cannot assign attribute on non-namespace object", attribute.at());
        meter.elements(1);
        namespace.attributes().put(attribute.name(), value);
      }
      case Statement.TupleTarget tuple -> {
        var values = unpacked(value, tuple.items().size());
        for (int i = 0; i < values.size(); i++) assign(tuple.items().get(i), values.get(i), scope);
      }
    }
  }

  private List<Object> unpacked(Object value, int count) {
    if (!Values.isIterable(value))
      throw new TemplateException("cannot unpack non-iterable " + Types.name(value) + " object");
    var values = Values.list(meter, value);
    if (values.size() > count)
      throw new TemplateException("too many values to unpack (expected " + count + ")");
    if (values.size() < count)
      throw new TemplateException(
          "not enough values to unpack (expected " + count + ", got " + values.size() + ")");
    return values;
  }
}
