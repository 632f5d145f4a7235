package dev.tenon.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.fixtures.Fixtures;
import dev.tenon.jinja.TemplateException;
import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// The templates of real models, with what Jinja2 renders of some conversations: every character,
/// and an error where Jinja2 has one.
class ChatTemplateConformanceTest {
  @TestFactory
  Stream<DynamicTest> rendersWhatJinja2Renders() throws IOException {
    var file = Fixtures.need("templates/expected.json");
    var expected = Json.object(Files.readString(file));
    var conversations = (Map<?, ?>) expected.get("conversations");
    return ((List<?>) expected.get("results"))
        .stream()
            .map(result -> (Map<?, ?>) result)
            .map(
                result ->
                    DynamicTest.dynamicTest(
                        result.get("template") + " " + result.get("conversation"),
                        () ->
                            check(
                                result,
                                (Map<?, ?>) conversations.get(result.get("conversation")))));
  }

  private static void check(Map<?, ?> expected, Map<?, ?> conversation) throws IOException {
    var source =
        new String(
            Files.readAllBytes(Fixtures.path("templates/" + expected.get("template"))),
            StandardCharsets.UTF_8);
    var variables = new LinkedHashMap<String, Object>();
    conversation.forEach((name, value) -> variables.put((String) name, value));
    variables.put("now", "2026-01-15T12:00:00");
    var template = ChatTemplate.of(source).withTokens("<s>", "</s>");
    if (expected.containsKey("ok"))
      assertThat(template.render(variables)).isEqualTo(expected.get("ok"));
    else assertThatThrownBy(() -> template.render(variables)).isInstanceOf(TemplateException.class);
  }
}
