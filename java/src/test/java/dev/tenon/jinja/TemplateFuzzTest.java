package dev.tenon.jinja;

import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// Whatever stands in a template, it gives a text or a [TemplateException]; nothing else, and soon.
class TemplateFuzzTest {
  private static final Limits LIMITS = new Limits(100_000, 1000, 100_000, 1_000_000);
  private static final String[] PIECES = {
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "-",
    "+",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "'",
    "\"",
    "\\",
    "|",
    ".",
    ",",
    ":",
    "=",
    "==",
    "**",
    "//",
    "~",
    " ",
    "\n",
    "if",
    "else",
    "endif",
    "for",
    "in",
    "endfor",
    "macro",
    "endmacro",
    "call",
    "endcall",
    "set",
    "endset",
    "block",
    "endblock",
    "raw",
    "endraw",
    "is",
    "not",
    "loop",
    "self",
    "range",
    "namespace",
    "1",
    "99999999999",
    "1e999",
    "x",
    "\ud83d",
    "é",
    "recursive",
    "caller",
    "%s",
    "{}",
    "tojson",
    "map",
    "none",
    "x.y",
    "a",
    "filter",
    "with"
  };

  @Test
  void endsInTextOrError() throws IOException {
    Map<String, Object> golden;
    try (var in = TemplateFuzzTest.class.getResourceAsStream("jinja2.json")) {
      golden = Json.object(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    }
    var variables = new LinkedHashMap<String, Object>();
    ((Map<?, ?>) golden.get("variables")).forEach((name, v) -> variables.put((String) name, v));
    var seeds = new ArrayList<String>();
    for (var result : (List<?>) golden.get("results"))
      seeds.add((String) ((Map<?, ?>) result).get("template"));
    var random = new Random(42);
    for (int i = 0; i < 20_000; i++) {
      var source = i % 4 == 0 ? garbage(random) : mutated(random, seeds);
      try {
        Template.of(source).render(variables, () -> LocalDateTime.MIN, LIMITS);
      } catch (TemplateException _) {
        // as it should be
      } catch (RuntimeException | StackOverflowError e) {
        throw new AssertionError("a template that crashes: " + source, e);
      }
    }
  }

  private static String garbage(Random random) {
    var source = new StringBuilder(random.nextBoolean() ? "{{ " : "{% ");
    for (int left = random.nextInt(30); left > 0; left--) {
      source.append(PIECES[random.nextInt(PIECES.length)]);
      if (random.nextInt(3) == 0) source.append(' ');
    }
    return source.append(random.nextBoolean() ? " }}" : " %}").toString();
  }

  private static String mutated(Random random, List<String> seeds) {
    var source = new StringBuilder(seeds.get(random.nextInt(seeds.size())));
    for (int left = 1 + random.nextInt(3); left > 0 && !source.isEmpty(); left--) {
      int at = random.nextInt(source.length());
      int end = Math.min(source.length(), at + 1 + random.nextInt(4));
      switch (random.nextInt(4)) {
        case 0 -> source.delete(at, end);
        case 1 -> source.insert(at, PIECES[random.nextInt(PIECES.length)]);
        case 2 -> source.replace(at, end, PIECES[random.nextInt(PIECES.length)]);
        default -> source.insert(at, seeds.get(random.nextInt(seeds.size())));
      }
    }
    return source.toString();
  }
}
