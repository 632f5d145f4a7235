package dev.tenon.metrics;

import java.util.ArrayList;
import java.util.List;

/// The translation edit rate (Snover et al., 2006): how many edits make a reference of a
/// translation, where moving a run of words is one edit. As sacreBLEU's `TER`, which follows
/// Tercom. Of several references the one counts that takes the fewest edits.
///
/// ```java
/// Ter.defaults().sentence("sat the cat", List.of("the cat sat")).score(); // 33.3: one shift
/// ```
///
/// @param normalized whether punctuation is taken off words, and XML's escapes are read
/// @param noPunct whether punctuation is left out
/// @param asianSupport whether the two above also treat Chinese and Japanese characters: each is a
///     word, and their punctuation is punctuation
/// @param caseSensitive whether case makes a difference
public record Ter(boolean normalized, boolean noPunct, boolean asianSupport, boolean caseSensitive)
    implements Metric {
  private static final Ter DEFAULTS = new Ter(false, false, false, false);

  /// {@return what sacreBLEU does where nothing else is said: all of it off}
  public static Ter defaults() {
    return DEFAULTS;
  }

  /// {@return a copy that takes punctuation off words, or does not}
  ///
  /// @param value whether it does
  public Ter withNormalized(boolean value) {
    return new Ter(value, noPunct, asianSupport, caseSensitive);
  }

  /// {@return a copy that leaves out punctuation, or does not}
  ///
  /// @param value whether it does
  public Ter withNoPunct(boolean value) {
    return new Ter(normalized, value, asianSupport, caseSensitive);
  }

  /// {@return a copy that treats Chinese and Japanese characters, or does not}
  ///
  /// @param value whether it does
  public Ter withAsianSupport(boolean value) {
    return new Ter(normalized, noPunct, value, caseSensitive);
  }

  /// {@return a copy that heeds case or does not}
  ///
  /// @param value whether case makes a difference
  public Ter withCaseSensitive(boolean value) {
    return new Ter(normalized, noPunct, asianSupport, value);
  }

  @Override
  public TerScore corpus(List<String> hypotheses, List<? extends List<String>> references) {
    return score(Segment.corpus(hypotheses, references));
  }

  @Override
  public TerScore sentence(String hypothesis, List<String> references) {
    return score(List.of(new Segment(hypothesis, references)));
  }

  private TerScore score(List<Segment> segments) {
    var tokenizer = new TercomTokenizer(this);
    long edits = 0;
    double length = 0;
    for (var segment : segments) {
      var texts = new ArrayList<List<String>>(); // the hypothesis, then each reference
      texts.add(tokenizer.tokenize(segment.hypothesis()));
      for (var reference : segment.references()) {
        // References go through it twice in sacreBLEU, which splits `.5` the second time.
        texts.add(tokenizer.tokenize(String.join(" ", tokenizer.tokenize(reference))));
      }
      var words = NGrams.numbered(texts);
      var references = words.subList(1, words.size());
      edits +=
          references.stream()
              .mapToInt(reference -> TranslationEdits.count(words.getFirst(), reference))
              .min()
              .getAsInt();
      double all = references.stream().mapToLong(reference -> reference.length).sum();
      length += all / references.size();
    }
    double rate = length > 0 ? edits / length : edits > 0 ? 1 : 0;
    return new TerScore(100 * rate, edits, length, signature(segments));
  }

  private String signature(List<Segment> segments) {
    return Signature.of(
        segments,
        "case:" + (caseSensitive ? "mixed" : "lc"),
        "tok:tercom",
        "norm:" + Signature.yesOrNo(normalized),
        "punct:" + Signature.yesOrNo(!noPunct),
        "asian:" + Signature.yesOrNo(asianSupport));
  }
}
