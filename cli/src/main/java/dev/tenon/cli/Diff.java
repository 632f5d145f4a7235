package dev.tenon.cli;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.TensorInfo;
import dev.tenon.json.Json;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/// In what two files differ: their metadata, and their tensors' types, shapes and bytes. The order
/// in which these stand in the files is no difference.
final class Diff {
  private static final int LONGEST = 60;

  /// One difference.
  ///
  /// @param what `metadata` or `tensor`
  /// @param name the key, or the name of the tensor
  /// @param first how it is in the first file; null where it is not there
  /// @param second how it is in the second file
  private record Difference(String what, String name, String first, String second) {}

  private final List<Difference> differences = new ArrayList<>();

  private Diff() {}

  /// Prints the differences, one line each.
  ///
  /// @return 1 where there is one
  static int print(Gguf first, Gguf second, boolean json, Output out) throws IOException {
    var diff = new Diff();
    diff.metadata(first, second);
    diff.tensors(first, second);
    if (json) {
      var all = new ArrayList<Map<String, Object>>();
      for (var difference : diff.differences) {
        var one = new LinkedHashMap<String, Object>();
        one.put(difference.what, difference.name);
        one.put("first", difference.first);
        one.put("second", difference.second);
        all.add(one);
      }
      out.println(Json.write(all, "  "));
    } else {
      for (var difference : diff.differences) {
        out.println(line(difference));
      }
    }
    return diff.differences.isEmpty() ? 0 : 1;
  }

  private static String line(Difference difference) {
    var start = difference.what + " " + Text.visible(difference.name) + ": ";
    if (difference.second == null) {
      return start + Text.visible(difference.first) + " in the first alone";
    }
    if (difference.first == null) {
      return start + Text.visible(difference.second) + " in the second alone";
    }
    return start + Text.visible(difference.first) + " -> " + Text.visible(difference.second);
  }

  private void metadata(Gguf first, Gguf second) throws IOException {
    var keys = new LinkedHashSet<>(first.keys());
    keys.addAll(second.keys());
    for (var key : keys) {
      var a = first.has(key) ? first.get(key) : null;
      var b = second.has(key) ? second.get(key) : null;
      if (a == null || !a.equals(b)) {
        boolean typed = a != null && b != null && a.type() != b.type();
        differences.add(new Difference("metadata", key, text(a, b, typed), text(b, a, typed)));
      }
    }
  }

  /// A value, in short; of two arrays where they begin to differ.
  private static String text(GgufValue value, GgufValue other, boolean typed) {
    if (value == null) {
      return null;
    }
    if (value instanceof GgufValue.Array a
        && other instanceof GgufValue.Array b
        && a.elementType() == b.elementType()) {
      int i = 0;
      while (i < Math.min(a.size(), b.size()) && a.get(i).equals(b.get(i))) {
        i++;
      }
      return a.size()
          + " "
          + a.elementType()
          + (i < a.size() ? ", [" + i + "] = " + shortened(a.get(i).toString()) : "");
    }
    return shortened(value.toString()) + (typed ? " (" + value.type() + ")" : "");
  }

  private static String shortened(String text) {
    return text.length() <= LONGEST ? text : text.substring(0, LONGEST) + "…";
  }

  private void tensors(Gguf first, Gguf second) throws IOException {
    var names = new LinkedHashSet<String>();
    first.tensors().forEach(tensor -> names.add(tensor.name()));
    second.tensors().forEach(tensor -> names.add(tensor.name()));
    for (var name : names) {
      var a = first.hasTensor(name) ? first.tensor(name) : null;
      var b = second.hasTensor(name) ? second.tensor(name) : null;
      if (a == null || b == null || a.type() != b.type() || !a.shape().equals(b.shape())) {
        differences.add(new Difference("tensor", name, text(a), text(b)));
      } else {
        long at = first.data(a).mismatch(second.data(b));
        if (at >= 0) {
          long block = at / a.type().blockBytes() * a.type().blockElements();
          differences.add(
              new Difference(
                  "tensor", name, text(a), "other bytes, from element " + block + " on"));
        }
      }
    }
  }

  private static String text(TensorInfo tensor) {
    return tensor == null ? null : tensor.type().ggmlName() + " " + tensor.shape();
  }
}
