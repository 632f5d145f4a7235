package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.InputFormat;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.tenon.GenerateOptions;
import dev.tenon.Generation;
import dev.tenon.Model;
import dev.tenon.Session;
import dev.tenon.grammar.Grammar;
import dev.tenon.grammar.GrammarFilter;
import dev.tenon.grammar.VocabularyTrie;
import dev.tenon.json.Json;
import dev.tenon.json.JsonRecords;
import dev.tenon.json.JsonSchema;
import dev.tenon.sampling.Filter;
import dev.tenon.sampling.Sampler;
import dev.tenon.tensor.Backend;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A model that knows nothing, held to schemas at a high temperature.
class GrammarSchemasTest {
  private static final int SCHEMAS = 1000;
  private static final int TOKENS = 90;
  private static final TinyLlama MODEL = new TinyLlama(1, 16, 2, 1, 16, 0, 0, false, true, true, 4);

  @TempDir Path folder;

  @Test
  void whatItWritesIsValid() throws IOException {
    var registry = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);
    var random = new Random(42);
    int ended = 0;
    try (var backend = Backend.cpu(1);
        var model = Model.load(MODEL.write(folder.resolve("tiny.gguf")), backend);
        var session = model.newSession(256)) {
      var trie = VocabularyTrie.of(model.tokenizer());
      for (int n = 0; n < SCHEMAS; n++) {
        var schema = new Schemas(random).document();
        var text = generate(session, Grammar.ofJsonSchema(schema), trie, random.nextInt());
        // Cut off, or with an exponent: the validator knows no numbers beyond a double, and
        // compares
        // none with bounds that are beyond a long.
        if (text == null || text.matches("(?s).*[0-9][eE][-+]?[0-9].*")) {
          continue;
        }
        ended++;
        var errors = registry.getSchema(schema).validate(text, InputFormat.JSON);
        assertThat(errors).as(schema + "\n" + text).isEmpty();
      }
    }
    assertThat(ended).isGreaterThan(SCHEMAS / 2);
  }

  record Shape(String name, Optional<Integer> sides, List<Point> corners, Kind kind) {}

  record Point(short x, long y, double weight, boolean fixed) {}

  enum Kind {
    ROUND,
    FLAT
  }

  @Test
  void recordsComeBackFromWhatItWrites() throws IOException {
    var grammar = Grammar.ofJsonSchema(JsonSchema.of(Shape.class));
    int read = 0;
    try (var backend = Backend.cpu(1);
        var model = Model.load(MODEL.write(folder.resolve("tiny.gguf")), backend);
        var session = model.newSession(1024)) {
      var trie = VocabularyTrie.of(model.tokenizer());
      for (int n = 0; n < 25; n++) {
        var text = generate(session, grammar, trie, n, 500);
        if (text != null) {
          var shape = JsonRecords.read(text, Shape.class);
          assertThat(grammar.accepts(text)).isTrue();
          if (shape.corners().stream().allMatch(p -> Double.isFinite(p.weight()))) {
            var again = Json.write(JsonRecords.toJson(shape));
            assertThat(JsonRecords.read(again, Shape.class)).isEqualTo(shape);
          }
          read++;
        }
      }
    }
    assertThat(read).isGreaterThan(2);
  }

  private static String generate(Session session, Grammar grammar, VocabularyTrie trie, long seed) {
    return generate(session, grammar, trie, seed, TOKENS);
  }

  /// The text, or null where it was cut off.
  private static String generate(
      Session session, Grammar grammar, VocabularyTrie trie, long seed, int tokens) {
    session.rewind(0);
    var sampler =
        Sampler.of(new Random(seed), new GrammarFilter(grammar, trie), Filter.temperature(2));
    var text = new StringBuilder();
    boolean ended = false;
    var events = session.events(new int[] {1, 70, 71}, sampler, GenerateOptions.of(tokens));
    for (var event : (Iterable<Generation>) events::iterator) {
      switch (event) {
        case Generation.Piece piece -> text.append(piece.text());
        case Generation.Done done -> ended = done.reason() == Generation.Reason.END_OF_TEXT;
      }
    }
    return ended ? text.toString() : null;
  }

  /// Random schemas of which a model that writes at random finds an end.
  private static final class Schemas {
    private static final List<String> NAMES =
        List.of(
            "a", "b", "name", "first-name", "x y", "é", "日本", "root", "string", "a/b", "quo\"te");

    private static final List<String> PATTERNS =
        List.of(
            "^[a-z]{2,4}$",
            "^(foo|ba+r)?[0-9]$",
            "^[A-Za-z0-9_]+@[a-z]+\\.(com|org)$",
            "^\\([0-9]{3}\\) ?[0-9]{2,3}-x*$",
            "^é{1,3}日$",
            "^(?:[0-9a-f]{2}:){2}[0-9a-f]{2}$",
            "^\\$[1-9][0-9]{0,3}(\\.[0-9]{2})?$");

    private final Random random;
    private final List<String> defined = new ArrayList<>();

    Schemas(Random random) {
      this.random = random;
    }

    String document() {
      for (int n = random.nextInt(3); n > 0; n--) {
        defined.add("d" + n);
      }
      var root = schema(0);
      if (!defined.isEmpty()) {
        root = new LinkedHashMap<>(root);
        var definitions = new LinkedHashMap<String, Object>();
        // One may refer to those before it, and to itself where that is optional.
        for (var name : List.copyOf(defined)) {
          definitions.put(name, definition(name));
        }
        root.put("$defs", definitions);
      }
      return Json.write(root);
    }

    private Map<String, Object> definition(String name) {
      var others = List.copyOf(defined);
      defined.removeIf(other -> other.compareTo(name) >= 0);
      var schema =
          random.nextInt(3) > 0
              ? schema(2)
              : object(2, Map.of("more", Map.of("$ref", "#/$defs/" + name)));
      defined.clear();
      defined.addAll(others);
      return schema;
    }

    private Map<String, Object> schema(int depth) {
      int kinds = depth >= 3 ? 8 : 13;
      return switch (random.nextInt(kinds)) {
        case 0 -> Map.of("type", pick("boolean", "null"));
        case 1 -> integer();
        case 2 -> string();
        case 3 ->
            Map.of("type", "string", "pattern", PATTERNS.get(random.nextInt(PATTERNS.size())));
        case 4 -> Map.of("enum", List.of("red", 7L, 1.5, "gr\"n", List.of(1L), Map.of("k", true)));
        case 5 -> Map.of("const", pick("one", "zwei", "três\n"));
        case 6 -> Map.of("type", "string", "format", pick("uuid", "date", "time", "date-time"));
        case 7 ->
            defined.isEmpty()
                ? Map.of("type", "number")
                : Map.of("$ref", "#/$defs/" + defined.get(random.nextInt(defined.size())));
        case 8, 9 -> object(depth, Map.of());
        case 10 -> array(depth);
        case 11 -> Map.of("anyOf", List.of(schema(depth + 1), schema(depth + 1)));
        default -> {
          int more = random.nextInt(2);
          yield more == 0
              ? Map.of(
                  "prefixItems", List.of(schema(depth + 1), schema(depth + 1)), "type", "array")
              : Map.of("allOf", List.of(part("p", depth), part("q", depth)));
        }
      };
    }

    private Map<String, Object> part(String name, int depth) {
      return Map.of("type", "object", "properties", Map.of(name, schema(depth + 1)));
    }

    private Map<String, Object> object(int depth, Map<String, Object> optional) {
      var properties = new LinkedHashMap<String, Object>();
      var required = new ArrayList<String>();
      for (int n = random.nextInt(4); n > 0; n--) {
        var name = NAMES.get(random.nextInt(NAMES.size()));
        properties.put(name, schema(depth + 1));
        if (random.nextBoolean()) {
          required.add(name);
        }
      }
      properties.putAll(optional);
      var object = new LinkedHashMap<String, Object>();
      object.put("type", "object");
      object.put("properties", properties);
      object.put("required", required.stream().distinct().toList());
      if (random.nextInt(3) > 0) {
        object.put("additionalProperties", false);
      } else if (random.nextInt(3) == 0) {
        object.put("additionalProperties", Map.of("type", "boolean"));
      }
      return object;
    }

    private Map<String, Object> array(int depth) {
      int min = random.nextInt(3);
      return Map.of(
          "type",
          "array",
          "items",
          schema(depth + 1),
          "minItems",
          min,
          "maxItems",
          min + random.nextInt(3));
    }

    private Map<String, Object> string() {
      int min = random.nextInt(4);
      return Map.of("type", "string", "minLength", min, "maxLength", min + random.nextInt(5));
    }

    private Map<String, Object> integer() {
      long bound = random.nextLong() >> random.nextInt(20, 64);
      return switch (random.nextInt(4)) {
        case 0 -> Map.of("type", "integer", "minimum", bound);
        case 1 -> Map.of("type", "integer", "exclusiveMaximum", bound);
        default ->
            Map.of("type", "integer", "minimum", bound, "maximum", bound + random.nextInt(1000));
      };
    }

    private String pick(String... of) {
      return of[random.nextInt(of.length)];
    }
  }
}
