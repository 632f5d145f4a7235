package dev.tenon.cli;

import dev.tenon.FlashAttention;
import dev.tenon.SessionOptions;
import dev.tenon.gguf.TensorType;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/// How much a session holds, and how it is evaluated.
final class SessionFlags {
  /// Where -c is not given: enough for most, and no more memory than most have.
  static final int USUAL_CONTEXT = 4096;

  @Option(
      names = {"-c", "--ctx-size"},
      paramLabel = "N",
      description =
          "Context in tokens, 0 for what the model was trained with"
              + " (default: that, but at most 4096).")
  Integer context;

  @Option(
      names = {"-b", "--batch-size"},
      paramLabel = "N",
      defaultValue = "2048",
      description = "Most tokens of a prompt evaluated in one go (default: 2048).")
  int batch;

  @Option(
      names = {"-ub", "--ubatch-size"},
      paramLabel = "N",
      defaultValue = "512",
      description = "Most tokens in one pass through the layers (default: 512).")
  int microBatch;

  @Option(
      names = {"-ctk", "--cache-type-k"},
      paramLabel = "TYPE",
      defaultValue = "f16",
      converter = CacheType.class,
      description = "How keys are stored: f32, f16 or q8_0 (default: f16).")
  TensorType keyType;

  @Option(
      names = {"-ctv", "--cache-type-v"},
      paramLabel = "TYPE",
      defaultValue = "f16",
      converter = CacheType.class,
      description = "How values are stored: f32, f16 or q8_0 (default: f16).")
  TensorType valueType;

  @Option(
      names = {"-fa", "--flash-attn"},
      paramLabel = "on|off|auto",
      defaultValue = "auto",
      converter = Attention.class,
      description = "Flash attention (default: auto).")
  FlashAttention flashAttention;

  /// {@return the options of a session of a model that was trained with so many tokens}
  SessionOptions options(Command command, int trained) {
    int tokens =
        context != null ? context : trained > 0 ? Math.min(trained, USUAL_CONTEXT) : USUAL_CONTEXT;
    try {
      return SessionOptions.of(tokens)
          .withBatch(batch)
          .withMicroBatch(microBatch)
          .withFlashAttention(flashAttention)
          .withKeyType(keyType)
          .withValueType(valueType);
    } catch (IllegalArgumentException e) {
      throw command.usage(e.getMessage());
    }
  }

  /// Reads the type of a cache.
  static final class CacheType implements ITypeConverter<TensorType> {
    /// Made by picocli.
    CacheType() {}

    @Override
    public TensorType convert(String text) {
      return switch (text.toLowerCase(Locale.ROOT)) {
        case "f32" -> TensorType.F32;
        case "f16" -> TensorType.F16;
        case "q8_0" -> TensorType.Q8_0;
        default -> throw new TypeConversionException("'" + text + "' is not f32, f16 or q8_0");
      };
    }
  }

  /// Reads whether to use flash attention, in all of llama.cpp's spellings.
  static final class Attention implements ITypeConverter<FlashAttention> {
    /// Made by picocli.
    Attention() {}

    @Override
    public FlashAttention convert(String text) {
      return switch (text) {
        case "on", "enabled", "true", "1" -> FlashAttention.ON;
        case "off", "disabled", "false", "0" -> FlashAttention.OFF;
        case "auto", "-1" -> FlashAttention.AUTO;
        default -> throw new TypeConversionException("'" + text + "' is not on, off or auto");
      };
    }
  }
}
