package dev.tenon.cli;

import dev.tenon.FlashAttention;
import dev.tenon.SessionOptions;
import dev.tenon.cli.Command.Value;
import dev.tenon.gguf.TensorType;
import java.util.Locale;
import picocli.CommandLine.TypeConversionException;

/// How much a session holds, and how it is evaluated.
final class SessionFlags {
  /// Where -c is not given: enough for most, and no more memory than most have.
  static final int USUAL_CONTEXT = 4096;

  private final Command command;
  private final Value<Integer> context;
  private final Value<Integer> batch;
  private final Value<Integer> microBatch;
  private final Value<TensorType> keyType;
  private final Value<TensorType> valueType;
  private final Value<FlashAttention> flashAttention;

  SessionFlags(Command command) {
    this(command, "that, but at most " + USUAL_CONTEXT);
  }

  /// @param usual what the context is where -c is not given
  SessionFlags(Command command, String usual) {
    this.command = command;
    context =
        command.integer(
            null,
            "Context in tokens, 0 for what the model was trained with (default: " + usual + ").",
            "-c",
            "--ctx-size");
    batch =
        command.integer(
            "2048",
            "Most tokens of a prompt evaluated in one go (default: 2048).",
            "-b",
            "--batch-size");
    microBatch =
        command.integer(
            "512",
            "Most tokens in one pass through the layers (default: 512).",
            "-ub",
            "--ubatch-size");
    keyType =
        command.option(
            TensorType.class,
            SessionFlags::cacheType,
            "f16",
            "TYPE",
            "How keys are stored: f32, f16 or q8_0 (default: f16).",
            "-ctk",
            "--cache-type-k");
    valueType =
        command.option(
            TensorType.class,
            SessionFlags::cacheType,
            "f16",
            "TYPE",
            "How values are stored: f32, f16 or q8_0 (default: f16).",
            "-ctv",
            "--cache-type-v");
    flashAttention =
        command.option(
            FlashAttention.class,
            SessionFlags::attention,
            "auto",
            "on|off|auto",
            "Flash attention (default: auto).",
            "-fa",
            "--flash-attn");
  }

  /// {@return the most tokens in one pass}
  int microBatch() {
    return microBatch.get();
  }

  /// {@return the options of a session of a model that was trained with so many tokens}
  SessionOptions options(int trained) {
    var asked = context.get();
    int tokens =
        asked != null ? asked : trained > 0 ? Math.min(trained, USUAL_CONTEXT) : USUAL_CONTEXT;
    try {
      return SessionOptions.of(tokens)
          .withBatch(batch.get())
          .withMicroBatch(microBatch.get())
          .withFlashAttention(flashAttention.get())
          .withKeyType(keyType.get())
          .withValueType(valueType.get());
    } catch (IllegalArgumentException e) {
      throw command.usage(e.getMessage());
    }
  }

  /// {@return the type of a cache}
  static TensorType cacheType(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "f32" -> TensorType.F32;
      case "f16" -> TensorType.F16;
      case "q8_0" -> TensorType.Q8_0;
      default -> throw new TypeConversionException("'" + text + "' is not f32, f16 or q8_0");
    };
  }

  /// {@return whether to use flash attention, in any of llama.cpp's spellings}
  static FlashAttention attention(String text) {
    return switch (text) {
      case "on", "enabled", "true", "1" -> FlashAttention.ON;
      case "off", "disabled", "false", "0" -> FlashAttention.OFF;
      case "auto", "-1" -> FlashAttention.AUTO;
      default -> throw new TypeConversionException("'" + text + "' is not on, off or auto");
    };
  }
}
