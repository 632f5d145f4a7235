package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.EncoderDecoderSession;
import dev.tenon.Model;
import dev.tenon.gguf.Gguf;
import dev.tenon.huggingface.Checkpoint;
import dev.tenon.huggingface.Config;
import dev.tenon.huggingface.ModelFolder;
import dev.tenon.model.Architecture;
import dev.tenon.model.AttentionProbe;
import dev.tenon.model.Batch;
import dev.tenon.model.EncoderDecoder;
import dev.tenon.model.EncoderEvaluator.Sequence;
import dev.tenon.model.Hyperparameters;
import dev.tenon.tensor.AttentionTap;
import dev.tenon.tensor.Backend;
import dev.tenon.tensor.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/// What transformers gives for whole folders of encoder-decoders: each is converted to F32, and
/// gives the same states, logits and attention, however its tokens are evaluated. Folders of
/// classes that are not here are skipped by name.
class EncoderDecodersConformanceTest {
  private static final double TOLERANCE = 1e-6;

  /// Of what ggml takes from a table of half precision.
  private static final double TABLE_TOLERANCE = 1e-5;

  /// What a greedy continuation is told here.
  private static final Set<String> GREEDY =
      Set.of(
          "decoder_start_token_id",
          "forced_bos_token_id",
          "forced_eos_token_id",
          "bos_token_id",
          "eos_token_id",
          "pad_token_id",
          "max_length",
          "max_new_tokens",
          "num_beams");

  @TempDir private Path temporary;

  @TestFactory
  Stream<DynamicContainer> givesWhatTransformersGives() throws IOException {
    var checks = new LinkedHashMap<String, FolderCase.Check>();
    checks.put("states", this::givesTheStates);
    checks.put("logits", this::givesTheLogits);
    checks.put("ways", this::givesTheLogitsInEveryWay);
    checks.put("attention", this::givesTheAttention);
    checks.put("texts", this::givesTheTexts);
    return FolderCase.all(temporary, checks);
  }

  private static double tolerance(FolderCase one) throws IOException {
    return one.usesTable() ? TABLE_TOLERANCE : TOLERANCE;
  }

  private void givesTheStates(FolderCase one) throws IOException {
    one.needs(Model.Kind.ENCODER_DECODER);
    int tried = 0;
    try (var arrays = one.arrays();
        var session = one.model().newEncoderSession()) {
      for (var entry : one.entries("forward")) {
        var outputs = entry.object("outputs");
        if (!outputs.has("encoder_last_hidden_state")) continue;
        tried++;
        var source = Sequence.of(FolderCase.ids(entry.object("inputs").list("input_ids")));
        var got = session.evaluate(List.of(source), List.of("hidden_states"))[0][0];
        var expected = read(arrays, outputs.text("encoder_last_hidden_state"));
        assertClose(got, expected, tolerance(one));
      }
    }
    Assumptions.assumeTrue(tried > 0, "no states");
  }

  private void givesTheLogits(FolderCase one) throws IOException {
    one.needs(Model.Kind.ENCODER_DECODER);
    try (var arrays = one.arrays();
        var session = one.model().newEncoderDecoderSession()) {
      for (var entry : one.entries("forward")) {
        var inputs = entry.object("inputs");
        session.read(List.of(FolderCase.ids(inputs.list("input_ids"))));
        var rows =
            session.evaluate(Batch.all(FolderCase.ids(inputs.list("decoder_input_ids")), 0, 0));
        var expected = read(arrays, entry.object("outputs").text("logits"));
        assertClose(joined(rows), expected, tolerance(one));
      }
    }
  }

  /// Token by token; each source four times among the others, their texts side by side; and forked
  /// on the way.
  private void givesTheLogitsInEveryWay(FolderCase one) throws IOException {
    one.needs(Model.Kind.ENCODER_DECODER);
    var sources = new ArrayList<int[]>();
    var texts = new ArrayList<int[]>();
    var expected = new ArrayList<float[]>();
    try (var arrays = one.arrays()) {
      for (var entry : one.entries("forward")) {
        sources.add(FolderCase.ids(entry.object("inputs").list("input_ids")));
        texts.add(FolderCase.ids(entry.object("inputs").list("decoder_input_ids")));
        expected.add(read(arrays, entry.object("outputs").text("logits")));
      }
    }
    int n = sources.size();
    try (var session = one.model().newEncoderDecoderSession()) {
      for (int i = 0; i < n; i++) {
        session.read(List.of(sources.get(i)));
        assertClose(joined(byToken(session, texts.get(i))), expected.get(i), tolerance(one));
      }
      var mixed = new ArrayList<int[]>();
      for (int i = 0; i < 4 * n; i++) mixed.add(sources.get(i / 2 % n));
      session.read(mixed);
      for (var text : sideBySide(session, texts, 4))
        assertClose(text.logits, expected.get(text.number), tolerance(one));

      session.read(sources);
      for (var text : forked(session, texts, 3))
        assertClose(text.logits, expected.get(text.number), tolerance(one));
    }
  }

