package dev.tenon;

import dev.tenon.gguf.GgufFormatException;
import dev.tenon.model.Encoder;
import dev.tenon.model.EncoderEvaluator.Sequence;
import dev.tenon.model.Labels;
import dev.tenon.tokenizer.TokenizedText;
import dev.tenon.tokenizer.Tokenizer;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// A head of an encoder, with what it takes to ask it about texts: what the small interfaces
/// ([FillMask], [Classifier], …) share.
final class TextHead implements AutoCloseable {
  private final Model model;
  private final Tokenizer tokenizer;
  private final EncoderSession session;
  private final List<String> outputs;
  private final Labels labels;
  private final int maxLength;
  private final boolean cleansUp;

  /// Finds the outputs that something needs.
  ///
  /// @param task what the model is to do, for example `fill masks`
  /// @param wanted which outputs will do
  /// @param needed how many of them there must be; of more the last are taken, in the order of
  ///     their names
  /// @throws UnsupportedOperationException if the model is no encoder, or does not give them
  TextHead(Model model, String task, Predicate<Encoder.Output> wanted, int needed) {
    if (model.kind() != Model.Kind.ENCODER)
      throw model.cannot("does not " + task, Model.Kind.ENCODER);
    this.model = model;
    try {
      labels = Labels.of(model.gguf());
      maxLength =
          Math.clamp(
              model.gguf().integer("tenon.tokenizer.max_length", Integer.MAX_VALUE),
              1,
              Integer.MAX_VALUE);
      cleansUp = model.gguf().bool("tenon.tokenizer.clean_up_spaces", false);
    } catch (GgufFormatException e) {
      throw new UncheckedIOException(e);
    }
    tokenizer = model.tokenizer();
    session = model.newEncoderSession();
    var found = session.outputs().stream().filter(wanted).map(Encoder.Output::name).toList();
    outputs = found.stream().skip(Math.max(0, found.size() - needed)).sorted().toList();
    if (outputs.size() < needed) {
      session.close();
      throw new UnsupportedOperationException(
          model.name()
              + " ("
              + model.architecture()
              + ") has no head to "
              + task
              + ": it gives "
              + session.outputs().stream()
                  .map(TextHead::describe)
                  .collect(Collectors.joining(", ")));
    }
  }

  private static String describe(Encoder.Output output) {
    var of = output.of() == Encoder.Rows.TOKENS ? " a token" : " a text";
    return output.name() + " (" + output.width() + of + ")";
  }

  Model model() {
    return model;
  }

  Tokenizer tokenizer() {
    return tokenizer;
  }

  /// {@return the most tokens of a text}
  int positions() {
    return session.positions();
  }

  /// {@return elements in a row of the output}
  int width() {
    return session.outputs().stream()
        .filter(output -> output.name().equals(outputs.getFirst()))
        .findFirst()
        .orElseThrow()
        .width();
  }

  /// {@return the classes that the head tells apart: their names are those in the file, else, as
  /// transformers has it, LABEL_0 and so on}
  ///
  /// @throws IllegalStateException if the file names more or fewer
  Labels labels() {
    int classes = width();
    if (labels.names().isEmpty()) {
      var names = IntStream.range(0, classes).mapToObj(i -> "LABEL_" + i).toList();
      return new Labels(names, labels.problemType(), labels.activation());
    }
    if (labels.names().size() != classes)
      throw new IllegalStateException(
          model.name() + " names " + labels.names().size() + " labels for " + classes + " classes");
    return labels;
  }

  /// {@return the most tokens of a text, by the tokenizer; [Integer#MAX_VALUE] where it has no
  /// bound}
  int maxLength() {
    return maxLength;
  }

  /// {@return a decoded text as transformers gives it: where the tokenizer says so without spaces
  /// before punctuation}
  String tidy(String text) {
    if (!cleansUp) return text;
    var tidy = text;
    for (var mark : List.of(".", "?", "!", ",")) tidy = tidy.replace(" " + mark, mark);
    tidy = tidy.replace(" ' ", "'");
    for (var end : List.of("n't", "'m", "'s", "'ve", "'re")) tidy = tidy.replace(" " + end, end);
    return tidy;
  }

  /// {@return a text to evaluate, with the output of all its tokens wanted}
  ///
  /// @throws IllegalArgumentException if it has no tokens
  Sequence sequence(TokenizedText text) {
    return sequence(text, null);
  }

  /// {@return a text to evaluate}
  ///
  /// @param outputs tokens whose output is wanted; null for all
  /// @throws IllegalArgumentException if it has no tokens
  Sequence sequence(TokenizedText text, int[] outputs) {
    if (text.length() == 0) throw new IllegalArgumentException("the text has no tokens");
    return new Sequence(text.ids(), session.tokenTypes() == 0 ? null : text.typeIds(), outputs);
  }

  /// {@return for each text and each output its rows}
  float[][][] evaluate(List<Sequence> sequences) {
    return session.evaluate(sequences, outputs);
  }

  @Override
  public void close() {
    session.close();
  }
}
