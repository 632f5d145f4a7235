package dev.tenon.cli;

import dev.tenon.GenerateOptions;
import dev.tenon.sampling.Sampler;
import dev.tenon.sampling.SamplerSettings;
import java.util.concurrent.ThreadLocalRandom;
import picocli.CommandLine.Option;

/// How tokens are picked, and how many.
final class GenerateFlags {
  @Option(
      names = {"-n", "--predict", "--n-predict"},
      paramLabel = "N",
      defaultValue = "-1",
      description = "Most tokens to generate; -1 for as many as the context holds (default: -1).")
  int count;

  @Option(
      names = {"--ignore-eos"},
      description = "Go on where the model would end.")
  boolean ignoreEos;

  @Option(
      names = {"-s", "--seed"},
      paramLabel = "N",
      defaultValue = "-1",
      description = "The same seed gives the same text; -1 for a random one (default: -1).")
  long seed;

  @Option(
      names = {"--temp", "--temperature"},
      paramLabel = "X",
      defaultValue = "0.8",
      description = "Temperature; 0 takes the best token each time (default: 0.8).")
  float temperature;

  @Option(
      names = {"--top-k"},
      paramLabel = "N",
      defaultValue = "40",
      description = "Pick among so many of the best; 0 for all (default: 40).")
  int topK;

  @Option(
      names = {"--top-p"},
      paramLabel = "P",
      defaultValue = "0.95",
      description = "Pick among the best that have this probability together (default: 0.95).")
  float topP;

  @Option(
      names = {"--min-p"},
      paramLabel = "P",
      defaultValue = "0.05",
      description = "Least probability, relative to the best (default: 0.05).")
  float minP;

  @Option(
      names = {"--repeat-last-n"},
      paramLabel = "N",
      defaultValue = "64",
      description = "How far back penalties look; -1 for all of the context (default: 64).")
  int repeatLastN;

  @Option(
      names = {"--repeat-penalty"},
      paramLabel = "X",
      defaultValue = "1.0",
      description = "Divides the score of a repeated token (default: 1, off).")
  float repeatPenalty;

  @Option(
      names = {"--presence-penalty"},
      paramLabel = "X",
      defaultValue = "0.0",
      description = "Subtracted from the score of a repeated token (default: 0).")
  float presencePenalty;

  @Option(
      names = {"--frequency-penalty"},
      paramLabel = "X",
      defaultValue = "0.0",
      description = "Subtracted for each time it was repeated (default: 0).")
  float frequencyPenalty;

  GenerateOptions options() {
    return new GenerateOptions(Math.max(count, -1), ignoreEos);
  }

  /// {@return a new sampler; with `--verbose` the seed is told, so that a run can be repeated}
  Sampler sampler(Command command) {
    if (seed < -1 || seed > 0xffff_ffffL) {
      throw command.usage("--seed " + seed + ", from -1 to " + 0xffff_ffffL);
    }
    long chosen = seed;
    if (seed == -1) {
      chosen = Integer.toUnsignedLong(ThreadLocalRandom.current().nextInt());
    }
    if (command.verbose && temperature > 0) {
      command.streams.err().println("seed: " + chosen);
    }
    try {
      return new SamplerSettings(
              topK,
              topP,
              minP,
              temperature,
              repeatLastN < 0 ? Integer.MAX_VALUE : repeatLastN,
              repeatPenalty,
              frequencyPenalty,
              presencePenalty,
              chosen)
          .sampler();
    } catch (IllegalArgumentException e) {
      throw command.usage(e.getMessage());
    }
  }
}
