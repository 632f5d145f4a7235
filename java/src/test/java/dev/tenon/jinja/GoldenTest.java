package dev.tenon.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// Some thousand snippets with what Jinja2 makes of them: every statement, filter, test, global and
/// method, and random mixtures.
class GoldenTest {
  private static final LocalDateTime NOW = LocalDateTime.of(2026, 1, 15, 12, 0);

  @Test
  void rendersWhatJinja2Renders() throws IOException {
    Map<String, Object> golden;
    try (var in = GoldenTest.class.getResourceAsStream("jinja2.json")) {
      golden = Json.object(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    }
    var variables = new LinkedHashMap<String, Object>();
    ((Map<?, ?>) golden.get("variables")).forEach((name, v) -> variables.put((String) name, v));
    var results = (List<?>) golden.get("results");
    assertThat(results).hasSizeGreaterThan(2000);
    for (var result : results) {
      var expected = (Map<?, ?>) result;
      var source = (String) expected.get("template");
      if (expected.containsKey("ok"))
        assertThat(render(source, variables)).as(source).isEqualTo(expected.get("ok"));
      else
        assertThatThrownBy(() -> render(source, variables), source)
            .isInstanceOfSatisfying(
                TemplateException.class, e -> assertThat(e.line()).as(source).isPositive());
    }
  }

  private static String render(String source, Map<String, Object> variables) {
    return Template.of(source).render(variables, () -> NOW, Limits.DEFAULT);
  }
}
