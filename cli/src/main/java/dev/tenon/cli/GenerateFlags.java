package dev.tenon.cli;

import dev.tenon.GenerateOptions;
import dev.tenon.cli.Command.Value;
import dev.tenon.sampling.Sampler;
import dev.tenon.sampling.SamplerSettings;
import java.util.concurrent.ThreadLocalRandom;
import picocli.CommandLine.TypeConversionException;

/// How tokens are picked, and how many.
final class GenerateFlags {
  private final Command command;
  private final Value<Integer> count;
  private final Value<Boolean> ignoreEos;
  private final Value<Long> seed;
  private final Value<Float> temperature;
  private final Value<Integer> topK;
  private final Value<Float> topP;
  private final Value<Float> minP;
  private final Value<Integer> repeatLastN;
  private final Value<Float> repeatPenalty;
  private final Value<Float> presencePenalty;
  private final Value<Float> frequencyPenalty;

  GenerateFlags(Command command) {
    this.command = command;
    count =
        command.integer(
            "-1",
            "Most tokens to generate; -1 for as many as the context holds (default: -1).",
            "-n",
            "--predict",
            "--n-predict");
    ignoreEos = command.flag("Go on where the model would end.", "--ignore-eos");
    seed =
        command.option(
            Long.class,
            GenerateFlags::seed,
            "-1",
            "N",
            "The same seed gives the same text; -1 for a random one (default: -1).",
            "-s",
            "--seed");
    temperature =
        command.real(
            "0.8",
            "Temperature; 0 takes the best token each time (default: 0.8).",
            "--temp",
            "--temperature");
    topK =
        command.integer(
            "40", "Pick among so many of the best; 0 for all (default: 40).", "--top-k");
    topP =
        command.real(
            "0.95",
            "Pick among the best that have this probability together (default: 0.95).",
            "--top-p");
    minP =
        command.real("0.05", "Least probability, relative to the best (default: 0.05).", "--min-p");
    repeatLastN =
        command.integer(
            "64",
            "How far back penalties look; -1 for all of the context (default: 64).",
            "--repeat-last-n");
    repeatPenalty =
        command.real(
            "1", "Divides the score of a repeated token (default: 1, off).", "--repeat-penalty");
    presencePenalty =
        command.real(
            "0",
            "Subtracted from the score of a repeated token (default: 0).",
            "--presence-penalty");
    frequencyPenalty =
        command.real(
            "0", "Subtracted for each time it was repeated (default: 0).", "--frequency-penalty");
  }

  private static Long seed(String text) {
    try {
      return Long.valueOf(text);
    } catch (NumberFormatException _) {
      throw new TypeConversionException("'" + text + "' is not a seed: from -1 to " + 0xffff_ffffL);
    }
  }

  GenerateOptions options() {
    return new GenerateOptions(Math.max(count.get(), -1), ignoreEos.get());
  }

  /// {@return a new sampler; with `--verbose` the seed is told, so that a run can be repeated}
  Sampler sampler() {
    long asked = seed.get();
    if (asked < -1 || asked > 0xffff_ffffL) {
      throw command.usage("--seed " + asked + ", from -1 to " + 0xffff_ffffL);
    }
    long chosen = asked;
    if (asked == -1) {
      chosen = Integer.toUnsignedLong(ThreadLocalRandom.current().nextInt());
    }
    if (command.verbose() && temperature.get() > 0) {
      command.streams.err().println("seed: " + chosen);
    }
    try {
      return new SamplerSettings(
              topK.get(),
              topP.get(),
              minP.get(),
              temperature.get(),
              repeatLastN.get() < 0 ? Integer.MAX_VALUE : repeatLastN.get(),
              repeatPenalty.get(),
              frequencyPenalty.get(),
              presencePenalty.get(),
              chosen)
          .sampler();
    } catch (IllegalArgumentException e) {
      throw command.usage(e.getMessage());
    }
  }
}
