package dev.tenon.metrics;

import java.util.List;
import java.util.regex.Pattern;

/// How TER cuts a text into words, as Tercom's normaliser does.
final class TercomTokenizer {
  /// CJK ideographs; strokes and radicals; compatibility forms; and the enclosed letters U+3200 to
  /// U+32FF, which in sacreBLEU end at U+3F22. It looks for one after the other, which adds nothing
  /// but spaces.
  private static final Pattern ASIAN =
      Pattern.compile(
          "[\u4e00-\u9fff\u3400-\u4dbf\u31c0-\u31ef\u2e80-\u2eff\u3300-\u33ff\uf900-\ufaff"
              + "\ufe30-\ufe4f\u3200-\u3f22]");

  private static final Pattern PUNCTUATION = Pattern.compile("[.,?:;!\"()]");
  private static final Pattern ASIAN_PUNCTUATION =
      Pattern.compile(
          "[\u3001\u3002\u3008-\u3011\u3014-\u301f\uff61-\uff65\u30fb" // Asian
              + "\uff0e\uff0c\uff1f\uff1a\uff1b\uff01\uff02\uff08\uff09]"); // of full width

  private final Ter settings;

  TercomTokenizer(Ter settings) {
    this.settings = settings;
  }

  /// {@return the words of a text}
  List<String> tokenize(String text) {
    var line = PythonText.stripEnd(text);
    if (!settings.caseSensitive()) line = PythonText.lower(line);
    if (settings.normalized()) {
      line = western(line);
      // (Upstream also looks for kana at the very start, where a space has been put by now.)
      if (settings.asianSupport()) {
        line = ASIAN.matcher(line).replaceAll(" $0 ");
        line = ASIAN_PUNCTUATION.matcher(line).replaceAll(" $0 ");
      }
    }
    if (settings.noPunct()) {
      line = PUNCTUATION.matcher(line).replaceAll("");
      if (settings.asianSupport()) line = ASIAN_PUNCTUATION.matcher(line).replaceAll("");
    }
    return PythonText.split(line);
  }

  private static String western(String text) {
    var line = text.replace("\n-", "").replace('\n', ' ');
    line =
        line.replace("&quot;", "\"")
            .replace("&amp;", "&")
            .replace("&lt;", "<")
            .replace("&gt;", ">");
    line = BleuTokenizer.WESTERN_SYMBOL.matcher(" " + line + " ").replaceAll(" $0 ");
    line = line.replace("'s ", " 's ");
    line = BleuTokenizer.AFTER_NO_DIGIT.matcher(line).replaceAll("$1 $2 ");
    line = BleuTokenizer.BEFORE_NO_DIGIT.matcher(line).replaceAll(" $1 $2");
    return BleuTokenizer.DASH_AFTER_DIGIT.matcher(line).replaceAll("$1 $2 ");
  }
}
