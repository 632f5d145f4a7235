package dev.tenon;

import dev.tenon.model.Encoder;
import dev.tenon.model.EncoderEvaluator.Sequence;
import dev.tenon.tokenizer.Truncation;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// Orders documents by how well they answer a query, with a cross-encoder of one label: what
/// `CrossEncoder.rank` of sentence-transformers gives.
///
/// Confined to the thread that made it.
///
/// ```java
/// try (var reranker = new Reranker(model)) {
///   for (var hit : reranker.rank("How tall is the tower?", documents))
///     IO.println(hit.score() + " " + hit.text());
/// }
/// ```
public final class Reranker implements AutoCloseable {
  private final TextHead head;
  private final boolean sigmoid;

  /// A document with its score.
  ///
  /// @param corpusId its place among the documents, from 0
  /// @param score how well it answers, from 0 to 1 where the model's score is a probability
  /// @param text the document
  public record Hit(int corpusId, float score, String text) {}

  /// Opens the head of a model.
  ///
  /// @param model stays open longer than this
  /// @throws UnsupportedOperationException if it has no head of one label
  /// @throws IllegalStateException if it has no vocabulary, or is closed
  /// @throws dev.tenon.tensor.BackendException if there is not the memory
  public Reranker(Model model) {
    head =
        new TextHead(
            model,
            "rerank (one label)",
            output ->
                output.of() == Encoder.Rows.SEQUENCES
                    && output.name().equals("logits")
                    && output.width() == 1,
            1);
    try {
      sigmoid = !"identity".equals(head.labels().activation());
    } catch (Throwable e) {
      head.close();
      throw e;
    }
  }

  /// {@return all documents, the best first; of equal ones the first comes first}
  ///
  /// @param query any text
  /// @param documents any texts; query and document together are cut to what the model can read,
  ///     the longer one first
  /// @throws IllegalStateException if this is closed
  /// @throws java.util.concurrent.CancellationException if the thread is interrupted
  /// @throws dev.tenon.tensor.BackendException if the computation fails
  public List<Hit> rank(String query, List<String> documents) {
    var truncation = new Truncation(Math.min(head.maxLength(), head.positions()));
    var sequences = new ArrayList<Sequence>();
    for (var document : documents)
      sequences.add(head.sequence(head.tokenizer().tokenize(query, document, truncation)));
    var outputs = head.evaluate(sequences);
    var hits = new ArrayList<Hit>();
    for (int i = 0; i < outputs.length; i++) {
      var logits = outputs[i][0];
      float score = sigmoid ? Scores.sigmoid(logits)[0] : logits[0];
      hits.add(new Hit(i, score, documents.get(i)));
    }
    hits.sort(Comparator.comparingDouble(Hit::score).reversed());
    return hits;
  }

  /// Frees what was held. Closing twice has no effect.
  ///
  /// @throws WrongThreadException if called by another thread than the one that made it
  @Override
  public void close() {
    head.close();
  }
}
