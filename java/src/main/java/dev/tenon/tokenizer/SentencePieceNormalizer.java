package dev.tenon.tokenizer;

import java.util.Base64;

/// What SentencePiece itself makes of a text before it cuts it into pieces: its table
/// ([PrecompiledCharsmap]), then spaces taken out, put in front and written as U+2581.
///
/// Immutable and thread-safe.
final class SentencePieceNormalizer implements Normalizer {
  private static final char SPACE = '\u2581';

  private final PrecompiledCharsmap charsmap;
  private final PieceTrie userDefined = new PieceTrie();
  private final boolean adds;
  private final boolean removes;
  private final char space;
  private final boolean after;
  private final boolean languages;

  /// @param step an object with the settings of a `NormalizerSpec`, under their names there,
  ///     `treat_whitespace_as_suffix`, a list `user_defined`: pieces that are left as they stand,
  ///     and `language_codes`: whether what a text begins with, `>>` to `<<`, is left so as well
  SentencePieceNormalizer(Step step) {
    charsmap = step.has("precompiled_charsmap") ? charsmap(step) : null;
    adds = step.flag("add_dummy_prefix", true);
    removes = step.flag("remove_extra_whitespaces", true);
    space = step.flag("escape_whitespaces", true) ? SPACE : ' ';
    after = step.flag("treat_whitespace_as_suffix", false);
    languages = step.flag("language_codes", false);
    if (step.has("user_defined")) {
      for (var piece : step.list("user_defined")) {
        if (!(piece instanceof String text)) {
          throw step.wrong("user_defined", "texts");
        }
        userDefined.put(text, 0);
      }
    }
  }

  private static PrecompiledCharsmap charsmap(Step step) {
    return new PrecompiledCharsmap(Base64.getDecoder().decode(step.text("precompiled_charsmap")));
  }

  /// {@return the normaliser `Precompiled` of a `tokenizer.json`: the table alone, as the library
  /// tokenizers goes by it}
  static Normalizer precompiled(Step step) {
    var charsmap = charsmap(step);
    return text -> {
      var edit = text.edit();
      charsmap.replace(
          text.text(),
          (replacement, from, to) -> {
            put(replacement, text.text().codePointCount(from, to), edit);
            check(edit, text);
          });
      return edit.done();
    };
  }

  static void check(AlignedText.Edit edit, AlignedText text) {
    if (edit.length() > MOST_GROWTH * (long) text.length() + (1 << 16)) {
      throw new UnsupportedOperationException(
          "precompiled_charsmap: it makes more than "
              + MOST_GROWTH
              + " times as many characters of "
              + text.length());
    }
  }

  /// Puts a text in place of a number of characters.
  static void put(String replacement, int characters, AlignedText.Edit edit) {
    for (int i = 0; i < replacement.length(); ) {
      int c = replacement.codePointAt(i);
      if (characters > 0) {
        edit.replace(c);
        characters--;
      } else {
        edit.insert(c);
      }
      i += Character.charCount(c);
    }
    if (edit.length() > 0) {
      edit.skip(characters);
    } // else tokenizers forgets them, and its places are those of the characters before
  }

  @Override
  public AlignedText apply(AlignedText aligned) {
    var text = aligned.text();
    var edit = aligned.edit();
    var part = new Part();
    int code = languages && text.startsWith(">>") ? text.indexOf("<<") : -1;
    int from = code < 0 ? 0 : code + 2;
    edit.keep(from);
    while (removes && from < text.length()) {
      int end = next(text, from, part);
      if (!part.text.equals(" ")) {
        break;
      }
      edit.skip(text.codePointCount(from, end));
      from = end;
    }
    if (from == text.length()) {
      return edit.done();
    }
    boolean prefix = adds && !after;
    boolean afterSpace = removes;
    while (from < text.length()) {
      int end = next(text, from, part);
      int skip = 0;
      while (afterSpace && skip < part.text.length() && part.text.charAt(skip) == ' ') {
        skip++;
      }
      var written = part.text.substring(skip).replace(' ', space);
      if (!written.isEmpty()) {
        afterSpace = removes && part.text.endsWith(" ");
      }
      if (prefix) {
        written = space + written; // it comes from where the first character does
        prefix = false;
      }
      put(written, text.codePointCount(from, end), edit);
      check(edit, aligned);
      from = end;
    }
    if (adds && after && !removes) {
      edit.insert(space);
    }
    var result = edit.done();
    if (!removes) {
      return result;
    }
    int length = result.length();
    while (length > 0 && result.text().charAt(length - 1) == space) {
      length--;
    }
    result = result.part(0, length);
    if (!adds || !after) {
      return result;
    }
    var last = result.edit();
    last.keep(length);
    last.insert(space);
    return last.done();
  }

  /// What the text at a place becomes.
  private static final class Part implements PrecompiledCharsmap.Replaced {
    private String text = "";

    @Override
    public void add(String replacement, int from, int to) {
      text = replacement;
    }
  }

  /// {@return where the text at a place ends that becomes a part}
  private int next(String text, int from, Part part) {
    int end = userDefined.longest(text, from);
    if (end == from && charsmap != null) {
      return charsmap.longest(text, from, text.length(), part);
    }
    end = end > from ? end : from + Character.charCount(text.codePointAt(from));
    part.add(text.substring(from, end), from, end);
    return end;
  }
}
