package dev.tenon.metrics;

import java.util.List;
import java.util.Set;

/// Whether an answer to a question is right, as SQuAD's evaluation (version 2) has it. Case,
/// punctuation and the articles a, an and the make no difference. Where several answers are right,
/// the one counts that fits best; where none is, the empty answer is right.
///
/// ```java
/// Answers.exactMatch("The Eiffel Tower!", List.of("Eiffel tower")); // true
/// Answers.f1("the old Eiffel Tower", List.of("Eiffel Tower")); // 0.8
/// ```
public final class Answers {
  private static final String PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
  private static final Set<String> ARTICLES = Set.of("a", "an", "the");

  private Answers() {}

  /// The scores of many answers.
  ///
  /// @param exactMatch how many match exactly, in percent
  /// @param f1 the mean of their F1, in percent
  public record Mean(double exactMatch, double f1) {}

  /// {@return the scores of many answers}
  ///
  /// @param predictions one for each question, at least one
  /// @param answers for each question those that are right; none where it has no answer
  /// @throws IllegalArgumentException if there are no predictions, or not as many as questions
  public static Mean mean(List<String> predictions, List<? extends List<String>> answers) {
    if (predictions.isEmpty() || predictions.size() != answers.size()) {
      throw new IllegalArgumentException(
          predictions.size() + " predictions for " + answers.size() + " questions");
    }
    double exact = 0;
    double f1 = 0;
    for (int i = 0; i < predictions.size(); i++) {
      exact += exactMatch(predictions.get(i), answers.get(i)) ? 1 : 0;
      f1 += f1(predictions.get(i), answers.get(i));
    }
    return new Mean(100 * exact / predictions.size(), 100 * f1 / predictions.size());
  }

  /// {@return whether an answer has the words of one that is right, in their order}
  ///
  /// @param prediction the answer
  /// @param answers those that are right; none where the question has no answer
  public static boolean exactMatch(String prediction, List<String> answers) {
    return right(answers).contains(words(prediction));
  }

  /// {@return how many words an answer shares with one that is right, as the harmonic mean of their
  /// parts in both, 0 to 1}
  ///
  /// @param prediction the answer
  /// @param answers those that are right; none where the question has no answer
  public static double f1(String prediction, List<String> answers) {
    var words = words(prediction);
    return right(answers).stream().mapToDouble(answer -> f1(words, answer)).max().orElseThrow();
  }

  private static double f1(List<String> prediction, List<String> answer) {
    if (prediction.isEmpty() || answer.isEmpty()) return prediction.equals(answer) ? 1 : 0;
    var ngrams = new NGrams(NGrams.numbered(List.of(prediction, answer)));
    ngrams.next();
    double same = NGrams.common(ngrams.counts(0), ngrams.counts(1));
    if (same == 0) return 0;
    double precision = same / prediction.size();
    double recall = same / answer.size();
    return 2 * precision * recall / (precision + recall);
  }

  /// {@return the words of the answers that have any; none at all where none has}
  private static List<List<String>> right(List<String> answers) {
    var right = answers.stream().map(Answers::words).filter(words -> !words.isEmpty()).toList();
    return right.isEmpty() ? List.of(List.of()) : right;
  }

  /// What SQuAD's `normalize_answer` leaves, in words.
  private static List<String> words(String text) {
    var letters = new StringBuilder(); // without punctuation, which may join what it separated
    PythonText.lower(text)
        .codePoints()
        .filter(c -> PUNCTUATION.indexOf(c) < 0)
        .forEach(letters::appendCodePoint);
    return PythonText.split(withoutArticles(letters.toString()));
  }

  /// Articles are words as `\b` of Python's `re` bounds them: runs of letters, numbers and
  /// underscores, so that a combining mark ends one.
  private static String withoutArticles(String text) {
    var rest = new StringBuilder();
    for (int start = 0, end; start < text.length(); start = end) {
      end = start;
      while (end < text.length() && PythonText.isWord(text.codePointAt(end))) {
        end += Character.charCount(text.codePointAt(end));
      }
      if (end == start) {
        end += Character.charCount(text.codePointAt(start));
        rest.append(text, start, end);
      } else {
        var word = text.substring(start, end);
        rest.append(ARTICLES.contains(word) ? " " : word);
      }
    }
    return rest.toString();
  }
}
