package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.EncoderSession;
import dev.tenon.Model;
import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import dev.tenon.model.Encoder;
import dev.tenon.model.EncoderEvaluator.Sequence;
import dev.tenon.tensor.Backend;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/// BERT on files of random weights: however texts are put together, each gives the same; and what
/// does not fit is refused by name.
class BertTest {
  @TempDir Path folder;

  static Stream<TinyBert> files() {
    return Stream.of(
        TinyBert.BARE, TinyBert.CLASSES, TinyBert.PRETRAINING, TinyBert.TOKENS_OF, TinyBert.ENDS);
  }

  private interface Use {
    void of(EncoderSession session);
  }

  private static void in(Path file, Use use) throws IOException {
    try (var backend = Backend.cpu(1);
        var model = Model.load(file, backend);
        var session = model.newEncoderSession()) {
      use.of(session);
    }
  }

  private static List<String> names(EncoderSession session) {
    return session.outputs().stream().map(Encoder.Output::name).toList();
  }

  @ParameterizedTest
  @MethodSource("files")
  void aTextGivesTheSameInAnyCompany(TinyBert tiny) throws IOException {
    var random = new Random(3);
    var texts = new ArrayList<Sequence>();
    for (int i = 0; i < 40; i++) { // of more lengths than a pass has
      int length = 1 + random.nextInt(tiny.context());
      texts.add(
          new Sequence(
              random.ints(length, 0, TinyFile.TOKENS).toArray(),
              random.ints(length, 0, Math.max(1, tiny.types())).toArray(),
              i % 3 == 0 ? new int[] {random.nextInt(length)} : null));
    }
    in(
        tiny.write(folder.resolve("m.gguf")),
        session -> {
          var names = names(session);
          var together = session.evaluate(texts, names);
          for (int i = 0; i < texts.size(); i++) {
            var alone = session.evaluate(List.of(texts.get(i)), names)[0];
            for (int o = 0; o < alone.length; o++)
              assertThat(Logits.nmse(new float[][] {together[i][o]}, new float[][] {alone[o]}))
                  .as("%s of text %d", names.get(o), i)
                  .isLessThan(1e-9);
          }
        });
  }

  @Test
  void eachHeadHasItsOutputsAndTheMainOneLast() throws IOException {
    assertThat(outputs(TinyBert.BARE)).containsExactly("hidden_states");
    assertThat(outputs(TinyBert.CLASSES))
        .containsExactly("pooler_output", "hidden_states", "logits");
    assertThat(outputs(TinyBert.PRETRAINING))
        .containsExactly(
            "pooler_output", "hidden_states", "seq_relationship_logits", "prediction_logits");
    assertThat(outputs(TinyBert.TOKENS_OF)).containsExactly("hidden_states", "logits");
    assertThat(outputs(TinyBert.ENDS))
        .containsExactly("hidden_states", "end_logits", "start_logits");
  }

  private List<String> outputs(TinyBert tiny) throws IOException {
    var names = new ArrayList<String>();
    in(tiny.write(folder.resolve("m.gguf")), session -> names.addAll(names(session)));
    return names;
  }

