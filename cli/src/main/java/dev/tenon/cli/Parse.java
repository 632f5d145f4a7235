package dev.tenon.cli;

import dev.tenon.chat.ChatTemplate;
import dev.tenon.chat.Message;
import dev.tenon.chat.ReplyFormat;
import dev.tenon.gguf.Gguf;
import dev.tenon.json.Json;
import dev.tenon.json.JsonException;
import dev.tenon.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// Takes a reply apart: answer, thoughts and calls of tools.
final class Parse extends Command {
  private final Value<String> template;
  private final Value<String> model;
  private final Value<String> builtIn;
  private final Value<String> input;

  Parse(Streams streams) {
    super(
        streams,
        "parse",
        "Take a model's reply apart and print the message as OpenAI's JSON.",
        "The reply is read from stdin. The conversation is what the prompt was rendered with; of"
            + " its fields count messages, tools, enable_thinking, tool_choice,"
            + " parallel_tool_calls and response_format. The message has content, and"
            + " reasoning_content and tool_calls where there are any.");
    template = text("FILE", "The template, in Jinja.", "--template");
    model = text("FILE", "The GGUF file whose template to use.", "-m", "--model");
    builtIn = text("NAME", "A template by llama.cpp's name, such as chatml.", "--chat-template");
    input = text("FILE", "The conversation, a JSON object.", "--input", "-i");
  }

  @Override
  int call() throws Exception {
    if (input.get() == null) throw usage("which conversation? Give --input FILE");
    if (input.get().equals("-")) {
      throw usage("--input - is not possible: the reply is read from stdin");
    }
    var format = ReplyFormat.of(template());
    var conversation = conversation();
    var reply = new String(streams.readAll(), StandardCharsets.UTF_8);
    streams.out().println(Json.write(json(format.parse(conversation, reply)), "  "));
    return 0;
  }

  private static Map<String, Object> json(Message message) {
    var json = new LinkedHashMap<String, Object>();
    json.put("role", message.role());
    json.put("content", message.content());
    message
        .toOpenAi()
        .forEach(
            (name, value) -> {
              if (name.equals("reasoning_content") || name.equals("tool_calls")) {
                json.put(name, value);
              }
            });
    return json;
  }

  private ChatTemplate template() throws IOException {
    if (template.get() != null && builtIn.get() != null) {
      throw usage("one of --template and --chat-template, please");
    }
    if (template.get() != null) {
      return ChatTemplate.of(
          new String(Files.readAllBytes(Path.of(template.get())), StandardCharsets.UTF_8));
    }
    if (builtIn.get() != null) return ChatTemplate.builtIn(builtIn.get());
    var file = model.get();
    if (file == null || file.isEmpty()) {
      throw usage("which template? Give --template FILE, --chat-template NAME or -m FILE");
    }
    try (var gguf = Gguf.open(Path.of(file))) {
      if (!Tokenizer.present(gguf)) throw new IOException(file + " has no vocabulary");
      return ChatTemplate.of(gguf, Tokenizer.of(gguf));
    }
  }

  private Map<String, Object> conversation() throws IOException {
    try {
      return Json.object(
          new String(Files.readAllBytes(Path.of(input.get())), StandardCharsets.UTF_8));
    } catch (JsonException e) {
      throw new IOException(input.get() + ": " + e.getMessage(), e);
    }
  }
}
