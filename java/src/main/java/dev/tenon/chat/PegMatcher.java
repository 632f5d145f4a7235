package dev.tenon.chat;

import dev.tenon.chat.Peg.Tag;
import java.util.ArrayList;
import java.util.List;

/// Takes a text apart with a [Peg], a text that may still go on: where it ends in the middle of
/// something, what is there so far is given. The ways of a partial match follow llama.cpp's
/// `common/peg-parser.cpp`.
final class PegMatcher {
  /// How deep values and rules may be nested: bounds the stack.
  private static final int MAX_DEPTH = 200;

  /// A part of the text.
  ///
  /// @param tag what it is
  /// @param start its first character
  /// @param end the one after its last
  /// @param parts the parts of it, in order
  /// @param partial whether the text ends in the middle of it
  record Node(Tag tag, int start, int end, List<Node> parts, boolean partial) {}

  /// Whether it fits, and how far.
  ///
  /// @param fit as a whole, as far as the text goes, or not
  /// @param end the character after the last one taken; where it fails, the one that did not fit
  /// @param nodes what was found
  /// @param inCall whether the text ends in the middle of a call
  record Match(Fit fit, int end, List<Node> nodes, boolean inCall) {
    boolean failed() {
      return fit == Fit.FAILS;
    }
  }

  /// How an expression fits a text.
  enum Fit {
    FITS,
    /// So far: the text ends before the expression does.
    UNFINISHED,
    FAILS
  }

  private final String text;
  private final boolean complete;
  private int depth;

  /// The furthest character that did not fit: most likely what is wrong.
  private int furthest;

  private PegMatcher(String text, boolean complete) {
    this.text = text;
    this.complete = complete;
  }

  /// Matches from the first character on.
  ///
  /// @param peg the grammar
  /// @param text the text so far
  /// @param complete whether nothing follows it: then a character at its end that may begin
  ///     a marker is text, and is held back otherwise
  static Match match(Peg peg, String text, boolean complete) {
    var matcher = new PegMatcher(text, complete);
    var match = matcher.match(peg, 0);
    return match.failed() ? new Match(Fit.FAILS, matcher.furthest, List.of(), false) : match;
  }

  private Match match(Peg peg, int at) {
    return switch (peg) {
      case Peg.Nothing() -> fits(at);
      case Peg.End() -> at >= text.length() ? fits(at) : fails(at);
      case Peg.Literal(var literal) -> literal(literal, at);
      case Peg.Sequence(var parts) -> sequence(parts, at);
      case Peg.Choice(var alternatives) -> choice(alternatives, at);
      case Peg.Repeat repeat -> repeat(repeat, at);
      case Peg.Ahead(var part) -> new Match(match(part, at).fit(), at, List.of(), false);
      case Peg.Not(var part) ->
          switch (match(part, at).fit()) {
            case FITS -> fails(at);
            case UNFINISHED -> unfinished(at);
            case FAILS -> fits(at);
          };
      case Peg.Space() -> fits(afterSpace(at));
      case Peg.Characters(var set) -> characters(set, at);
      case Peg.Until(var ends) -> until(ends, at);
      case Peg.Quoted(var quote) -> of(ValueScanner.quoted(text, at, quote));
      case Peg.JsonValue _ -> of(ValueScanner.json(text, at));
      case Peg.PythonValue() -> of(ValueScanner.python(text, at));
      case Peg.Kinds(var kinds) ->
          at >= text.length()
              ? unfinished(at)
              : kinds.contains(ValueScanner.kind(text.charAt(at))) ? fits(at) : fails(at);
      case Peg.Tagged(var tag, var part) -> tagged(tag, match(part, at), at);
      case Peg.Whole(var part) -> {
        var match = match(part, at);
        yield match.fit() == Fit.UNFINISHED
            ? new Match(Fit.UNFINISHED, match.end(), List.of(), match.inCall())
            : match;
      }
      case Peg.Tolerated(var part) -> match(part, at);
      case Peg.Written(var part, _) -> match(part, at);
      case Peg.Through(var part, _) -> match(part, at);
      case Peg.Rule rule -> {
        if (++depth > MAX_DEPTH) {
          depth--;
          yield fails(at);
        }
        var match = match(rule.part(), at);
        depth--;
        yield match;
      }
    };
  }

