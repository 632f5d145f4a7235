package dev.tenon.model;

import dev.tenon.tensor.Graph;
import dev.tenon.tensor.Tensor;
import java.util.List;

/// Builds the graph of one pass of an encoder: every token sees all tokens of its sequence.
/// Stateless.
public non-sealed interface Encoder extends Network {
  /// The name of the output that every encoder has: the hidden states of the last layer.
  String HIDDEN_STATES = "hidden_states";

  /// Something a model gives for what it reads.
  ///
  /// @param name as transformers has it, for example `logits` or `start_logits`
  /// @param of one row for each token, or one for each sequence
  /// @param width length of a row
  record Output(String name, Rows of, int width) {}

  /// What an output has a row for.
  enum Rows {
    /// Each token.
    TOKENS,
    /// Each sequence.
    SEQUENCES
  }

  /// {@return what can be asked for: [#HIDDEN_STATES], and what the heads of this model give, the
  /// main one last}
  List<Output> outputs();

  /// {@return the hidden states of the last layer, F32 `[width, t]`}
  ///
  /// @param g graph to append to
  /// @param in the sequences of the pass
  Tensor forward(Graph g, EncoderInputs in);

  /// {@return what a head makes of the hidden states, F32 `[its width, n]`: for an output of
  /// [tokens][Rows#TOKENS] of the rows [EncoderInputs#outputs], for one of
  /// [sequences][Rows#SEQUENCES] of all sequences}
  ///
  /// Not called for [#HIDDEN_STATES].
  ///
  /// @param g graph to append to
  /// @param hidden what [#forward] gave, F32 `[width, t]`
  /// @param in the sequences of the pass
  /// @param output name of one of the [#outputs]
  /// @throws IllegalArgumentException if there is no such output
  Tensor head(Graph g, Tensor hidden, EncoderInputs in, String output);

  /// {@return how many positions it knows: the longest sequence, in tokens}
  int positions();

  /// {@return how many segments it tells apart; 0 where it knows none}
  int tokenTypes();

  /// {@return the token whose hidden state stands for the whole sequence: the first, as for BERT,
  /// where an architecture does not say otherwise}
  ///
  /// @param tokens of the sequence, at least one
  default int summary(int[] tokens) {
    return 0;
  }
}
