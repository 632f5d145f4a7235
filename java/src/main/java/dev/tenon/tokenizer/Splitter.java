package dev.tenon.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.regex.Pattern;

/// How a text is cut into words, as the `pre_tokenizer` of a `tokenizer.json` says. Immutable and
/// thread-safe.
@FunctionalInterface
interface Splitter {
  /// GPT-2's words, which `ByteLevel` cuts where it is not told otherwise.
  String GPT2 =
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

  /// {@return the words of a word, none of them empty}
  List<AlignedText> split(AlignedText word);

  /// {@return the splitter that a value of JSON describes, one that does nothing for null}
  ///
  /// @throws UnsupportedOperationException if its type is unknown; the message has it
  /// @throws IllegalArgumentException if a value in it is of another type than it should be
  static Splitter of(Object json) {
    if (json == null) {
      return List::of;
    }
    var step = new Normalizer.Step("pre_tokenizer", json);
    return switch (step.type()) {
      case "Sequence" -> sequence(step.list("pretokenizers").stream().map(Splitter::of).toList());
      case "ByteLevel" -> byteLevel(step);
      case "Split" ->
          split(
              step.pattern("pattern"),
              Behavior.of(step.text("behavior", "Isolated")),
              step.flag("invert", false));
      case "Metaspace" -> metaspace(step);
      case "Digits" ->
          split(
              Pattern.compile("\\p{N}"),
              step.flag("individual_digits", false) ? Behavior.ISOLATED : Behavior.CONTIGUOUS,
              false);
      case "Punctuation" ->
          characters(Splitter::isPunctuation, Behavior.of(step.text("behavior", "Isolated")));
      case "Whitespace" ->
          split(
              Pattern.compile("\\w+|[^\\w\\s]+", Pattern.UNICODE_CHARACTER_CLASS),
              Behavior.REMOVED,
              true);
      case "WhitespaceSplit" -> characters(Normalizer::isSpace, Behavior.REMOVED);
      case "BertPreTokenizer" ->
          sequence(
              List.of(
                  characters(Normalizer::isSpace, Behavior.REMOVED),
                  characters(Splitter::isPunctuation, Behavior.ISOLATED)));
      case "CharDelimiterSplit" ->
          split(Pattern.compile(step.text("delimiter"), Pattern.LITERAL), Behavior.REMOVED, false);
      default ->
          throw step.unknown(
              "BertPreTokenizer, ByteLevel, CharDelimiterSplit, Digits, Metaspace, Punctuation,"
                  + " Sequence, Split, Whitespace, WhitespaceSplit");
    };
  }

  /// What becomes of a match.
  enum Behavior {
    /// It is left out.
    REMOVED,
    /// It is a word.
    ISOLATED,
    /// It ends the word before it.
    MERGED_WITH_PREVIOUS,
    /// It begins the word after it.
    MERGED_WITH_NEXT,
    /// It is a word, with those right after it.
    CONTIGUOUS;

    static Behavior of(String name) {
      return switch (name) {
        case "Removed" -> REMOVED;
        case "Isolated" -> ISOLATED;
        case "MergedWithPrevious" -> MERGED_WITH_PREVIOUS;
        case "MergedWithNext" -> MERGED_WITH_NEXT;
        case "Contiguous" -> CONTIGUOUS;
        default ->
            throw new UnsupportedOperationException(
                "pre_tokenizer: behavior " + Vocabulary.quote(name) + " is not supported");
      };
    }
  }

  private static Splitter sequence(List<Splitter> all) {
    return word -> {
      var words = List.of(word);
      for (var splitter : all) {
        var next = new ArrayList<AlignedText>();
        for (var part : words) {
          next.addAll(splitter.split(part));
        }
        words = next;
      }
      return words;
    };
  }

  private static Splitter byteLevel(Normalizer.Step step) {
    boolean space = step.flag("add_prefix_space", true);
    var words =
        step.flag("use_regex", true)
            ? split(BoundedText.compile("pre_tokenizer", GPT2), Behavior.ISOLATED, false)
            : (Splitter) List::of;
    return word -> {
      var text = space && !word.text().startsWith(" ") ? Normalizer.prepend(word, " ") : word;
      return words.split(text).stream().map(Normalizer::byteLevel).toList();
    };
  }

