package dev.tenon.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/// `loop` inside a loop's body.
final class Loop implements Callable {
  /// What renders the loop's body for other items.
  interface Recursion {
    Object render(Object iterable, int depth);
  }

  private static final Object NONE = new Object();

  private final Meter meter;
  private final Object iterable;
  private final Recursion recursion;
  private final int depth;

  private Iterator<Object> items;
  private long index = -1;
  private long length = -1;
  private Object before = NONE;
  private Object current = NONE;
  private Object after = NONE;
  private Object changed = NONE;

  /// @param recursion renders the loop anew, null for a loop that is not recursive
  /// @param depth how many loops are around it by recursion
  Loop(Meter meter, Object iterable, Iterator<Object> items, Recursion recursion, int depth) {
    this.meter = meter;
    this.iterable = iterable;
    this.items = items;
    this.recursion = recursion;
    this.depth = depth;
  }

  boolean hasNext() {
    return after != NONE || items.hasNext();
  }

  Object next() {
    var item = after != NONE ? after : items.next();
    after = NONE;
    index++;
    before = current;
    current = item;
    return item;
  }

  long length() {
    if (length >= 0) return length;
    length = Values.sizeOrMinusOne(iterable);
    if (length < 0) {
      List<Object> rest = new ArrayList<>();
      items.forEachRemaining(rest::add);
      items = rest.iterator();
      length = rest.size() + index + 1 + (after != NONE ? 1 : 0);
    }
    return length;
  }

  private boolean peek() {
    if (after == NONE && items.hasNext()) after = items.next();
    return after != NONE;
  }

  /// {@return an attribute, or [Scope#MISSING]}
  Object attribute(String name) {
    return switch (name) {
      case "index" -> index + 1;
      case "index0" -> index;
      case "revindex" -> length() - index;
      case "revindex0" -> length() - index - 1;
      case "first" -> index == 0;
      case "last" -> !peek();
      case "length" -> length();
      case "depth" -> depth + 1L;
      case "depth0" -> (long) depth;
      case "previtem" -> index == 0 ? Undefined.because("there is no previous item") : before;
      case "nextitem" -> peek() ? after : Undefined.because("there is no next item");
      case "cycle" -> new Builtin("cycle", "*args", (_, a) -> cycle((Tuple) a[0]));
      case "changed" -> new Builtin("changed", "*value", (_, a) -> changed(a[0]));
      default -> Scope.MISSING;
    };
  }

  private Object cycle(Tuple values) {
    if (values.items().isEmpty()) throw new TemplateException("no items for cycling given");
    return values.items().get((int) (index % values.items().size()));
  }

  private boolean changed(Object value) {
    if (changed != NONE && Values.equal(meter, changed, value)) return false;
    changed = value;
    return true;
  }

  /// Renders the loop for other items.
  @Override
  public Object call(Interpreter in, Arguments given) {
    if (recursion == null)
      throw new TemplateException(
          "The loop must have the 'recursive' marker to be called recursively.");
    if (given.positional().size() != 1 || !given.named().isEmpty())
      throw new TemplateException("loop() takes one argument");
    return recursion.render(given.positional().getFirst(), depth + 1);
  }

  /// {@return how it is printed}
  String describe() {
    return "<LoopContext " + (index + 1) + "/" + length() + ">";
  }
}
