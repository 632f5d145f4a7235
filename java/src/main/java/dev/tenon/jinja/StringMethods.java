package dev.tenon.jinja;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/// The methods of texts.
final class StringMethods {
  private static final Map<String, Builtin> METHODS = new HashMap<>();

  /// What gives HTML when it is applied to HTML.
  private static final Set<String> MARKUP =
      Set.of(
          "capitalize title lower upper replace ljust rjust lstrip rstrip center strip translate"
              .concat(" expandtabs swapcase zfill casefold removeprefix removesuffix partition")
              .concat(" rpartition split rsplit splitlines join format format_map escape")
              .split(" "));

  private StringMethods() {}

  /// {@return a method, or null where texts have none of that name}
  static Builtin get(Object text, String name) {
    if (text instanceof Markup) {
      if (name.equals("striptags")) return METHODS.get(" striptags");
      if (name.equals("unescape")) return METHODS.get(" unescape");
      if (name.equals("escape")) return METHODS.get(" escape");
    }
    return METHODS.get(name);
  }

  private static void add(String name, String parameters, Builtin.Body body) {
    var signature = parameters.isEmpty() ? "self, /" : "self, /, " + parameters;
    METHODS.put(
        name,
        new Builtin(
            name.strip(),
            signature,
            (in, a) -> {
              in.meter().scan(self(a));
              // A text to look for comes first.
              if (a.length > 1 && a[1] instanceof String part) in.meter().search(self(a), part);
              boolean markup = a[0] instanceof Markup;
              if (!markup) return body.apply(in, a);
              if (escapes(name)) a = escaped(in, name, a);
              var result = body.apply(in, a);
              return MARKUP.contains(name) ? markup(result) : result;
            }));
  }

  /// Whether a method of HTML escapes the text that it puts in.
  private static boolean escapes(String name) {
    return switch (name) {
      case "replace", "ljust", "rjust", "center" -> true;
      default -> false;
    };
  }

  private static Object[] escaped(Interpreter in, String name, Object[] given) {
    var a = given.clone();
    int index = 2;
    a[index] = Markup.escape(in.meter(), a[index]);
    return a;
  }

  private static Object markup(Object value) {
    return switch (value) {
      case String text -> new Markup(text);
      case List<?> list -> new ArrayList<>(list.stream().map(StringMethods::markup).toList());
      case Tuple tuple -> new Tuple(tuple.items().stream().map(StringMethods::markup).toList());
      default -> value;
    };
  }

  private static void change(String name, UnaryOperator<String> change) {
    add(name, "", (_, a) -> change.apply(self(a)));
  }

  private static void ask(String name, Predicate<String> question) {
    add(name, "", (_, a) -> question.test(self(a)));
  }

  private static void askAll(String name, IntPredicate kind) {
    ask(name, text -> Characters.all(text, kind));
  }

