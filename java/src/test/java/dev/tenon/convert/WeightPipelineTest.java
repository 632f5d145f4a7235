package dev.tenon.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.gguf.TensorType;
import dev.tenon.huggingface.Checkpoint;
import dev.tenon.huggingface.Weight;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/// What a pipeline holds while it makes tensors.
class WeightPipelineTest {
  @TempDir private Path folder;

  private Path write() throws IOException {
    var header = "{\"w\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}";
    var text = header.getBytes(StandardCharsets.UTF_8);
    var bytes = ByteBuffer.allocate(8 + text.length + 16).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(text.length).put(text);
    for (int i = 0; i < 4; i++) bytes.putFloat(i);
    return Files.write(folder.resolve("w.safetensors"), bytes.array());
  }

  private static long mappings(Path file) throws IOException {
    try (var lines = Files.lines(Path.of("/proc/self/maps"), StandardCharsets.ISO_8859_1)) {
      return lines.filter(line -> line.endsWith(file.getFileName().toString())).count();
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void aTensorThatCouldNotBeBegunIsUnmapped() throws IOException {
    var file = write();
    try (var checkpoint = Checkpoint.open(file)) {
      long before = mappings(file);
      var weight = Weight.of(checkpoint.tensor("w"));
      for (var type : List.of(TensorType.F32, TensorType.F16)) {
        var jobs = List.of(new WeightPipeline.Job("w", weight, type));
        var pipeline = new WeightPipeline(folder, jobs, null, 1, (_, _) -> {});
        pipeline.close(); // so that nothing more is computed
        var out = Channels.newChannel(new ByteArrayOutputStream());
        assertThatThrownBy(() -> pipeline.writeNext(out))
            .isInstanceOf(RejectedExecutionException.class);
        pipeline.close();
        assertThat(mappings(file)).isEqualTo(before);
      }
    }
  }
}