  /// What some sequence gave for a text.
  private record Text(int number, float[] logits) {}

  private static float[][] byToken(EncoderDecoderSession session, int[] text) {
    var rows = new float[text.length][];
    for (int t = 0; t < text.length; t++)
      rows[t] = session.evaluate(Batch.next(new int[] {text[t]}, t, 0))[0];
    return rows;
  }

  /// Each pair of sequences has the next text, all step together, and those end that are through.
  private static List<Text> sideBySide(
      EncoderDecoderSession session, List<int[]> texts, int times) {
    int n = texts.size();
    var rows = new ArrayList<List<float[]>>();
    for (int s = 0; s < times * n; s++) rows.add(new ArrayList<>());
    int longest = texts.stream().mapToInt(text -> text.length).max().orElseThrow();
    for (int t = 0; t < longest; t++) {
      int at = t;
      var live =
          IntStream.range(0, times * n).filter(s -> texts.get(s / 2 % n).length > at).toArray();
      var tokens = Arrays.stream(live).map(s -> texts.get(s / 2 % n)[at]).toArray();
      var positions = new int[live.length];
      Arrays.fill(positions, t);
      var all = IntStream.range(0, live.length).toArray();
      var logits = session.evaluate(new Batch(tokens, positions, live, all));
      for (int i = 0; i < live.length; i++) rows.get(live[i]).add(logits[i]);
    }
    var results = new ArrayList<Text>();
    for (int s = 0; s < rows.size(); s++)
      results.add(new Text(s / 2 % n, joined(rows.get(s).toArray(float[][]::new))));
    return results;
  }

  /// Each text begins once and goes on as several sequences, in another order at each step.
  private static List<Text> forked(EncoderDecoderSession session, List<int[]> texts, int beams) {
    int n = texts.size();
    int shortest = texts.stream().mapToInt(text -> text.length).min().orElseThrow();
    var rows = new float[n * beams][shortest][];
    var numbers = IntStream.range(0, n).toArray(); // the text of each sequence
    for (int t = 0; t < shortest; t++) {
      int at = t;
      var tokens = Arrays.stream(numbers).map(i -> texts.get(i)[at]).toArray();
      var positions = new int[numbers.length];
      Arrays.fill(positions, t);
      var all = IntStream.range(0, numbers.length).toArray();
      var logits = session.evaluate(new Batch(tokens, positions, all, all));
      for (int i = 0; i < all.length; i++) rows[i][t] = logits[i];
      var from = new int[n * beams];
      for (int i = 0; i < from.length; i++) from[i] = (i / beams + t) % numbers.length;
      session.reorder(from);
      var before = numbers;
      var earlier = Arrays.stream(rows).map(float[][]::clone).toArray(float[][][]::new);
      numbers = Arrays.stream(from).map(i -> before[i]).toArray();
      for (int i = 0; i < from.length; i++) rows[i] = earlier[from[i]].clone();
    }
    var results = new ArrayList<Text>();
    for (int i = 0; i < rows.length; i++) results.add(new Text(numbers[i], joined(rows[i])));
    return results;
  }

