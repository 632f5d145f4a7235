package dev.tenon;

import dev.tenon.model.Encoder;
import dev.tenon.tokenizer.TokenizedText;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/// Finds what a mask in a text may stand for, with a masked language model: what transformers'
/// `fill-mask` pipeline gives.
///
/// Confined to the thread that made it.
///
/// ```java
/// try (var fill = new FillMask(model)) {
///   for (var guess : fill.fill("Paris is the [MASK] of France.", 5).getFirst())
///     IO.println(guess.tokenStr() + " " + guess.score());
/// }
/// ```
public final class FillMask implements AutoCloseable {
  /// How many guesses the pipeline gives where it is not told.
  public static final int USUAL_TOP_K = 5;

  private final TextHead head;

  /// What a mask may stand for.
  ///
  /// @param score its probability
  /// @param token its id
  /// @param tokenStr its text
  /// @param sequence the text with it in place of the mask; where there are several masks the
  ///     others stay, and so do the special tokens
  public record Guess(float score, int token, String tokenStr, String sequence) {}

  /// Opens the head of a model.
  ///
  /// @param model stays open longer than this
  /// @throws UnsupportedOperationException if it does not fill masks
  /// @throws IllegalStateException if it has no vocabulary, or no mask in it, or is closed
  /// @throws dev.tenon.tensor.BackendException if there is not the memory
  public FillMask(Model model) {
    int words = model.vocabularySize();
    head =
        new TextHead(
            model,
            "fill masks",
            output ->
                output.of() == Encoder.Rows.TOKENS
                    && output.width() == words
                    && (output.name().equals("logits")
                        || output.name().equals("prediction_logits")),
            1);
    if (head.tokenizer().mask() < 0) {
      head.close();
      throw new IllegalStateException(model.name() + " has no mask in its vocabulary");
    }
  }

  /// {@return the mask, as it stands in a text}
  public String mask() {
    return head.tokenizer().piece(head.tokenizer().mask());
  }

  /// Finds what the masks of a text may stand for.
  ///
  /// @param text with one mask or several
  /// @param topK how many guesses for each mask, at least 1; all where there are fewer
  /// @return for each mask, from the first, guesses, the best first
  /// @throws IllegalArgumentException if there is no mask in the text, or `topK` is 0 or less
  /// @throws IndexOutOfBoundsException if the text is longer than the model can read
  /// @throws IllegalStateException if this is closed
  /// @throws java.util.concurrent.CancellationException if the thread is interrupted
  /// @throws dev.tenon.tensor.BackendException if the computation fails
  public List<List<Guess>> fill(String text, int topK) {
    return guesses(text, topK, null);
  }

  /// Finds which of some words the masks of a text stand for.
  ///
  /// @param text with one mask or several
  /// @param topK how many guesses for each mask, at least 1; all where there are fewer
  /// @param targets words to guess from; of one that is no token its first token
  /// @return for each mask, from the first, guesses, the best first
  /// @throws IllegalArgumentException if there is no mask in the text, no target in the vocabulary,
  ///     or `topK` is 0 or less
  /// @throws IndexOutOfBoundsException if the text is longer than the model can read
  /// @throws IllegalStateException if this is closed
  /// @throws java.util.concurrent.CancellationException if the thread is interrupted
  /// @throws dev.tenon.tensor.BackendException if the computation fails
  public List<List<Guess>> fill(String text, int topK, List<String> targets) {
    return guesses(text, topK, targets(targets));
  }

  private List<List<Guess>> guesses(String text, int topK, int[] targets) {
    Scores.most(topK);
    var tokens = head.tokenizer().tokenize(text);
    int mask = head.tokenizer().mask();
    var places = IntStream.range(0, tokens.length()).filter(i -> tokens.ids()[i] == mask).toArray();
    if (places.length == 0)
      throw new IllegalArgumentException("there is no " + mask() + " in the text");
    var logits = head.evaluate(List.of(head.sequence(tokens, places)))[0][0];
    var all = new ArrayList<List<Guess>>();
    for (int i = 0; i < places.length; i++) {
      int words = head.width();
      var scores = Scores.softmax(logits, i * words, words);
      all.add(guesses(tokens, places, i, scores, topK, targets));
    }
    return all;
  }

  private List<Guess> guesses(
      TokenizedText tokens, int[] places, int mask, float[] scores, int topK, int[] targets) {
    var candidates = scores;
    if (targets != null) {
      candidates = new float[targets.length];
      for (int i = 0; i < targets.length; i++) candidates[i] = scores[targets[i]];
    }
    var guesses = new ArrayList<Guess>();
    for (int i : Scores.best(candidates, topK)) {
      int token = targets == null ? i : targets[i];
      var filled = tokens.ids().clone();
      filled[places[mask]] = token;
      int pad = head.tokenizer().pad();
      filled = Arrays.stream(filled).filter(id -> id != pad).toArray();
      guesses.add(
          new Guess(
              scores[token],
              token,
              decode(new int[] {token}, true),
              decode(filled, places.length > 1)));
    }
    return guesses;
  }

  private String decode(int[] tokens, boolean special) {
    return head.tidy(head.tokenizer().decode(tokens, special));
  }

  /// The tokens of words, each once.
  private int[] targets(List<String> words) {
    var tokenizer = head.tokenizer();
    var ids =
        words.stream()
            .mapToInt(word -> tokenizer.find(word) >= 0 ? tokenizer.find(word) : first(word))
            .filter(id -> id >= 0)
            .distinct()
            .sorted()
            .toArray();
    if (ids.length == 0)
      throw new IllegalArgumentException("none of the targets is in the vocabulary: " + words);
    return ids;
  }

  private int first(String word) {
    var ids = head.tokenizer().encode(word, false, true);
    return ids.length == 0 ? -1 : ids[0];
  }

  /// Frees what was held. Closing twice has no effect.
  ///
  /// @throws WrongThreadException if called by another thread than the one that made it
  @Override
  public void close() {
    head.close();
  }
}
