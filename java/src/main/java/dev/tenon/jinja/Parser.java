package dev.tenon.jinja;

import dev.tenon.jinja.Expression.Escaping;
import dev.tenon.jinja.Frame.Uses;
import dev.tenon.jinja.Statement.Definition;
import dev.tenon.jinja.Statement.Target;
import dev.tenon.jinja.Token.Type;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// Reads statements: a template's text and tags.
final class Parser {
  /// A template as it is run.
  ///
  /// @param body its statements
  /// @param blocks its blocks by name
  record Parsed(List<Statement> body, Map<String, Statement.Block> blocks) {}

  private final Tokens tokens;
  private final ExpressionParser expressions;
  private final Map<String, Statement.Block> blocks = new LinkedHashMap<>();

  /// The tags that are open, the innermost first.
  private final Deque<String> open = new ArrayDeque<>();

  private Parser(String source) {
    tokens = new Tokens(Lexer.tokens(source));
    expressions = new ExpressionParser(tokens);
  }

  /// {@return the statements of a template}
  ///
  /// @throws TemplateException if it is malformed
  static Parsed parse(String source) {
    var parser = new Parser(source);
    var body = parser.statements(Set.of());
    parser.expressions.checkKnown();
    return new Parsed(body, parser.blocks);
  }

  /// Reads statements up to a tag that ends them, which becomes the current token.
  private List<Statement> statements(Set<String> ends) {
    var body = new ArrayList<Statement>();
    while (true) {
      var token = tokens.current();
      switch (token.type()) {
        case DATA -> body.add(new Statement.Text(token.at(), tokens.next().text()));
        case VARIABLE_BEGIN -> {
          tokens.next();
          var at = tokens.current().at();
          body.add(new Statement.Print(at, expressions.tuple(true, null), frame().escaping()));
          tokens.expect(Type.VARIABLE_END);
        }
        case BLOCK_BEGIN -> {
          tokens.next();
          if (tokens.current().is(Type.NAME) && ends.contains(tokens.current().text())) return body;
          body.addAll(statement(ends));
          tokens.expect(Type.BLOCK_END);
        }
        default -> {
          if (ends.isEmpty()) return body;
          throw new TemplateException(
              "unexpected end of template, looking for "
                  + names(ends)
                  + "; the innermost block that needs to be closed is '"
                  + open.peek()
                  + "'",
              token.at());
        }
      }
    }
  }

  private static String names(Set<String> names) {
    return names.stream().sorted().map(n -> "'" + n + "'").collect(Collectors.joining(" or "));
  }

  /// Reads the rest of a tag and what follows up to one of the ends.
  private List<Statement> body(String... ends) {
    tokens.skipOperator(":");
    tokens.expect(Type.BLOCK_END);
    return statements(Set.of(ends));
  }

  /// Reads a body and its end.
  private List<Statement> wholeBody(String end) {
    var body = body(end);
    tokens.next();
    return body;
  }

  private Frame frame() {
    return expressions.frame();
  }

  private List<Statement> statement(Set<String> ends) {
    var token = tokens.current();
    if (!token.is(Type.NAME)) throw new TemplateException("tag name expected", token.at());
    var name = token.text();
    var outer = frame();
    open.push(name);
    expressions.enter();
    tokens.next();
    var at = token.at();
    var statements =
        switch (name) {
          case "for" -> List.of(loop(at));
          case "if" -> List.of(branches(at));
          case "set" -> List.of(assign(at));
          case "macro" -> List.of(macro(at));
          case "call" -> List.of(call(at));
          case "filter" -> List.of(filter(at));
          case "with" -> List.of(with(at));
          case "autoescape" -> List.of(autoescape(at));
          case "block" -> List.of(block(at));
          case "print" -> print();
          case "generation" -> List.of(generation(at));
          case "break", "continue" -> List.of(leaveLoop(name, at));
          case "extends", "include", "import", "from" -> List.of(needsLoader(name, at));
          default -> throw unknownTag(name, at, ends);
        };
    expressions.leave();
    open.pop();
    expressions.setFrame(outer);
    return statements;
  }

