package dev.tenon.tokenizer;

import java.nio.charset.StandardCharsets;
import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.function.IntUnaryOperator;
import java.util.regex.Pattern;

/// What a tokenizer makes of a text before it is split, as the `normalizer` of a `tokenizer.json`
/// says. Immutable and thread-safe.
@FunctionalInterface
interface Normalizer {
  /// A text grows by less than this, so that no file can make it fill the memory.
  int MOST_GROWTH = 32;

  /// {@return the text that takes the place of a text}
  AlignedText apply(AlignedText text);

  /// {@return the text that takes the place of a text}
  default String apply(String text) {
    return apply(AlignedText.of(text)).text();
  }

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
      case "NFC" -> text -> UnicodeForm.apply(text, Form.NFC);
      case "NFD" -> text -> UnicodeForm.apply(text, Form.NFD);
      case "NFKC" -> text -> UnicodeForm.apply(text, Form.NFKC);
      case "NFKD" -> text -> UnicodeForm.apply(text, Form.NFKD);
      case "Lowercase" -> Normalizer::lowercase;
      case "StripAccents" -> text -> kept(text, c -> !UnicodeForm.isMark(c));
      case "Strip" -> {
        boolean left = step.flag("strip_left", true);
        boolean right = step.flag("strip_right", true);
        yield text -> strip(text, left, right);
      }
      case "Prepend" -> {
        var before = step.text("prepend");
        yield text -> prepend(text, before);
      }
      case "Append" -> {
        var after = step.text("append");
        yield text -> append(text, after);
      }
      case "Replace" -> {
        var pattern = step.pattern("pattern");
        var content = step.text("content");
        yield text -> replace(text, pattern, content);
      }
      case "Nmt" -> Normalizer::nmt;
      case "ByteLevel" -> Normalizer::byteLevel;
      case "BertNormalizer" -> bert(step);
      case "Precompiled" -> SentencePieceNormalizer.precompiled(step);
      case "SentencePiece" -> new SentencePieceNormalizer(step);
      default ->
          throw step.unknown(
              "Append, BertNormalizer, ByteLevel, Lowercase, NFC, NFD, NFKC, NFKD, Nmt,"
                  + " Precompiled, Prepend, Replace, SentencePiece, Sequence, Strip, StripAccents");
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

  /// {@return a text with another before it, which comes from where its first character does}
  static AlignedText prepend(AlignedText text, String before) {
    if (text.isEmpty() || before.isEmpty()) {
      return text;
    }
    var edit = text.edit();
    int first = text.text().codePointAt(0);
    edit.replace(before.codePointAt(0));
    before.codePoints().skip(1).forEach(edit::insert);
    edit.insert(first);
    edit.keep(text.length());
    return edit.done();
  }

  private static AlignedText append(AlignedText text, String after) {
    var edit = text.edit();
    edit.keep(text.length());
    after.codePoints().forEach(edit::insert);
    return edit.done();
  }

  /// {@return a text as byte-level vocabularies write it: a character for each byte of its UTF-8}
  static AlignedText byteLevel(AlignedText text) {
    var edit = text.edit();
    text.text()
        .codePoints()
        .forEach(
            c -> {
              var written = ByteLevelBpe.written(Character.toString(c));
              edit.replace(written.charAt(0));
              for (int i = 1; i < written.length(); i++) {
                edit.insert(written.charAt(i));
              }
            });
    return edit.done();
  }

  /// Each character by itself: a sigma at the end of a word is as any other.
  private static AlignedText lowercase(AlignedText text) {
    var edit = text.edit();
    text.text()
        .codePoints()
        .forEach(
            c -> {
              if (c == 0x130) {
                edit.replace('i');
                edit.insert(0x307);
              } else {
                edit.replace(Character.toLowerCase(c));
              }
            });
    return edit.done();
  }

  /// As BERT does it, which keeps the marks that take room.
  private static AlignedText withoutAccents(AlignedText text) {
    return kept(
        UnicodeForm.apply(text, Form.NFD), c -> Character.getType(c) != Character.NON_SPACING_MARK);
  }

