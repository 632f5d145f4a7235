package dev.tenon.cli;

import dev.tenon.chat.ChatTemplate;
import dev.tenon.cli.Command.Value;
import dev.tenon.gguf.Gguf;
import dev.tenon.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;

/// Which chat template, where no model is loaded for it.
final class TemplateFlags {
  private final Command command;
  private final Value<String> file;
  private final Value<String> text;
  private final ModelFile model;

  TemplateFlags(Command command) {
    this.command = command;
    file = command.text("FILE", "A Jinja template.", "--template", "--chat-template-file");
    text =
        command.text(
            "NAME", "A template by llama.cpp's name, such as chatml, or Jinja.", "--chat-template");
    model =
        new ModelFile(
            command, "A GGUF file, for its template, and for its begin and end token in any.");
  }

  /// {@return the template}
  ChatTemplate template() throws IOException {
    if (file.get() != null && text.get() != null) {
      throw command.usage("one of --template and --chat-template, please");
    }
    var chosen =
        file.get() != null ? ChatTemplate.of(InputFile.text(Path.of(file.get()))) : of(text.get());
    if (!model.given()) {
      if (chosen == null) {
        throw command.usage(
            "which template? Give --template FILE, --chat-template NAME or -m FILE");
      }
      return chosen;
    }
    try (var gguf = Gguf.open(model.path())) {
      if (!Tokenizer.present(gguf)) {
        throw new IOException(gguf.path() + " has no vocabulary");
      }
      var own = ChatTemplate.of(gguf, Tokenizer.of(gguf));
      return chosen == null ? own : chosen.withTokens(own.bosToken(), own.eosToken());
    }
  }

  /// {@return the template of that name, or that text as a template; null for null}
  static ChatTemplate of(String nameOrJinja) {
    if (nameOrJinja == null) {
      return null;
    }
    return nameOrJinja.contains("{{") || nameOrJinja.contains("{%")
        ? ChatTemplate.of(nameOrJinja)
        : ChatTemplate.builtIn(nameOrJinja);
  }
}
