package dev.tenon.jinja;

import java.math.BigInteger;
import java.util.Iterator;
import java.util.List;

/// Values as text: Python's `str` and `repr`.
final class Repr {
  private Repr() {}

  /// {@return `str(value)`}
  static String text(Meter meter, Object value) {
    return switch (value) {
      case String text -> text;
      case Markup markup -> markup.text();
      case Long number -> Long.toString(number);
      case Undefined _ -> "";
      case null, default -> {
        var out = new Output(meter);
        write(meter, value, out);
        yield out.toString();
      }
    };
  }

  /// {@return `repr(value)`}
  static String of(Meter meter, Object value) {
    var out = new Output(meter);
    write(meter, value, out);
    return out.toString();
  }

  /// {@return `repr(value)` of a text, a number or `None`}
  static String of(Object value) {
    return of(new Meter(Limits.DEFAULT), value);
  }

  private static void write(Meter meter, Object value, Output out) {
    meter.step();
    switch (value) {
      case null -> out.append("None");
      case Boolean truth -> out.append(truth ? "True" : "False");
      case Long number -> out.append(Long.toString(number));
      case BigInteger number -> out.append(Numbers.digits(number));
      case Double number -> out.append(NumberText.of(number));
      case String text -> quote(text, out);
      case Markup markup -> {
        out.append("Markup(");
        quote(markup.text(), out);
        out.append(")");
      }
      case List<?> list -> {
        out.append("[");
        items(meter, list.iterator(), out);
        out.append("]");
      }
      case Tuple tuple -> {
        out.append("(");
        items(meter, tuple.items().iterator(), out);
        out.append(tuple.items().size() == 1 ? ",)" : ")");
      }
      case Dict dict -> dict(meter, dict, out);
      case DictView view -> {
        out.append(view.kind().typeName + "([");
        items(meter, view.iterator(), out);
        out.append("])");
      }
      case Range range -> {
        out.append("range(" + range.start() + ", " + range.stop());
        out.append(range.step() == 1 ? ")" : ", " + range.step() + ")");
      }
      case Bytes bytes -> out.append(bytes(bytes));
      case Undefined _ -> out.append("Undefined");
      case Namespace namespace -> {
        meter.enter();
        out.append("<Namespace ");
        dict(meter, namespace.attributes(), out);
        out.append(">");
        meter.leave();
      }
      case Loop loop -> out.append(loop.describe());
      case Macro macro ->
          out.append(
              macro.definition().name() == null
                  ? "<Macro anonymous>"
                  : "<Macro '" + macro.definition().name() + "'>");
      case TemplateReference _ -> out.append("<TemplateReference None>");
      default -> out.append("<" + Types.name(value) + " object>");
    }
  }

  private static void items(Meter meter, Iterator<?> items, Output out) {
    meter.enter();
    for (boolean first = true; items.hasNext(); first = false) {
      if (!first) out.append(", ");
      write(meter, items.next(), out);
    }
    meter.leave();
  }

  private static void dict(Meter meter, Dict dict, Output out) {
    meter.enter();
    out.append("{");
    var keys = dict.keys();
    var values = dict.values();
    for (boolean first = true; keys.hasNext(); first = false) {
      if (!first) out.append(", ");
      write(meter, keys.next(), out);
      out.append(": ");
      write(meter, values.next(), out);
    }
    out.append("}");
    meter.leave();
  }

  private static void quote(String text, Output out) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    out.append(quote);
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      switch (c) {
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> {
          if (c == quote) out.append('\\').append(quote);
          else if (Characters.isPrintable(c)) out.appendCodePoint(c);
          else if (c < 0x100) out.append("\\x%02x".formatted(c));
          else if (c < 0x10000) out.append("\\u%04x".formatted(c));
          else out.append("\\U%08x".formatted(c));
        }
      }
    }
    out.append(quote);
  }

  private static String bytes(Bytes bytes) {
    var plain = new StringBuilder();
    boolean single = bytes.values().contains((long) '\'') && !bytes.values().contains((long) '"');
    char quote = single ? '"' : '\'';
    for (var value : bytes.values()) {
      int b = ((Long) value).intValue();
      switch (b) {
        case '\\' -> plain.append("\\\\");
        case '\n' -> plain.append("\\n");
        case '\r' -> plain.append("\\r");
        case '\t' -> plain.append("\\t");
        default -> {
          if (b == quote) plain.append('\\').append(quote);
          else if (b >= 0x20 && b < 0x7f) plain.append((char) b);
          else plain.append("\\x%02x".formatted(b));
        }
      }
    }
    return "b" + quote + plain + quote;
  }
}
