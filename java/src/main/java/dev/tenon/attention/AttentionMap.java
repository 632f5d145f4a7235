package dev.tenon.attention;

import java.util.Arrays;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/// The attention weights of one kind: how much each token looks at each, in every head of every
/// layer.
///
/// The weights are one array, as they may be hundreds of megabytes, and are not copied: who hands
/// them over leaves them as they are.
///
/// @param layers the numbers of the layers, from 0; not all of the model's where some were selected
/// @param heads the numbers of the heads, from 0, the same in every layer
/// @param to the number of tokens that look
/// @param from the number of tokens that they look at
/// @param weights from 0 to 1, [layer, head, to, from], row after row
public record AttentionMap(int[] layers, int[] heads, int to, int from, float[] weights) {
  /// Checks that the sizes agree.
  ///
  /// @throws IllegalArgumentException if a size is not positive, or the number of weights is not
  ///     the product of the sizes
  public AttentionMap {
    layers = layers.clone();
    heads = heads.clone();
    var shape = shape(layers.length, heads.length, to, from);
    if (layers.length < 1 || heads.length < 1 || to < 1 || from < 1) {
      throw new IllegalArgumentException("attention: no weights in shape " + shape);
    }
    long rest = weights.length;
    boolean whole = true;
    for (int size : new int[] {layers.length, heads.length, to, from}) {
      whole &= rest % size == 0;
      rest /= size;
    }
    if (!whole || rest != 1) {
      throw new IllegalArgumentException(
          "attention: " + weights.length + " weights, expected those of shape " + shape);
    }
  }

  /// {@return the weights of all layers and heads}
  ///
  /// @param layers how many layers
  /// @param heads how many heads each of them has
  /// @param to the number of tokens that look
  /// @param from the number of tokens that they look at
  /// @param weights [layer, head, to, from], row after row; not copied
  /// @throws IllegalArgumentException if a size is not positive, or the number of weights is not
  ///     the product of the sizes
  public static AttentionMap of(int layers, int heads, int to, int from, float[] weights) {
    if (layers < 1 || heads < 1 || (long) layers * heads > weights.length) {
      throw new IllegalArgumentException(
          "attention: "
              + weights.length
              + " weights, expected those of shape "
              + shape(layers, heads, to, from));
    }
    return new AttentionMap(numbers(layers), numbers(heads), to, from, weights);
  }

  private static int[] numbers(int count) {
    return IntStream.range(0, count).toArray();
  }

  private static String shape(int... sizes) {
    return Arrays.toString(sizes);
  }

  /// {@return a copy of the layers' numbers}
  @Override
  public int[] layers() {
    return layers.clone();
  }

  /// {@return a copy of the heads' numbers}
  @Override
  public int[] heads() {
    return heads.clone();
  }

  /// {@return how much one token looks at another}
  ///
  /// @param layer the place of the layer among [#layers], from 0
  /// @param head the place of the head among [#heads], from 0
  /// @param to the token that looks
  /// @param from the token that it looks at
  /// @throws IndexOutOfBoundsException if there is no such layer, head or token
  public float weight(int layer, int head, int to, int from) {
    if (to < 0 || to >= this.to || from < 0 || from >= this.from) {
      throw new IndexOutOfBoundsException(
          "attention of token " + to + " to " + from + ", of " + this.to + " to " + this.from);
    }
    return weights[matrix(layer, head) + to * this.from + from];
  }

  /// {@return where the weights of one head begin, by the places of layer and head}
  int matrix(int layer, int head) {
    if (layer < 0 || layer >= layers.length || head < 0 || head >= heads.length) {
      throw new IndexOutOfBoundsException(
          "attention of layer %d, head %d, of %d and %d"
              .formatted(layer, head, layers.length, heads.length));
    }
    return (layer * heads.length + head) * to * from;
  }

  /// {@return the part with some layers and heads, or null if it would be empty}
  AttentionMap select(IntPredicate layers, IntPredicate heads) {
    var keptLayers = places(this.layers, layers);
    var keptHeads = places(this.heads, heads);
    if (keptLayers.length == this.layers.length && keptHeads.length == this.heads.length) {
      return this;
    }
    if (keptLayers.length == 0 || keptHeads.length == 0) {
      return null;
    }
    int matrix = to * from;
    var kept = new float[keptLayers.length * keptHeads.length * matrix];
    int at = 0;
    for (int layer : keptLayers) {
      for (int head : keptHeads) {
        System.arraycopy(weights, matrix(layer, head), kept, at, matrix);
        at += matrix;
      }
    }
    return new AttentionMap(
        IntStream.of(keptLayers).map(place -> this.layers[place]).toArray(),
        IntStream.of(keptHeads).map(place -> this.heads[place]).toArray(),
        to,
        from,
        kept);
  }

  private static int[] places(int[] numbers, IntPredicate chosen) {
    return IntStream.range(0, numbers.length)
        .filter(place -> chosen.test(numbers[place]))
        .toArray();
  }
}