  private static AlignedText kept(AlignedText text, IntPredicate keep) {
    return each(text, c -> keep.test(c) ? c : -1);
  }

  /// {@return a text of other characters, where one that becomes -1 is left out}
  private static AlignedText each(AlignedText text, IntUnaryOperator other) {
    var edit = text.edit();
    text.text()
        .codePoints()
        .forEach(
            c -> {
              int result = other.applyAsInt(c);
              if (result < 0) {
                edit.skip(1);
              } else {
                edit.replace(result);
              }
            });
    return edit.done();
  }

  private static AlignedText strip(AlignedText text, boolean left, boolean right) {
    int from = 0;
    int to = text.length();
    while (left && from < to && isSpace(text.text().charAt(from))) {
      from++;
    }
    while (right && to > from && isSpace(text.text().charAt(to - 1))) {
      to--;
    }
    var edit = text.edit();
    edit.skip(from); // white space is one unit a character
    edit.keep(to);
    return edit.done();
  }

  /// {@return whether Unicode's property White_Space has a character}
  static boolean isSpace(int c) {
    return c >= '\t' && c <= '\r' || c == 0x85 || Character.isSpaceChar(c);
  }

  static AlignedText replace(AlignedText text, Pattern pattern, String content) {
    try {
      return replaced(text, pattern, content);
    } catch (StackOverflowError e) {
      throw BoundedText.tooDeep(e);
    }
  }

  private static AlignedText replaced(AlignedText text, Pattern pattern, String content) {
    var matcher = pattern.matcher(new BoundedText(text.text()));
    AlignedText.Edit edit = null;
    while (matcher.find()) {
      if (edit == null) {
        edit = text.edit();
      }
      edit.keep(matcher.start());
      edit.skip(text.text().codePointCount(matcher.start(), matcher.end()));
      content.codePoints().forEach(edit::insert); // all of it comes from the match's end
      if (edit.length() > MOST_GROWTH * (long) text.length() + (1 << 16)) {
        throw new UnsupportedOperationException(
            "normalizer: it makes more than "
                + MOST_GROWTH
                + " times as many characters of "
                + text.length());
      }
    }
    if (edit == null) {
      return text;
    }
    edit.keep(text.length());
    return edit.done();
  }

  /// SentencePiece's own table: controls are taken out, whatever parts words is a space.
  private static AlignedText nmt(AlignedText text) {
    return each(
        text,
        c -> {
          if (c >= 1 && c <= 8
              || c == 0x0b
              || c >= 0x0e && c <= 0x1f
              || c == 0x7f
              || c == 0x8f
              || c == 0x9f) {
            return -1;
          }
          return c == '\t'
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
              : c;
        });
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

  private static AlignedText clean(AlignedText text) {
    return each(text, c -> c == 0 || c == 0xfffd || isControl(c) ? -1 : isSpace(c) ? (int) ' ' : c);
  }

  private static boolean isControl(int c) {
    if (c == '\t' || c == '\n' || c == '\r') {
      return false;
    }
    return switch (Character.getType(c)) {
      case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE -> true;
      default -> false;
    };
  }

  private static AlignedText spaceChinese(AlignedText text) {
    var edit = text.edit();
    text.text()
        .codePoints()
        .forEach(
            c -> {
              if (isChinese(c)) {
                edit.replace(' ');
                edit.insert(c);
                edit.insert(' ');
              } else {
                edit.replace(c);
              }
            });
    return edit.done();
  }

  /// {@return whether BERT makes a word of a character alone}
  static boolean isChinese(int c) {
    return c >= 0x4e00 && c <= 0x9fff
        || c >= 0x3400 && c <= 0x4dbf
        || c >= 0x20000 && c <= 0x2a6df
        || c >= 0x2a700 && c <= 0x2b73f
        || c >= 0x2b740 && c <= 0x2b81f
        || c >= 0x2b920 && c <= 0x2ceaf
        || c >= 0xf900 && c <= 0xfaff
        || c >= 0x2f800 && c <= 0x2fa1f;
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