  private TemplateException unknownTag(String name, Position at, Set<String> ends) {
    open.pop();
    var reason = new StringBuilder("encountered unknown tag '" + name + "'");
    if (!ends.isEmpty())
      reason.append(", looking for ").append(names(ends)).append(" to close '" + open.peek() + "'");
    return new TemplateException(reason.toString(), at);
  }

  private Statement loop(Position at) {
    var outer = frame();
    expressions.setFrame(outer.loop()); // the target is the loop's own
    var target = expressions.target(false);
    expressions.setFrame(outer);
    tokens.expectName("in");
    var iterable = expressions.tuple(false, "recursive");
    expressions.setFrame(outer.inner());
    var filter = tokens.skipName("if") ? expressions.expression() : null;
    boolean recursive = tokens.skipName("recursive");
    expressions.setFrame(outer.loop());
    var body = body("endfor", "else");
    List<Statement> otherwise = List.of();
    if (tokens.next().isName("else")) {
      expressions.setFrame(outer.afterLoop(recursive));
      otherwise = wholeBody("endfor");
    }
    return new Statement.For(
        at, target, iterable, filter, recursive, body, otherwise, outer.escaping());
  }

  private Statement branches(Position at) {
    expressions.setFrame(frame().branch());
    var branches = new ArrayList<Statement.Branch>();
    List<Statement> otherwise = List.of();
    while (true) {
      var test = expressions.tuple(false, null);
      branches.add(new Statement.Branch(test, body("elif", "else", "endif")));
      var end = tokens.next();
      if (end.isName("elif")) continue;
      if (end.isName("else")) otherwise = wholeBody("endif");
      return new Statement.If(at, branches, otherwise);
    }
  }

  private Statement assign(Position at) {
    var outer = frame();
    var target = expressions.target(true);
    if (tokens.skipOperator("="))
      return new Statement.Assign(at, target, expressions.tuple(true, null));
    expressions.setFrame(outer.inner());
    var filter = expressions.filters();
    return new Statement.AssignBlock(at, target, filter, wholeBody("endset"));
  }

  private Statement macro(Position at) {
    var name = expressions.name();
    return new Statement.DefineMacro(at, definition(at, name, "endmacro", true));
  }

  private Statement call(Position at) {
    var outer = frame();
    // The parameters come before the call, whose arguments belong to what is around.
    var names = new Uses("caller", "kwargs", "varargs");
    expressions.setFrame(outer.macro(names));
    var defaults = new ArrayList<Expression>();
    var parameters = tokens.current().isOperator("(") ? parameters(defaults) : List.<String>of();
    expressions.setFrame(outer);
    var callAt = tokens.current().at();
    if (!(expressions.expression() instanceof Expression.Call call))
      throw new TemplateException("expected call", callAt);
    return new Statement.CallBlock(at, call, body(at, null, parameters, defaults, "endcall"));
  }

  private Definition definition(Position at, String name, String end, boolean signature) {
    var outer = frame();
    expressions.setFrame(outer.macro(new Uses()));
    var defaults = new ArrayList<Expression>();
    var parameters = signature ? parameters(defaults) : List.<String>of();
    expressions.setFrame(outer);
    return body(at, name, parameters, defaults, end);
  }

  /// Reads a macro's body.
  private Definition body(
      Position at, String name, List<String> parameters, List<Expression> defaults, String end) {
    var outer = frame();
    var names = new Uses("caller", "kwargs", "varargs");
    expressions.setFrame(outer.macro(names));
    var body = wholeBody(end);
    expressions.setFrame(outer);
    int caller = parameters.indexOf("caller");
    if (names.found("caller") && caller >= 0 && caller < parameters.size() - defaults.size())
      throw new TemplateException(
          "the special \"caller\" argument must be omitted or be given a default", at);
    return new Definition(
        name,
        parameters,
        defaults,
        body,
        names.found("caller"),
        names.found("kwargs") && !parameters.contains("kwargs"),
        names.found("varargs") && !parameters.contains("varargs"));
  }

