package dev.tenon.cli;

import dev.tenon.TrainingTexts;
import dev.tenon.convert.NewModelPlan;
import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.PendingFile;
import dev.tenon.model.Architecture;
import dev.tenon.tensor.AdamW;
import dev.tenon.tensor.Backend;
import dev.tenon.train.DivergedException;
import dev.tenon.train.Example;
import dev.tenon.train.LossCurve;
import dev.tenon.train.NewModel;
import dev.tenon.train.TrainOptions;
import dev.tenon.train.Trainer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CancellationException;

/// Trains a model on texts and chats.
final class Train extends Command {
  private static final TrainOptions USUAL = TrainOptions.defaults();

  private final ModelFile model;
  private final Value<String> config;
  private final Value<String> vocabulary;
  private final Value<String> name;
  private final Value<List<String>> files;
  private final Value<String> output;
  private final Value<Integer> context;
  private final Value<Integer> batch;
  private final Value<Integer> accumulation;
  private final Value<Float> epochs;
  private final Value<Integer> steps;
  private final Value<Float> learningRate;
  private final Value<Float> minLearningRate;
  private final Value<Integer> warmup;
  private final Value<Float> weightDecay;
  private final Value<Float> beta1;
  private final Value<Float> beta2;
  private final Value<Float> epsilon;
  private final Value<Float> maxGradNorm;
  private final Value<Float> validationSplit;
  private final Value<Integer> evaluateEvery;
  private final Value<Integer> saveEvery;
  private final Value<String> checkpoint;
  private final Value<Boolean> resume;
  private final Value<String> curve;
  private final Value<Integer> seed;
  private final Value<Integer> threads;

  Train(Streams streams) {
    super(
        streams,
        "train",
        "Train a model on texts and chats: a new one of a configuration, or one that there is.",
        "A file is one text. Of a name that ends in .jsonl it has a text or a chat a line,"
            + " {\"text\": …} or {\"messages\": [{\"role\", \"content\"}, …]}; of a chat the"
            + " answers are learned. Decoders can be trained, mixtures of experts aside; on the"
            + " processor, in F32.");
    model = new ModelFile(this, "The GGUF file to begin with; or owner/name, as -hf.", false);
    config =
        text(
            "FILE",
            "A config.json as in a Hugging Face folder: a new model, in place of -m.",
            "--config");
    vocabulary =
        text(
            "FILE",
            "Its vocabulary: a GGUF file, a tokenizer.json or a folder with one.",
            "--vocab");
    name = text("TEXT", "general.name of the new model (default: of -o).", "--name");
    files = texts("FILE", "What to learn from. May be repeated.", "-f", "--file");
    output = text("FILE", "Where the trained model goes, in F32.", "-o", "--output");
    context =
        integer(
            "" + USUAL.contextLength(),
            "Tokens of a row: longer texts are cut, shorter ones share one (default: "
                + USUAL.contextLength()
                + ").",
            "-c",
            "--ctx-size");
    batch =
        integer(
            "" + USUAL.batch(),
            "Rows of a pass (default: " + USUAL.batch() + ").",
            "-b",
            "--batch-size");
    accumulation =
        integer(
            "" + USUAL.accumulation(),
            "Passes whose gradients make a step (default: " + USUAL.accumulation() + ").",
            "--gradient-accumulation-steps");
    epochs =
        real(
            "" + USUAL.epochs(),
            "How often each text is seen (default: 1).",
            "-epochs",
            "--epochs");
    steps = integer("0", "How many steps, in place of epochs.", "--max-steps");
    learningRate =
        real(
            "" + USUAL.learningRate(),
            "Learning rate at its highest (default: 1e-3; for a model that has learned, some"
                + " 5e-5).",
            "-lr",
            "--learning-rate");
    minLearningRate =
        real(
            null,
            "And at the end, whereto it falls along a cosine (default: a tenth of it).",
            "-lr-min",
            "--learning-rate-min");
    warmup =
        integer(
            "" + USUAL.warmup(),
            "Steps in which it rises (default: " + USUAL.warmup() + ").",
            "--warmup-steps");
    var adamW = USUAL.adamW();
    weightDecay =
        real(
            "" + adamW.weightDecay(), "Decay of matrices (default: 0.1).", "-wd", "--weight-decay");
    beta1 = real("" + adamW.beta1(), "AdamW's first beta (default: 0.9).", "--adam-beta1");
    beta2 = real("" + adamW.beta2(), "AdamW's second beta (default: 0.95).", "--adam-beta2");
    epsilon = real("" + adamW.epsilon(), "AdamW's epsilon (default: 1e-8).", "--adam-epsilon");
    maxGradNorm =
        real(
            "" + USUAL.maxGradNorm(),
            "Length to which gradients are cut; 0 for none (default: 1).",
            "--max-grad-norm");
    validationSplit =
        real(
            "" + USUAL.validationSplit(),
            "Share of the texts that is measured with and not learned (default: 0.05).",
            "-val-split",
            "--val-split");
    evaluateEvery =
        integer(
            "" + USUAL.evaluateEvery(),
            "Steps between two measurements; 0 for one at the end (default: 100).",
            "--eval-steps");
    saveEvery =
        integer(
            "" + USUAL.saveEvery(),
            "Steps between two checkpoints; 0 for one when it is stopped (default: 500).",
            "--save-steps");
    checkpoint =
        text(
            "FILE",
            "Where the checkpoint is while it trains (default: -o with .checkpoint behind it).",
            "--checkpoint");
    resume = flag("Go on from the checkpoint, with the same texts and settings.", "--resume");
    curve = text("FILE", "Draw the losses, as SVG, at every measurement.", "--loss-curve");
    seed = integer("" + USUAL.seed(), "Seed of all that is chance (default: 42).", "-s", "--seed");
    threads = integer("-1", "Threads (default: as many as compute fastest).", "-t", "--threads");
  }

