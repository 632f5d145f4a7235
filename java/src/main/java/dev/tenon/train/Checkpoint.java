package dev.tenon.train;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorInfo;
import dev.tenon.gguf.TensorType;
import java.util.ArrayList;
import java.util.List;

/// What a checkpoint has beside weights and moments: what every step came to, and what the training
/// was, since another could not go on from it.
final class Checkpoint {
  static final String MEAN = "mean.";
  static final String SQUARE = "square.";

  private static final String OPTIONS = "tenon.train.options";
  private static final String DATA = "tenon.train.data";
  private static final String STEPS = "tenon.train.steps";
  private static final String HISTORY = "tenon.train.history";

  /// Numbers of a step in the history.
  private static final int NUMBERS = 6;

  private Checkpoint() {}

  static void put(
      GgufWriter writer,
      List<Trainer.Step> history,
      int steps,
      TrainOptions options,
      long dataHash) {
    writer.put(OPTIONS, text(options));
    writer.put(DATA, Long.toHexString(dataHash));
    writer.put(STEPS, new GgufValue.Int(GgufType.UINT32, steps));
    var numbers = new ArrayList<GgufValue>();
    for (var step : history) {
      for (double number :
          new double[] {
            step.loss(),
            step.learningRate(),
            step.gradientNorm(),
            step.tokens(),
            step.nanos(),
            step.validationLoss()
          }) numbers.add(new GgufValue.Real(GgufType.FLOAT64, number));
    }
    writer.put(HISTORY, GgufValue.Array.of(GgufType.FLOAT64, numbers));
  }

  /// What two trainings must have alike: how often they are measured and saved changes nothing.
  private static String text(TrainOptions options) {
    return new TrainOptions(
            options.contextLength(),
            options.batch(),
            options.accumulation(),
            1,
            0,
            options.learningRate(),
            options.minLearningRate(),
            options.warmup(),
            options.adamW(),
            options.maxGradNorm(),
            options.validationSplit(),
            0,
            0,
            options.seed())
        .toString();
  }

  static List<Trainer.Step> history(Gguf file, int steps, TrainOptions options, long dataHash)
      throws GgufFormatException {
    if (!file.has(OPTIONS))
      throw new GgufFormatException(file.path(), -1, "a checkpoint of a training", "none");
    same(file, "options", file.text(OPTIONS), text(options));
    same(file, "examples", file.text(DATA), Long.toHexString(dataHash));
    same(file, "steps", "" + file.integer(STEPS), "" + steps);
    if (!(file.get(HISTORY) instanceof GgufValue.Array array)
        || array.elementType() != GgufType.FLOAT64
        || array.size() % NUMBERS != 0
        || array.size() / NUMBERS > steps)
      throw file.malformed(HISTORY, HISTORY + " of " + NUMBERS + " numbers a step", "others");
    var history = new ArrayList<Trainer.Step>();
    for (int i = 0; i < array.size(); i += NUMBERS) {
      history.add(
          new Trainer.Step(
              i / NUMBERS + 1,
              steps,
              real(array, i),
              real(array, i + 1),
              real(array, i + 2),
              (int) real(array, i + 3),
              (long) real(array, i + 4),
              real(array, i + 5)));
    }
    return history;
  }

  /// Refuses a checkpoint of a model that computes otherwise.
  static void checkModel(Gguf file, Gguf model) throws GgufFormatException {
    var prefix = model.text("general.architecture") + ".";
    for (var key : model.keys()) {
      if (!key.startsWith(prefix) && !key.startsWith("tenon.attention")) continue;
      if (!file.has(key) || !file.get(key).equals(model.get(key)))
        throw file.malformed(
            key,
            key + " " + model.get(key) + ", as the model has that is trained",
            file.has(key) ? "" + file.get(key) : "none");
    }
  }

  static TensorInfo tensor(Gguf file, String name, Shape shape) throws GgufFormatException {
    var info = file.tensor(name);
    if (info.type() != TensorType.F32 || !info.shape().equals(shape))
      throw new GgufFormatException(
          file.path(), -1, "tensor " + name + " F32 " + shape, info.type() + " " + info.shape());
    return info;
  }

  private static double real(GgufValue.Array array, int index) {
    return ((GgufValue.Real) array.get(index)).value();
  }

  private static void same(Gguf file, String what, String before, String now) {
    if (!before.equals(now))
      throw new IllegalArgumentException(
          "resume: " + file.path() + " is of other " + what + ": " + before + ", now " + now);
  }
}
