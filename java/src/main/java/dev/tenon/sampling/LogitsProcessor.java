package dev.tenon.sampling;

import java.util.ArrayList;
import java.util.List;

/// Edits the scores of the next token of a sequence by what the sequence has so far.
///
/// It remembers nothing: all beams of a search can have the same one, and threads too. The scores
/// are logits where the best token is taken or one is drawn, and log-probabilities in beam search.
/// The processors made here follow transformers' of the same names. Ids outside the vocabulary are
/// passed over.
@FunctionalInterface
public interface LogitsProcessor {
  /// Edits the scores. Those that are numbers stay such.
  ///
  /// @param tokens ids of the sequence, the prompt's first; not changed
  /// @param length how many of them count
  /// @param scores one for each id of the vocabulary; changed in place
  void process(int[] tokens, int length, float[] scores);

  /// {@return all processors that settings ask for, one after the other in transformers' order}
  ///
  /// @param settings say which
  /// @param promptLength how many tokens the prompt has (of the decoder's)
  /// @param source ids that the encoder was given, or the prompt where there is no encoder; copied
  static LogitsProcessor of(GenerationSettings settings, int promptLength, int... source) {
    var ends = ids(settings.eos());
    var all = new ArrayList<LogitsProcessor>();
    if (!settings.sequenceBias().isEmpty()) {
      all.add(new SequenceBias(settings.sequenceBias()));
    }
    if (settings.encoderRepetitionPenalty() != 1) {
      all.add(encoderRepetitionPenalty(settings.encoderRepetitionPenalty(), source));
    }
    if (settings.repetitionPenalty() != 1) {
      all.add(repetitionPenalty(settings.repetitionPenalty()));
    }
    if (settings.noRepeatNgramSize() > 0) {
      all.add(noRepeatNgram(settings.noRepeatNgramSize()));
    }
    if (settings.encoderNoRepeatNgramSize() > 0) {
      all.add(encoderNoRepeatNgram(settings.encoderNoRepeatNgramSize(), source));
    }
    if (!settings.badWordsIds().isEmpty()) {
      all.add(badWords(settings.badWordsIds(), settings.eos()));
    }
    all.add(new SuppressedTokens(ends, 0, settings.leastLength(promptLength)));
    if (settings.forcedBos() >= 0) {
      all.add(new ForcedTokens(new int[] {settings.forcedBos()}, 1));
    }
    if (!settings.forcedEos().isEmpty()) {
      all.add(new ForcedTokens(ids(settings.forcedEos()), settings.lengthLimit(promptLength) - 1));
    }
    if (settings.removeInvalidValues()) {
      all.add(LogitsProcessor::removeInvalidValues);
    }
    if (settings.decayFactor() != 1) {
      all.add(new LengthDecay(promptLength + settings.decayStart(), settings.decayFactor(), ends));
    }
    all.add(new SuppressedTokens(ids(settings.suppressTokens()), 0, Integer.MAX_VALUE));
    // A forced token is not the first to be chosen.
    int begin = promptLength > 1 || settings.forcedBos() < 0 ? promptLength : promptLength + 1;
    all.add(new SuppressedTokens(ids(settings.beginSuppressTokens()), begin, begin + 1));
    all.removeIf(processor -> processor instanceof SuppressedTokens none && none.idle());
    var processors = List.copyOf(all);
    return (tokens, length, scores) -> {
      for (var processor : processors) {
        processor.process(tokens, length, scores);
      }
    };
  }

  /// {@return a processor that divides positive scores of tokens that the sequence has by `penalty`
  /// and multiplies others}
  ///
  /// @param penalty above 1 makes them less likely, below 1 more
  /// @throws IllegalArgumentException if `penalty` is not above 0 and finite
  static LogitsProcessor repetitionPenalty(double penalty) {
    return new RepetitionPenalty((float) penalty, null);
  }

  /// {@return a processor that multiplies positive scores of tokens that the source has by
  /// `penalty` and divides others}
  ///
  /// @param penalty above 1 makes them more likely, below 1 less
  /// @param source ids; copied
  /// @throws IllegalArgumentException if `penalty` is not above 0 and finite
  static LogitsProcessor encoderRepetitionPenalty(double penalty, int... source) {
    return new RepetitionPenalty((float) (1 / penalty), source.clone());
  }

  /// {@return a processor that excludes tokens by which a sequence of `size` tokens would occur
  /// again}
  ///
  /// @param size at least 1
  /// @throws IllegalArgumentException if `size < 1`
  static LogitsProcessor noRepeatNgram(int size) {
    return new NoRepeatNgram(size, null);
  }

  /// {@return a processor that excludes tokens by which a sequence of `size` tokens would occur
  /// that the source has}
  ///
  /// @param size at least 1
  /// @param source ids; copied
  /// @throws IllegalArgumentException if `size < 1`
  static LogitsProcessor encoderNoRepeatNgram(int size, int... source) {
    return new NoRepeatNgram(size, source.clone());
  }

  /// {@return a processor that excludes tokens by which one of some sequences would be complete}
  ///
  /// @param words sequences of ids, none empty; copied
  /// @param ends tokens that end a text: these alone are no bad word
  /// @throws IllegalArgumentException if a sequence is empty
  static LogitsProcessor badWords(List<List<Integer>> words, List<Integer> ends) {
    return SequenceBias.without(words, ends);
  }

  /// {@return this processor for a chain of filters; it takes note of the tokens that the filter is
  /// told}
  default Filter filter() {
    return new ProcessorFilter(this);
  }

  private static void removeInvalidValues(int[] tokens, int length, float[] scores) {
    for (int i = 0; i < scores.length; i++) {
      float score = Float.isNaN(scores[i]) ? 0 : scores[i];
      scores[i] = Math.clamp(score, -Float.MAX_VALUE, Float.MAX_VALUE);
    }
  }

  private static int[] ids(List<Integer> ids) {
    return ids.stream().mapToInt(Integer::intValue).toArray();
  }
}
