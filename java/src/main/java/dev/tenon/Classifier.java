package dev.tenon;

import dev.tenon.model.Encoder;
import dev.tenon.model.EncoderEvaluator.Sequence;
import dev.tenon.model.Labels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Tells which of a few labels a text has, or a pair of texts: what transformers'
/// `text-classification` pipeline gives.
///
/// Confined to the thread that made it.
///
/// ```java
/// try (var classifier = new Classifier(model)) {
///   var best = classifier.classify("A fine film.").getFirst();
///   IO.println(best.label() + " " + best.score());
/// }
/// ```
public final class Classifier implements AutoCloseable {
  private final TextHead head;
  private final Labels labels;

  /// A label with its score.
  ///
  /// @param label its name
  /// @param score its probability; of a regression the value itself
  public record Label(String label, float score) {}

  /// Opens the head of a model.
  ///
  /// @param model stays open longer than this
  /// @throws UnsupportedOperationException if it does not classify texts
  /// @throws IllegalStateException if it has no vocabulary, not as many labels as classes, or is
  ///     closed
  /// @throws dev.tenon.tensor.BackendException if there is not the memory
  public Classifier(Model model) {
    head =
        new TextHead(
            model,
            "classify texts",
            output ->
                output.of() == Encoder.Rows.SEQUENCES
                    && (output.name().equals("logits")
                        || output.name().equals("seq_relationship_logits")),
            1);
    try {
      labels = head.labels();
    } catch (Throwable e) {
      head.close();
      throw e;
    }
  }

  /// {@return the names of the labels, in the model's order}
  public List<String> labels() {
    return labels.names();
  }

  /// {@return all labels of a text, the best first}
  ///
  /// @param text any text
  /// @throws IndexOutOfBoundsException if it is longer than the model can read
  /// @throws IllegalStateException if this is closed
  /// @throws java.util.concurrent.CancellationException if the thread is interrupted
  /// @throws dev.tenon.tensor.BackendException if the computation fails
  public List<Label> classify(String text) {
    return classify(text, null);
  }

  /// {@return all labels of a pair of texts, the best first}
  ///
  /// @param text any text
  /// @param pair any text; null for none
  /// @throws IndexOutOfBoundsException if they are longer than the model can read
  /// @throws IllegalStateException if this is closed
  /// @throws java.util.concurrent.CancellationException if the thread is interrupted
  /// @throws dev.tenon.tensor.BackendException if the computation fails
  public List<Label> classify(String text, String pair) {
    return classify(List.of(text), Arrays.asList(pair)).getFirst();
  }

  /// {@return for each text all its labels, the best first}
  ///
  /// @param texts any texts
  /// @throws IndexOutOfBoundsException if one is longer than the model can read
  /// @throws IllegalStateException if this is closed
  /// @throws java.util.concurrent.CancellationException if the thread is interrupted
  /// @throws dev.tenon.tensor.BackendException if the computation fails
  public List<List<Label>> classify(List<String> texts) {
    return classify(texts, Arrays.asList(new String[texts.size()]));
  }

  private List<List<Label>> classify(List<String> texts, List<String> pairs) {
    var sequences = new ArrayList<Sequence>();
    for (int i = 0; i < texts.size(); i++)
      sequences.add(head.sequence(head.tokenizer().tokenize(texts.get(i), pairs.get(i))));
    var all = new ArrayList<List<Label>>();
    for (var outputs : head.evaluate(sequences)) all.add(labels(outputs[0]));
    return all;
  }

  private List<Label> labels(float[] logits) {
    var scores =
        switch (labels.problemType()) {
          case "regression" -> logits;
          case "multi_label_classification" -> Scores.sigmoid(logits);
          case null, default ->
              logits.length == 1 ? Scores.sigmoid(logits) : Scores.softmax(logits);
        };
    var result = new ArrayList<Label>();
    for (int i : Scores.best(scores, scores.length))
      result.add(new Label(labels.names().get(i), scores[i]));
    return result;
  }

  /// Frees what was held. Closing twice has no effect.
  ///
  /// @throws WrongThreadException if called by another thread than the one that made it
  @Override
  public void close() {
    head.close();
  }
}
