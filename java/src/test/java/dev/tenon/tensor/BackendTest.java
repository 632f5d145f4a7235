package dev.tenon.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import org.junit.jupiter.api.Test;

class BackendTest {
  @Test
  void theProcessorIsAlwaysThere() {
    assertThat(Backend.devices()).isNotEmpty().allSatisfy(d -> assertThat(d.name()).isNotBlank());
    try (var backend = Backend.cpu(1)) {
      assertThat(backend.description()).isEqualTo("CPU");
      assertThat(backend.device().totalBytes()).isPositive();
      assertThat(backend.hasGpu()).isFalse();
    }
    assertThat(Backend.ggmlVersion()).startsWith("0.25.1");
    assertThat(Backend.defaultThreads()).isPositive();
  }

  @Test
  void threadsAreChecked() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Backend.cpu(0))
        .withMessageContaining("0");
    assertThatIllegalArgumentException().isThrownBy(() -> Backend.best(513));
  }

  @Test
  void closesOnceAndOnlyWhenNothingUsesIt() {
    var backend = Backend.cpu(1);
    var compute = new Compute(backend, 16);
    assertThatIllegalStateException().isThrownBy(backend::close);
    compute.close();
    compute.close();
    backend.close();
    backend.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> new Compute(backend, 16))
        .withMessageContaining("closed");
  }

  @Test
  void askingForMoreThanThereIsNamesBothNumbers() {
    var free = Memory.availableBytes();
    org.assertj.core.api.Assertions.assertThatExceptionOfType(BackendException.class)
        .isThrownBy(() -> Backend.needMemory("cache", free * 4))
        .withMessageContainingAll("cache", "GiB", "is free");
  }
}
