package dev.tenon;

import dev.tenon.tensor.Weights;

/// How a model is loaded. Immutable; each `with…` makes a copy.
///
/// @param gpuLayers how many of the last layers go to the graphics card where there is one, the
///     output counting as one; more than there are means all
/// @param repack whether weights may be repacked into the order the processor computes with
///     fastest, at the cost of a copy
/// @param progress is told how much is in place
public record ModelOptions(int gpuLayers, boolean repack, Weights.Progress progress) {
  private static final ModelOptions DEFAULTS =
      new ModelOptions(Integer.MAX_VALUE, true, (_, _) -> {});

  /// {@return all layers on the graphics card, repacking, no progress}
  public static ModelOptions defaults() {
    return DEFAULTS;
  }

  /// {@return a copy with another number of layers on the graphics card}
  ///
  /// @param layers at least 0
  public ModelOptions withGpuLayers(int layers) {
    return new ModelOptions(layers, repack, progress);
  }

  /// {@return a copy that repacks or does not}
  ///
  /// @param allowed whether weights may be repacked
  public ModelOptions withRepack(boolean allowed) {
    return new ModelOptions(gpuLayers, allowed, progress);
  }

  /// {@return a copy that reports progress}
  ///
  /// @param listener called on the loading thread
  public ModelOptions withProgress(Weights.Progress listener) {
    return new ModelOptions(gpuLayers, repack, listener);
  }
}
