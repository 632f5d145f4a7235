package dev.tenon.jinja;

import java.util.List;

/// Values that come one after the other, round and round.
final class Cycler {
  final List<Object> items;
  int position;

  Cycler(List<Object> items) {
    if (items.isEmpty()) throw new TemplateException("at least one item has to be provided");
    this.items = items;
  }

  Object current() {
    return items.get(position);
  }

  Object next() {
    var current = current();
    position = (position + 1) % items.size();
    return current;
  }
}
