package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.Model;
import dev.tenon.convert.Perplexity;
import dev.tenon.fixtures.Fixtures;
import dev.tenon.json.Json;
import dev.tenon.tensor.Backend;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// The perplexity of a text against what llama-perplexity says of it.
class PerplexityConformanceTest {
  @TestFactory
  Stream<DynamicTest> isThatOfLlamaPerplexity() throws IOException {
    var expected =
        Json.object(Files.readString(Fixtures.need("perplexity").resolve("expected.json")));
    return ((List<?>) expected.get("results"))
        .stream()
            .map(result -> (Map<?, ?>) result)
            .map(
                result ->
                    DynamicTest.dynamicTest(
                        "context " + result.get("context"), () -> check(expected, result)));
  }

  private static void check(Map<String, Object> expected, Map<?, ?> result) throws IOException {
    int context = ((Long) result.get("context")).intValue();
    var text = Files.readString(Fixtures.path((String) expected.get("text")));
    var perplexity = new Perplexity();
    try (var backend = Backend.cpu(1);
        var model = Model.load(Fixtures.path((String) expected.get("model")), backend);
        var session = model.newSession(context)) {
      var tokens = model.tokenizer().encode(text, model.tokenizer().addsBos(), false);
      int chunks = tokens.length / context;
      assertThat(chunks).isEqualTo(((Long) result.get("chunks")).intValue());
      for (int i = 0; i < chunks; i++) {
        var chunk = Arrays.copyOfRange(tokens, i * context, (i + 1) * context);
        if (model.tokenizer().addsBos()) chunk[0] = model.tokenizer().bos();
        session.rewind(0);
        var rows = session.evaluateAll(chunk);
        for (int j = context / 2; j < context - 1; j++) perplexity.add(rows[j], chunk[j + 1]);
      }
    }
    double value = (Double) result.get("perplexity");
    assertThat(perplexity.value()).isCloseTo(value, within(1e-3 * value));
    double error = (Double) result.get("standard_error");
    assertThat(perplexity.error()).isCloseTo(error, within(1e-2 * error));
  }
}
