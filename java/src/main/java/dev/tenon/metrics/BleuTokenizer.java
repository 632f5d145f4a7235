package dev.tenon.metrics;

import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// How BLEU cuts a text into words, as sacreBLEU's tokenizers of the same names do.
public enum BleuTokenizer {
  /// That of mteval-v13a, which WMT uses: for languages with spaces and Western punctuation.
  V13A("13a") {
    @Override
    List<String> tokenize(String text) {
      var line = text.replace("<skipped>", "").replace("-\n", "").replace('\n', ' ');
      line =
          line.replace("&quot;", "\"")
              .replace("&amp;", "&")
              .replace("&lt;", "<")
              .replace("&gt;", ">");
      return western(" " + line + " ");
    }
  },

  /// That of mteval-v14 for any language: punctuation and symbols of all scripts are words, but
  /// not between digits.
  INTL("intl") {
    @Override
    List<String> tokenize(String text) {
      var line = AFTER_OTHER.matcher(text).replaceAll("$1 $2 ");
      line = BEFORE_OTHER.matcher(line).replaceAll(" $1 $2");
      line = SYMBOL.matcher(line).replaceAll(" $0 ");
      return PythonText.split(line);
    }
  },

  /// Each character is a word, white space aside.
  CHAR("char") {
    @Override
    List<String> tokenize(String text) {
      return text.codePoints()
          .filter(c -> !PythonText.isSpace(c))
          .mapToObj(Character::toString)
          .toList();
    }
  },

  /// Each Chinese character is a word; the rest is cut as by `13a`.
  ZH("zh") {
    @Override
    List<String> tokenize(String text) {
      var line = new StringBuilder();
      PythonText.strip(text)
          .codePoints()
          .forEach(
              c -> {
                if (chinese(c)) line.append(' ').appendCodePoint(c).append(' ');
                else line.appendCodePoint(c);
              });
      return western(line.toString());
    }
  },

  /// Words are what white space separates, for texts that are tokenized already.
  NONE("none") {
    @Override
    List<String> tokenize(String text) {
      return PythonText.split(text);
    }
  };

  /// ASCII but letters, digits, control characters and ' , - .
  static final Pattern WESTERN_SYMBOL = Pattern.compile("[{-~\\[-` -&(-+:-@/]");

  static final Pattern AFTER_NO_DIGIT = Pattern.compile("([^0-9])([.,])");
  static final Pattern BEFORE_NO_DIGIT = Pattern.compile("([.,])([^0-9])");
  static final Pattern DASH_AFTER_DIGIT = Pattern.compile("([0-9])(-)");

  private static final Pattern AFTER_OTHER = Pattern.compile("(\\P{N})(\\p{P})");
  private static final Pattern BEFORE_OTHER = Pattern.compile("(\\p{P})(\\P{N})");
  private static final Pattern SYMBOL = Pattern.compile("\\p{S}");

  /// From, to, from, to, … as sacreBLEU has them. In its two ranges beyond U+FFFF, such as 20000 to
  /// 2A6D6, Python takes four of five digits for the character, so that they hold 2001 to 2A6D and
  /// 2F81 to 2FA1 instead, and no character beyond U+FFFF counts as Chinese.
  private static final int[] CHINESE = {
    0x3400, 0x4db5, 0x4e00, 0x9fa5, 0x9fa6, 0x9fbb, 0xf900, 0xfa2d, 0xfa30, 0xfa6a, 0xfa70, 0xfad9,
    0x2001, 0x2a6d, 0x2f81, 0x2fa1, 0xff00, 0xffef, 0x2e80, 0x2eff, 0x3000, 0x303f, 0x31c0, 0x31ef,
    0x2f00, 0x2fdf, 0x2ff0, 0x2fff, 0x3100, 0x312f, 0x31a0, 0x31bf, 0xfe10, 0xfe1f, 0xfe30, 0xfe4f,
    0x2600, 0x26ff, 0x2700, 0x27bf, 0x3200, 0x32ff, 0x3300, 0x33ff
  };

  private final String label;

  BleuTokenizer(String label) {
    this.label = label;
  }

  /// {@return sacreBLEU's name for it, such as `13a`}
  public String label() {
    return label;
  }

  /// {@return the tokenizer of that name}
  ///
  /// @param label sacreBLEU's name for it
  /// @throws UnsupportedOperationException if there is none; the message has the names that are
  public static BleuTokenizer of(String label) {
    for (var tokenizer : values()) {
      if (tokenizer.label.equals(label)) return tokenizer;
    }
    throw new UnsupportedOperationException(
        "BLEU has no tokenizer '%s' here; known are %s"
            .formatted(
                label,
                Arrays.stream(values())
                    .map(BleuTokenizer::label)
                    .collect(Collectors.joining(", "))));
  }

  /// {@return the words of a text}
  abstract List<String> tokenize(String text);

  /// What `13a` and `zh` end with.
  private static List<String> western(String text) {
    var line = WESTERN_SYMBOL.matcher(text).replaceAll(" $0 ");
    line = AFTER_NO_DIGIT.matcher(line).replaceAll("$1 $2 ");
    line = BEFORE_NO_DIGIT.matcher(line).replaceAll(" $1 $2");
    line = DASH_AFTER_DIGIT.matcher(line).replaceAll("$1 $2 ");
    return PythonText.split(line);
  }

  private static boolean chinese(int c) {
    for (int i = 0; i < CHINESE.length; i += 2) {
      if (c >= CHINESE[i] && c <= CHINESE[i + 1]) return true;
    }
    return false;
  }
}
