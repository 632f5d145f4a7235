package dev.tenon.metrics;

import java.util.List;

/// One way to score translations, with its settings.
///
/// ```java
/// Metric metric = Bleu.defaults();
/// metric.corpus(List.of("the cat sat"), List.of(List.of("the cat sat"))).score();
/// ```
public sealed interface Metric permits Bleu, Chrf, Ter {
  /// {@return the score of all hypotheses together; for most metrics not the mean of their scores}
  ///
  /// @param hypotheses what is judged, at least one
  /// @param references streams of references, each as long as the hypotheses; null in a stream
  ///     stands for a reference that is missing
  /// @throws IllegalArgumentException if there is no hypothesis or no stream, a stream is longer or
  ///     shorter than the hypotheses, or a hypothesis has no reference
  Score corpus(List<String> hypotheses, List<? extends List<String>> references);

  /// {@return the score of one hypothesis}
  ///
  /// @param hypothesis what is judged
  /// @param references what it is compared with; null stands for one that is missing
  /// @throws IllegalArgumentException if there is no reference
  Score sentence(String hypothesis, List<String> references);
}
