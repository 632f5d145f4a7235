package dev.tenon.cli;

import dev.tenon.ChunkedText;
import dev.tenon.Model;
import dev.tenon.SessionOptions;
import dev.tenon.cli.Command.Value;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/// Which text a model is judged over, and how it is cut into chunks.
final class TextFlags {
  /// Tokens of a chunk where -c is not given.
  static final int USUAL_CONTEXT = 512;

  private final Command command;
  private final Value<String> file;
  private final Value<Integer> most;

  TextFlags(Command command) {
    this.command = command;
    file = command.text("FILE", "The text; '-' for stdin.", "-f", "--file");
    most = command.integer("-1", "The most chunks (default: all).", "--chunks");
  }

  /// {@return the name of the text, or null where there is none}
  String name() {
    return file.get();
  }

  /// {@return the text, without the line end that llama.cpp leaves out}
  String read() throws IOException {
    var bytes = InputFile.bytes(file.get(), command.streams);
    try {
      var text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      return text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
    } catch (CharacterCodingException _) {
      throw new IOException(InputFile.name(file.get()) + " is not a text: it is not UTF-8");
    }
  }

  /// {@return the options of a session that holds one chunk}
  static SessionOptions session(SessionFlags flags, Model model) {
    var options = flags.options(USUAL_CONTEXT);
    return options.contextLength() > 0 ? options : options.withContextLength(model.contextLength());
  }

  /// {@return the text in chunks}
  ///
  /// @param skipped chunks that are left out at first
  /// @param special whether control tokens are recognised in it
  ChunkedText cut(String text, Model model, int length, int skipped, boolean special)
      throws IOException {
    var tokens = model.tokenizer().encode(text, true, special);
    try {
      return ChunkedText.of(tokens, length, skipped, most.get());
    } catch (IllegalArgumentException e) {
      throw new IOException(InputFile.name(file.get()) + ": " + e.getMessage(), e);
    }
  }
}
