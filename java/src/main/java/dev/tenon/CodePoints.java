package dev.tenon;

/// A text cut by Unicode code points, which is what offsets count.
final class CodePoints {
  private final int[] points;

  CodePoints(String text) {
    points = text.codePoints().toArray();
  }

  /// {@return how many there are}
  int length() {
    return points.length;
  }

  /// {@return the text between two offsets, empty where there is nothing between them}
  String slice(int start, int end) {
    int from = Math.min(Math.max(start, 0), points.length);
    int to = Math.min(end, points.length);
    return to <= from ? "" : new String(points, from, to - from);
  }

  /// {@return whether a code point stands anywhere between two offsets}
  boolean has(int point, int start, int end) {
    for (int i = Math.max(start, 0); i < Math.min(end, points.length); i++)
      if (points[i] == point) return true;
    return false;
  }
}
