package dev.tenon.models;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.huggingface.Config;
import dev.tenon.huggingface.FormatException;
import dev.tenon.tensor.Graph;
import dev.tenon.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.Collectors;

/// What a feed-forward block does with each element between its two projections, by the names that
/// transformers has for it; files have the first of them at `<architecture>.hidden_activation`.
enum Activation {
  GELU(Graph::geluErf, "gelu", "gelu_python"),
  GELU_TANH(Graph::gelu, "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate"),
  RELU(Graph::relu, "relu"),
  SILU(Graph::silu, "silu", "swish"),
  TANH(Graph::tanh, "tanh");

  private final BiFunction<Graph, Tensor, Tensor> function;
  private final List<String> names;

  Activation(BiFunction<Graph, Tensor, Tensor> function, String... names) {
    this.function = function;
    this.names = List.of(names);
  }

  /// The activation a file names.
  static Activation of(Gguf gguf) throws GgufFormatException {
    var key = gguf.text("general.architecture") + ".hidden_activation";
    return named(gguf.text(key), key);
  }

  /// The activation a file names, or another where it names none.
  static Activation of(Gguf gguf, Activation otherwise) throws GgufFormatException {
    var key = gguf.text("general.architecture") + ".hidden_activation";
    return gguf.has(key) ? of(gguf) : otherwise;
  }

  /// The activation a folder names.
  static Activation of(Config config, String key) throws FormatException {
    return named(config.text(key), config.path() + ": " + key);
  }

  private static Activation named(String name, String place) {
    for (var activation : values()) if (activation.names.contains(name)) return activation;
    throw new UnsupportedOperationException(
        place
            + " "
            + name
            + " is not supported; known: "
            + Arrays.stream(values())
                .flatMap(activation -> activation.names.stream())
                .collect(Collectors.joining(", ")));
  }

  /// The name that files have.
  String key() {
    return names.getFirst();
  }

  /// `x` F32, contiguous; each element on its own.
  Tensor apply(Graph g, Tensor x) {
    return function.apply(g, x);
  }
}
