package dev.tenon.jinja;

import dev.tenon.jinja.Token.Type;
import java.util.List;

/// A template's tokens, read from the first to the last.
final class Tokens {
  private final List<Token> tokens;
  private int next;

  Tokens(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token current() {
    return tokens.get(next);
  }

  /// {@return the token after the current one}
  Token look() {
    return tokens.get(Math.min(next + 1, tokens.size() - 1));
  }

  /// {@return the current token, and goes on}
  Token next() {
    var token = current();
    if (!token.is(Type.END)) next++;
    return token;
  }

  boolean skipName(String name) {
    boolean found = current().isName(name);
    if (found) next();
    return found;
  }

  boolean skipOperator(String sign) {
    boolean found = current().isOperator(sign);
    if (found) next();
    return found;
  }

  Token expect(Type type) {
    if (!current().is(type)) throw expected("'" + type + "'");
    return next();
  }

  Token expectName(String name) {
    if (!current().isName(name)) throw expected("'" + name + "'");
    return next();
  }

  Token expectOperator(String sign) {
    if (!current().isOperator(sign)) throw expected("'" + sign + "'");
    return next();
  }

  private TemplateException expected(String what) {
    return current().is(Type.END)
        ? new TemplateException("unexpected end of template, expected " + what, current().at())
        : new TemplateException(
            "expected " + what + ", got " + current().description(), current().at());
  }
}
