package dev.tenon.tokenizer;

import java.nio.charset.StandardCharsets;
import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.regex.Pattern;

/// What a tokenizer makes of a text before it is split, as the `normalizer` of a `tokenizer.json`
/// says. Immutable and thread-safe.
@FunctionalInterface
interface Normalizer {
  /// A text grows by less than this, so that no file can make it fill the memory.
  int MOST_GROWTH = 32;

  /// {@return the text that takes the place of a text}
  String apply(String text);

  /// {@return the normaliser that a value of JSON describes, one that does nothing for null}
  ///
  /// @throws UnsupportedOperationException if its type is unknown; the message has it
  /// @throws IllegalArgumentException if a value in it is of another type than it should be
  static Normalizer of(Object json) {
    if (json == null) {
      return text -> text;
    }
    var step = new Step("normalizer", json);
    return switch (step.type()) {
      case "Sequence" -> sequence(step.list("normalizers").stream().map(Normalizer::of).toList());
      case "NFC" -> unicode(Form.NFC);
      case "NFD" -> unicode(Form.NFD);
      case "NFKC" -> unicode(Form.NFKC);
      case "NFKD" -> unicode(Form.NFKD);
      case "Lowercase" -> Normalizer::lowercase;
      case "StripAccents" -> text -> kept(text, c -> !isMark(c));
      case "Strip" -> {
        boolean left = step.flag("strip_left", true);
        boolean right = step.flag("strip_right", true);
        yield text -> strip(text, left, right);
      }
      case "Prepend" -> {
        var before = step.text("prepend");
        yield text -> text.isEmpty() ? text : before + text;
      }
      case "Append" -> {
        var after = step.text("append");
        yield text -> text.isEmpty() ? text : text + after;
      }
      case "Replace" -> {
        var pattern = step.pattern("pattern");
        var content = step.text("content");
        yield text -> replace(text, pattern, content);
      }
      case "Nmt" -> Normalizer::nmt;
      case "ByteLevel" -> text -> ByteLevelBpe.written(text);
      case "BertNormalizer" -> bert(step);
      default ->
          throw step.unknown(
              "Append, BertNormalizer, ByteLevel, Lowercase, NFC, NFD, NFKC, NFKD, Nmt, Prepend,"
                  + " Replace, Sequence, Strip, StripAccents");
    };
  }

  private static Normalizer sequence(List<Normalizer> all) {
    return text -> {
      var result = text;
      for (var normalizer : all) {
        result = normalizer.apply(result);
        if (result.length() > MOST_GROWTH * (long) text.length() + (1 << 16)) {
          throw new UnsupportedOperationException(
              "normalizer: it makes "
                  + result.length()
                  + " characters of "
                  + text.length()
                  + "; at most "
                  + MOST_GROWTH
                  + " times as many are possible");
        }
      }
      return result;
    };
  }

  private static Normalizer unicode(Form form) {
    return text -> java.text.Normalizer.normalize(text, form);
  }

  /// Each character by itself: a sigma at the end of a word is as any other.
  private static String lowercase(String text) {
    var result = new StringBuilder(text.length());
    text.codePoints()
        .forEach(
            c -> {
              if (c == 0x130) {
                result.append("i\u0307");
              } else {
                result.appendCodePoint(Character.toLowerCase(c));
              }
            });
    return result.toString();
  }

  private static boolean isMark(int c) {
    return switch (Character.getType(c)) {
      case Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK ->
          true;
      default -> false;
    };
  }

  /// As BERT does it, which keeps the marks that take room.
  private static String withoutAccents(String text) {
    return kept(
        java.text.Normalizer.normalize(text, Form.NFD),
        c -> Character.getType(c) != Character.NON_SPACING_MARK);
  }

  private static String kept(String text, IntPredicate keep) {
    return text.codePoints()
        .filter(keep)
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }

  private static String strip(String text, boolean left, boolean right) {
    int from = 0;
    int to = text.length();
    while (left && from < to && isSpace(text.charAt(from))) {
      from++;
    }
    while (right && to > from && isSpace(text.charAt(to - 1))) {
      to--;
    }
    return text.substring(from, to);
  }

  /// {@return whether Unicode's property White_Space has a character}
  static boolean isSpace(int c) {
    return c >= '\t' && c <= '\r' || c == 0x85 || Character.isSpaceChar(c);
  }

  private static String replace(String text, Pattern pattern, String content) {
    try {
      return replaced(text, pattern, content);
    } catch (StackOverflowError e) {
      throw BoundedText.tooDeep(e);
    }
  }

  private static String replaced(String text, Pattern pattern, String content) {
    var matcher = pattern.matcher(new BoundedText(text));
    var result = new StringBuilder();
    int end = 0;
    while (matcher.find()) {
      result.append(text, end, matcher.start()).append(content);
      end = matcher.end();
      if (result.length() > MOST_GROWTH * (long) text.length() + (1 << 16)) {
        throw new UnsupportedOperationException(
            "normalizer: it makes more than "
                + MOST_GROWTH
                + " times as many characters of "
                + text.length());
      }
    }
    return end == 0 && result.isEmpty() ? text : result.append(text, end, text.length()).toString();
  }

