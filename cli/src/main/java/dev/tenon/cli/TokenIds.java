package dev.tenon.cli;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.regex.Pattern;

/// Token ids as people and programs write them: `1,2,3`, `1 2 3` or a JSON array of them.
final class TokenIds {
  private static final Pattern BETWEEN = Pattern.compile("\\s*,\\s*|\\s+");
  private static final Pattern NUMBER = Pattern.compile("-?[0-9]+");
  private static final BigInteger LARGEST = BigInteger.valueOf(Integer.MAX_VALUE);
  private static final BigInteger SMALLEST = BigInteger.valueOf(Integer.MIN_VALUE);

  private TokenIds() {}

  /// {@return the ids that an option was given}
  static int[] parse(Command command, String option, String text) {
    var list = text.strip();
    if (list.length() > 1 && list.startsWith("[") && list.endsWith("]")) {
      list = list.substring(1, list.length() - 1).strip();
    }
    if (list.isEmpty()) {
      return new int[0];
    }
    return Arrays.stream(BETWEEN.split(list, -1))
        .mapToInt(
            id -> {
              if (!NUMBER.matcher(id).matches()) {
                throw command.usage(option + ": '" + id + "' is not a token id");
              }
              // What no int holds is outside of every vocabulary, as the largest int is.
              return new BigInteger(id).min(LARGEST).max(SMALLEST).intValue();
            })
        .toArray();
  }

  /// Refuses ids that a model does not have.
  static void check(int[] ids, int vocabulary) {
    for (int id : ids) {
      if (id < 0 || id >= vocabulary) {
        throw new IndexOutOfBoundsException(
            "token " + id + " is outside the vocabulary of " + vocabulary);
      }
    }
  }
}
