package dev.tenon.models;

import dev.tenon.model.BuiltInModel;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;

/// The built-in model: a Llama of a few million weights that answers questions about Tenon. How it
/// was made and what it can do stands in the model card, `models/README.md`.
public final class TenonModel implements BuiltInModel {
  /// Found as a service.
  public TenonModel() {}

  @Override
  public String name() {
    return "tenon.gguf";
  }

  @Override
  public InputStream open() throws IOException {
    var bytes = TenonModel.class.getResourceAsStream(name());
    if (bytes == null)
      throw new FileNotFoundException(
          "no built-in model: this build of dev.tenon.models has no " + name() + "; load a file");
    return bytes;
  }
}
