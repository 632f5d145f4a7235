package dev.tenon.metrics;

import dev.tenon.metrics.RougeScore.Part;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.function.Function;

/// ROUGE-1, -2, -L and -Lsum (Lin, 2004): how much of a summary its reference has, and the other
/// way round. As Google's rouge-score: words are runs of a to z and digits, in lower case. Of
/// several references the one with the best F-score counts, for each kind by itself.
///
/// ```java
/// new Rouge(false).sentence("the cat sat", List.of("the cat lay")).rouge1().f(); // 0.667
/// ```
///
/// @param useStemmer whether words of more than three characters are cut down to their stems, by
///     Porter's algorithm as NLTK has it; for English
public record Rouge(boolean useStemmer) {
  /// {@return the mean scores of all hypotheses}
  ///
  /// @param hypotheses what is judged, at least one
  /// @param references streams of references, each as long as the hypotheses; null in a stream
  ///     stands for a reference that is missing
  /// @throws IllegalArgumentException if there is no hypothesis or no stream, a stream is longer or
  ///     shorter than the hypotheses, or a hypothesis has no reference
  public RougeScore corpus(List<String> hypotheses, List<? extends List<String>> references) {
    var scores = Segment.corpus(hypotheses, references).stream().map(this::score).toList();
    return new RougeScore(
        mean(scores, RougeScore::rouge1),
        mean(scores, RougeScore::rouge2),
        mean(scores, RougeScore::rougeL),
        mean(scores, RougeScore::rougeLsum));
  }

  /// {@return the scores of one hypothesis}
  ///
  /// @param hypothesis what is judged; for ROUGE-Lsum a sentence a line
  /// @param references what it is compared with; null stands for one that is missing
  /// @throws IllegalArgumentException if there is no reference
  public RougeScore sentence(String hypothesis, List<String> references) {
    return score(new Segment(hypothesis, references));
  }

  private RougeScore score(Segment segment) {
    var scores =
        segment.references().stream().map(text -> score(segment.hypothesis(), text)).toList();
    return new RougeScore(
        best(scores, RougeScore::rouge1),
        best(scores, RougeScore::rouge2),
        best(scores, RougeScore::rougeL),
        best(scores, RougeScore::rougeLsum));
  }

  private RougeScore score(String hypothesis, String reference) {
    var words = NGrams.numbered(List.of(words(hypothesis), words(reference)));
    var ngrams = new NGrams(words);
    int common = CommonSubsequence.length(words.get(1), words.get(0));
    return new RougeScore(
        next(ngrams),
        next(ngrams),
        Part.of(common, words.get(0).length, words.get(1).length),
        lines(hypothesis, reference));
  }

  private static Part next(NGrams ngrams) {
    ngrams.next();
    long common = NGrams.common(ngrams.counts(0), ngrams.counts(1));
    return Part.of(common, ngrams.total(0), ngrams.total(1));
  }

  /// ROUGE-Lsum: for each line of the reference the words that are in its longest common
  /// subsequence with any line of the hypothesis; each word of either text counts once.
  private Part lines(String hypothesis, String reference) {
    var texts = new ArrayList<List<String>>(); // lines of the hypothesis, then of the reference
    for (var line : hypothesis.split("\n")) texts.add(words(line));
    int split = texts.size();
    for (var line : reference.split("\n")) texts.add(words(line));
    var lines = NGrams.numbered(texts);
    var own = lines.subList(0, split);
    var others = lines.subList(split, lines.size());

    var left = counts(lines, own);
    var leftOfReference = counts(lines, others);
    long hits = 0;
    for (var other : others) {
      var common = new BitSet();
      for (var line : own) common.or(CommonSubsequence.positions(other, line));
      for (int i = common.nextSetBit(0); i >= 0; i = common.nextSetBit(i + 1)) {
        int word = other[i];
        if (left[word] > 0 && leftOfReference[word] > 0) {
          left[word]--;
          leftOfReference[word]--;
          hits++;
        }
      }
    }
    return Part.of(hits, length(own), length(others));
  }

  /// {@return how often each word is in some of the lines}
  private static int[] counts(List<int[]> all, List<int[]> lines) {
    int words = all.stream().flatMapToInt(Arrays::stream).max().orElse(-1);
    var counts = new int[words + 1];
    for (var line : lines) {
      for (int word : line) counts[word]++;
    }
    return counts;
  }

  private static long length(List<int[]> lines) {
    return lines.stream().mapToLong(line -> line.length).sum();
  }

  private List<String> words(String text) {
    var words = new ArrayList<String>();
    for (var word : PythonText.lower(text).split("[^a-z0-9]+")) {
      var stem = useStemmer && word.length() > 3 ? PorterStemmer.stem(word) : word;
      if (!stem.isEmpty()) words.add(stem);
    }
    return words;
  }

  private static Part best(List<RougeScore> scores, Function<RougeScore, Part> part) {
    // Of equals the first, which a stream's max would not give.
    return scores.stream().map(part).reduce((a, b) -> b.f() > a.f() ? b : a).orElseThrow();
  }

  private static Part mean(List<RougeScore> scores, Function<RougeScore, Part> part) {
    double precision = 0;
    double recall = 0;
    double f = 0;
    for (var score : scores) {
      precision += part.apply(score).precision();
      recall += part.apply(score).recall();
      f += part.apply(score).f();
    }
    int n = scores.size();
    return new Part(precision / n, recall / n, f / n);
  }
}
