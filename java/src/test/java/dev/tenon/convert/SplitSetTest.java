package dev.tenon.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufValue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Cutting, joining and changing metadata.
class SplitSetTest {
  private static final Progress NONE = (_, _) -> {};

  @TempDir Path folder;
  private Path in;

  @BeforeEach
  void write() throws IOException {
    in = folder.resolve("in.gguf");
    SmallFile.writer(32).write(in);
  }

  private List<Path> split(SplitSet.Cut cut) throws IOException {
    try (var gguf = Gguf.open(in)) {
      return SplitSet.split(gguf, folder.resolve("set"), cut, NONE);
    }
  }

  private void merge(Path first, Path target) throws IOException {
    try (var gguf = Gguf.open(first)) {
      SplitSet.merge(gguf, target, NONE);
    }
  }

  @Test
  void whatWasCutAndJoinedIsTheSame() throws IOException {
    for (var cut :
        List.of(
            new SplitSet.Cut(1, 0, false),
            new SplitSet.Cut(7, 0, true),
            new SplitSet.Cut(0, 5000, false),
            new SplitSet.Cut(1000, 0, false))) {
      var parts = split(cut);
      var joined = folder.resolve("joined.gguf");
      merge(parts.getFirst(), joined);
      assertThat(Files.readAllBytes(joined)).isEqualTo(Files.readAllBytes(in));
      for (var part : parts) Files.delete(part);
      Files.delete(joined);
      assertThat(SmallFile.names(folder)).containsExactly("in.gguf");
    }
  }

  @Test
  void partsHoldWhatTheyMay() throws IOException {
    try (var gguf = Gguf.open(in)) {
      int tensors = gguf.tensors().size();
      assertThat(SplitSet.plan(gguf, new SplitSet.Cut(20, 0, false)))
          .containsExactly(20, 20, tensors - 40);
      assertThat(SplitSet.plan(gguf, new SplitSet.Cut(0, 1, false))).hasSize(tensors);
      assertThat(SplitSet.plan(gguf, new SplitSet.Cut(1000, 0, true))).containsExactly(0, tensors);
    }
    assertThatThrownBy(() -> new SplitSet.Cut(0, 0, false))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new SplitSet.Cut(1, 1, false))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void noPartIsWrittenOver() throws IOException {
    var parts = split(new SplitSet.Cut(20, 0, false));
    for (var part : parts) {
      assertThatThrownBy(() -> merge(parts.getFirst(), part))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("same file");
    }
    try (var gguf = Gguf.open(parts.getFirst())) {
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> SplitSet.merge(gguf, folder.resolve("joined.gguf"), NONE))
          .isInstanceOf(CancellationException.class);
    }
    assertThat(Thread.interrupted()).isTrue();
    assertThat(SmallFile.names(folder)).hasSize(4);
  }

  @Test
  void aFailureLeavesNoParts() throws IOException {
    var blocked = SplitSet.path(folder.resolve("set"), 1, 3);
    Files.createDirectory(blocked);
    assertThatThrownBy(() -> split(new SplitSet.Cut(20, 0, false)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(blocked.toString());
    assertThat(SmallFile.names(folder))
        .containsExactly("in.gguf", blocked.getFileName().toString());
  }

  @Test
  void metadataChangeAndTensorsStay() throws IOException {
    var name = new GgufValue.Text("another");
    try (var gguf = Gguf.open(in)) {
      MetadataEditor.write(
          gguf, Map.of("general.name", name), List.of("llama.block_count"), in, NONE);
    }
    try (var gguf = Gguf.open(in)) {
      assertThat(gguf.get("general.name")).isEqualTo(name);
      assertThat(gguf.has("llama.block_count")).isFalse();
    }
    var parts = split(new SplitSet.Cut(20, 0, false));
    var second = Files.readAllBytes(parts.get(1));
    try (var gguf = Gguf.open(parts.getFirst())) {
      MetadataEditor.write(gguf, Map.of("new", name), List.of(), MetadataEditor.file(gguf), NONE);
    }
    assertThat(Files.readAllBytes(parts.get(1))).isEqualTo(second);
    try (var gguf = Gguf.open(parts.getFirst());
        var whole = Gguf.open(in)) {
      assertThat(gguf.get("new")).isEqualTo(name);
      assertThat(gguf.tensors()).hasSameSizeAs(whole.tensors());
    }
  }
}
