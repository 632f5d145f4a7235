package dev.tenon.jinja;

import dev.tenon.jinja.Expression.Escaping;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// What the parser knows of the statements around the one that it reads.
final class Frame {
  /// Which of some names a body speaks of that it has not assigned before.
  static final class Uses {
    private final Set<String> wanted;
    private final Set<String> found = new HashSet<>();

    Uses(String... names) {
      wanted = new HashSet<>(Set.of(names));
    }

    boolean found(String name) {
      return found.contains(name);
    }
  }

  /// Whether an unknown filter is an error only when it is called: inside `if`.
  private final boolean soft;

  private final boolean breakable;
  private final boolean inLoop;
  private final Escaping escaping;
  private final List<Uses> uses;

  private Frame(
      boolean soft, boolean breakable, boolean inLoop, Escaping escaping, List<Uses> uses) {
    this.soft = soft;
    this.breakable = breakable;
    this.inLoop = inLoop;
    this.escaping = escaping;
    this.uses = uses;
  }

  static Frame root() {
    return new Frame(false, false, false, Escaping.OFF, List.of());
  }

  /// {@return the inside of an `if`}
  Frame branch() {
    return new Frame(true, breakable, inLoop, escaping, uses);
  }

  /// {@return the inside of a statement with a scope of its own}
  Frame inner() {
    return new Frame(false, breakable, inLoop, escaping, uses);
  }

  Frame loop() {
    return new Frame(false, true, true, escaping, uses);
  }

  /// {@return the `else` of a loop}
  Frame afterLoop(boolean recursive) {
    return new Frame(false, breakable && !recursive, inLoop, escaping, uses);
  }

  /// {@return the inside of a macro, which no `break` leaves}
  Frame macro(Uses names) {
    var all = new ArrayList<>(uses);
    all.add(names);
    return new Frame(false, false, inLoop, escaping, all);
  }

  /// {@return the inside of a block, which is read apart}
  Frame block() {
    return new Frame(false, false, inLoop, Escaping.OFF, List.of());
  }

  Frame escaping(Escaping inside) {
    return new Frame(
        false, breakable, inLoop, escaping == Escaping.DYNAMIC ? escaping : inside, uses);
  }

  boolean soft() {
    return soft;
  }

  boolean breakable() {
    return breakable;
  }

  boolean inLoop() {
    return inLoop;
  }

  Escaping escaping() {
    return escaping;
  }

  /// Notes that a name is read.
  void read(String name) {
    for (var names : uses) if (names.wanted.contains(name)) names.found.add(name);
  }

  /// Notes that a name is assigned.
  void assign(String name) {
    for (var names : uses) names.wanted.remove(name);
  }
}
