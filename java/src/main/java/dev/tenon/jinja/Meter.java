package dev.tenon.jinja;

/// What one rendering has used of its [Limits].
final class Meter {
  /// What a list's element weighs, in characters.
  private static final int ELEMENT = 4;

  private final Limits limits;
  private long steps;
  private long memory;
  private int depth;

  Meter(Limits limits) {
    this.limits = limits;
  }

  Limits limits() {
    return limits;
  }

  void step() {
    if (++steps > limits.steps())
      throw new TemplateException(
          "the template takes more than " + limits.steps() + " steps: does it loop for ever?");
  }

  void steps(long count) {
    steps = Math.min(steps + count, limits.steps());
    step();
  }

  /// Counts a look through a text.
  void scan(String text) {
    if (text.length() >= 64) steps(text.length() / 64);
  }

  /// Counts a search in a text for a part, at its slowest.
  void search(String text, String part) {
    if (text.length() >= 64) steps(text.length() / 64L * (1 + part.length() / 64));
  }

  /// Goes one level deeper; each call needs its [#leave].
  void enter() {
    if (++depth > limits.depth()) {
      depth--;
      throw tooDeep();
    }
  }

  void leave() {
    depth--;
  }

  static TemplateException tooDeep() {
    return new TemplateException("nested too deeply: does the template recurse for ever?");
  }

  /// Counts characters of a value before they are made.
  void characters(long count) {
    if (count > limits.memory() - memory)
      throw new TemplateException(
          "the template's values take more than " + limits.memory() + " characters");
    memory += Math.max(0, count);
  }

  /// Counts elements of a list before they are made.
  void elements(long count) {
    characters(count > limits.memory() ? count : count * ELEMENT);
  }

  /// {@return a text times a count, within limits}
  String repeat(String text, long count) {
    if (count <= 0 || text.isEmpty()) return "";
    if (count > limits.memory()) characters(count);
    characters(count * text.length());
    if (count * text.length() > Integer.MAX_VALUE - 8)
      throw new TemplateException("a text of more than 2 GiB");
    return text.repeat((int) count);
  }
}
