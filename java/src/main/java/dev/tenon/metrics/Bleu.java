package dev.tenon.metrics;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.DoubleStream;

/// BLEU (Papineni et al., 2002): which n-grams of a translation its references have too, with a
/// penalty for translations that are too short. As sacreBLEU's `BLEU`.
///
/// ```java
/// var bleu = Bleu.defaults().withLowercase(true);
/// var score = bleu.corpus(List.of("The cat sat."), List.of(List.of("the cat sat.")));
/// score.score(); // 100
/// score.signature(); // nrefs:1|case:lc|eff:no|tok:13a|smooth:exp|version:…
/// ```
///
/// @param tokenize how texts are cut into words
/// @param lowercase whether case makes no difference
/// @param smoothMethod what becomes of a precision that is 0
/// @param smoothValue the value that `floor` and `add-k` take, finite and at least 0; no other
///     method looks at it
/// @param maxNgramOrder words of the longest n-grams that count, 1 to 1000
/// @param effectiveOrder whether only orders count that the hypotheses are long enough for, as is
///     right for single sentences
public record Bleu(
    BleuTokenizer tokenize,
    boolean lowercase,
    Smoothing smoothMethod,
    double smoothValue,
    int maxNgramOrder,
    boolean effectiveOrder)
    implements Metric {
  /// More than any sentence has use for.
  static final int MAX_ORDER = 1000;

  private static final Bleu DEFAULTS =
      new Bleu(BleuTokenizer.V13A, false, Smoothing.EXP, Smoothing.EXP.usual, 4, false);

  /// What becomes of a precision that is 0 (Chen and Cherry, 2014).
  public enum Smoothing {
    /// It stays, and the score is 0.
    NONE("none", 0),
    /// The value, 0.1 by default, stands for the count.
    FLOOR("floor", 0.1),
    /// The value, 1 by default, is added to both counts of all n-grams but single words.
    ADD_K("add-k", 1),
    /// The first has a half for its count, the next a quarter, and so on.
    EXP("exp", 0);

    private final String label;
    private final double usual;

    Smoothing(String label, double usual) {
      this.label = label;
      this.usual = usual;
    }

    /// {@return sacreBLEU's name for it, such as `add-k`}
    public String label() {
      return label;
    }

    /// {@return the method of that name}
    ///
    /// @param label sacreBLEU's name for it
    /// @throws IllegalArgumentException if there is none; the message has the names that are
    public static Smoothing of(String label) {
      return Arrays.stream(values())
          .filter(method -> method.label.equals(label))
          .findFirst()
          .orElseThrow(
              () ->
                  new IllegalArgumentException(
                      "BLEU has no smoothing method '" + label + "'; none, floor, add-k and exp"));
    }

    /// {@return the value that it takes by default; 0 where it takes none}
    public double usualValue() {
      return usual;
    }
  }

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException if one is out of its range; the message has its name
  public Bleu {
    Objects.requireNonNull(tokenize, "tokenize");
    Objects.requireNonNull(smoothMethod, "smoothMethod");
    if (!(smoothValue >= 0 && smoothValue < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "BLEU with a smoothing value of " + smoothValue + "; a finite one from 0 on can be");
    }
    if (maxNgramOrder < 1 || maxNgramOrder > MAX_ORDER) {
      throw new IllegalArgumentException(
          "BLEU with n-grams of up to %d words; 1 to %d can be"
              .formatted(maxNgramOrder, MAX_ORDER));
    }
  }

  /// {@return what sacreBLEU does where nothing else is said: `13a`, `exp`, up to 4 words}
  public static Bleu defaults() {
    return DEFAULTS;
  }

  /// {@return a copy with that tokenizer}
  ///
  /// @param value how texts are cut into words
  public Bleu withTokenize(BleuTokenizer value) {
    return new Bleu(value, lowercase, smoothMethod, smoothValue, maxNgramOrder, effectiveOrder);
  }

  /// {@return a copy that heeds case or does not}
  ///
  /// @param value whether case makes no difference
  public Bleu withLowercase(boolean value) {
    return new Bleu(tokenize, value, smoothMethod, smoothValue, maxNgramOrder, effectiveOrder);
  }

  /// {@return a copy with that smoothing, and the value it takes by default}
  ///
  /// @param method what becomes of a precision that is 0
  public Bleu withSmoothing(Smoothing method) {
    return withSmoothing(method, method.usual);
  }

  /// {@return a copy with that smoothing}
  ///
  /// @param method what becomes of a precision that is 0
  /// @param value for `floor` and `add-k`, finite and at least 0
  /// @throws IllegalArgumentException if the value is out of its range
  public Bleu withSmoothing(Smoothing method, double value) {
    return new Bleu(tokenize, lowercase, method, value, maxNgramOrder, effectiveOrder);
  }

  /// {@return a copy with n-grams of up to so many words}
  ///
  /// @param value 1 to 1000
  /// @throws IllegalArgumentException if it is out of that range
  public Bleu withMaxNgramOrder(int value) {
    return new Bleu(tokenize, lowercase, smoothMethod, smoothValue, value, effectiveOrder);
  }

  /// {@return a copy that leaves out orders the hypotheses are too short for, or does not}
  ///
  /// @param value whether only orders count that the hypotheses are long enough for
  public Bleu withEffectiveOrder(boolean value) {
    return new Bleu(tokenize, lowercase, smoothMethod, smoothValue, maxNgramOrder, value);
  }

  @Override
  public BleuScore corpus(List<String> hypotheses, List<? extends List<String>> references) {
    return score(Segment.corpus(hypotheses, references));
  }

  @Override
  public BleuScore sentence(String hypothesis, List<String> references) {
    return score(List.of(new Segment(hypothesis, references)));
  }

  private BleuScore score(List<Segment> segments) {
    var counts = new double[maxNgramOrder];
    var totals = new double[maxNgramOrder];
    long sysLen = 0;
    long refLen = 0;
    for (var segment : segments) {
      var words = new ArrayList<List<String>>(); // of the hypothesis, then of each reference
      words.add(words(segment.hypothesis()));
      for (var reference : segment.references()) words.add(words(reference));
      sysLen += words.getFirst().size();
      refLen += nearestLength(words);
      count(new NGrams(NGrams.numbered(words)), words.size(), counts, totals);
    }
    return score(counts, totals, sysLen, refLen, signature(segments));
  }

  private List<String> words(String text) {
    return tokenize.tokenize(PythonText.stripEnd(lowercase ? PythonText.lower(text) : text));
  }

  /// {@return the length of the reference that is nearest to that of the hypothesis; of two as near
  /// the shorter}
  private static int nearestLength(List<List<String>> words) {
    int own = words.getFirst().size();
    int nearest = words.get(1).size();
    for (var reference : words.subList(2, words.size())) {
      int length = reference.size();
      int nearer = Math.abs(own - nearest) - Math.abs(own - length);
      if (nearer > 0 || nearer == 0 && length < nearest) nearest = length;
    }
    return nearest;
  }

  /// Adds the n-grams of one hypothesis. One may be found as often as the reference has it that has
  /// it most.
  private static void count(NGrams ngrams, int sequences, double[] counts, double[] totals) {
    for (int n = 0; n < counts.length; n++) {
      ngrams.next();
      var most = ngrams.counts(1);
      for (int reference = 2; reference < sequences; reference++) {
        var others = ngrams.counts(reference);
        for (int i = 0; i < most.length; i++) most[i] = Math.max(most[i], others[i]);
      }
      counts[n] += NGrams.common(ngrams.counts(0), most);
      totals[n] += ngrams.total(0);
    }
  }

  /// As sacreBLEU's `compute_bleu`.
  private BleuScore score(
      double[] counts, double[] totals, long sysLen, long refLen, String signature) {
    double bp = 1;
    if (sysLen < refLen) bp = sysLen > 0 ? Math.exp(1 - (double) refLen / sysLen) : 0;
    var precisions = new double[maxNgramOrder];
    double score = 0;
    if (Arrays.stream(counts).anyMatch(count -> count > 0)) {
      int order = smooth(counts, totals, precisions);
      double logs = 0;
      for (int n = 0; n < order; n++) {
        logs += precisions[n] == 0 ? -9999999999.0 : Math.log(precisions[n]);
      }
      score = bp * Math.exp(logs / order);
    }
    return new BleuScore(
        score, list(counts), list(totals), list(precisions), bp, sysLen, refLen, signature);
  }

  /// Fills in the precisions.
  ///
  /// @return how many of them count
  private int smooth(double[] counts, double[] totals, double[] precisions) {
    int order = maxNgramOrder;
    double half = 1;
    for (int n = 0; n < maxNgramOrder; n++) {
      if (smoothMethod == Smoothing.ADD_K && n > 0) {
        counts[n] += smoothValue;
        totals[n] += smoothValue;
      }
      if (totals[n] == 0) break;
      if (effectiveOrder) order = n + 1;
      double count = counts[n];
      if (count == 0 && smoothMethod == Smoothing.EXP) {
        half /= 2;
        count = half;
      } else if (count == 0 && smoothMethod == Smoothing.FLOOR) {
        count = smoothValue;
      }
      precisions[n] = 100 * count / totals[n];
    }
    return order;
  }

  private static List<Double> list(double[] numbers) {
    return DoubleStream.of(numbers).boxed().toList();
  }

  private String signature(List<Segment> segments) {
    var smooth = smoothMethod.label;
    if (smoothMethod == Smoothing.FLOOR || smoothMethod == Smoothing.ADD_K) {
      smooth += "[" + Signature.fixed(smoothValue, 2) + "]";
    }
    return Signature.of(
        segments,
        "case:" + (lowercase ? "lc" : "mixed"),
        "eff:" + Signature.yesOrNo(effectiveOrder),
        "tok:" + tokenize.label(),
        "smooth:" + smooth);
  }
}