  static {
    change("capitalize", Strings::capitalize);
    change("casefold", Strings::casefold);
    change("lower", Strings::lower);
    change("upper", Strings::upper);
    change("title", Strings::title);
    change("swapcase", Strings::swapCase);
    change(" striptags", Html::stripTags);
    change(" unescape", Html::unescape);
    add(" escape", "s", (in, a) -> Markup.escape(in.meter(), a[1]));

    askAll("isalnum", Characters::isAlphanumeric);
    askAll("isalpha", Characters::isAlpha);
    askAll("isdecimal", Characters::isDecimal);
    askAll("isdigit", Characters::isDigit);
    askAll("isnumeric", Characters::isNumeric);
    askAll("isspace", Characters::isSpace);
    ask("isascii", text -> text.chars().allMatch(c -> c < 0x80));
    ask("isprintable", text -> text.codePoints().allMatch(Characters::isPrintable));
    ask("isidentifier", Characters::isIdentifier);
    ask("islower", Characters::isLower);
    ask("isupper", Characters::isUpper);
    ask("istitle", Characters::isTitle);

    add("strip", "chars=None, /", (_, a) -> Strings.strip(self(a), optional(a[1])));
    add("lstrip", "chars=None, /", (_, a) -> Strings.stripLeading(self(a), optional(a[1])));
    add("rstrip", "chars=None, /", (_, a) -> Strings.stripTrailing(self(a), optional(a[1])));
    add(
        "split",
        "sep=None, maxsplit=-1",
        (_, a) -> objects(Strings.split(self(a), optional(a[1]), integer("split", a[2]))));
    add(
        "rsplit",
        "sep=None, maxsplit=-1",
        (_, a) -> objects(Strings.splitRight(self(a), optional(a[1]), integer("rsplit", a[2]))));
    add(
        "splitlines",
        "keepends=False",
        (_, a) -> objects(Strings.lines(self(a), integer("splitlines", a[1]) != 0)));
    add("partition", "sep, /", (_, a) -> partition(self(a), text(a[1])));
    add("rpartition", "sep, /", (_, a) -> partitionRight(self(a), text(a[1])));
    add("join", "iterable, /", StringMethods::join);

    add("startswith", "prefix, start=None, end=None, /", (_, a) -> affix(a, true));
    add("endswith", "suffix, start=None, end=None, /", (_, a) -> affix(a, false));
    add("count", "sub, start=None, end=None, /", (_, a) -> count(a));
    add("find", "sub, start=None, end=None, /", (_, a) -> find(a, false));
    add("rfind", "sub, start=None, end=None, /", (_, a) -> find(a, true));
    add("index", "sub, start=None, end=None, /", (_, a) -> index(a, false));
    add("rindex", "sub, start=None, end=None, /", (_, a) -> index(a, true));

    add(
        "replace",
        "old, new, count=-1, /",
        (in, a) ->
            Strings.replace(in.meter(), self(a), text(a[1]), text(a[2]), integer("replace", a[3])));
    add("removeprefix", "prefix, /", (_, a) -> removePrefix(self(a), text(a[1])));
    add("removesuffix", "suffix, /", (_, a) -> removeSuffix(self(a), text(a[1])));
    add(
        "center",
        "width, fillchar=' ', /",
        (in, a) -> Strings.center(in.meter(), self(a), integer("center", a[1]), fill(a[2])));
    add(
        "ljust",
        "width, fillchar=' ', /",
        (in, a) -> Strings.padRight(in.meter(), self(a), integer("ljust", a[1]), fill(a[2])));
    add(
        "rjust",
        "width, fillchar=' ', /",
        (in, a) -> Strings.padLeft(in.meter(), self(a), integer("rjust", a[1]), fill(a[2])));
    add(
        "zfill",
        "width, /",
        (in, a) -> Strings.zeroFill(in.meter(), self(a), integer("zfill", a[1])));
    add(
        "expandtabs",
        "tabsize=8",
        (in, a) -> Strings.expandTabs(in.meter(), self(a), integer("expandtabs", a[1])));

    add("encode", "encoding='utf-8', errors='strict'", (in, a) -> encode(in.meter(), a));
    add("translate", "table, /", StringMethods::translate);
    add("maketrans", "x, y=None, z=None, /", StringMethods::makeTranslation);
    add(
        "format",
        "*args, **kwargs",
        (in, a) -> new BraceFormat(in, a[0]).format(((Tuple) a[1]).items(), (Dict) a[2]));
    add("format_map", "mapping, /", (in, a) -> new BraceFormat(in, a[0]).format(List.of(), a[1]));
  }

  // Arguments.

  private static String self(Object[] a) {
    return Values.textOrNull(a[0]);
  }

  static String text(Object value) {
    var text = Values.textOrNull(value);
    if (text == null) {
      if (value instanceof Undefined undefined) throw undefined.error();
      throw new TemplateException("expected str, got " + Types.name(value));
    }
    return text;
  }

  private static String optional(Object value) {
    return value == null ? null : text(value);
  }

  private static int integer(String method, Object value) {
    return Numbers.clamped(method + "()", value);
  }

  private static String fill(Object value) {
    var text = text(value);
    if (Strings.length(text) != 1)
      throw new TemplateException("The fill character must be exactly one character long");
    return text;
  }

  private static List<Object> objects(List<String> texts) {
    return new ArrayList<>(texts);
  }

  // Methods that take more than a line.

  private static Object join(Interpreter in, Object[] a) {
    var out = new Output(in.meter());
    var separator = self(a);
    boolean markup = a[0] instanceof Markup;
    int index = 0;
    for (var items = Values.iterate(in.meter(), a[1]); items.hasNext(); index++) {
      if (index > 0) out.append(separator);
      var item = items.next();
      if (markup) {
        out.append(Markup.escape(in.meter(), item).text());
      } else {
        var text = Values.textOrNull(item);
        if (text == null)
          throw new TemplateException(
              "sequence item %d: expected str instance, %s found"
                  .formatted(index, Types.name(item)));
        out.append(text);
      }
    }
    return out.toString();
  }

  private static Tuple partition(String text, String separator) {
    Strings.checkSeparator(separator);
    int found = text.indexOf(separator);
    return found < 0
        ? new Tuple(Arrays.asList(text, "", ""))
        : new Tuple(
            Arrays.asList(
                text.substring(0, found), separator, text.substring(found + separator.length())));
  }

  private static Tuple partitionRight(String text, String separator) {
    Strings.checkSeparator(separator);
    int found = text.lastIndexOf(separator);
    return found < 0
        ? new Tuple(Arrays.asList("", "", text))
        : new Tuple(
            Arrays.asList(
                text.substring(0, found), separator, text.substring(found + separator.length())));
  }

  private static String removePrefix(String text, String prefix) {
    return text.startsWith(prefix) ? text.substring(prefix.length()) : text;
  }