  @Override
  int call() throws Exception {
    if ((config.get() == null) != (vocabulary.get() == null))
      throw usage("a new model needs both --config and --vocab");
    if (config.get() == null ? !model.given() : model.typed())
      throw usage("what to begin with? Give -m FILE, or --config FILE and --vocab FILE");
    if (files.get().isEmpty()) throw usage("what to learn from? Give -f FILE");
    if (output.get() == null) throw usage("where to? Give -o FILE");
    var target = Path.of(output.get());
    var options = options();
    checkOutputs(target, saved(target));
    if (config.get() == null) return train(model.path(), target, options);
    var fresh = Files.createTempFile(target.toAbsolutePath().getParent(), ".tenon-new-", ".gguf");
    fresh.toFile().deleteOnExit(); // where a signal ends the program
    try {
      writeNew(fresh, target);
      return train(fresh, target, options);
    } finally {
      Files.deleteIfExists(fresh);
    }
  }

  private Path saved(Path target) {
    return Path.of(checkpoint.get() == null ? target + ".checkpoint" : checkpoint.get());
  }

  /// Refuses outputs that are inputs or each other, and places that cannot be written.
  private void checkOutputs(Path target, Path saved) throws IOException {
    var outputs = new ArrayList<>(List.of(target, saved));
    if (curve.get() != null) outputs.add(Path.of(curve.get()));
    for (var output : outputs) {
      checkOther(output, files.get().toArray(String[]::new));
      checkOther(output, config.get(), vocabulary.get());
      if (config.get() == null) checkOther(output, model.path().toString());
      PendingFile.check(output);
    }
    long different = outputs.stream().map(p -> p.toAbsolutePath().normalize()).distinct().count();
    if (different < outputs.size())
      throw usage("-o, --checkpoint and --loss-curve must be different files");
  }