  private static Splitter metaspace(Normalizer.Step step) {
    var replacement = step.text("replacement", "\u2581");
    var scheme =
        step.text("prepend_scheme", step.flag("add_prefix_space", true) ? "always" : "never");
    var words =
        step.flag("split", true)
            ? split(Pattern.compile(replacement, Pattern.LITERAL), Behavior.MERGED_WITH_NEXT, false)
            : (Splitter) List::of;
    var spaces = Pattern.compile(" ", Pattern.LITERAL);
    return word -> {
      var text = Normalizer.replace(word, spaces, replacement);
      boolean prepend = scheme.equals("always") || scheme.equals("first") && word.isFirst();
      if (prepend && !text.text().startsWith(replacement)) {
        text = Normalizer.prepend(text, replacement);
      }
      return words.split(text);
    };
  }

  private static Splitter characters(IntPredicate isMatch, Behavior behavior) {
    return word -> {
      var ranges = new ArrayList<Range>();
      for (int i = 0; i < word.text().length(); ) {
        int c = word.text().codePointAt(i);
        int end = i + Character.charCount(c);
        if (isMatch.test(c)) {
          ranges.add(new Range(i, end));
        }
        i = end;
      }
      return cut(word, ranges, behavior, false);
    };
  }

  private static Splitter split(Pattern pattern, Behavior behavior, boolean invert) {
    return word -> {
      var ranges = new ArrayList<Range>();
      var matcher = pattern.matcher(new BoundedText(word.text()));
      try {
        while (matcher.find()) {
          ranges.add(new Range(matcher.start(), matcher.end()));
        }
      } catch (StackOverflowError e) {
        throw BoundedText.tooDeep(e);
      }
      return cut(word, ranges, behavior, invert);
    };
  }

  /// A match; an empty one parts what is before it from what is after it.
  record Range(int from, int to) {}

  /// Cuts a word at matches that are in order and apart.
  private static List<AlignedText> cut(
      AlignedText word, List<Range> matches, Behavior behavior, boolean invert) {
    var words = new ArrayList<AlignedText>();
    int from = 0; // of the word to come
    int at = 0; // up to where pieces were gone through
    boolean before = false; // whether the piece before was a match
    for (var match : matches) {
      if (match.from > at) {
        from = piece(word, from, at, match.from, invert, before, behavior, words);
        before = invert;
      }
      from = piece(word, from, match.from, match.to, !invert, before, behavior, words);
      before = !invert;
      at = match.to;
    }
    if (at < word.text().length()) {
      from = piece(word, from, at, word.text().length(), invert, before, behavior, words);
    }
    add(word, from, word.text().length(), words);
    return words;
  }

  /// Takes the piece from `at` to `end`.
  ///
  /// @param from where the word begins that was not added yet; it ends at `at`
  /// @return where the word begins that is not added yet
  private static int piece(
      AlignedText word,
      int from,
      int at,
      int end,
      boolean match,
      boolean before,
      Behavior behavior,
      List<AlignedText> words) {
    if (!match) {
      boolean joins =
          behavior == Behavior.MERGED_WITH_NEXT && before
              || behavior == Behavior.CONTIGUOUS && !before;
      if (joins) {
        return from;
      }
      add(word, from, at, words);
      return at;
    }
    return switch (behavior) {
      case REMOVED -> {
        add(word, from, at, words);
        yield end;
      }
      case ISOLATED, MERGED_WITH_NEXT -> {
        add(word, from, at, words);
        yield at;
      }
      case MERGED_WITH_PREVIOUS -> {
        if (before) {
          add(word, from, at, words);
          yield at;
        }
        yield from;
      }
      case CONTIGUOUS -> {
        if (before) {
          yield from;
        }
        add(word, from, at, words);
        yield at;
      }
    };
  }

  private static void add(AlignedText word, int from, int to, List<AlignedText> words) {
    if (from < to) {
      words.add(word.part(from, to));
    }
  }

  /// {@return whether BERT makes a word of it: punctuation, and the symbols of ASCII}
  static boolean isPunctuation(int c) {
    if (c < 0x80) {
      return c > ' ' && c < 0x7f && !Character.isLetterOrDigit(c);
    }
    return switch (Character.getType(c)) {
      case Character.CONNECTOR_PUNCTUATION,
          Character.DASH_PUNCTUATION,
          Character.START_PUNCTUATION,
          Character.END_PUNCTUATION,
          Character.INITIAL_QUOTE_PUNCTUATION,
          Character.FINAL_QUOTE_PUNCTUATION,
          Character.OTHER_PUNCTUATION ->
          true;
      default -> false;
    };
  }
}
