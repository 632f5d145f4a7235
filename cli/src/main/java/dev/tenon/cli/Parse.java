package dev.tenon.cli;

import dev.tenon.chat.Message;
import dev.tenon.chat.ReplyFormat;
import dev.tenon.json.Json;
import dev.tenon.json.JsonException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// Takes a reply apart: answer, thoughts and calls of tools.
final class Parse extends Command {
  private final TemplateFlags template;
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
    template = new TemplateFlags(this);
    input = text("FILE", "The conversation, a JSON object.", "--input", "-i");
  }

  @Override
  int call() throws Exception {
    if (input.get() == null) throw usage("which conversation? Give --input FILE");
    if (input.get().equals("-")) {
      throw usage("--input - is not possible: the reply is read from stdin");
    }
    var format = ReplyFormat.of(template.template());
    var conversation = conversation();
    var reply = new String(streams.readAll(), StandardCharsets.UTF_8);
    printJson(json(format.parse(conversation, reply)));
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

  private Map<String, Object> conversation() throws IOException {
    try {
      return Json.object(new String(InputFile.bytes(Path.of(input.get())), StandardCharsets.UTF_8));
    } catch (JsonException e) {
      throw new IOException(input.get() + ": " + e.getMessage(), e);
    }
  }
}
