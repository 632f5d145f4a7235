package dev.tenon.attention;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.IntPredicate;

/// What was captured of the attention of a model over one input.
///
/// ```java
/// var tokens = new AttentionTokens(List.of("[CLS]", "hello", "[SEP]"));
/// var maps = AttentionMaps.ofEncoder("bert", tokens, AttentionMap.of(12, 12, 3, 3, weights));
/// try (var out = Files.newOutputStream(Path.of("view.html"))) {
///   AttentionPage.write(maps, out);
/// }
/// ```
///
/// @param model the name of the model, for people
/// @param encoder the tokens of the encoder; [AttentionTokens#NONE] for a decoder alone
/// @param decoder the tokens of the decoder; [AttentionTokens#NONE] for an encoder alone
/// @param maps the weights by kind: at least one kind, in the order of [AttentionKind]
public record AttentionMaps(
    String model,
    AttentionTokens encoder,
    AttentionTokens decoder,
    Map<AttentionKind, AttentionMap> maps) {
  /// Checks that maps and tokens agree.
  ///
  /// @throws IllegalArgumentException if there is no map, or one has not as many rows and columns
  ///     as there are tokens
  public AttentionMaps {
    if (maps.isEmpty()) {
      throw new IllegalArgumentException("attention: no weights of any kind");
    }
    maps = Collections.unmodifiableMap(new EnumMap<>(maps));
    for (var entry : maps.entrySet()) {
      var kind = entry.getKey();
      int to = (kind == AttentionKind.ENCODER ? encoder : decoder).size();
      int from = (kind == AttentionKind.DECODER ? decoder : encoder).size();
      var map = entry.getValue();
      if (map.to() != to || map.from() != from) {
        throw new IllegalArgumentException(
            "%s: weights of %d to %d tokens, expected %d to %d"
                .formatted(kind.arrays(), map.to(), map.from(), to, from));
      }
    }
  }

  /// {@return the attention of an encoder alone}
  ///
  /// @param model the name of the model, for people
  /// @param tokens its tokens
  /// @param map its weights
  /// @throws IllegalArgumentException if the weights are not those of so many tokens
  public static AttentionMaps ofEncoder(String model, AttentionTokens tokens, AttentionMap map) {
    var maps = Map.of(AttentionKind.ENCODER, map);
    return new AttentionMaps(model, tokens, AttentionTokens.NONE, maps);
  }

  /// {@return the attention of a decoder alone}
  ///
  /// @param model the name of the model, for people
  /// @param tokens its tokens
  /// @param map its weights
  /// @throws IllegalArgumentException if the weights are not those of so many tokens
  public static AttentionMaps ofDecoder(String model, AttentionTokens tokens, AttentionMap map) {
    var maps = Map.of(AttentionKind.DECODER, map);
    return new AttentionMaps(model, AttentionTokens.NONE, tokens, maps);
  }

  /// {@return whether there is an encoder or a decoder alone, whose arrays need no name of a side}
  boolean oneSided() {
    return encoder.size() == 0 || decoder.size() == 0;
  }

  /// {@return the name of the array of a kind: `attentions` of an encoder or a decoder alone, else
  /// [AttentionKind#arrays]}
  ///
  /// @param kind the kind
  public String name(AttentionKind kind) {
    return oneSided() ? "attentions" : kind.arrays();
  }

  /// {@return the part with some layers and heads; kinds that have none of them are left out}
  ///
  /// @param layers whether the layer of a number, from 0, stays
  /// @param heads whether the head of a number, from 0, stays
  /// @throws IllegalArgumentException if nothing stays
  public AttentionMaps select(IntPredicate layers, IntPredicate heads) {
    var selected = new EnumMap<AttentionKind, AttentionMap>(AttentionKind.class);
    maps.forEach(
        (kind, map) -> {
          var part = map.select(layers, heads);
          if (part != null) {
            selected.put(kind, part);
          }
        });
    if (selected.isEmpty()) {
      throw new IllegalArgumentException("attention: the model has none of these layers and heads");
    }
    return new AttentionMaps(model, encoder, decoder, selected);
  }
}
