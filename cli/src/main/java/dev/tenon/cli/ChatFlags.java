package dev.tenon.cli;

import dev.tenon.Model;
import dev.tenon.Session;
import dev.tenon.chat.ChatTemplate;
import dev.tenon.cli.Command.Value;
import dev.tenon.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import picocli.CommandLine.TypeConversionException;

/// How a conversation begins, and in whose format it is put.
final class ChatFlags {
  /// Whether to think before an answer.
  private enum Reasoning {
    ON,
    OFF,
    AUTO
  }

  private final Command command;
  private final EscapeFlags escapes;
  private final Value<String> first;
  private final Value<Boolean> singleTurn;
  private final Value<String> system;
  private final Value<String> systemFile;
  private final Value<String> template;
  private final Value<String> templateFile;
  private final Value<Reasoning> reasoning;

  ChatFlags(Command command, EscapeFlags escapes) {
    this.command = command;
    this.escapes = escapes;
    first = command.text("TEXT", "The first question.", "-p", "--prompt");
    singleTurn = command.flag("Leave after one answer.", "-st", "--single-turn");
    system = command.text("TEXT", "The system message.", "-sys", "--system-prompt");
    systemFile =
        command.text("FILE", "A file with the system message.", "-sysf", "--system-prompt-file");
    template =
        command.text(
            "NAME",
            "The chat template, by llama.cpp's name (chatml, llama3, …) or in Jinja (default: the"
                + " model's own).",
            "--chat-template");
    templateFile = command.text("FILE", "A file with a template in Jinja.", "--chat-template-file");
    reasoning =
        command.option(
            Reasoning.class,
            ChatFlags::reasoning,
            "auto",
            "on|off|auto",
            "Let the model think before it answers, where its template lets one choose (default:"
                + " auto).",
            "-rea",
            "--reasoning");
  }

  private static Reasoning reasoning(String text) {
    return switch (text) { // in any of llama.cpp's spellings
      case "on", "enabled", "true", "1" -> Reasoning.ON;
      case "off", "disabled", "false", "0" -> Reasoning.OFF;
      case "auto", "-1" -> Reasoning.AUTO;
      default -> throw new TypeConversionException("'" + text + "' is not on, off or auto");
    };
  }

  /// Says what is wrong with the flags, before the wait for a model.
  void check() throws IOException {
    if (template.get() != null && templateFile.get() != null) {
      throw command.usage("one of --chat-template and --chat-template-file, please");
    }
    if (system.get() != null && systemFile.get() != null) {
      throw command.usage("one of --system-prompt and --system-prompt-file, please");
    }
    template();
    system();
  }

  /// {@return the first question, or null}
  String first() {
    return escapes.read(first.get());
  }

  boolean singleTurn() {
    return singleTurn.get();
  }

  /// {@return a conversation as these flags want it}
  dev.tenon.Chat open(Model model, Session session) throws IOException {
    var chosen = template();
    dev.tenon.Chat chat;
    if (chosen == null) {
      chat = dev.tenon.Chat.of(model, session);
    } else {
      var tokenizer = model.tokenizer();
      var bos = text(tokenizer, tokenizer.bos());
      var eos = text(tokenizer, tokenizer.eos());
      chat = dev.tenon.Chat.of(model, session, chosen.withTokens(bos, eos));
    }
    chat.system(system());
    switch (reasoning.get()) {
      case ON -> chat.think(true);
      case OFF -> chat.think(false);
      case AUTO -> {}
    }
    return chat;
  }

  private static String text(Tokenizer tokenizer, int token) {
    return token < 0 ? "" : new String(tokenizer.bytes(token, true), StandardCharsets.UTF_8);
  }

  /// The template that was asked for, or null.
  private ChatTemplate template() throws IOException {
    var name = template.get();
    if (templateFile.get() != null) {
      return ChatTemplate.of(InputFile.text(Path.of(templateFile.get())));
    }
    return TemplateFlags.of(name);
  }

  private String system() throws IOException {
    if (systemFile.get() != null) {
      var text = InputFile.text(Path.of(systemFile.get()));
      return text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
    }
    return system.get() == null ? "" : escapes.read(system.get());
  }
}
