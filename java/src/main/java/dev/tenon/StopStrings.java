package dev.tenon;

import java.util.List;

/// Looks for stop strings in a text that comes in pieces, and holds back what may become one.
///
/// Each string has the automaton of Knuth, Morris and Pratt (1977), so that a character costs the
/// same wherever it stands.
final class StopStrings {
  private final List<String> strings;
  private final int[][] fallbacks; // of each string: its longest border before each of its places
  private final int[] matched; // of each string: how much of it the text ends with
  private final StringBuilder held = new StringBuilder();
  private String found;

  StopStrings(List<String> strings) {
    this.strings = strings;
    this.fallbacks = strings.stream().map(StopStrings::fallbacks).toArray(int[][]::new);
    this.matched = new int[strings.size()];
  }

  /// Takes the next piece of the text.
  ///
  /// @return what is certain to be in front of every stop string, with what was held back before
  String accept(String piece) {
    if (strings.isEmpty()) return piece;
    for (int i = 0; i < piece.length() && found == null; i++) {
      held.append(piece.charAt(i));
      step(piece.charAt(i));
    }
    int kept = found == null ? longestMatch() : found.length();
    var out = held.substring(0, held.length() - kept);
    held.delete(0, found == null ? out.length() : held.length());
    return out;
  }

  /// {@return the stop string that was found, or null}
  String found() {
    return found;
  }

  /// Ends the text.
  ///
  /// @return what was held back and has not become a stop string
  String finish() {
    var rest = held.toString();
    held.setLength(0);
    return rest;
  }

  private void step(char next) {
    for (int s = 0; s < matched.length; s++) {
      var string = strings.get(s);
      int at = matched[s];
      while (at > 0 && string.charAt(at) != next) at = fallbacks[s][at];
      matched[s] = string.charAt(at) == next ? at + 1 : 0;
      if (matched[s] == string.length() && (found == null || string.length() > found.length()))
        found = string;
    }
  }

  private int longestMatch() {
    int longest = 0;
    for (int m : matched) longest = Math.max(longest, m);
    return longest;
  }

  private static int[] fallbacks(String string) {
    var fallback = new int[string.length() + 1];
    for (int i = 1; i < string.length(); i++) {
      int border = fallback[i];
      while (border > 0 && string.charAt(border) != string.charAt(i)) border = fallback[border];
      fallback[i + 1] = string.charAt(border) == string.charAt(i) ? border + 1 : 0;
    }
    return fallback;
  }
}
