package dev.tenon.models;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.huggingface.Config;
import dev.tenon.huggingface.GgufPlan;
import dev.tenon.model.Hyperparameters;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/// Sliding windows: layers in which each token sees the last tokens alone. Where llama.cpp has no
/// keys for them in an architecture, they stand in keys of Tenon's own.
final class Windows {
  private static final String WINDOW = "attention.sliding_window";
  private static final String PATTERN = "attention.sliding_window_pattern";

  private Windows() {}

  /// {@return how many tokens each token sees in each layer, itself included, by Tenon's own keys:
  /// all, where there are none}
  ///
  /// @param layers how many
  /// @throws GgufFormatException if the pattern is not one element for each layer
  static int[] bind(Gguf gguf, int layers) throws GgufFormatException {
    var windows = new int[layers];
    Arrays.fill(windows, Hyperparameters.window(gguf, "tenon." + WINDOW));
    if (!gguf.has("tenon." + PATTERN)) return windows;
    var local = pattern(gguf, "tenon." + PATTERN, layers);
    for (int i = 0; i < layers; i++) if (!local[i]) windows[i] = Integer.MAX_VALUE;
    return windows;
  }

  /// {@return which layers have a window, as an array in the file says}
  ///
  /// @throws GgufFormatException if it is not one element for each layer
  static boolean[] pattern(Gguf gguf, String key, int layers) throws GgufFormatException {
    var listed = gguf.integers(key);
    if (listed.length != layers)
      throw gguf.malformed(
          key, key + " for each of the " + layers + " layers", listed.length + " elements");
    var local = new boolean[layers];
    for (int i = 0; i < layers; i++) local[i] = listed[i] != 0;
    return local;
  }

  /// Puts the window of a folder, for all layers, under Tenon's own key.
  static void map(Config config, GgufPlan plan) throws IOException {
    plan.own(WINDOW, new GgufValue.Int(GgufType.UINT32, config.size("sliding_window")));
  }

  /// Puts the window of a folder, for some layers, under Tenon's own keys; nothing where no layer
  /// has it.
  static void map(Config config, List<Boolean> local, GgufPlan plan) throws IOException {
    if (!local.contains(true)) return;
    map(config, plan);
    plan.own(PATTERN, pattern(local));
  }

  /// {@return which layers have a window, as a file says it}
  static GgufValue pattern(List<Boolean> local) {
    return GgufValue.Array.of(GgufType.BOOL, local.stream().map(GgufValue.Bool::new).toList());
  }
}
