package dev.tenon;

import dev.tenon.TokenEntities.Token;
import dev.tenon.model.Encoder;
import dev.tenon.tokenizer.TokenizedText;
import dev.tenon.tokenizer.Truncation;
import java.util.ArrayList;
import java.util.List;

/// Finds what the words of a text are, such as names of people and places: what transformers'
/// `token-classification` pipeline gives.
///
/// Confined to the thread that made it.
///
/// ```java
/// try (var names = new TokenClassifier(model)) {
///   for (var entity : names.classify("Anna lives in Berlin.", Aggregation.SIMPLE))
///     IO.println(entity.word() + " " + entity.label());
/// }
/// ```
public final class TokenClassifier implements AutoCloseable {
  /// The labels that are left out where nothing else is asked for: of what is nothing.
  public static final List<String> USUAL_IGNORED = List.of("O");

  private final TextHead head;
  private final TokenEntities entities;

  /// How tokens are put together.
  public enum Aggregation {
    /// Each token for itself.
    NONE,
    /// Neighbours of one label; a word may fall apart.
    SIMPLE,
    /// As [#SIMPLE], with words whole: each has the label of its first token.
    FIRST,
    /// As [#SIMPLE], with words whole: each has the label that is best on average.
    AVERAGE,
    /// As [#SIMPLE], with words whole: each has the label of its surest token.
    MAX
  }

  /// A token, or several put together, with what it is.
  ///
  /// @param label what it is; of several without `B-` and `I-`
  /// @param score its probability, of several the mean
  /// @param index place of the token in the text, the first one that the tokenizer adds counted;
  ///     -1 for several
  /// @param word the token, or the text of several
  /// @param start where it begins, in Unicode code points
  /// @param end where it ends
  public record Entity(String label, float score, int index, String word, int start, int end) {}

  /// Opens the head of a model.
  ///
  /// @param model stays open longer than this
  /// @throws UnsupportedOperationException if it does not classify tokens
  /// @throws IllegalStateException if it has no vocabulary, not as many labels as classes, or is
  ///     closed
  /// @throws dev.tenon.tensor.BackendException if there is not the memory
  public TokenClassifier(Model model) {
    int words = model.vocabularySize();
    head =
        new TextHead(
            model,
            "classify tokens",
            output ->
                output.of() == Encoder.Rows.TOKENS
                    && output.name().equals("logits")
                    && output.width() != words,
            1);
    try {
      entities = new TokenEntities(head.labels().names(), head.tokenizer()::join);
    } catch (Throwable e) {
      head.close();
      throw e;
    }
  }

  /// {@return the names of the labels, in the model's order}
  public List<String> labels() {
    return entities.labels();
  }

  /// {@return the entities of a text, in its order; what has the label O is left out}
  ///
  /// @param text any text; one that is longer than the tokenizer says is cut
  /// @param aggregation how tokens are put together
  /// @throws IndexOutOfBoundsException if it is longer than the model can read
  /// @throws IllegalStateException if this is closed
  /// @throws java.util.concurrent.CancellationException if the thread is interrupted
  /// @throws dev.tenon.tensor.BackendException if the computation fails
  public List<Entity> classify(String text, Aggregation aggregation) {
    return classify(text, aggregation, USUAL_IGNORED);
  }

  /// {@return the entities of a text, in its order}
  ///
  /// @param text any text; one that is longer than the tokenizer says is cut
  /// @param aggregation how tokens are put together
  /// @param ignored labels of what is left out
  /// @throws IndexOutOfBoundsException if it is longer than the model can read
  /// @throws IllegalStateException if this is closed
  /// @throws java.util.concurrent.CancellationException if the thread is interrupted
  /// @throws dev.tenon.tensor.BackendException if the computation fails
  public List<Entity> classify(String text, Aggregation aggregation, List<String> ignored) {
    var tokens =
        head.maxLength() == Integer.MAX_VALUE
            ? head.tokenizer().tokenize(text)
            : head.tokenizer().tokenize(text, null, new Truncation(head.maxLength()));
    return classify(text, List.of(tokens), aggregation, ignored);
  }

  /// Finds the entities of a text of any length, in windows that overlap.
  ///
  /// @param text any text
  /// @param aggregation how tokens are put together, not [Aggregation#NONE]
  /// @param ignored labels of what is left out
  /// @param stride tokens of a window that are in the next one again
  /// @return the entities, in the order of the text; of those that overlap the longest
  /// @throws IllegalArgumentException if `aggregation` is none, or a window has no room for the
  ///     stride
  /// @throws IllegalStateException if this is closed
  /// @throws java.util.concurrent.CancellationException if the thread is interrupted
  /// @throws dev.tenon.tensor.BackendException if the computation fails
  public List<Entity> classify(
      String text, Aggregation aggregation, List<String> ignored, int stride) {
    if (aggregation == Aggregation.NONE)
      throw new IllegalArgumentException("stride " + stride + " without an aggregation");
    int length = Math.min(head.maxLength(), head.positions());
    var truncation = new Truncation(length, Truncation.Strategy.LONGEST_FIRST, stride);
    return classify(text, head.tokenizer().windows(text, null, truncation), aggregation, ignored);
  }

  private List<Entity> classify(
      String text, List<TokenizedText> windows, Aggregation aggregation, List<String> ignored) {
    var points = new CodePoints(text);
    var results = head.evaluate(windows.stream().map(head::sequence).toList());
    var found = new ArrayList<Entity>();
    for (int i = 0; i < results.length; i++)
      found.addAll(
          entities.of(tokens(points, windows.get(i), results[i][0]), aggregation, ignored));
    return windows.size() > 1 ? TokenEntities.merged(found) : found;
  }

  /// The tokens of a window that are of the text, with the scores of each.
  private List<Token> tokens(CodePoints text, TokenizedText window, float[] logits) {
    var tokens = new ArrayList<Token>();
    int classes = entities.labels().size();
    for (int i = 0; i < window.length(); i++) {
      if (window.sequences()[i] < 0) continue;
      int start = window.starts()[i];
      int end = window.ends()[i];
      boolean unknown = window.ids()[i] == head.tokenizer().unknown();
      var word = unknown ? text.slice(start, end) : head.tokenizer().piece(window.ids()[i]);
      var scores = Scores.softmax(logits, i * classes, classes);
      boolean subword = !unknown && isSubword(text, word, start, end);
      tokens.add(new Token(word, scores, start, end, i, subword));
    }
    return tokens;
  }

  /// Whether a token goes on with a word: it is longer than its text by a prefix such as `##`, or,
  /// where tokens have none, there is no space before it.
  private boolean isSubword(CodePoints text, String word, int start, int end) {
    return head.tokenizer().marksSubwords()
        ? word.codePointCount(0, word.length()) != text.slice(start, end).codePoints().count()
        : start > 0 && !text.has(' ', start - 1, start + 1);
  }

  /// Frees what was held. Closing twice has no effect.
  ///
  /// @throws WrongThreadException if called by another thread than the one that made it
  @Override
  public void close() {
    head.close();
  }
}
