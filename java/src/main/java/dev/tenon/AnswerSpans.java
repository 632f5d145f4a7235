package dev.tenon;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/// Finds the likeliest spans of tokens from the logits of their starts and ends, as transformers'
/// question-answering pipeline does.
final class AnswerSpans {
  /// What stands for the logit of a token that no answer has.
  private static final float MASKED = -10000;

  private final float[] starts; // probabilities
  private final float[] ends;
  private final boolean[] possible;
  private final float none;

  /// From a token to a token.
  ///
  /// @param start the first token
  /// @param end the last
  /// @param score the probability of both
  record Span(int start, int end, float score) {}

  /// @param starts logit of each token
  /// @param ends logit of each token
  /// @param possible whether an answer may have a token; of the first it says whether there may be
  ///     no answer
  AnswerSpans(float[] starts, float[] ends, boolean[] possible) {
    this.possible = possible;
    this.starts = probabilities(starts);
    this.ends = probabilities(ends);
    none = this.starts[0] * this.ends[0];
    this.starts[0] = 0;
    this.ends[0] = 0;
  }

  private float[] probabilities(float[] logits) {
    var masked = logits.clone();
    for (int i = 0; i < masked.length; i++) if (!possible[i]) masked[i] = MASKED;
    return Scores.softmax(masked);
  }

  /// {@return the probability that there is no answer}
  float none() {
    return none;
  }

  /// {@return the likeliest spans, the likeliest first; none of probability 0}
  ///
  /// @param most how many at most
  /// @param longest the most tokens of a span
  List<Span> best(int most, int longest) {
    // The worst on top; of equal ones the last.
    var order = Comparator.comparingDouble(Span::score).reversed();
    order = order.thenComparingInt(Span::start).thenComparingInt(Span::end);
    var queue = new PriorityQueue<>(order.reversed());
    for (int start = 0; start < starts.length; start++) {
      if (!possible[start]) continue;
      long beyond = Math.min(starts.length, (long) start + longest);
      for (int end = start; end < beyond; end++) {
        float score = starts[start] * ends[end];
        if (score == 0 || !possible[end]) continue;
        if (queue.size() < most || score > queue.peek().score) {
          queue.add(new Span(start, end, score));
          if (queue.size() > most) queue.poll();
        }
      }
    }
    var spans = new ArrayList<>(queue);
    spans.sort(order);
    return spans;
  }
}