  private TrainOptions options() {
    try {
      var adamW = new AdamW.Settings(beta1.get(), beta2.get(), epsilon.get(), weightDecay.get());
      float rate = learningRate.get();
      return new TrainOptions(
          context.get(),
          batch.get(),
          accumulation.get(),
          epochs.get(),
          steps.get(),
          rate,
          minLearningRate.get() == null ? rate / 10 : minLearningRate.get(),
          warmup.get(),
          adamW,
          maxGradNorm.get(),
          validationSplit.get(),
          evaluateEvery.get(),
          saveEvery.get(),
          seed.get());
    } catch (IllegalArgumentException e) {
      throw usage(e.getMessage());
    }
  }

  private void writeNew(Path fresh, Path target) throws IOException {
    var called = name.get() == null ? stem(target) : name.get();
    var plan = NewModelPlan.of(Path.of(config.get()), Path.of(vocabulary.get()), called);
    NewModel.of(plan.architecture(), plan.metadata(), plan.optionalWeights(), plan.deviation())
        .write(fresh, seed.get());
  }

  private static String stem(Path file) {
    var name = file.getFileName().toString();
    return name.endsWith(".gguf") ? name.substring(0, name.length() - 5) : name;
  }

  private int train(Path start, Path target, TrainOptions options) throws IOException {
    var saved = saved(target);
    if (resume.get() && !Files.exists(saved))
      throw new IOException(saved + ": there is no checkpoint to go on from");
    try (var gguf = Gguf.open(start);
        var backend = Backend.cpu(threads.get() > 0 ? threads.get() : Backend.defaultThreads())) {
      var examples = read(gguf);
      try (var trainer = Trainer.open(gguf, architecture(gguf), backend, examples, options)) {
        if (resume.get()) trainer.resume(saved);
        return train(trainer, target, saved, options);
      }
    }
  }

  private List<Example> read(Gguf gguf) throws IOException {
    var texts = TrainingTexts.of(gguf);
    var examples = new ArrayList<Example>();
    for (var file : files.get()) examples.addAll(texts.read(Path.of(file)));
    if (examples.isEmpty())
      throw new IOException(String.join(", ", files.get()) + ": nothing to learn from");
    return examples;
  }

  private static Architecture architecture(Gguf gguf) throws IOException {
    var name = gguf.text("general.architecture");
    return Architecture.all().stream()
        .filter(a -> a.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new UnsupportedOperationException("unknown architecture " + name));
  }

  private int train(Trainer trainer, Path target, Path saved, TrainOptions options)
      throws IOException {
    var view = new TrainView(streams, trainer);
    view.begin();
    int good = trainer.done(); // step of the last checkpoint
    try (var _ = Interrupt.ofThisThread()) {
      var last = new int[] {good};
      try {
        trainer.run(
            step -> {
              view.step(step);
              if (Double.isFinite(step.validationLoss())) draw(trainer);
              if (options.saveEvery() > 0
                  && step.step() % options.saveEvery() == 0
                  && step.step() < step.steps()) {
                trainer.save(saved);
                last[0] = step.step();
              }
            });
      } catch (DivergedException e) {
        view.end();
        throw new IOException(
            e.getMessage()
                + (last[0] > 0
                    ? "; the last good checkpoint is " + saved + ", of step " + last[0]
                    : "; there is no checkpoint yet"),
            e);
      } catch (CancellationException | ClosedByInterruptException _) {
        Thread.interrupted();
        view.end();
        return stopped(trainer, saved);
      }
      good = last[0];
    }
    Thread.interrupted(); // all steps are made: what is left is to write them
    draw(trainer);
    trainer.write(target);
    if (good > 0) Files.deleteIfExists(saved);
    view.end();
    view.summary(target);
    return 0;
  }

  private int stopped(Trainer trainer, Path saved) throws IOException {
    if (trainer.done() == 0) return 130;
    trainer.save(saved);
    streams
        .err()
        .println(
            "stopped after step " + trainer.done() + "; the same command with --resume goes on");
    return 130;
  }