  private void givesTheAttention(FolderCase one) throws IOException {
    one.needs(Model.Kind.ENCODER_DECODER);
    var entries = one.entries("attention");
    Assumptions.assumeFalse(entries.isEmpty(), "no attention");
    try (var arrays = one.arrays();
        var gguf = Gguf.open(one.file());
        var backend = Backend.cpu(1)) {
      var hp = Hyperparameters.of(gguf);
      var placement = new Weights.Placement(0, false);
      try (var weights = Weights.of(gguf, backend, hp.layers(), placement)) {
        var network = (EncoderDecoder) architecture(gguf).bind(gguf, weights);
        weights.load((_, _) -> {});
        for (var entry : entries) {
          var inputs = entry.object("inputs");
          var source = FolderCase.ids(inputs.list("input_ids"));
          var text = FolderCase.ids(inputs.list("decoder_input_ids"));
          var layers = AttentionProbe.of(network, weights, hp.vocabulary(), source, text);
          for (var kind : AttentionTap.Kind.values()) {
            var name = kind.name().toLowerCase(Locale.ROOT) + "_attentions";
            var got = of(layers, kind);
            assertThat(got).as(name).isNotEmpty();
            assertClose(got, read(arrays, entry.object("outputs").text(name)), tolerance(one));
          }
        }
      }
    }
  }

  private static Architecture architecture(Gguf gguf) throws IOException {
    var name = gguf.text("general.architecture");
    return Architecture.all().stream().filter(a -> a.name().equals(name)).findFirst().orElseThrow();
  }

  private static float[] of(List<AttentionProbe.Layer> layers, AttentionTap.Kind kind) {
    var arrays =
        layers.stream().filter(layer -> layer.kind() == kind).map(layer -> layer.probabilities());
    return joined(arrays.toArray(float[][]::new));
  }

  private void givesTheTexts(FolderCase one) throws IOException {
    one.needs(Model.Kind.ENCODER_DECODER);
    int tried = 0;
    try (var open = ModelFolder.open(one.folder());
        var session = one.model().newEncoderDecoderSession()) {
      for (var entry : one.entries("generate")) {
        var values = new LinkedHashMap<>(open.generation().values());
        values.putAll(entry.object("settings").values());
        values.values().removeIf(Objects::isNull);
        values.keySet().removeAll(Set.of("_from_model_config", "transformers_version"));
        var settings = new Config(one.expected().path(), values);
        if (!GREEDY.containsAll(values.keySet()) || settings.size("num_beams", 1) > 1) continue;
        tried++;
        session.read(List.of(FolderCase.ids(entry.list("input_ids"))));
        var expected = FolderCase.ids((List<?>) entry.list("ids").getFirst());
        assertThat(greedy(session, settings)).isEqualTo(expected);
      }
    }
    Assumptions.assumeTrue(tried > 0, "nothing greedy");
  }

  private static int[] greedy(EncoderDecoderSession session, Config settings) throws IOException {
    int most = settings.size("max_new_tokens");
    int first = settings.size("forced_bos_token_id", -1);
    int last = settings.size("forced_eos_token_id", -1);
    var ends = Arrays.stream(settings.reals("eos_token_id")).mapToInt(end -> (int) end).toArray();
    var text = new int[most + 1];
    text[0] = (int) settings.integer("decoder_start_token_id");
    for (int t = 0; t < most; t++) {
      var logits = session.evaluate(Batch.next(new int[] {text[t]}, t, 0))[0];
      int best = 0;
      for (int id = 1; id < logits.length; id++) if (logits[id] > logits[best]) best = id;
      if (t == 0 && first >= 0) best = first;
      if (t == most - 1 && last >= 0) best = last;
      text[t + 1] = best;
      int picked = best;
      if (Arrays.stream(ends).anyMatch(end -> end == picked)) return Arrays.copyOf(text, t + 2);
    }
    return text;
  }

  private static float[] read(Checkpoint arrays, String name) throws IOException {
    var stored = arrays.tensor(name);
    var values = new float[Math.toIntExact(stored.elements())];
    stored.read(0, values, 0, values.length);
    return values;
  }

  private static float[] joined(float[][] rows) {
    var all = new float[Arrays.stream(rows).mapToInt(row -> row.length).sum()];
    int at = 0;
    for (var row : rows) {
      System.arraycopy(row, 0, all, at, row.length);
      at += row.length;
    }
    return all;
  }

  /// Compares as many as there are: a text that is cut short has fewer rows.
  private static void assertClose(float[] got, float[] expected, double tolerance) {
    assertThat(got.length).isLessThanOrEqualTo(expected.length);
    var part = Arrays.copyOf(expected, got.length);
    double nmse = Logits.nmse(new float[][] {got}, new float[][] {part});
    assertThat(nmse).isLessThanOrEqualTo(tolerance);
  }
}