  private static String removeSuffix(String text, String suffix) {
    return text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
  }

  /// The part of a text that optional arguments name.
  private record Window(String text, int start, boolean valid) {
    static Window of(Object[] a) {
      var self = self(a);
      int length = Strings.length(self);
      int start = a[2] == null ? 0 : bound(a[2], length);
      int end = a[3] == null ? length : Math.min(bound(a[3], length), length);
      return start > end
          ? new Window("", start, false)
          : new Window(
              start == 0 && end == length ? self : Strings.part(self, start, end), start, true);
    }

    private static int bound(Object value, int length) {
      int index = integer("slice", value);
      return index < 0 ? Math.max(0, index + length) : index;
    }
  }

  private static boolean affix(Object[] a, boolean prefix) {
    var window = Window.of(a);
    if (a[1] instanceof Tuple tuple) {
      for (var item : tuple.items()) if (affix(window, text(item), prefix)) return true;
      return false;
    }
    return affix(window, text(a[1]), prefix);
  }

  private static boolean affix(Window window, String affix, boolean prefix) {
    return window.valid()
        && (prefix ? window.text().startsWith(affix) : window.text().endsWith(affix));
  }

  private static long count(Object[] a) {
    var part = text(a[1]);
    var window = Window.of(a);
    return window.valid() ? Strings.count(window.text(), part) : 0;
  }

  private static long find(Object[] a, boolean last) {
    var part = text(a[1]);
    var window = Window.of(a);
    if (!window.valid()) return -1;
    int found = last ? window.text().lastIndexOf(part) : window.text().indexOf(part);
    return found < 0 ? -1 : window.start() + window.text().codePointCount(0, found);
  }

  private static long index(Object[] a, boolean last) {
    long found = find(a, last);
    if (found < 0) throw new TemplateException("substring not found");
    return found;
  }

  private static Bytes encode(Meter meter, Object[] a) {
    var charset =
        switch (text(a[1]).toLowerCase(java.util.Locale.ROOT).replace('_', '-')) {
          case "utf-8", "utf8" -> StandardCharsets.UTF_8;
          case "ascii", "us-ascii" -> StandardCharsets.US_ASCII;
          case "latin-1", "latin1", "iso-8859-1" -> StandardCharsets.ISO_8859_1;
          default -> throw new TemplateException("encoding '" + text(a[1]) + "' is not supported");
        };
    var text = self(a);
    if (!charset.newEncoder().canEncode(text))
      throw new TemplateException("'" + charset + "' codec can't encode characters");
    var values = new ArrayList<Object>();
    meter.elements(text.length());
    for (byte value : text.getBytes(charset)) values.add((long) (value & 0xff));
    return new Bytes(values);
  }

  private static Object translate(Interpreter in, Object[] a) {
    if (a[1] instanceof Undefined undefined) throw undefined.error();
    if (!(a[1] instanceof Dict) && (!Values.isIterable(a[1]) || a[1] instanceof DictView))
      throw new TemplateException("'" + Types.name(a[1]) + "' object is not subscriptable");
    var out = new Output(in.meter());
    self(a)
        .codePoints()
        .forEach(
            c -> {
              in.meter().step();
              var replacement = Items.itemOrMissing(in.meter(), a[1], (long) c);
              var text = Values.textOrNull(replacement);
              if (replacement == Scope.MISSING) out.appendCodePoint(c);
              else if (text != null) out.append(text);
              else if (replacement instanceof Long code
                  && Character.isValidCodePoint(code.intValue()))
                out.appendCodePoint(code.intValue());
              else if (replacement != null)
                throw new TemplateException("character mapping must return integer, None or str");
            });
    return out.toString();
  }

  private static Object makeTranslation(Interpreter in, Object[] a) {
    var table = new Dict();
    if (a[2] == null) {
      if (!(a[1] instanceof Dict dict))
        throw new TemplateException("maketrans() with one argument needs a dict");
      for (var items = dict.items(); items.hasNext(); ) {
        var item = ((Tuple) items.next()).items();
        var text = Values.textOrNull(item.get(0));
        if (text != null && Strings.length(text) != 1)
          throw new TemplateException("string keys in translate table must be of length 1");
        table.put(
            in.meter(),
            text == null ? item.get(0) : (Object) (long) text.codePointAt(0),
            item.get(1));
      }
      return table;
    }
    int[] from = text(a[1]).codePoints().toArray();
    int[] to = text(a[2]).codePoints().toArray();
    if (from.length != to.length)
      throw new TemplateException("the first two maketrans arguments must have equal length");
    for (int i = 0; i < from.length; i++) table.put(in.meter(), (long) from[i], (long) to[i]);
    if (a[3] != null) text(a[3]).codePoints().forEach(c -> table.put(in.meter(), (long) c, null));
    return table;
  }
}