  private void draw(Trainer trainer) throws IOException {
    if (curve.get() == null || trainer.done() == 0) return;
    try (var file = PendingFile.of(Path.of(curve.get()))) {
      var svg = LossCurve.svg(trainer.history()).getBytes(StandardCharsets.UTF_8);
      var bytes = ByteBuffer.wrap(svg);
      while (bytes.hasRemaining()) file.channel().write(bytes);
      file.complete();
    }
  }

  /// How a training goes on: one line that changes on a terminal, and a line for each measurement.
  private static final class TrainView {
    private static final long PERIOD = 200_000_000; // nanoseconds between two drawings
    private static final int RECENT = 20; // steps whose mean is shown

    private final Streams streams;
    private final Trainer trainer;
    private final boolean live;
    private long due;
    private int drawn;

    TrainView(Streams streams, Trainer trainer) {
      this.streams = streams;
      this.trainer = trainer;
      this.live = streams.errTerminal();
    }

    void begin() {
      streams
          .err()
          .println(
              Text.count(trainer.parameters())
                  + " weights, "
                  + trainer.steps()
                  + " steps, "
                  + trainer.stepsOfEpoch()
                  + " an epoch"
                  + (trainer.done() > 0 ? ", " + trainer.done() + " of them done" : ""));
    }

    void step(Trainer.Step step) {
      boolean measured = Double.isFinite(step.validationLoss());
      if (measured || !live && step.step() % 100 == 0) {
        end();
        streams.err().println(line(step));
      } else if (live && System.nanoTime() - due >= 0) {
        due = System.nanoTime() + PERIOD;
        var line = line(step);
        streams.err().print("\r" + line + " ".repeat(Math.max(0, drawn - line.length())));
        streams.err().flush();
        drawn = line.length();
      }
    }

    private String line(Trainer.Step step) {
      var history = trainer.history();
      var recent = history.subList(Math.max(0, history.size() - RECENT), history.size());
      double loss = recent.stream().mapToDouble(Trainer.Step::loss).average().orElse(0);
      long nanos = recent.stream().mapToLong(Trainer.Step::nanos).sum();
      long tokens = recent.stream().mapToLong(Trainer.Step::tokens).sum();
      double left = (double) nanos / recent.size() * (step.steps() - step.step()) / 1e9;
      var line =
          String.format(
              Locale.ROOT,
              "step %d/%d  loss %.4f  lr %.2e  %.0f tokens/s  %s left",
              step.step(),
              step.steps(),
              loss,
              step.learningRate(),
              tokens * 1e9 / nanos,
              time(left));
      return Double.isFinite(step.validationLoss())
          ? line
              + String.format(
                  Locale.ROOT,
                  "  validation loss %.4f  perplexity %.3f",
                  step.validationLoss(),
                  step.perplexity())
          : line;
    }

    private static String time(double seconds) {
      long s = Math.round(seconds);
      return s < 3600
          ? String.format(Locale.ROOT, "%d:%02d", s / 60, s % 60)
          : String.format(Locale.ROOT, "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
    }

    /// Takes the changing line away.
    void end() {
      if (drawn == 0) return;
      streams.err().print("\r" + " ".repeat(drawn) + "\r");
      streams.err().flush();
      drawn = 0;
    }

    void summary(Path target) {
      var last = trainer.history().getLast();
      long nanos = trainer.history().stream().mapToLong(Trainer.Step::nanos).sum();
      long tokens = trainer.history().stream().mapToLong(Trainer.Step::tokens).sum();
      var line =
          String.format(
              Locale.ROOT,
              "%s: loss %.4f, %d tokens in %s",
              target,
              last.loss(),
              tokens,
              time(nanos / 1e9));
      if (Double.isFinite(last.validationLoss()))
        line +=
            String.format(
                Locale.ROOT,
                ", validation loss %.4f, perplexity %.3f",
                last.validationLoss(),
                last.perplexity());
      streams.err().println(line);
    }
  }
}
