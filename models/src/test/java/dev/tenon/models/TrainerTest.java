package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.Model;
import dev.tenon.convert.FileType;
import dev.tenon.convert.QuantizeOptions;
import dev.tenon.convert.Quantizer;
import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.TensorType;
import dev.tenon.tensor.AdamW;
import dev.tenon.tensor.Backend;
import dev.tenon.train.DivergedException;
import dev.tenon.train.Example;
import dev.tenon.train.LossCurve;
import dev.tenon.train.TrainOptions;
import dev.tenon.train.Trainer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Training, of models that are small enough for seconds.
class TrainerTest {
  @TempDir Path folder;

  private static final String PAGE =
      """
      A tenon is the end of a piece of wood, cut so that it fits into the mortise of another. The \
      joint is old: ships of four thousand years ago were held together by it. It needs no nails. \
      A tight one holds for centuries, and a loose one can be wedged.\
      """;

  private static TrainOptions options(int steps, int length, int batch, double validation) {
    return new TrainOptions(
        length,
        batch,
        1,
        1,
        steps,
        4e-3f,
        1e-4f,
        10,
        new AdamW.Settings(0.9f, 0.95f, 1e-8f, 0),
        1,
        validation,
        0,
        0,
        7);
  }

  private static int[] bytes(String text) {
    var utf8 = text.getBytes(StandardCharsets.UTF_8);
    var ids = new int[utf8.length];
    for (int i = 0; i < ids.length; i++) ids[i] = 3 + (utf8[i] & 255);
    return ids;
  }

  /// Examples of chance, of many lengths, the first half of each not wanted.
  private static List<Example> examples(int count) {
    var random = new Random(11);
    return Stream.generate(
            () -> {
              var tokens = random.ints(2 + random.nextInt(40), 3, 40).toArray();
              var wanted = new boolean[tokens.length];
              Arrays.fill(wanted, wanted.length / 2, wanted.length, true);
              return new Example(tokens, wanted);
            })
        .limit(count)
        .toList();
  }

  /// A training in which nothing is told to the listener.
  private double train(
      Path start, TinyFile tiny, List<Example> examples, TrainOptions options, Path to)
      throws IOException {
    try (var backend = Backend.cpu(2);
        var gguf = Gguf.open(start);
        var trainer = Trainer.open(gguf, tiny.architecture(), backend, examples, options)) {
      trainer.run(_ -> {});
      trainer.write(to);
      return trainer.history().getLast().loss();
    }
  }

  static Stream<TinyFile> trainable() {
    return TrainingGradientsTest.trainable();
  }

  @Test
  void overfitsAPage() throws IOException {
    var tiny = new TinyLlama(2, 64, 4, 2, 128, 0, 0, false, true, true, 1);
    var start = tiny.write(folder.resolve("start.gguf"));
    var out = folder.resolve("page.gguf");
    var tokens = bytes(PAGE);
    double loss = train(start, tiny, List.of(Example.of(tokens)), options(150, 256, 1, 0), out);
    assertThat(loss).isLessThan(0.05);
    try (var backend = Backend.cpu(2);
        var model = Model.load(out, backend);
        var session = model.newSession(512)) {
      // Token by token, since a prompt would begin with another than the page did.
      int token = tokens[0];
      var said = new StringBuilder();
      for (int i = 0; i < PAGE.length(); i++) {
        said.append((char) (token - 3));
        float[] logits = session.evaluate(token);
        for (int j = token = 0; j < logits.length; j++) if (logits[j] > logits[token]) token = j;
      }
      assertThat(said.toString()).isEqualTo(PAGE);
    }
  }

  @ParameterizedTest
  @MethodSource("trainable")
  void everyDecoderLearns(TinyFile tiny) throws IOException {
    var start = tiny.write(folder.resolve("start.gguf"));
    var example = List.of(Example.of(bytes(PAGE.substring(0, 60))));
    try (var backend = Backend.cpu(1);
        var gguf = Gguf.open(start);
        var trainer =
            Trainer.open(gguf, tiny.architecture(), backend, example, options(60, 48, 2, 0))) {
      trainer.run(_ -> {});
      var history = trainer.history();
      assertThat(history.getLast().loss()).isLessThan(0.7 * history.getFirst().loss());
      trainer.write(folder.resolve("out.gguf"));
    }
    try (var backend = Backend.cpu(1);
        var model = Model.load(folder.resolve("out.gguf"), backend)) {
      assertThat(model.parameters()).isPositive();
    }
  }

