package dev.tenon.jinja;

/// A text that is being made, within limits.
final class Output {
  private final StringBuilder text = new StringBuilder();
  private final Meter meter;

  Output(Meter meter) {
    this.meter = meter;
  }

  Output append(String piece) {
    meter.characters(piece.length());
    text.append(piece);
    return this;
  }

  Output append(String piece, int from, int to) {
    meter.characters(to - from);
    text.append(piece, from, to);
    return this;
  }

  Output append(char piece) {
    meter.characters(1);
    text.append(piece);
    return this;
  }

  Output appendCodePoint(int piece) {
    meter.characters(1);
    text.appendCodePoint(piece);
    return this;
  }

  int length() {
    return text.length();
  }

  @Override
  public String toString() {
    return text.toString();
  }
}
