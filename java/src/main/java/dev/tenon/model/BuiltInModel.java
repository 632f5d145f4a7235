package dev.tenon.model;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ServiceLoader;

/// A small model that comes with the architectures, so that there is one where there is no file.
/// Found with [ServiceLoader]; the first counts.
public interface BuiltInModel {
  /// {@return what messages call it, for example `tenon.gguf`}
  String name();

  /// {@return the bytes of a GGUF file; the caller closes the stream}
  ///
  /// @throws IOException if they cannot be had
  InputStream open() throws IOException;

  /// {@return the file of the built-in model, in memory; the caller closes it}
  ///
  /// @throws GgufFormatException if it is malformed
  /// @throws IOException if it cannot be read
  /// @throws IllegalStateException if there is none on the class path or module path
  static Gguf gguf() throws IOException {
    var model =
        ServiceLoader.load(BuiltInModel.class, BuiltInModel.class.getClassLoader())
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalStateException(
                        "no built-in model: the module dev.tenon.models is not there; load a"
                            + " file"));
    try (var in = model.open()) {
      return Gguf.of(Path.of("built-in " + model.name()), in.readAllBytes());
    }
  }
}
