package dev.tenon.jinja;

import java.util.Iterator;
import java.util.NoSuchElementException;

/// Items that come one by one and only once, as from Python's generators.
final class Generator implements Iterator<Object> {
  /// Where items come from: each call gives the next, or [#END].
  interface Source {
    Object next();
  }

  /// What a source gives after its last item.
  static final Object END = new Object();

  private final Source source;
  private Object ahead;
  private boolean peeked;

  Generator(Source source) {
    this.source = source;
  }

  static Generator of(Iterator<Object> items) {
    return new Generator(() -> items.hasNext() ? items.next() : END);
  }

  @Override
  public boolean hasNext() {
    if (!peeked) {
      ahead = source.next();
      peeked = true;
    }
    return ahead != END;
  }

  @Override
  public Object next() {
    if (!hasNext()) throw new NoSuchElementException();
    peeked = false;
    return ahead;
  }
}
