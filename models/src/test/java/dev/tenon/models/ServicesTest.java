package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.model.Architecture;
import dev.tenon.model.BuiltInModel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ServicesTest {
  private static final String NAME = BuiltInModel.class.getName();

  @Test
  void theClassPathFindsWhatTheModulePathFinds() throws IOException {
    var providers = Architecture.all().stream().map(a -> a.getClass().getName()).toList();
    try (var file =
        Llama.class.getResourceAsStream("/META-INF/services/dev.tenon.model.Architecture")) {
      var listed = new String(file.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
      assertThat(listed)
          .containsExactlyInAnyOrderElementsOf(providers)
          .contains(Llama.class.getName());
    }
    try (var file = Llama.class.getResourceAsStream("/META-INF/services/" + NAME)) {
      var listed = new String(file.readAllBytes(), StandardCharsets.UTF_8).strip();
      assertThat(listed).isEqualTo(TenonModel.class.getName());
    }
  }
}
