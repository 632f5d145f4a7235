package dev.tenon.metrics;

import java.util.ArrayList;
import java.util.List;

/// chrF (Popović, 2015) and chrF++ (2017): which n-grams of characters, and of words, a translation
/// and its reference have in common. As sacreBLEU's `CHRF`. Of several references the one counts
/// that gives the best score.
///
/// ```java
/// var chrfPlusPlus = Chrf.defaults().withWordOrder(2);
/// chrfPlusPlus.sentence("the cat sat", List.of("the cat sat")).score(); // 100
/// ```
///
/// @param charOrder characters of the longest n-grams, 0 to 1000
/// @param wordOrder words of the longest n-grams, 0 to 1000; 2 for chrF++. One of the two orders is
///     above 0
/// @param beta how many times more recall weighs than precision, at least 0
/// @param lowercase whether case makes no difference
/// @param whitespace whether white space counts as characters
/// @param epsSmoothing whether each order has a score of its own, as in chrF++.py, Moses and NLTK,
///     and not precision and recall are averaged over the orders that both texts have
public record Chrf(
    int charOrder,
    int wordOrder,
    int beta,
    boolean lowercase,
    boolean whitespace,
    boolean epsSmoothing)
    implements Metric {
  private static final Chrf DEFAULTS = new Chrf(6, 0, 2, false, false, false);
  private static final double EPSILON = 1e-16;
  private static final String PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException if one is out of its range; the message has its name
  public Chrf {
    order("charOrder", charOrder);
    order("wordOrder", wordOrder);
    if (charOrder + wordOrder == 0) {
      throw new IllegalArgumentException("chrF with neither characters nor words to count");
    }
    if (beta < 0) {
      throw new IllegalArgumentException("chrF with beta " + beta + "; 0 and more can be");
    }
  }

  /// {@return what sacreBLEU does where nothing else is said: up to 6 characters, no words, beta 2}
  public static Chrf defaults() {
    return DEFAULTS;
  }

  /// {@return a copy with n-grams of up to so many characters}
  ///
  /// @param value 0 to 1000
  /// @throws IllegalArgumentException if it is out of that range, or 0 as the other order is
  public Chrf withCharOrder(int value) {
    return new Chrf(value, wordOrder, beta, lowercase, whitespace, epsSmoothing);
  }

  /// {@return a copy with n-grams of up to so many words}
  ///
  /// @param value 0 to 1000; 2 for chrF++
  /// @throws IllegalArgumentException if it is out of that range, or 0 as the other order is
  public Chrf withWordOrder(int value) {
    return new Chrf(charOrder, value, beta, lowercase, whitespace, epsSmoothing);
  }

  /// {@return a copy with another weight of recall}
  ///
  /// @param value how many times more it weighs than precision, at least 0
  /// @throws IllegalArgumentException if it is negative
  public Chrf withBeta(int value) {
    return new Chrf(charOrder, wordOrder, value, lowercase, whitespace, epsSmoothing);
  }

  /// {@return a copy that heeds case or does not}
  ///
  /// @param value whether case makes no difference
  public Chrf withLowercase(boolean value) {
    return new Chrf(charOrder, wordOrder, beta, value, whitespace, epsSmoothing);
  }

  /// {@return a copy that heeds white space or does not}
  ///
  /// @param value whether it counts as characters
  public Chrf withWhitespace(boolean value) {
    return new Chrf(charOrder, wordOrder, beta, lowercase, value, epsSmoothing);
  }

  /// {@return a copy that averages over all orders, or over those that both texts have}
  ///
  /// @param value whether each order has a score of its own
  public Chrf withEpsSmoothing(boolean value) {
    return new Chrf(charOrder, wordOrder, beta, lowercase, whitespace, value);
  }

  @Override
  public ChrfScore corpus(List<String> hypotheses, List<? extends List<String>> references) {
    return score(Segment.corpus(hypotheses, references));
  }

  @Override
  public ChrfScore sentence(String hypothesis, List<String> references) {
    return score(List.of(new Segment(hypothesis, references)));
  }

  /// How many n-grams there are of each order, the words after the characters.
  ///
  /// @param hypothesis of the hypothesis, 0 where the reference has none
  /// @param reference of the reference
  /// @param common of both
  private record Counts(long[] hypothesis, long[] reference, long[] common) {
    Counts(int orders) {
      this(new long[orders], new long[orders], new long[orders]);
    }

    void add(Counts other) {
      for (int n = 0; n < common.length; n++) {
        hypothesis[n] += other.hypothesis[n];
        reference[n] += other.reference[n];
        common[n] += other.common[n];
      }
    }

    void set(int n, NGrams ngrams, int[] own, int sequence) {
      reference[n] = ngrams.total(sequence);
      hypothesis[n] = reference[n] > 0 ? ngrams.total(0) : 0;
      common[n] = NGrams.common(own, ngrams.counts(sequence));
    }
  }

  private ChrfScore score(List<Segment> segments) {
    var all = new Counts(charOrder + wordOrder);
    for (var segment : segments) all.add(best(segment));
    return new ChrfScore(100 * f(all), charOrder, wordOrder, beta, signature(segments));
  }

  /// {@return the counts with the reference that gives the best score}
  private Counts best(Segment segment) {
    var characters = new ArrayList<int[]>(); // of the hypothesis, then of each reference
    var words = new ArrayList<List<String>>();
    characters.add(characters(segment.hypothesis()));
    words.add(words(segment.hypothesis()));
    for (var reference : segment.references()) {
      characters.add(characters(reference));
      words.add(words(reference));
    }
    var counts = new ArrayList<Counts>();
    for (int i = 1; i < words.size(); i++) counts.add(new Counts(charOrder + wordOrder));
    count(new NGrams(characters), 0, charOrder, counts);
    count(new NGrams(NGrams.numbered(words)), charOrder, wordOrder, counts);

    var best = counts.getFirst();
    double bestF = f(best);
    for (var other : counts.subList(1, counts.size())) {
      double f = f(other);
      if (f > bestF) {
        bestF = f;
        best = other;
      }
    }
    return best;
  }

  private static void count(NGrams ngrams, int from, int orders, List<Counts> counts) {
    for (int n = 0; n < orders; n++) {
      ngrams.next();
      var own = ngrams.counts(0);
      for (int i = 0; i < counts.size(); i++) counts.get(i).set(from + n, ngrams, own, i + 1);
    }
  }

  private int[] characters(String text) {
    return cased(text).codePoints().filter(c -> whitespace || !PythonText.isSpace(c)).toArray();
  }

  /// Punctuation after a word is a word, else that before it: `(hi)` becomes `(hi` and `)`.
  private List<String> words(String text) {
    var words = new ArrayList<String>();
    if (wordOrder == 0) return words;
    for (var word : PythonText.split(cased(text))) {
      int last = word.length() - 1; // punctuation is one char each
      boolean one = word.codePointCount(0, word.length()) == 1;
      int cut =
          one
              ? 0
              : PUNCTUATION.indexOf(word.charAt(last)) >= 0
                  ? last
                  : PUNCTUATION.indexOf(word.charAt(0)) >= 0 ? 1 : 0;
      if (cut > 0) words.add(word.substring(0, cut));
      words.add(word.substring(cut));
    }
    return words;
  }

  private String cased(String text) {
    return lowercase ? PythonText.lower(text) : text;
  }

  /// {@return the F-score, 0 to 1, as sacreBLEU's `_compute_f_score` has it but for the percent}
  private double f(Counts counts) {
    int orders = charOrder + wordOrder;
    double factor = (double) beta * beta;
    double sum = 0;
    double precisions = 0;
    double recalls = 0;
    int effective = 0;
    for (int n = 0; n < orders; n++) {
      double common = counts.common[n];
      double precision = counts.hypothesis[n] > 0 ? common / counts.hypothesis[n] : EPSILON;
      double recall = counts.reference[n] > 0 ? common / counts.reference[n] : EPSILON;
      double denominator = factor * precision + recall;
      sum += denominator > 0 ? (1 + factor) * precision * recall / denominator : EPSILON;
      if (counts.hypothesis[n] > 0 && counts.reference[n] > 0) {
        precisions += precision;
        recalls += recall;
        effective++;
      }
    }
    if (epsSmoothing) return sum / orders;
    if (precisions + recalls == 0) return 0;
    double precision = precisions / effective;
    double recall = recalls / effective;
    return (1 + factor) * precision * recall / (factor * precision + recall);
  }

  private String signature(List<Segment> segments) {
    return Signature.of(
        segments,
        "case:" + (lowercase ? "lc" : "mixed"),
        "eff:" + Signature.yesOrNo(!epsSmoothing),
        "nc:" + charOrder,
        "nw:" + wordOrder,
        "space:" + Signature.yesOrNo(whitespace));
  }

  private static void order(String name, int order) {
    if (order < 0 || order > Bleu.MAX_ORDER) {
      throw new IllegalArgumentException(
          "chrF with %s %d; 0 to %d can be".formatted(name, order, Bleu.MAX_ORDER));
    }
  }
}
