package dev.tenon;

import dev.tenon.attention.AttentionKind;
import dev.tenon.attention.AttentionMap;
import dev.tenon.attention.AttentionMaps;
import dev.tenon.attention.AttentionTokens;
import dev.tenon.model.AttentionProbe;
import dev.tenon.model.Decoder;
import dev.tenon.model.Encoder;
import dev.tenon.model.EncoderDecoder;
import dev.tenon.tensor.AttentionTap;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/// Runs a model once over a text and tells what each head of each layer looked at.
///
/// ```java
/// var tokens = model.tokenizer().encodePrompt("The cat sat");
/// var maps = AttentionCapture.of(model, tokens, null, null);
/// try (var out = Files.newOutputStream(Path.of("view.html"))) {
///   AttentionPage.write(maps, out);
/// }
/// ```
public final class AttentionCapture {
  private static final int MOST_WEIGHTS = 1 << 28;

  private AttentionCapture() {}

  /// {@return what a model looks at}
  ///
  /// @param model of any kind
  /// @param tokens ids of the text; for an encoder-decoder of the source
  /// @param tokenTypes segment of each token of an encoder; null where all are of the first
  /// @param decoderTokens ids of what the decoder of an encoder-decoder reads, the start token
  ///     first; null for what it writes by itself; not looked at for other models
  /// @throws IllegalArgumentException if there is no token, not a type for each, or more than 2^28
  ///     weights
  /// @throws IndexOutOfBoundsException if an id is outside the vocabulary, a type is unknown, or
  ///     there are more tokens than the model knows positions
  /// @throws IllegalStateException if the model is closed
  /// @throws dev.tenon.tensor.BackendException if there is not the memory
  public static AttentionMaps of(Model model, int[] tokens, int[] tokenTypes, int[] decoderTokens) {
    model.retain("attention");
    try {
      checkSize(model, Math.max(tokens.length, decoderTokens == null ? 0 : decoderTokens.length));
      var weights = model.weights();
      int vocabulary = model.vocabularySize();
      var types = tokenTypes == null ? new int[tokens.length] : tokenTypes;
      return switch (model.network()) {
        case Decoder decoder -> {
          var layout = model.hyperparameters().cacheLayout();
          var layers = AttentionProbe.of(decoder, layout, weights, vocabulary, tokens);
          yield maps(model, layers, AttentionTokens.NONE, tokens(model, tokens, new int[0]));
        }
        case Encoder encoder -> {
          var layers = AttentionProbe.of(encoder, weights, vocabulary, tokens, types);
          var typed = tokens(model, tokens, tokenTypes == null ? new int[0] : types);
          yield maps(model, layers, typed, AttentionTokens.NONE);
        }
        case EncoderDecoder network -> {
          var written = decoderTokens == null ? written(model, tokens) : decoderTokens;
          var layers = AttentionProbe.of(network, weights, vocabulary, tokens, written);
          yield maps(
              model, layers, tokens(model, tokens, new int[0]), tokens(model, written, new int[0]));
        }
      };
    } finally {
      model.release();
    }
  }

  /// Refuses what would not fit in an array before anything is computed.
  private static void checkSize(Model model, int tokens) {
    var hp = model.hyperparameters();
    double weights = (double) hp.layers() * hp.heads() * tokens * tokens;
    if (weights > MOST_WEIGHTS)
      throw new IllegalArgumentException(
          "attention of "
              + tokens
              + " tokens in "
              + hp.layers()
              + " layers of "
              + hp.heads()
              + " heads: at most "
              + MOST_WEIGHTS
              + " weights, give fewer tokens");
  }

  private static int[] written(Model model, int[] source) {
    try (var generator = new SequenceGenerator(model, SessionOptions.of(0))) {
      var sequences = generator.generate(List.of(source), generator.settings()).getFirst();
      if (sequences.isEmpty())
        throw new IllegalStateException(
            "attention: " + model.name() + " writes nothing about this: give the decoder's tokens");
      return sequences.getFirst().tokens();
    }
  }

  private static AttentionTokens tokens(Model model, int[] tokens, int[] types) {
    var texts =
        Arrays.stream(tokens)
            .mapToObj(
                token ->
                    model.hasTokenizer() ? model.tokenizer().piece(token) : Integer.toString(token))
            .toList();
    return new AttentionTokens(texts, tokens, types);
  }

  private static AttentionMaps maps(
      Model model,
      List<AttentionProbe.Layer> layers,
      AttentionTokens encoder,
      AttentionTokens decoder) {
    Map<AttentionKind, AttentionMap> maps = new EnumMap<>(AttentionKind.class);
    for (var kind : AttentionTap.Kind.values()) {
      var ofKind = layers.stream().filter(layer -> layer.kind() == kind).toList();
      if (!ofKind.isEmpty()) maps.put(AttentionKind.valueOf(kind.name()), map(ofKind));
    }
    return new AttentionMaps(model.name(), encoder, decoder, maps);
  }

  private static AttentionMap map(List<AttentionProbe.Layer> layers) {
    var first = layers.getFirst();
    int each = first.probabilities().length;
    var weights = new float[Math.multiplyExact(layers.size(), each)];
    for (int i = 0; i < layers.size(); i++)
      System.arraycopy(layers.get(i).probabilities(), 0, weights, i * each, each);
    return AttentionMap.of(layers.size(), first.heads(), first.to(), first.from(), weights);
  }
}