  private Match literal(String literal, int at) {
    int there = Math.min(literal.length(), text.length() - at);
    if (!text.regionMatches(at, literal, 0, there)) return fails(at);
    return there == literal.length() ? fits(at + there) : unfinished(at + there);
  }

  private Match sequence(List<Peg> parts, int at) {
    var nodes = new ArrayList<Node>();
    int end = at;
    for (var part : parts) {
      var match = match(part, end);
      if (match.failed()) return match;
      nodes.addAll(match.nodes());
      end = match.end();
      if (match.fit() == Fit.UNFINISHED) {
        return new Match(Fit.UNFINISHED, end, nodes, match.inCall());
      }
    }
    return new Match(Fit.FITS, end, nodes, false);
  }

  private Match choice(List<Peg> alternatives, int at) {
    for (var alternative : alternatives) {
      var match = match(alternative, at);
      if (!match.failed()) return match;
    }
    return fails(at);
  }

  private Match repeat(Peg.Repeat repeat, int at) {
    var nodes = new ArrayList<Node>();
    int end = at;
    int count = 0;
    while ((repeat.most() < 0 || count < repeat.most()) && end < text.length()) {
      var match = match(repeat.part(), end);
      if (match.failed()) break;
      if (match.fit() == Fit.FITS && match.end() == end) break; // takes nothing: for ever
      nodes.addAll(match.nodes());
      end = match.end();
      if (match.fit() == Fit.UNFINISHED) {
        return new Match(Fit.UNFINISHED, end, nodes, match.inCall());
      }
      count++;
    }
    if (count < repeat.least()) {
      return end < text.length() ? fails(end) : new Match(Fit.UNFINISHED, end, nodes, false);
    }
    return new Match(Fit.FITS, end, nodes, false);
  }

  private Match tagged(Tag tag, Match match, int at) {
    if (match.failed()) return match;
    boolean partial = match.fit() == Fit.UNFINISHED;
    var node = new Node(tag, at, match.end(), match.nodes(), partial);
    return new Match(
        match.fit(), match.end(), List.of(node), partial && (tag == Tag.CALL || match.inCall()));
  }

  private Match characters(String set, int at) {
    int end = at;
    while (end < text.length() && CharacterSet.has(set, text.charAt(end))) end++;
    if (end > at) return fits(end);
    return at < text.length() ? fails(at) : unfinished(at);
  }

  private Match until(List<String> ends, int at) {
    int first = text.length();
    for (var end : ends) {
      int found = text.indexOf(end, at);
      if (found >= 0 && found < first) first = found;
    }
    if (first < text.length()) return fits(first);
    // The beginning of an end may be all that is there of it. At the end of the reply one character
    // is rather text; more is a marker that was cut off.
    int held = first;
    for (var end : ends) {
      for (int i = Math.max(at, text.length() - end.length() + 1); i < held; i++) {
        if (end.startsWith(text.substring(i))) held = i;
      }
    }
    if (held < text.length() - (complete ? 1 : 0)) return fits(held);
    return unfinished(first);
  }

  private int afterSpace(int at) {
    int end = at;
    while (end < text.length() && isSpace(text.charAt(end))) end++;
    return end;
  }

  static boolean isSpace(char c) {
    return c == ' ' || c >= '\t' && c <= '\r';
  }

  private Match of(long scanned) {
    int end = ValueScanner.end(scanned);
    if (ValueScanner.fails(scanned)) return fails(end);
    return ValueScanner.unfinished(scanned) ? unfinished(end) : fits(end);
  }

  private static Match fits(int end) {
    return new Match(Fit.FITS, end, List.of(), false);
  }

  private static Match unfinished(int end) {
    return new Match(Fit.UNFINISHED, end, List.of(), false);
  }

  private Match fails(int at) {
    furthest = Math.max(furthest, at);
    return new Match(Fit.FAILS, at, List.of(), false);
  }
}
