package dev.tenon.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/// Values as JSON, as Python's `json.dumps` writes them.
final class JsonText {
  private final Meter meter;
  private final boolean ascii;
  private final String indent;
  private final String itemSeparator;
  private final String keySeparator;
  private final boolean sortKeys;
  private final Output out;

  private String lineEnd = "\n";

  /// @param ascii whether what is not ASCII is escaped
  /// @param indent what each level is indented by, null for one line
  /// @param separators a pair of texts or null for the usual ones
  /// @param sortKeys whether members are in the order of their names
  JsonText(Meter meter, boolean ascii, String indent, Object separators, boolean sortKeys) {
    this.meter = meter;
    this.ascii = ascii;
    this.indent = indent;
    this.sortKeys = sortKeys;
    out = new Output(meter);
    if (separators == null) {
      itemSeparator = indent == null ? ", " : ",";
      keySeparator = ": ";
    } else {
      var pair = Values.list(meter, separators);
      if (pair.size() != 2)
        throw new TemplateException("tojson: separators must be a pair of texts");
      itemSeparator = StringMethods.text(pair.get(0));
      keySeparator = StringMethods.text(pair.get(1));
    }
  }

  /// {@return the indent that an argument asks for: a text, a number of spaces, or null}
  static String indent(Meter meter, Object value) {
    if (value == null) return null;
    var text = Values.textOrNull(value);
    return text != null ? text : meter.repeat(" ", Numbers.clamped("tojson: indent", value));
  }

  String write(Object value) {
    value(value);
    return out.toString();
  }

  private void value(Object value) {
    meter.step();
    switch (value) {
      case null -> out.append("null");
      case Boolean truth -> out.append(truth ? "true" : "false");
      case Long number -> out.append(Long.toString(number));
      case BigInteger number -> out.append(Numbers.digits(number));
      case Double number -> out.append(real(number));
      case String text -> text(text);
      case Markup markup -> text(markup.text());
      case List<?> list -> array(list);
      case Tuple tuple -> array(tuple.items());
      case Dict dict -> object(dict);
      default ->
          throw new TemplateException(
              "Object of type " + Types.name(value) + " is not JSON serializable");
    }
  }

  private static String real(double number) {
    if (Double.isNaN(number)) return "NaN";
    if (Double.isInfinite(number)) return number > 0 ? "Infinity" : "-Infinity";
    return NumberText.of(number);
  }

  private void array(List<?> items) {
    if (items.isEmpty()) {
      out.append("[]");
      return;
    }
    out.append('[');
    var outer = open();
    boolean first = true;
    for (var item : items) {
      separate(first);
      first = false;
      value(item);
    }
    close(outer);
    out.append(']');
  }

  private void object(Dict dict) {
    if (dict.size() == 0) {
      out.append("{}");
      return;
    }
    out.append('{');
    var outer = open();
    boolean first = true;
    for (var items = items(dict); items.hasNext(); ) {
      var item = ((Tuple) items.next()).items();
      separate(first);
      first = false;
      text(name(item.get(0)));
      out.append(keySeparator);
      value(item.get(1));
    }
    close(outer);
    out.append('}');
  }

  private Iterator<Object> items(Dict dict) {
    if (!sortKeys) return dict.items();
    var items = new ArrayList<Object>();
    dict.items().forEachRemaining(items::add);
    return Values.sorted(meter, items, items, false).iterator();
  }

  private String open() {
    meter.enter();
    var outer = lineEnd;
    if (indent != null) {
      meter.characters(lineEnd.length() + indent.length());
      lineEnd += indent;
    }
    return outer;
  }

  private void separate(boolean first) {
    if (!first) out.append(itemSeparator);
    if (indent != null) out.append(lineEnd);
  }

  private void close(String outer) {
    lineEnd = outer;
    if (indent != null) out.append(lineEnd);
    meter.leave();
  }

  private String name(Object key) {
    return switch (key) {
      case String text -> text;
      case Markup markup -> markup.text();
      case null -> "null";
      case Boolean truth -> truth ? "true" : "false";
      case Long number -> Long.toString(number);
      case BigInteger number -> Numbers.digits(number);
      case Double number -> real(number);
      default ->
          throw new TemplateException(
              "keys must be str, int, float, bool or None, not " + Types.name(key));
    };
  }

  private void text(String text) {
    out.append('"');
    int plain = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c >= 0x20 && c != '"' && c != '\\' && (!ascii || c < 0x7f)) continue;
      out.append(text, plain, i);
      plain = i + 1;
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        default -> out.append("\\u%04x".formatted((int) c));
      }
    }
    out.append(text, plain, text.length());
    out.append('"');
  }
}
