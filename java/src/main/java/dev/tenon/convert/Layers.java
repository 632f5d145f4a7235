package dev.tenon.convert;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedSet;
import java.util.regex.Pattern;

/// Layers in the names of tensors: `blk.3.attn_q.weight` is of layer 3.
final class Layers {
  private static final Pattern START = Pattern.compile("blk\\.(-?\\d{1,9})");
  private static final Pattern ANYWHERE = Pattern.compile("blk\\.(\\d{1,9})\\.");

  /// Those of no layer first, then layer by layer, names of each in the order of their bytes: the
  /// order in which llama.cpp writes tensors.
  static final Comparator<String> ORDER =
      Comparator.<String>comparingInt(Layers::of)
          .thenComparing(
              (a, b) ->
                  Arrays.compareUnsigned(
                      a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8)));

  private Layers() {}

  /// {@return the layer that a name begins with, -1 where it has none}
  static int of(String name) {
    var matcher = START.matcher(name);
    return matcher.lookingAt() ? Integer.parseInt(matcher.group(1)) : -1;
  }

  /// New numbers for the layers that stay when some are left out, in the order they come in.
  static final class Renumbering {
    private final SortedSet<Integer> pruned;
    private final Map<Integer, Integer> numbers = new HashMap<>();
    private int next;

    Renumbering(SortedSet<Integer> pruned) {
      this.pruned = pruned;
    }

    /// {@return the name with the new number, or null for a tensor of a layer that is left out}
    String rename(String name) {
      if (pruned.isEmpty()) return name;
      var matcher = ANYWHERE.matcher(name);
      if (!matcher.find()) return name;
      int layer = Integer.parseInt(matcher.group(1));
      if (pruned.contains(layer)) return null;
      if (!numbers.containsKey(layer)) {
        if (layer < pruned.first()) next = layer;
        numbers.put(layer, next++);
      }
      return name.substring(0, matcher.start(1))
          + numbers.get(layer)
          + name.substring(matcher.end(1));
    }

    /// {@return how many layers stay}
    int count() {
      return next;
    }
  }
}
