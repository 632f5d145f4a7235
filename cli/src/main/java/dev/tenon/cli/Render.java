package dev.tenon.cli;

import dev.tenon.json.Json;
import dev.tenon.json.JsonException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/// Prints what a chat template makes of a conversation.
final class Render extends Command {
  private final TemplateFlags template;
  private final Value<String> input;

  Render(Streams streams) {
    super(
        streams,
        "render",
        "Print what a chat template makes of a conversation, and nothing else: no line end is"
            + " added.",
        "The fields of the JSON object are the template's variables: messages, tools,"
            + " add_generation_prompt and whatever else it asks for. Where they are not given,"
            + " tools is none, and with -m bos_token and eos_token are the model's; all else is"
            + " undefined. strftime_now formats the field now (yyyy-mm-ddThh:mm:ss) when there is"
            + " one.");
    template = new TemplateFlags(this);
    input = text("FILE", "The conversation, a JSON object; '-' for stdin.", "--input", "-i");
  }

  @Override
  int call() throws Exception {
    if (input.get() == null) throw usage("which conversation? Give --input FILE, or - for stdin");
    var chosen = template.template();
    streams.out().print(chosen.render(variables()));
    return 0;
  }

  private Map<String, Object> variables() throws IOException {
    var bytes = InputFile.bytes(input.get(), streams);
    try {
      return Json.object(new String(bytes, StandardCharsets.UTF_8));
    } catch (JsonException e) {
      throw new IOException(InputFile.name(input.get()) + ": " + e.getMessage(), e);
    }
  }
}