  /// SentencePiece's own table: controls are taken out, whatever parts words is a space.
  private static String nmt(String text) {
    var kept =
        kept(
            text,
            c ->
                !(c >= 1 && c <= 8
                    || c == 0x0b
                    || c >= 0x0e && c <= 0x1f
                    || c == 0x7f
                    || c == 0x8f
                    || c == 0x9f));
    var result = new StringBuilder(kept.length());
    kept.codePoints()
        .map(
            c ->
                c == '\t'
                        || c == '\n'
                        || c == '\f'
                        || c == '\r'
                        || c == 0x1680
                        || c >= 0x200b && c <= 0x200f
                        || c == 0x2028
                        || c == 0x2029
                        || c == 0x2581
                        || c == 0xfeff
                        || c == 0xfffd
                    ? ' '
                    : c)
        .forEach(result::appendCodePoint);
    return result.toString();
  }

  private static Normalizer bert(Step step) {
    boolean lower = step.flag("lowercase", true);
    boolean marks = step.flag("strip_accents", lower);
    var all = new ArrayList<Normalizer>();
    if (step.flag("clean_text", true)) {
      all.add(Normalizer::clean);
    }
    if (step.flag("handle_chinese_chars", true)) {
      all.add(Normalizer::spaceChinese);
    }
    if (marks) {
      all.add(Normalizer::withoutAccents);
    }
    if (lower) {
      all.add(Normalizer::lowercase);
    }
    return sequence(all);
  }

  private static String clean(String text) {
    var result = new StringBuilder(text.length());
    text.codePoints()
        .filter(c -> c != 0 && c != 0xfffd && !isControl(c))
        .map(c -> isSpace(c) ? ' ' : c)
        .forEach(result::appendCodePoint);
    return result.toString();
  }

  private static boolean isControl(int c) {
    if (c == '\t' || c == '\n' || c == '\r') {
      return false;
    }
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED ->
          true;
      default -> false;
    };
  }

  private static String spaceChinese(String text) {
    var result = new StringBuilder(text.length());
    text.codePoints()
        .forEach(
            c -> {
              boolean chinese =
                  c >= 0x4e00 && c <= 0x9fff
                      || c >= 0x3400 && c <= 0x4dbf
                      || c >= 0x20000 && c <= 0x2a6df
                      || c >= 0x2a700 && c <= 0x2b73f
                      || c >= 0x2b740 && c <= 0x2b81f
                      || c >= 0x2b920 && c <= 0x2ceaf
                      || c >= 0xf900 && c <= 0xfaff
                      || c >= 0x2f800 && c <= 0x2fa1f;
              if (chinese) {
                result.append(' ').appendCodePoint(c).append(' ');
              } else {
                result.appendCodePoint(c);
              }
            });
    return result.toString();
  }

  /// One step of a `tokenizer.json`: an object with a type.
  final class Step {
    private final String what;
    private final Map<?, ?> values;

    Step(String what, Object json) {
      this.what = what;
      if (!(json instanceof Map<?, ?> map)) {
        throw new IllegalArgumentException(what + ": expected an object, found " + kind(json));
      }
      values = map;
    }

    private static String kind(Object json) {
      return json == null ? "null" : json.getClass().getSimpleName().toLowerCase(Locale.ROOT);
    }

    String type() {
      return text("type");
    }

    boolean has(String key) {
      return values.get(key) != null;
    }

    Object get(String key) {
      return values.get(key);
    }

    String text(String key) {
      if (values.get(key) instanceof String text) {
        return text;
      }
      throw wrong(key, "a text");
    }

    String text(String key, String fallback) {
      return has(key) ? text(key) : fallback;
    }

    boolean flag(String key, boolean fallback) {
      return switch (values.get(key)) {
        case null -> fallback;
        case Boolean flag -> flag;
        default -> throw wrong(key, "true or false");
      };
    }

    List<Object> list(String key) {
      if (values.get(key) instanceof List<?> list) {
        return new ArrayList<>(list);
      }
      throw wrong(key, "an array");
    }

    /// {@return the pattern at a key: a text to be found as it stands, or a regular expression}
    Pattern pattern(String key) {
      var value = values.get(key);
      if (value instanceof String text) {
        return Pattern.compile(text, Pattern.LITERAL);
      }
      if (value instanceof Map<?, ?> map) {
        if (map.get("String") instanceof String text) {
          return Pattern.compile(text, Pattern.LITERAL);
        }
        if (map.get("Regex") instanceof String regex) {
          return BoundedText.compile(what, regex);
        }
      }
      throw wrong(key, "a String or a Regex");
    }

    IllegalArgumentException wrong(String key, String expected) {
      return new IllegalArgumentException(
          what + ", " + key + ": expected " + expected + ", found " + kind(values.get(key)));
    }

    UnsupportedOperationException unknown(String known) {
      return new UnsupportedOperationException(
          what + " " + Vocabulary.quote(type()) + " is not supported; known are " + known);
    }
  }

  /// {@return a text whose bytes are UTF-8}
  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
