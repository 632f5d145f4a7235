package dev.tenon.train;

import dev.tenon.tensor.AdamW;

/// How a model is trained. [#defaults] are those for a new model.
///
/// @param contextLength tokens of a row, from 2 to 32768: longer examples are cut, shorter ones
///     share a row
/// @param batch rows of a pass, at least 1
/// @param accumulation passes whose gradients make one step, at least 1
/// @param epochs how often each example is seen, above 0 and at most 1e6; not read where there are
///     `steps`
/// @param steps how many steps are made; 0 for as many as the epochs take
/// @param learningRate at its highest, above 0 and at most 10
/// @param minLearningRate at the end, from 0 to `learningRate`
/// @param warmup steps in which the rate rises from 0, at least 0
/// @param adamW moments and decay
/// @param maxGradNorm length to which longer gradients are cut; 0 for none
/// @param validationSplit share of the examples that are not learned from but measured with, from 0
///     to below 1
/// @param evaluateEvery steps from one measurement to the next; 0 for one at the end
/// @param saveEvery steps from one checkpoint to the next, for whoever [saves][Trainer#save] them;
///     0 for none
/// @param seed order of the examples, and which of them are for validation
public record TrainOptions(
    int contextLength,
    int batch,
    int accumulation,
    double epochs,
    int steps,
    float learningRate,
    float minLearningRate,
    int warmup,
    AdamW.Settings adamW,
    float maxGradNorm,
    double validationSplit,
    int evaluateEvery,
    int saveEvery,
    long seed) {
  /// The mask of a row has the square of its tokens.
  private static final int MOST_CONTEXT = 1 << 15;

  /// Checks the ranges.
  ///
  /// @throws IllegalArgumentException if a number is out of range
  public TrainOptions {
    need(
        contextLength >= 2 && contextLength <= MOST_CONTEXT,
        "context length " + contextLength + ", from 2 to " + MOST_CONTEXT);
    need(batch >= 1, "batch of " + batch + " rows, at least 1");
    need(accumulation >= 1, "accumulation of " + accumulation + " passes, at least 1");
    need(epochs > 0 && epochs <= 1e6, epochs + " epochs, above 0 and at most 1000000");
    need(steps >= 0, steps + " steps, at least 0");
    need(
        learningRate > 0 && learningRate <= 10,
        "learning rate " + learningRate + ", above 0 and at most 10");
    need(
        minLearningRate >= 0 && minLearningRate <= learningRate,
        "least learning rate " + minLearningRate + ", from 0 to the highest of " + learningRate);
    need(warmup >= 0, warmup + " steps of warm-up, at least 0");
    need(
        maxGradNorm >= 0 && Float.isFinite(maxGradNorm),
        "gradients up to " + maxGradNorm + ", at least 0");
    need(
        validationSplit >= 0 && validationSplit < 1,
        "validation split " + validationSplit + ", from 0 to below 1");
    need(evaluateEvery >= 0, "evaluation every " + evaluateEvery + " steps, at least 0");
    need(saveEvery >= 0, "a checkpoint every " + saveEvery + " steps, at least 0");
  }

  private static void need(boolean met, String what) {
    if (!met) throw new IllegalArgumentException("training: " + what);
  }

  /// {@return rows of 256 tokens, 8 of them a pass, one epoch, a rate of 1e-3 that falls to a tenth
  /// after 100 steps of warm-up, betas 0.9 and 0.95, a decay of 0.1, gradients up to 1, a twentieth
  /// for validation, measured every 100 steps and saved every 500, seed 42}
  public static TrainOptions defaults() {
    return new TrainOptions(
        256,
        8,
        1,
        1,
        0,
        1e-3f,
        1e-4f,
        100,
        new AdamW.Settings(0.9f, 0.95f, 1e-8f, 0.1f),
        1,
        0.05,
        100,
        500,
        42);
  }

  /// {@return the learning rate of a step: it rises in a straight line to the highest, then falls
  /// along a cosine to the least (Loshchilov and Hutter, SGDR, 2017)}
  ///
  /// @param step from 1
  /// @param steps of the whole training
  public float learningRate(int step, int steps) {
    if (step <= warmup) return learningRate * step / warmup;
    double done = (double) (step - warmup) / Math.max(1, steps - warmup);
    double cosine = (1 + Math.cos(Math.PI * Math.min(1, done))) / 2;
    return (float) (minLearningRate + (learningRate - minLearningRate) * cosine);
  }
}