  /// What other programs' files lack: the class of a text is then that of its first token's state.
  @Test
  void withoutAPoolerTheFirstStateIsClassified() throws IOException {
    var whole = TinyBert.CLASSES.write(folder.resolve("whole.gguf"));
    var without = folder.resolve("without.gguf");
    var classes = new ArrayList<float[]>(); // the matrix and its bias
    try (var gguf = Gguf.open(whole)) {
      var writer = new GgufWriter().copy(gguf);
      for (var info : gguf.tensors()) {
        if (!info.name().matches("cls\\.(weight|bias)")) writer.tensor(gguf, info);
        if (info.name().startsWith("cls.output."))
          classes.add(gguf.data(info).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED));
      }
      writer.write(without);
    }
    in(
        without,
        session -> {
          assertThat(names(session)).containsExactly("hidden_states", "logits");
          var got =
              session
                  .evaluate(List.of(Sequence.of(7, 8, 9)), List.of("hidden_states", "logits"))[0];
          int width = TinyBert.CLASSES.width();
          for (int c = 0; c < got[1].length; c++) {
            double sum = classes.get(1)[c];
            for (int i = 0; i < width; i++) sum += classes.get(0)[c * width + i] * got[0][i];
            assertThat(got[1][c]).isCloseTo((float) sum, within(1e-4f));
          }
        });
  }

  @Test
  void whatATextMayNotHaveIsRefused() throws IOException {
    in(
        TinyBert.BARE.write(folder.resolve("m.gguf")),
        session -> {
          var states = List.of("hidden_states");
          assertThatIllegalArgumentException()
              .isThrownBy(() -> session.evaluate(List.of(Sequence.of(1)), List.of("logits")))
              .withMessageContainingAll("logits", "hidden_states");
          assertThatExceptionOfType(IndexOutOfBoundsException.class)
              .isThrownBy(() -> session.evaluate(List.of(Sequence.of(new int[25])), states))
              .withMessageContainingAll("25 tokens", "24 positions");
          assertThatExceptionOfType(IndexOutOfBoundsException.class)
              .isThrownBy(() -> session.evaluate(List.of(Sequence.of(TinyFile.TOKENS)), states))
              .withMessageContaining("token " + TinyFile.TOKENS);
          assertThatIllegalArgumentException()
              .isThrownBy(
                  () ->
                      session.evaluate(
                          List.of(new Sequence(new int[] {1, 2}, new int[] {0, 2}, null)), states))
              .withMessageContaining("token type 2");
        });
  }

  @ParameterizedTest
  @MethodSource("files")
  void aTensorOfAnotherShapeOrMissingIsRefusedByName(TinyBert tiny) throws IOException {
    var file = tiny.write(folder.resolve("m.gguf"));
    try (var gguf = Gguf.open(file)) {
      for (var wrong : gguf.tensors()) {
        var shape = Shape.of(wrong.shape().n0() + 32, wrong.shape().n1());
        var writer = new GgufWriter().copy(gguf);
        for (var info : gguf.tensors()) {
          if (info != wrong) writer.tensor(gguf, info);
          else
            writer.tensor(
                info.name(),
                TensorType.F32,
                shape,
                MemorySegment.ofArray(new byte[4 * (int) shape.elements()]));
        }
        refuses(writer, wrong.name());
      }
      var writer = new GgufWriter().copy(gguf);
      for (var info : gguf.tensors())
        if (!info.name().equals("blk.0.ffn_up.weight")) writer.tensor(gguf, info);
      refuses(writer, "blk.0.ffn_up.weight");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "bert.attention.head_count, 5",
    "bert.context_length, 25",
    "bert.context_length, 0",
    "bert.embedding_length, 16",
  })
  void aNumberThatDoesNotFitIsRefused(String key, int value) throws IOException {
    var file = folder.resolve("m.gguf");
    TinyBert.BARE.write(file, gguf -> TinyFile.number(gguf, key, value));
    assertThatExceptionOfType(GgufFormatException.class).isThrownBy(() -> in(file, _ -> {}));
  }

  @Test
  void whatTheGraphDoesNotDoIsRefusedByName() throws IOException {
    var file = folder.resolve("m.gguf");
    TinyBert.BARE.write(file, gguf -> gguf.put("bert.hidden_activation", "mish"));
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> in(file, _ -> {}))
        .withMessageContainingAll("bert.hidden_activation", "mish", "gelu_new");
    TinyBert.BARE.write(file, gguf -> gguf.put("bert.attention.causal", new GgufValue.Bool(true)));
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> in(file, _ -> {}))
        .withMessageContaining("bert.attention.causal");
  }

  private void refuses(GgufWriter writer, String name) throws IOException {
    var file = folder.resolve("refused.gguf");
    writer.write(file);
    assertThatExceptionOfType(GgufFormatException.class)
        .isThrownBy(() -> in(file, _ -> {}))
        .withMessageContaining(name);
  }

  @ParameterizedTest
  @CsvSource({
    "position_embedding_type, '\"relative_key\"'",
    "hidden_act, '\"mish\"'",
    "is_decoder, true",
  })
  void aFolderThatAsksForSomethingElseIsRefusedByName(String key, String value) throws IOException {
    var config = "{\"architectures\": [\"BertModel\"], \"%s\": %s}".formatted(key, value);
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> MappedFolder.map(folder, config, new Bert()))
        .withMessageContainingAll("config.json", key, value.replace("\"", ""));
  }
}
