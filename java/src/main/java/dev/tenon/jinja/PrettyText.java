package dev.tenon.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.regex.Pattern;

/// Values as Python's `pprint` shows them: lines of 80 characters, keys in order.
final class PrettyText {
  private static final int WIDTH = 80;
  private static final Pattern WORD =
      Pattern.compile("[^" + Lexer.SPACE.substring(1) + "*" + Lexer.SPACE + "*");

  private final Meter meter;
  private final Output out;

  PrettyText(Meter meter) {
    this.meter = meter;
    out = new Output(meter);
  }

  String write(Object value) {
    write(value, 0, 0, 0);
    return out.toString();
  }

  private void write(Object value, int indent, int allowance, int level) {
    meter.enter();
    var whole = line(value);
    if (Strings.length(whole) <= WIDTH - indent - allowance) {
      out.append(whole);
    } else {
      switch (value) {
        case Dict dict -> {
          out.append("{");
          members(dict, indent + 1, allowance + 1, level + 1);
          out.append("}");
        }
        case List<?> list -> {
          out.append("[");
          items(list, indent + 1, allowance + 1, level + 1);
          out.append("]");
        }
        case Tuple tuple when tuple.names().isEmpty() -> {
          var end = tuple.items().size() == 1 ? ",)" : ")";
          out.append("(");
          items(tuple.items(), indent + 1, allowance + end.length(), level + 1);
          out.append(end);
        }
        case String text when !text.isEmpty() -> text(text, indent, allowance, level + 1);
        case null, default -> out.append(whole);
      }
    }
    meter.leave();
  }

  private void members(Dict dict, int indent, int allowance, int level) {
    for (var items = sorted(dict); items.hasNext(); ) {
      var item = ((Tuple) items.next()).items();
      var key = line(item.get(0));
      out.append(key).append(": ");
      int at = indent + Strings.length(key) + 2;
      write(item.get(1), at, items.hasNext() ? 1 : allowance, level);
      if (items.hasNext()) out.append(",\n").append(meter.repeat(" ", indent));
    }
  }

  private void items(List<?> list, int indent, int allowance, int level) {
    for (var items = list.iterator(); items.hasNext(); ) {
      var item = items.next();
      write(item, indent, items.hasNext() ? 1 : allowance, level);
      if (items.hasNext()) out.append(",\n").append(meter.repeat(" ", indent));
    }
  }

  private Iterator<Object> sorted(Dict dict) {
    var items = Values.list(meter, new DictView(dict, DictView.Kind.ITEMS));
    var keys = new ArrayList<Object>();
    boolean comparable = true;
    Object first = null;
    for (var item : items) {
      var key = ((Tuple) item).items().getFirst();
      if (first == null) first = key;
      comparable &=
          Values.isText(first) && Values.isText(key)
              || Numbers.isNumber(first) && Numbers.isNumber(key);
      keys.add(key);
    }
    if (comparable) return Values.sorted(meter, items, keys, false).iterator();
    // Keys of several types: by type, then by text.
    keys.replaceAll(key -> Types.name(key) + " " + Repr.of(meter, key));
    return Values.sorted(meter, items, keys, false).iterator();
  }

  /// {@return a value in one line}
  private String line(Object value) {
    var line = new Output(meter);
    line(value, line);
    return line.toString();
  }

  private void line(Object value, Output line) {
    meter.enter();
    switch (value) {
      case Dict dict -> {
        line.append("{");
        for (var items = sorted(dict); items.hasNext(); ) {
          var item = ((Tuple) items.next()).items();
          line(item.get(0), line);
          line.append(": ");
          line(item.get(1), line);
          if (items.hasNext()) line.append(", ");
        }
        line.append("}");
      }
      case List<?> list -> {
        line.append("[");
        lines(list, line);
        line.append("]");
      }
      case Tuple tuple -> {
        line.append("(");
        lines(tuple.items(), line);
        line.append(tuple.items().size() == 1 ? ",)" : ")");
      }
      case null, default -> line.append(Repr.of(meter, value));
    }
    meter.leave();
  }

  private void lines(List<?> list, Output line) {
    for (var items = list.iterator(); items.hasNext(); ) {
      line(items.next(), line);
      if (items.hasNext()) line.append(", ");
    }
  }

  /// Writes a long text as several that follow each other.
  private void text(String text, int indentOutside, int allowanceOutside, int level) {
    boolean outermost = level == 1;
    int indent = indentOutside + (outermost ? 1 : 0);
    int allowance = allowanceOutside + (outermost ? 1 : 0);
    int width = WIDTH - indent;
    var parts = new ArrayList<String>();
    var lines = Strings.lines(text, true);
    for (int i = 0; i < lines.size(); i++) {
      boolean last = i == lines.size() - 1;
      var whole = Repr.of(meter, lines.get(i));
      if (Strings.length(whole) <= width - (last ? allowance : 0)) parts.add(whole);
      else parts(lines.get(i), width, last ? allowance : 0, parts);
    }
    if (parts.size() == 1) {
      out.append(Repr.of(meter, lines.getLast()));
      return;
    }
    if (outermost) out.append("(");
    for (int i = 0; i < parts.size(); i++) {
      if (i > 0) out.append("\n").append(meter.repeat(" ", indent));
      out.append(parts.get(i));
    }
    if (outermost) out.append(")");
  }

  private void parts(String line, int width, int allowance, List<String> parts) {
    var words = WORD.matcher(line);
    var current = "";
    while (words.find() && !words.group().isEmpty()) {
      var candidate = current + words.group();
      meter.characters(candidate.length());
      int room = width - (words.end() == line.length() ? allowance : 0);
      if (Strings.length(Repr.of(meter, candidate)) > room) {
        if (!current.isEmpty()) parts.add(Repr.of(meter, current));
        current = words.group();
      } else {
        current = candidate;
      }
    }
    if (!current.isEmpty()) parts.add(Repr.of(meter, current));
  }
}
