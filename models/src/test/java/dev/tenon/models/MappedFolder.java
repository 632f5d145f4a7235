package dev.tenon.models;

import dev.tenon.huggingface.FolderMapping;
import dev.tenon.huggingface.GgufPlan;
import dev.tenon.huggingface.ModelFolder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/// Hugging Face folders of one tensor, for what is said of their configuration.
final class MappedFolder {
  private MappedFolder() {}

  /// The plan of a folder with this `config.json`.
  static GgufPlan map(Path folder, String config, FolderMapping mapping) throws IOException {
    Files.writeString(folder.resolve("config.json"), config);
    var header =
        "{\"x\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}}".getBytes();
    Files.write(
        folder.resolve("model.safetensors"),
        ByteBuffer.allocate(8 + header.length + 4)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(header.length)
            .put(header)
            .array());
    var plan = new GgufPlan("test");
    try (var opened = ModelFolder.open(folder)) {
      opened.assume(mapping.defaults(mapping.classes().getFirst()));
      mapping.map(opened, plan);
    }
    return plan;
  }
}
