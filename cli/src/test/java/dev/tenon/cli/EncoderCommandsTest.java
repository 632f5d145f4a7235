package dev.tenon.cli;

import static dev.tenon.cli.Tried.tenon;
import static dev.tenon.cli.Tried.with;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.fixtures.Fixtures;
import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The commands that ask encoders: `embed`, `fill-mask`, `classify`, `ner`, `answer`, `rerank`.
class EncoderCommandsTest {
  @TempDir static Path folder;
  private static String decoder;

  @BeforeAll
  static void write() throws IOException {
    decoder = TinyModel.write(folder.resolve("decoder.gguf")).toString();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "fill-mask -m x --top-k 0 a            | --top-k 0",
        "fill-mask -m x a -f b                 | not both",
        "classify -m x --top-k -1 a            | --top-k -1",
        "classify -m x --top-k many a          | 'many' is not an int",
        "ner -m x --aggregation most a         | 'most' is not none, simple, first, average or max",
        "ner -m x --stride -1 a                | --stride -1",
        "ner -m x --stride 5 a                 | --aggregation",
        "answer -m x --context a               | which question",
        "answer -m x --question a --context b -f c | one context",
        "answer -m x --question a --context b --top-k 0 | top_k 0",
        "answer -m x --question a --context b --max-answer-len 0 | max_answer_len 0",
        "answer -m x --question a --context b --doc-stride -2 | doc_stride -2",
        "rerank -m x a                         | which query",
        "rerank -m x --query a --top-k 0 b     | --top-k 0",
        "embed -m x --format xml a             | 'xml' is not raw, array, json, json+ or npy",
        "embed -m x --pooling sum a            | 'sum' is not mean, cls, last or max",
        "embed -m x --embd-normalize -2 a      | --embd-normalize -2",
        "embed a                               | TENON_MODEL",
      })
  void wrongUsageIsOneLine(String line, String hint) {
    tenon(line.strip().split(" ")).refused(hint);
  }

  @Test
  void aTerminalIsNoPlaceForRawNumbers() {
    with().terminals("1").run("embed", "-m", "x", "--npy", "a").refused("--json");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "embed a",
        "fill-mask a",
        "classify a",
        "ner a",
        "answer --question a --context b",
        "rerank --query a b"
      })
  void aDecoderIsRefusedInOneLine(String line) {
    var args = new ArrayList<>(Arrays.asList(line.split(" ")));
    args.addAll(List.of("-m", decoder));
    tenon(args.toArray(String[]::new)).failed("is a decoder", "takes an encoder");
  }

  @Test
  void masksAreFilled() {
    var model = converted("bert-mlm");
    var text = "The river [MASK] past [MASK].";
    var one = (List<?>) json("fill-mask", "-m", model, "a [MASK]", "--json", "--top-k", "2");
    assertThat(one).hasSize(2);
    assertThat(((Map<?, ?>) one.getFirst()).keySet().stream().map(String::valueOf))
        .containsExactly("score", "token", "token_str", "sequence");
    var two = (List<?>) json("fill-mask", "-m", model, text, "--json", "--top-k", "3");
    assertThat(two).hasSize(2).allSatisfy(guesses -> assertThat((List<?>) guesses).hasSize(3));
    var several = (List<?>) json("fill-mask", "-m", model, "a [MASK]", text, "--json");
    assertThat((List<?>) several.get(1)).hasSize(2);
    tenon("fill-mask", "-m", model, "no mask").failed("no [MASK] in the text");
    tenon("fill-mask", "-m", model, "[MASK] ".repeat(100)).failed("positions");
    assertThat(tenon("fill-mask", "-m", model, "a [MASK]").succeeded().out().lines()).hasSize(5);
  }

  @Test
  void textsAreClassified() {
    var model = converted("bert-classify");
    var lines = with().in("The river\nruns\n").run("classify", "-m", model, "--json");
    assertThat((List<?>) Json.parse(lines.succeeded().out())).hasSize(2);
    var all = (List<?>) json("classify", "-m", model, "The river", "--top-k", "99", "--json");
    assertThat(all).hasSize(3);
    assertThat(((Map<?, ?>) all.getFirst()).keySet().stream().map(String::valueOf))
        .containsExactly("label", "score");
    assertThat(json("classify", "-m", model, "The river", "--json")).isEqualTo(all.subList(0, 1));
    assertThat(json("classify", "-m", model, "The river", "--pair", "runs", "--json"))
        .isNotEqualTo(all.subList(0, 1));
    tenon("classify", "-m", model, "a", "b", "--pair", "c").refused("one text");
    tenon("classify", "-m", model, "river ".repeat(100)).failed("positions");
    tenon("fill-mask", "-m", model, "[MASK]").failed("no head to fill masks");
    tenon("classify", "-m", model, "-f", folder.resolve("none").toString()).failed("no such file");
    with().in("").run("classify", "-m", model).failed("stdin has no text");
  }

  @Test
  void entitiesAreFound() {
    var model = converted("bert-ner");
    var text = "😀 Anna lives in Berlin.";
    var tokens = (List<?>) json("ner", "-m", model, text, "--json");
    assertThat(((Map<?, ?>) tokens.getFirst()).keySet().stream().map(String::valueOf))
        .containsExactly("entity", "score", "index", "word", "start", "end");
    var words = (List<?>) json("ner", "-m", model, text, "--aggregation", "first", "--json");
    assertThat(((Map<?, ?>) words.getFirst()).keySet().stream().map(String::valueOf))
        .containsExactly("entity_group", "score", "word", "start", "end");
    assertThat(words.size()).isLessThan(tokens.size());
    assertThat(((Map<?, ?>) words.getLast()).get("end")).isEqualTo(23L); // in code points
    var long1 = ("Anna lives in Berlin. ").repeat(40);
    var whole =
        (List<?>)
            json("ner", "-m", model, long1, "--aggregation", "simple", "--stride", "9", "--json");
    assertThat((Long) ((Map<?, ?>) whole.getLast()).get("end")).isEqualTo(long1.strip().length());
  }

  @Test
  void answersAreFound() throws IOException {
    var model = converted("bert-qa");
    var context = "Anna lives in Berlin and works for the United Nations.";
    var base = new String[] {"answer", "-m", model, "--question", "Who lives in Berlin?", "--json"};
    var one = (Map<?, ?>) json(and(base, "--context", context));
    assertThat(one.keySet().stream().map(String::valueOf))
        .containsExactly("score", "start", "end", "answer");
    var file = Files.writeString(folder.resolve("context.txt"), context);
    assertThat(json(and(base, "-f", file.toString()))).isEqualTo(one);
    assertThat(Json.parse(with().in(context).run(base).succeeded().out())).isEqualTo(one);
    assertThat((List<?>) json(and(base, "--context", context, "--top-k", "4"))).hasSize(4);
    tenon(and(base, "--context", "")).failed("the context is empty");
    tenon(and(base, "--context", context.repeat(9), "--max-seq-len", "300")).failed("positions");
    tenon(and(base, "--context", context.repeat(9), "--doc-stride", "90")).failed("stride");
  }

  @Test
  void documentsAreRanked() {
    var model = converted("bert-rerank");
    var base = new String[] {"rerank", "-m", model, "--query", "Who?", "--json"};
    var all = (List<?>) json(and(base, "Anna", "", "the river"));
    assertThat(all).hasSize(3);
    assertThat(((Map<?, ?>) all.getFirst()).keySet().stream().map(String::valueOf))
        .containsExactly("corpus_id", "score", "text");
    assertThat(json(and(base, "--top-k", "2", "Anna", "", "the river")))
        .isEqualTo(all.subList(0, 2));
    assertThat(Json.parse(with().in("Anna\n\nthe river\n").run(base).succeeded().out()))
        .isEqualTo(all);
    tenon("rerank", "-m", converted("bert-classify"), "--query", "a", "b").failed("one label");
  }

  @Test
  void textsAreEmbedded() {
    var model = converted("bert-classify"); // hidden states are there whatever the head
    var rows = (List<?>) json("embed", "-m", model, "the river", "", "runs", "--json");
    assertThat(rows).hasSize(3).allSatisfy(row -> assertThat((List<?>) row).hasSize(64));
    var raw = with().in("the river\n\nruns\n").run("embed", "-m", model).succeeded().out();
    assertThat(raw.lines()).hasSize(3);
    var first = Arrays.stream(raw.lines().findFirst().orElseThrow().split(" "));
    assertThat(first.map(Double::valueOf).toList()).isEqualTo(rows.getFirst());
    var openAi = (Map<?, ?>) json("embed", "-m", model, "a", "b", "--format", "json+");
    assertThat((List<?>) openAi.get("data")).hasSize(2);
    var cosines = (List<?>) ((List<?>) openAi.get("cosineSimilarity")).getFirst();
    assertThat((Double) cosines.getFirst()).isCloseTo(1, within(1e-6));
    var two = tenon("embed", "-m", model, "--similarity", "a", "b").succeeded().out();
    assertThat(Double.parseDouble(two)).isCloseTo((Double) cosines.get(1), within(1e-6));
    tenon("embed", "-m", model, "--similarity", "a").refused("two texts");
    var npy = tenon("embed", "-m", model, "--npy", "a", "b").succeeded().bytes();
    assertThat(new String(npy, 10, 70, StandardCharsets.US_ASCII)).contains("<f4", "(2, 64)");
    var longest =
        (List<?>)
            ((List<?>) json("embed", "-m", model, "a", "--json", "--embd-normalize", "0"))
                .getFirst();
    assertThat(longest.stream().mapToDouble(x -> Math.abs((Double) x)).max().orElseThrow())
        .isCloseTo(32760, within(1.0));
    var cls = json("embed", "-m", model, "the river", "--json", "--pooling", "cls");
    assertThat(cls).isNotEqualTo(rows.subList(0, 1));
    tenon("embed", "-m", model, "--prompt-name", "query", "a").failed("no prompts");
  }

  private static Object json(String... args) {
    return Json.parse(tenon(args).succeeded().out());
  }

  private static String[] and(String[] first, String... more) {
    var all = new ArrayList<>(Arrays.asList(first));
    all.addAll(List.of(more));
    return all.toArray(String[]::new);
  }

  /// {@return the file that a folder was converted to}
  private static String converted(String name) {
    var file = folder.resolve(name + ".gguf");
    if (!Files.exists(file)) {
      var from = Fixtures.need("huggingface/" + name).toString();
      var to = file.toString();
      assertThat(tenon("convert", from, "-o", to, "--outtype", "f32").code()).isZero();
    }
    return file.toString();
  }
}
