package dev.tenon.jinja;

import java.util.List;
import java.util.regex.Pattern;

/// Filters of texts.
final class TextFilters {
  private static final Pattern WORD_BEGINNING =
      Pattern.compile("[-({\\[<" + Lexer.SPACE.substring(1, Lexer.SPACE.length() - 1) + "]+");

  static final List<Builtin> ALL =
      List.of(
          new Builtin(
              "upper", "s", (in, a) -> Filters.like(a[0], Strings.upper(Filters.soft(in, a[0])))),
          new Builtin(
              "lower", "s", (in, a) -> Filters.like(a[0], Strings.lower(Filters.soft(in, a[0])))),
          new Builtin(
              "capitalize",
              "s",
              (in, a) -> Filters.like(a[0], Strings.capitalize(Filters.soft(in, a[0])))),
          new Builtin("title", "s", (in, a) -> title(Filters.soft(in, a[0]))),
          new Builtin(
              "trim",
              "value, chars=None",
              (in, a) ->
                  Filters.like(
                      a[0],
                      Strings.strip(
                          Filters.soft(in, a[0]), a[1] == null ? null : StringMethods.text(a[1])))),
          new Builtin(
              "string",
              "object, /",
              (in, a) -> Values.isText(a[0]) ? a[0] : Filters.soft(in, a[0])),
          new Builtin(
              "center",
              "value, width=80",
              (in, a) ->
                  Filters.like(
                      a[0],
                      Strings.center(
                          in.meter(),
                          Filters.soft(in, a[0]),
                          Numbers.clamped("center", a[1]),
                          " "))),
          new Builtin("replace", "s, old, new, count=None", TextFilters::replace),
          new Builtin("indent", "s, width=4, first=False, blank=False", TextFilters::indent),
          new Builtin(
              "truncate",
              "s, length=255, killwords=False, end='...', leeway=None",
              TextFilters::truncate),
          new Builtin(
              "wordwrap",
              "s, width=79, break_long_words=True, wrapstring=None, break_on_hyphens=True",
              TextFilters::wordwrap),
          new Builtin("wordcount", "s", (in, a) -> words(Filters.soft(in, a[0]))),
          new Builtin("format", "value, /, *args, **kwargs", TextFilters::format),
          new Builtin("pprint", "value", (in, a) -> new PrettyText(in.meter()).write(a[0])),
          new Builtin(
              "tojson",
              "x, ensure_ascii=False, indent=None, separators=None, sort_keys=False",
              (in, a) ->
                  new JsonText(
                          in.meter(),
                          Values.truth(a[1]),
                          JsonText.indent(in.meter(), a[2]),
                          a[3],
                          Values.truth(a[4]))
                      .write(a[0])));

  private TextFilters() {}

  private static String title(String text) {
    var out = new StringBuilder(text.length());
    var matcher = WORD_BEGINNING.matcher(text);
    int start = 0;
    while (start <= text.length()) {
      boolean found = matcher.find();
      int end = found ? matcher.start() : text.length();
      if (start < end) {
        int first = start + Character.charCount(text.codePointAt(start));
        out.append(Strings.upper(text.substring(start, first)));
        out.append(Strings.lower(text.substring(first, end)));
      }
      if (!found) break;
      out.append(matcher.group());
      start = matcher.end();
    }
    return out.toString();
  }

  private static Object replace(Interpreter in, Object[] a) {
    int count = a[3] == null ? -1 : Numbers.clamped("replace", a[3]);
    var old = Filters.soft(in, a[1]);
    var by = Filters.soft(in, a[2]);
    if (!in.autoescape())
      return Strings.replace(in.meter(), Filters.soft(in, a[0]), old, by, count);
    boolean markup = a[0] instanceof Markup;
    boolean escape = a[1] instanceof Markup || a[2] instanceof Markup && !markup;
    if (!escape && !markup)
      return Strings.replace(in.meter(), Filters.soft(in, a[0]), old, by, count);
    return new Markup(
        Strings.replace(
            in.meter(),
            Markup.escape(in.meter(), a[0]).text(),
            old,
            Markup.escape(in.meter(), a[2]).text(),
            count));
  }

  private static Object indent(Interpreter in, Object[] a) {
    var text = StringMethods.text(a[0]);
    var given = Values.textOrNull(a[1]);
    var indention = given != null ? given : in.meter().repeat(" ", Numbers.clamped("indent", a[1]));
    boolean blank = Values.truth(a[3]);
    var out = new Output(in.meter());
    if (Values.truth(a[2])) out.append(indention);
    boolean first = true;
    for (var line : Strings.lines(text + "\n", false)) {
      if (!first) out.append("\n");
      if (!first && (blank || !line.isEmpty())) out.append(indention);
      out.append(line);
      first = false;
    }
    return Filters.like(a[0], out.toString());
  }

  private static Object truncate(Interpreter in, Object[] a) {
    int length = Numbers.clamped("truncate", a[1]);
    var end = StringMethods.text(a[3]);
    int leeway = a[4] == null ? 5 : Numbers.clamped("truncate", a[4]);
    int endLength = Strings.length(end);
    if (length < endLength)
      throw new TemplateException("expected length >= " + endLength + ", got " + length);
    if (leeway < 0) throw new TemplateException("expected leeway >= 0, got " + leeway);
    if (Values.size(a[0]) <= (long) length + leeway) return a[0];
    var text = StringMethods.text(a[0]);
    var part = Strings.part(text, 0, length - endLength);
    if (!Values.truth(a[2])) part = Strings.splitRight(part, " ", 1).getFirst();
    return Filters.like(
        a[0], part + (a[0] instanceof Markup ? Markup.escape(in.meter(), a[3]).text() : end));
  }

  private static Object wordwrap(Interpreter in, Object[] a) {
    var wrapper =
        new TextWrap(
            in.meter(), Numbers.clamped("wordwrap", a[1]), Values.truth(a[2]), Values.truth(a[4]));
    var separator = a[3] == null ? "\n" : StringMethods.text(a[3]);
    var out = new Output(in.meter());
    boolean first = true;
    for (var line : Strings.lines(StringMethods.text(a[0]), false)) {
      if (!first) out.append(separator);
      first = false;
      boolean firstPart = true;
      for (var part : wrapper.wrap(line)) {
        if (!firstPart) out.append(separator);
        firstPart = false;
        out.append(part);
      }
    }
    return out.toString();
  }

  private static long words(String text) {
    long words = 0;
    boolean inWord = false;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      boolean word = Characters.isWord(c);
      if (word && !inWord) words++;
      inWord = word;
    }
    return words;
  }

  private static Object format(Interpreter in, Object[] a) {
    var positional = (Tuple) a[1];
    var named = (Dict) a[2];
    if (!positional.items().isEmpty() && named.size() > 0)
      throw new TemplateException("can't handle positional and keyword arguments at the same time");
    return PercentFormat.format(
        in.meter(),
        Values.isText(a[0]) ? a[0] : Filters.soft(in, a[0]),
        named.size() > 0 ? named : positional);
  }
}