  @Test
  void theSameTrainingGivesTheSameFileAndSoDoesOneThatWasCut() throws IOException {
    var tiny = TinyLlama.DENSE;
    var start = tiny.write(folder.resolve("start.gguf"));
    var examples = examples(60);
    var options = options(14, 32, 4, 0.1);
    train(start, tiny, examples, options, folder.resolve("one.gguf"));
    train(start, tiny, examples, options, folder.resolve("two.gguf"));
    assertThat(folder.resolve("two.gguf")).hasSameBinaryContentAs(folder.resolve("one.gguf"));

    var saved = folder.resolve("saved.gguf");
    List<Double> losses;
    try (var backend = Backend.cpu(2);
        var gguf = Gguf.open(start);
        var trainer = Trainer.open(gguf, tiny.architecture(), backend, examples, options)) {
      trainer.run(
          step -> {
            if (step.step() == 5) trainer.save(saved);
          });
      losses = trainer.history().stream().map(Trainer.Step::loss).toList();
    }
    try (var backend = Backend.cpu(2);
        var gguf = Gguf.open(start);
        var trainer = Trainer.open(gguf, tiny.architecture(), backend, examples, options)) {
      trainer.resume(saved);
      assertThat(trainer.done()).isEqualTo(5);
      trainer.run(_ -> {});
      assertThat(trainer.history().stream().map(Trainer.Step::loss).toList()).isEqualTo(losses);
      trainer.write(folder.resolve("three.gguf"));
    }
    assertThat(folder.resolve("three.gguf")).hasSameBinaryContentAs(folder.resolve("one.gguf"));
  }

  @Test
  void accumulatedPassesAreOneStepOfAllTheirRows() throws IOException {
    var tiny = TinyLlama.DENSE;
    var start = tiny.write(folder.resolve("start.gguf"));
    var d = options(6, 32, 8, 0);
    var whole = train(start, tiny, examples(64), d, folder.resolve("whole.gguf"));
    var parts = new TrainOptions(32, 2, 4, 1, 6, 4e-3f, 1e-4f, 10, d.adamW(), 1, 0, 0, 0, 7);
    var cut = train(start, tiny, examples(64), parts, folder.resolve("cut.gguf"));
    assertThat(cut).isCloseTo(whole, within(1e-4 * whole));
  }

  @Test
  void whatIsNotWantedIsNotLearned() throws IOException {
    var tiny = TinyLlama.DENSE;
    var start = tiny.write(folder.resolve("start.gguf"));
    var tokens = new Random(2).ints(24, 3, 200).toArray();
    var wanted = new boolean[24];
    wanted[10] = true;
    try (var backend = Backend.cpu(1);
        var gguf = Gguf.open(start);
        var trainer =
            Trainer.open(
                gguf,
                tiny.architecture(),
                backend,
                List.of(new Example(tokens, wanted)),
                options(200, 32, 1, 0))) {
      trainer.run(_ -> {});
      assertThat(trainer.history().getLast().loss()).isLessThan(0.05);
      trainer.write(folder.resolve("out.gguf"));
    }
    // Of the others it knows no more than before: the one is foreseen, nothing else.
    try (var backend = Backend.cpu(1);
        var gguf = Gguf.open(folder.resolve("out.gguf"));
        var all =
            Trainer.open(
                gguf,
                tiny.architecture(),
                backend,
                List.of(Example.of(tokens)),
                options(1, 32, 1, 0))) {
      all.run(_ -> {});
      assertThat(all.history().getFirst().loss()).isGreaterThan(3);
    }
  }

  @Test
  void theValidationSplitIsMeasuredAndNotLearned() throws IOException {
    var tiny = TinyLlama.DENSE;
    var start = tiny.write(folder.resolve("start.gguf"));
    try (var backend = Backend.cpu(2);
        var gguf = Gguf.open(start);
        var trainer =
            Trainer.open(
                gguf, tiny.architecture(), backend, examples(40), options(60, 64, 4, 0.2))) {
      double before = trainer.validationLoss();
      trainer.run(_ -> {});
      var last = trainer.history().getLast();
      assertThat(before).isGreaterThan(5);
      // Chance cannot be foreseen: there are 37 tokens, and no loss below the log of that.
      assertThat(last.validationLoss()).isBetween(3.0, before).isEqualTo(trainer.validationLoss());
      assertThat(last.perplexity()).isEqualTo(Math.exp(last.validationLoss()));
      assertThat(last.loss()).isLessThan(last.validationLoss());
      assertThat(LossCurve.svg(trainer.history())).startsWith("<svg ").contains("validation");
    }
  }

