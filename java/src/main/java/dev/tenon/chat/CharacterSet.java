package dev.tenon.chat;

/// Classes of characters as GBNF writes them: `[A-Za-z0-9_-]`, `[^:}]`.
final class CharacterSet {
  private CharacterSet() {}

  /// {@return whether the class has the character}
  static boolean has(String set, char c) {
    boolean negated = set.charAt(1) == '^';
    int last = set.length() - 1; // the ']'
    boolean found = false;
    for (int i = negated ? 2 : 1; i < last; i++) {
      char from = set.charAt(i);
      char to = from;
      if (i + 2 < last && set.charAt(i + 1) == '-') {
        to = set.charAt(i + 2);
        i += 2;
      }
      found |= c >= from && c <= to;
    }
    return found != negated;
  }
}
