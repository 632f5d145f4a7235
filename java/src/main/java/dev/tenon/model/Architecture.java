package dev.tenon.model;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.tensor.Weights;
import java.util.List;
import java.util.ServiceLoader;

/// A family of models: one implementation, one file. Found with [java.util.ServiceLoader].
public interface Architecture {
  /// {@return one of each architecture on the class path or module path}
  static List<Architecture> all() {
    return ServiceLoader.load(Architecture.class, Architecture.class.getClassLoader()).stream()
        .map(ServiceLoader.Provider::get)
        .toList();
  }

  /// {@return the value of `general.architecture` this implements, for example `llama`}
  String name();

  /// Binds weights to a network. Every weight is declared here, so that a wrong file fails at load
  /// and not at the first token.
  ///
  /// @param gguf the file, for its numbers; not retained
  /// @param weights of the model, without data yet
  /// @return a stateless [Decoder], [Encoder] or [EncoderDecoder]
  /// @throws GgufFormatException if a number is absent, has another type or does not go with the
  ///     others, or a weight is absent or has another shape
  /// @throws UnsupportedOperationException if the file asks for something that this does not know
  Network bind(Gguf gguf, Weights weights) throws GgufFormatException;
}