  @Test
  void aQuantizedModelIsTrainedInF32() throws IOException {
    var tiny = TinyLlama.DENSE;
    var start = tiny.write(folder.resolve("start.gguf"));
    var small = folder.resolve("q8.gguf");
    try (var gguf = Gguf.open(start)) {
      Quantizer.of(gguf, QuantizeOptions.of(FileType.Q8_0)).write(small);
    }
    var out = folder.resolve("out.gguf");
    train(small, tiny, examples(8), options(2, 32, 2, 0), out);
    try (var gguf = Gguf.open(out)) {
      assertThat(gguf.tensors()).allMatch(t -> t.type() == TensorType.F32);
    }
  }

  @Test
  void aLossThatIsNoNumberEndsTheTrainingBeforeTheWeightsChange() throws IOException {
    var tiny = TinyLlama.DENSE;
    var start = tiny.write(folder.resolve("nan.gguf"));
    long offset;
    try (var gguf = Gguf.open(start)) {
      offset = gguf.tensor("output_norm.weight").offset();
    }
    try (var file = FileChannel.open(start, StandardOpenOption.WRITE)) {
      file.write(ByteBuffer.allocate(4).putInt(Integer.reverseBytes(0x7fc00000)).flip(), offset);
    }
    assertThatThrownBy(
            () -> train(start, tiny, examples(8), options(3, 32, 2, 0), folder.resolve("out")))
        .isInstanceOf(DivergedException.class)
        .hasMessage("step 1: the loss is not finite; a lower learning rate may help");
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @Test
  void anInterruptedTrainingCanGoOn() throws IOException {
    var tiny = TinyLlama.DENSE;
    var start = tiny.write(folder.resolve("start.gguf"));
    var options = options(8, 32, 4, 0);
    train(start, tiny, examples(30), options, folder.resolve("whole.gguf"));
    try (var backend = Backend.cpu(2);
        var gguf = Gguf.open(start);
        var trainer = Trainer.open(gguf, tiny.architecture(), backend, examples(30), options)) {
      assertThatThrownBy(
              () ->
                  trainer.run(
                      step -> {
                        if (step.step() == 3) Thread.currentThread().interrupt();
                      }))
          .isInstanceOf(CancellationException.class);
      assertThat(Thread.interrupted()).isTrue();
      assertThat(trainer.done()).isEqualTo(3);
      trainer.run(_ -> {});
      trainer.write(folder.resolve("cut.gguf"));
    }
    assertThat(folder.resolve("cut.gguf")).hasSameBinaryContentAs(folder.resolve("whole.gguf"));
  }

  @Test
  void anInterruptionWhileItMeasuresLosesNoStep() throws IOException {
    var tiny = TinyLlama.DENSE;
    var start = tiny.write(folder.resolve("start.gguf"));
    var d = options(25, 32, 4, 0.3);
    var options =
        new TrainOptions(
            32, 4, 1, 1, 25, 4e-3f, 1e-4f, 10, d.adamW(), 1, 0.3, 1, 0, 7); // measured each step
    train(start, tiny, examples(60), options, folder.resolve("whole.gguf"));
    try (var backend = Backend.cpu(2);
        var gguf = Gguf.open(start);
        var trainer = Trainer.open(gguf, tiny.architecture(), backend, examples(60), options)) {
      var thread = Thread.currentThread();
      var running = new AtomicBoolean(true);
      var pest =
          Thread.ofPlatform()
              .daemon()
              .start(
                  () -> {
                    while (running.get()) {
                      LockSupport.parkNanos(3_000_000);
                      thread.interrupt();
                    }
                  });
      for (int tries = 0; trainer.done() < 25 && tries < 60; tries++) {
        try {
          trainer.run(_ -> {});
        } catch (CancellationException _) {
          Thread.interrupted();
        }
      }
      running.set(false); // a slow machine comes to an end as well
      while (pest.isAlive()) Thread.onSpinWait();
      Thread.interrupted();
      trainer.run(_ -> {});
      assertThat(trainer.history()).hasSize(25);
      assertThat(trainer.history()).allMatch(step -> Double.isFinite(step.validationLoss()));
      trainer.write(folder.resolve("cut.gguf"));
    }
    assertThat(folder.resolve("cut.gguf")).hasSameBinaryContentAs(folder.resolve("whole.gguf"));
  }

  @Test
  void weightsThatAStepBreaksAreNotWritten() throws IOException {
    var tiny = TinyLlama.DENSE;
    var start = tiny.write(folder.resolve("start.gguf"));
    var options =
        new TrainOptions(
            32,
            4,
            1,
            1,
            2,
            1e-3f,
            1e-4f,
            0,
            new AdamW.Settings(0.9f, 0.95f, 1e-8f, Float.MAX_VALUE),
            1,
            0,
            0,
            0,
            7);
    assertThatThrownBy(() -> train(start, tiny, examples(8), options, folder.resolve("out.gguf")))
        .isInstanceOf(DivergedException.class);
    assertThat(folder.resolve("out.gguf")).doesNotExist();
  }

  @Test
  void aLongTextHasAValidationSplitOfItsOwn() throws IOException {
    var tiny = TinyLlama.DENSE;
    var start = tiny.write(folder.resolve("start.gguf"));
    try (var backend = Backend.cpu(1);
        var gguf = Gguf.open(start);
        var trainer =
            Trainer.open(
                gguf,
                tiny.architecture(),
                backend,
                List.of(Example.of(bytes(PAGE))),
                options(2, 32, 2, 0.2))) {
      assertThat(trainer.stepsOfEpoch()).isGreaterThan(1);
      assertThat(trainer.validationLoss()).isFinite();
    }
  }

  @Test
  void aCheckpointOfAnotherTrainingIsRefused() throws IOException {
    var tiny = TinyLlama.DENSE;
    var start = tiny.write(folder.resolve("start.gguf"));
    var saved = folder.resolve("saved.gguf");
    try (var backend = Backend.cpu(1);
        var gguf = Gguf.open(start)) {
      try (var trainer =
          Trainer.open(gguf, tiny.architecture(), backend, examples(8), options(3, 32, 2, 0))) {
        trainer.save(saved);
        assertThatThrownBy(() -> trainer.resume(start))
            .isInstanceOf(GgufFormatException.class)
            .hasMessageContaining("a checkpoint of a training");
      }
      var turned =
          tiny.write(
              folder.resolve("turned.gguf"),
              gguf2 -> TinyFile.real(gguf2, "llama.rope.freq_base", 50000));
      try (var gguf2 = Gguf.open(turned);
          var other =
              Trainer.open(
                  gguf2, tiny.architecture(), backend, examples(8), options(3, 32, 2, 0))) {
        assertThatThrownBy(() -> other.resume(saved))
            .isInstanceOf(GgufFormatException.class)
            .hasMessageContaining("llama.rope.freq_base");
      }
      try (var other =
          Trainer.open(gguf, tiny.architecture(), backend, examples(9), options(3, 32, 2, 0))) {
        assertThatIllegalArgumentException()
            .isThrownBy(() -> other.resume(saved))
            .withMessageContaining("other examples");
      }
      try (var other =
          Trainer.open(gguf, tiny.architecture(), backend, examples(8), options(3, 16, 2, 0))) {
        assertThatIllegalArgumentException()
            .isThrownBy(() -> other.resume(saved))
            .withMessageContaining("other options");
      }
    }
  }

  @Test
  void aMixtureOfExpertsIsRefusedByItsOperation() throws IOException {
    var tiny = TinyLlama.MIXTURE;
    var start = tiny.write(folder.resolve("start.gguf"));
    assertThatThrownBy(
            () -> train(start, tiny, examples(8), options(3, 32, 2, 0), folder.resolve("out")))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessage("cannot train llama: the operation MUL_MAT_ID has no gradient");
  }

  @Test
  void badExamplesAreRefused() throws IOException {
    var tiny = TinyLlama.DENSE;
    var start = tiny.write(folder.resolve("start.gguf"));
    refused(start, List.of(), options(1, 32, 1, 0), "there is no example");
    refused(start, List.of(Example.of(1, 999)), options(1, 32, 1, 0), "token 999 is outside");
    refused(start, List.of(Example.of(1, -2)), options(1, 32, 1, 0), "token -2 is outside");
    refused(start, examples(8), options(1, 513, 1, 0), "the model's context is 512");
    refused(
        start,
        List.of(new Example(new int[] {1, 2}, new boolean[2])),
        options(1, 32, 1, 0),
        "no token that counts");
    assertThatIllegalArgumentException().isThrownBy(() -> Example.of(1));
  }

  private void refused(Path start, List<Example> examples, TrainOptions options, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> train(start, TinyLlama.DENSE, examples, options, folder.resolve("out.gguf")))
        .withMessageContaining(message);
    assertThat(Files.exists(folder.resolve("out.gguf"))).isFalse();
  }

  @Test
  void theRateRisesAndFalls() {
    var options = options(100, 32, 1, 0);
    assertThat(options.learningRate(1, 100)).isCloseTo(4e-4f, within(1e-9f));
    assertThat(options.learningRate(10, 100)).isEqualTo(4e-3f);
    assertThat(options.learningRate(55, 100)).isCloseTo((4e-3f + 1e-4f) / 2, within(1e-6f));
    assertThat(options.learningRate(100, 100)).isCloseTo(1e-4f, within(1e-9f));
  }
}
