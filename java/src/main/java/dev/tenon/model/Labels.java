package dev.tenon.model;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import java.util.List;

/// The classes that a classifier tells apart, of texts or of tokens.
///
/// @param names of each class, by its place in the logits
/// @param problemType what transformers' configuration says the scores are: `regression`,
///     `single_label_classification`, `multi_label_classification`; null where it does not say
/// @param activation what sentence-transformers' configuration applies to the score of a reranker:
///     `sigmoid` or `identity`; null where it does not say
public record Labels(List<String> names, String problemType, String activation) {
  /// Copies the names.
  public Labels {
    names = List.copyOf(names);
  }

  /// {@return the classes a file has, by `<architecture>.classifier.output_labels`,
  /// `tenon.classifier.problem_type` and `tenon.classifier.activation`; none where it has no
  /// labels}
  ///
  /// @param gguf open file
  /// @throws GgufFormatException if a key has another type
  public static Labels of(Gguf gguf) throws GgufFormatException {
    var key = gguf.text("general.architecture") + ".classifier.output_labels";
    return new Labels(
        gguf.has(key) ? gguf.strings(key) : List.of(),
        gguf.text("tenon.classifier.problem_type", null),
        gguf.text("tenon.classifier.activation", null));
  }
}
