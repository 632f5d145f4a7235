package dev.tenon.cli;

import dev.tenon.cli.Command.Value;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/// Whether `\n` and the like in texts of flags stand for characters, which they do unless told
/// otherwise, as in llama.cpp.
final class EscapeFlags {
  private final Command command;
  private final Value<Boolean> escape;
  private final Value<Boolean> noEscape;

  EscapeFlags(Command command) {
    this.command = command;
    escape =
        command.flag(
            "Read \\n, \\r, \\t, \\', \\\", \\\\ and \\xHH in texts of flags (the default).",
            "-e",
            "--escape");
    noEscape = command.flag("Take backslashes as they are.", "--no-escape");
  }

  /// {@return what the text of a flag stands for; null for null}
  String read(String text) {
    if (escape.get() && noEscape.get()) {
      throw command.usage("one of --escape and --no-escape, please");
    }
    return text == null || noEscape.get() ? text : unescaped(text);
  }

  /// {@return the text with the characters that its escapes stand for}
  static String unescaped(String text) {
    var bytes = text.getBytes(StandardCharsets.UTF_8);
    var out = new ByteArrayOutputStream(bytes.length);
    for (int i = 0; i < bytes.length; i++) {
      int next = bytes[i] == '\\' && i + 1 < bytes.length ? bytes[i + 1] : -1;
      int simple = next < 0 ? -1 : "nrt'\"\\".indexOf(next);
      int code = next == 'x' && i + 3 < bytes.length ? hex(bytes[i + 2], bytes[i + 3]) : -1;
      if (simple >= 0) {
        out.write("\n\r\t'\"\\".charAt(simple));
        i++;
      } else if (code >= 0) {
        out.write(code);
        i += 3;
      } else {
        out.write(bytes[i]);
      }
    }
    return out.toString(StandardCharsets.UTF_8);
  }

  private static int hex(byte high, byte low) {
    int a = Character.digit(high, 16);
    int b = Character.digit(low, 16);
    return a < 0 || b < 0 ? -1 : 16 * a + b;
  }
}