  private List<String> parameters(List<Expression> defaults) {
    var parameters = new ArrayList<String>();
    tokens.expectOperator("(");
    while (!tokens.current().isOperator(")")) {
      if (!parameters.isEmpty()) tokens.expectOperator(",");
      var at = tokens.current().at();
      var name = expressions.name();
      if (parameters.contains(name))
        throw new TemplateException("duplicate argument '" + name + "'", at);
      parameters.add(name);
      if (tokens.skipOperator("=")) defaults.add(expressions.expression());
      else if (!defaults.isEmpty())
        throw new TemplateException("non-default argument follows default argument", at);
    }
    tokens.next();
    return parameters;
  }

  private Statement filter(Position at) {
    expressions.setFrame(frame().inner());
    var filter = expressions.filterChain();
    return new Statement.FilterBlock(at, filter, wholeBody("endfilter"), frame().escaping());
  }

  private Statement with(Position at) {
    var outer = frame();
    var targets = new ArrayList<Target>();
    var values = new ArrayList<Expression>();
    while (!tokens.current().is(Type.BLOCK_END)) {
      if (!targets.isEmpty()) tokens.expectOperator(",");
      targets.add(expressions.target(false));
      tokens.expectOperator("=");
      values.add(expressions.expression());
    }
    expressions.setFrame(outer.inner());
    return new Statement.With(at, targets, values, wholeBody("endwith"));
  }

  private Statement autoescape(Position at) {
    expressions.setFrame(frame().inner());
    var on = expressions.expression();
    var escaping =
        on instanceof Expression.Literal literal
            ? Values.truth(literal.value()) ? Escaping.ON : Escaping.OFF
            : Escaping.DYNAMIC;
    expressions.setFrame(frame().escaping(escaping));
    return new Statement.Autoescape(at, on, wholeBody("endautoescape"));
  }

  private Statement block(Position at) {
    var name = tokens.expect(Type.NAME).text();
    boolean scoped = tokens.skipName("scoped");
    boolean required = tokens.skipName("required");
    if (tokens.current().isOperator("-"))
      throw new TemplateException(
          "block names may not contain hyphens, use an underscore instead", at);
    expressions.setFrame(frame().block());
    var body = wholeBody("endblock");
    tokens.skipName(name);
    if (required && !body.stream().allMatch(Parser::isBlank))
      throw new TemplateException("required blocks can only contain comments or whitespace", at);
    var block = new Statement.Block(at, name, scoped, required, body);
    if (blocks.put(name, block) != null)
      throw new TemplateException("block '" + name + "' defined twice", at);
    return block;
  }

  private static boolean isBlank(Statement statement) {
    return statement instanceof Statement.Text text && Strings.isBlank(text.text());
  }

  private List<Statement> print() {
    var printed = new ArrayList<Statement>();
    while (!tokens.current().is(Type.BLOCK_END)) {
      if (!printed.isEmpty()) tokens.expectOperator(",");
      var at = tokens.current().at();
      printed.add(new Statement.Print(at, expressions.expression(), frame().escaping()));
    }
    return printed;
  }

  private Statement generation(Position at) {
    expressions.setFrame(frame().macro(new Uses()));
    return new Statement.GenerationBlock(at, wholeBody("endgeneration"));
  }

  private Statement leaveLoop(String name, Position at) {
    if (!frame().breakable()) throw new TemplateException("'" + name + "' outside loop", at);
    return name.equals("break") ? new Statement.Break(at) : new Statement.Continue(at);
  }

  /// Reads a tag that is refused only where it is run.
  private Statement needsLoader(String name, Position at) {
    expressions.expression();
    while (!tokens.current().is(Type.BLOCK_END) && !tokens.current().is(Type.END)) tokens.next();
    return new Statement.NeedsLoader(at, name);
  }
}
