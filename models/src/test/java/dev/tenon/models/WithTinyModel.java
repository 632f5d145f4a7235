package dev.tenon.models;

import dev.tenon.Model;
import dev.tenon.tensor.Backend;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/// Tests that each find a tiny model open, on one thread, in a folder of their own.
abstract class WithTinyModel {
  @TempDir Path folder;
  Backend backend;
  Model model;

  /// The shape of the model.
  TinyLlama shape() {
    return TinyLlama.DENSE;
  }

  @BeforeEach
  final void openModel() throws IOException {
    backend = Backend.cpu(1);
    model = Model.load(shape().write(folder.resolve("tiny.gguf")), backend);
  }

  @AfterEach
  final void closeModel() {
    model.close();
    backend.close();
  }
}
