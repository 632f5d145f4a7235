package dev.tenon.grammar;

import java.util.Random;

/// Small grammars over few characters, and texts of these.
final class RandomGrammars {
  private static final String[] LETTERS = {"a", "b", "c", "é", "日", "😀"};
  private static final String[] RULES = {"root", "x", "y", "z"};

  private RandomGrammars() {}

  static String grammar(Random random) {
    var out = new StringBuilder();
    for (var rule : RULES) {
      out.append(rule).append(" ::= ");
      alternatives(random, 0, out);
      out.append('\n');
    }
    return out.toString();
  }

  static String text(Random random) {
    var out = new StringBuilder();
    for (int i = random.nextInt(7); i > 0; i--) {
      out.append(pick(random, LETTERS));
    }
    return out.toString();
  }

  private static void alternatives(Random random, int depth, StringBuilder out) {
    for (int i = 0; i < 1 + random.nextInt(3); i++) {
      out.append(i == 0 ? "" : " | ");
      for (int j = random.nextInt(12) == 0 ? 0 : 1 + random.nextInt(3); j > 0; j--) {
        item(random, depth, out);
        if (random.nextInt(4) == 0) {
          out.append(pick(random, "*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}"));
        }
        out.append(' ');
      }
    }
  }

  private static void item(Random random, int depth, StringBuilder out) {
    int kind = random.nextInt(10);
    if (kind < 4) {
      out.append('"').append(pick(random, LETTERS));
      out.append(random.nextInt(3) == 0 ? pick(random, LETTERS) : "").append('"');
    } else if (kind < 6) {
      out.append(random.nextInt(3) == 0 ? "[^" : "[").append(pick(random, LETTERS));
      out.append(random.nextInt(3) == 0 ? "-日" : "").append(pick(random, LETTERS)).append(']');
    } else if (kind == 6) {
      out.append('.');
    } else if (kind == 7 && depth < 3) {
      out.append('(');
      alternatives(random, depth + 1, out);
      out.append(')');
    } else {
      out.append(pick(random, "x", "y", "z"));
    }
  }

  private static String pick(Random random, String... of) {
    return of[random.nextInt(of.length)];
  }
}
