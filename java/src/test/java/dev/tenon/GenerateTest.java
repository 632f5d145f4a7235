package dev.tenon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.json.Json;
import dev.tenon.sampling.HashModel;
import dev.tenon.sampling.ScoredTokens;
import dev.tenon.sampling.Search;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// Searches over a made-up model give what transformers' `generate` (4.57.1) gives over the same.
class GenerateTest {
  /// `generate.json`: for each case the vocabulary, the model's seed and scale, the prompt and the
  /// source, settings by transformers' names, and what comes out: ids, filled up to one length, and
  /// where beams were used scores and lengths.
  @TestFactory
  Stream<DynamicTest> asTransformersGeneratesIt() throws IOException {
    var number = new int[1];
    return cases().map(c -> DynamicTest.dynamicTest(number[0]++ + " " + c.settings, c::check));
  }

  private static Stream<Case> cases() throws IOException {
    try (var in = GenerateTest.class.getResourceAsStream("generate.json")) {
      var text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return ((List<?>) Json.parse(text)).stream().map(c -> Case.of((Map<?, ?>) c));
    }
  }

  record Case(
      HashModel model,
      int[] prompt,
      int[] source,
      Map<String, ?> settings,
      List<int[]> ids,
      List<Double> scores,
      List<Integer> lengths) {
    @SuppressWarnings("unchecked")
    static Case of(Map<?, ?> members) {
      boolean encoder = (boolean) members.get("encoderDecoder");
      var prompt = ints(members.get("prompt"));
      var source = ints(members.get("source"));
      var model =
          new HashModel(
              number(members, "seed"),
              number(members, "scale"),
              number(members, "vocab"),
              encoder ? Arrays.stream(source).sum() : 0);
      return new Case(
          model,
          prompt,
          encoder ? source : prompt,
          (Map<String, ?>) members.get("settings"),
          ((List<?>) members.get("ids")).stream().map(Case::ints).toList(),
          (List<Double>) members.get("scores"),
          members.get("lengths") == null
              ? null
              : Arrays.stream(ints(members.get("lengths"))).boxed().toList());
    }

    private static int number(Map<?, ?> members, String name) {
      return ((Number) members.get(name)).intValue();
    }

    private static int[] ints(Object list) {
      return ((List<?>) list).stream().mapToInt(id -> ((Number) id).intValue()).toArray();
    }

    void check() {
      var settings = GenerationConfig.of(this.settings);
      var found = generate(Search.of(settings, model.vocabulary(), prompt, source), model, prompt);
      int filler = settings.filler();
      int longest = found.stream().mapToInt(s -> s.tokens().length).max().orElseThrow();
      var filled = new ArrayList<int[]>();
      for (var sequence : found) {
        var tokens = Arrays.copyOf(sequence.tokens(), longest);
        Arrays.fill(tokens, sequence.tokens().length, longest, filler);
        filled.add(tokens);
      }
      assertThat(filled).usingElementComparator(Arrays::compare).isEqualTo(ids);
      if (scores == null) return;
      for (int i = 0; i < found.size(); i++) {
        assertThat(found.get(i).tokens()).hasSize(lengths.get(i));
        double score = scores.get(i);
        assertThat((double) found.get(i).score())
            .isCloseTo(score, within(1e-5 * Math.max(1, Math.abs(score))));
      }
    }
  }

  /// Runs a search, keeping for each row the sequence that it has, as a cache does.
  static List<ScoredTokens> generate(Search search, HashModel model, int[] prompt) {
    var rows = List.of(prompt);
    assertThat(search.rows()).isEqualTo(1);
    while (true) {
      search.step(rows.stream().map(model::logits).toArray(float[][]::new));
      if (search.done()) break;
      var parents = search.parents();
      var tokens = search.tokens();
      assertThat(search.rows()).isEqualTo(tokens.length);
      var next = new ArrayList<int[]>();
      for (int row = 0; row < tokens.length; row++) {
        var before = rows.get(parents[row]);
        var now = Arrays.copyOf(before, before.length + 1);
        now[before.length] = tokens[row];
        next.add(now);
      }
      rows = next;
    }
    assertThat(search.rows()).isZero();
    return search.results();
  }
}
