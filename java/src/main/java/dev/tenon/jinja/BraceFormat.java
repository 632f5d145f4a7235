package dev.tenon.jinja;

import java.util.List;

/// Python's `text.format(…)`: fields in braces.
final class BraceFormat {
  private static final int MAX_DEPTH = 2;

  private final Interpreter in;
  private final String text;
  private final boolean markup;

  private List<Object> positional;
  private Object named;
  private int next;
  private boolean numbered;

  /// @param text the format, a text
  BraceFormat(Interpreter in, Object text) {
    this.in = in;
    this.text = Values.textOrNull(text);
    markup = text instanceof Markup;
  }

  /// {@return the format with its fields filled}
  ///
  /// @param values what `{}` and `{0}` take
  /// @param names what `{name}` takes
  String format(List<Object> values, Object names) {
    positional = values;
    named = names;
    return format(text, MAX_DEPTH);
  }

  private String format(String format, int depth) {
    if (depth == 0) throw new TemplateException("Max string recursion exceeded");
    var out = new Output(in.meter());
    int i = 0;
    while (i < format.length()) {
      char c = format.charAt(i++);
      if (c != '{' && c != '}') {
        out.append(c);
      } else if (i < format.length() && format.charAt(i) == c) {
        out.append(c);
        i++;
      } else if (c == '}') {
        throw new TemplateException("Single '}' encountered in format string");
      } else {
        int end = end(format, i);
        out.append(field(format.substring(i, end), depth));
        i = end + 1;
      }
    }
    return out.toString();
  }

  private static int end(String format, int start) {
    int open = 1;
    for (int i = start; i < format.length(); i++) {
      if (format.charAt(i) == '{') open++;
      if (format.charAt(i) == '}' && --open == 0) return i;
      if (format.charAt(i) == '[') {
        int close = format.indexOf(']', i);
        if (close > 0 && format.substring(i, close).indexOf(':') < 0 && open == 1) i = close;
      }
    }
    throw new TemplateException("expected '}' before end of string");
  }

  private String field(String field, int depth) {
    int nameEnd = 0;
    boolean bracket = false;
    while (nameEnd < field.length()) {
      char c = field.charAt(nameEnd);
      if (c == '[') bracket = true;
      if (c == ']') bracket = false;
      if (!bracket && (c == ':' || c == '!')) break;
      if (c == '{' || c == '}') throw new TemplateException("unexpected '" + c + "' in field name");
      nameEnd++;
    }
    var rest = field.substring(nameEnd);
    char conversion = 0;
    if (rest.startsWith("!")) {
      if (rest.length() < 2 || rest.length() > 2 && rest.charAt(2) != ':')
        throw new TemplateException("expected ':' after conversion specifier");
      conversion = rest.charAt(1);
      rest = rest.substring(2);
    }
    var spec = rest.startsWith(":") ? rest.substring(1) : "";
    var value = value(field.substring(0, nameEnd));
    var converted = convert(value, conversion);
    spec =
        format(
            spec, depth - 1 == 0 && spec.indexOf('{') < 0 && spec.indexOf('}') < 0 ? 1 : depth - 1);
    if (!markup) return FormatSpec.format(in.meter(), converted, spec);
    if (converted instanceof Markup html) {
      if (!spec.isEmpty())
        throw new TemplateException("Unsupported format specification for Markup.");
      return html.text();
    }
    return Markup.escape(FormatSpec.format(in.meter(), converted, spec));
  }

  private Object convert(Object value, char conversion) {
    return switch (conversion) {
      case 0 -> value;
      case 's' -> Repr.text(in.meter(), value);
      case 'r' -> Repr.of(in.meter(), value);
      case 'a' -> ascii(Repr.of(in.meter(), value));
      default -> throw new TemplateException("Unknown conversion specifier '" + conversion + "'");
    };
  }

  /// {@return a text with escapes for what is not ASCII}
  static String ascii(String text) {
    var out = new StringBuilder();
    text.codePoints()
        .forEach(
            c -> {
              if (c < 0x80) out.append((char) c);
              else if (c < 0x100) out.append("\\x%02x".formatted(c));
              else if (c < 0x10000) out.append("\\u%04x".formatted(c));
              else out.append("\\U%08x".formatted(c));
            });
    return out.toString();
  }

  private Object value(String name) {
    int end = 0;
    while (end < name.length() && name.charAt(end) != '.' && name.charAt(end) != '[') end++;
    var value = first(name.substring(0, end));
    int i = end;
    while (i < name.length()) {
      if (name.charAt(i) == '.') {
        int stop = i + 1;
        while (stop < name.length() && name.charAt(stop) != '.' && name.charAt(stop) != '[') stop++;
        if (stop == i + 1) throw new TemplateException("Empty attribute in format string");
        value = Items.attribute(in.meter(), value, name.substring(i + 1, stop));
        i = stop;
      } else if (name.charAt(i) == '[') {
        int close = name.indexOf(']', i);
        if (close < 0) throw new TemplateException("Missing ']' in format string");
        if (close == i + 1) throw new TemplateException("Empty attribute in format string");
        var key = name.substring(i + 1, close);
        value = Items.item(in.meter(), value, isNumber(key) ? (Object) Long.valueOf(key) : key);
        i = close + 1;
      } else {
        throw new TemplateException("Only '.' or '[' may follow ']' in format field specifier");
      }
    }
    return value;
  }

  private Object first(String name) {
    if (!name.isEmpty() && !isNumber(name)) {
      var value = Items.itemOrMissing(in.meter(), named, name);
      if (value == Scope.MISSING) throw new TemplateException("format: no argument '" + name + "'");
      return value;
    }
    if (name.isEmpty() ? numbered : next > 0)
      throw new TemplateException(
          "cannot switch between manual field specification and automatic field numbering");
    numbered |= !name.isEmpty();
    int index = name.isEmpty() ? next++ : Integer.parseInt(name);
    if (index >= positional.size())
      throw new TemplateException(
          "Replacement index " + index + " out of range for positional args tuple");
    return positional.get(index);
  }

  private static boolean isNumber(String text) {
    return !text.isEmpty()
        && text.length() < 10
        && text.chars().allMatch(c -> c >= '0' && c <= '9');
  }
}
