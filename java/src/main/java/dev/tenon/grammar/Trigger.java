package dev.tenon.grammar;

import java.util.Objects;
import java.util.regex.Pattern;

/// What makes a lazy grammar take hold of a text that was free until then.
public sealed interface Trigger {
  /// A word: the grammar begins with its first letter.
  ///
  /// @param text what to look for; not empty
  record Word(String text) implements Trigger {
    /// Checks the word.
    ///
    /// @throws IllegalArgumentException if it is empty
    public Word {
      if (text.isEmpty()) {
        throw new IllegalArgumentException("the word of a trigger is empty");
      }
    }
  }

  /// A regular expression, looked for in all of the text so far: the grammar begins with the first
  /// group that is not empty, else with the whole match. One that begins with `^` and ends with `$`
  /// is tried on the whole text first.
  ///
  /// @param regex as [Pattern] has them; `.` does not match the end of a line
  record Regex(Pattern regex) implements Trigger {
    /// Checks the expression.
    public Regex {
      Objects.requireNonNull(regex);
    }
  }

  /// A token: the grammar begins with it.
  ///
  /// @param id the token
  record Token(int id) implements Trigger {}

  /// {@return a trigger that is a word}
  ///
  /// @param text not empty
  /// @throws IllegalArgumentException if it is empty
  static Trigger word(String text) {
    return new Word(text);
  }

  /// {@return a trigger that is a regular expression}
  ///
  /// @param regex see [Regex]
  /// @throws java.util.regex.PatternSyntaxException if it is none
  static Trigger regex(String regex) {
    return new Regex(Pattern.compile(regex, Pattern.UNIX_LINES));
  }

  /// {@return a trigger that is a token}
  ///
  /// @param id the token
  static Trigger token(int id) {
    return new Token(id);
  }
}
