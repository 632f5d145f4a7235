package dev.tenon.cli;

import dev.tenon.chat.ChatTemplate;
import dev.tenon.gguf.Gguf;
import dev.tenon.json.Json;
import dev.tenon.json.JsonException;
import dev.tenon.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/// Prints what a chat template makes of a conversation.
final class Render extends Command {
  private final Value<String> template;
  private final Value<String> model;
  private final Value<String> builtIn;
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
    template = text("FILE", "The template, in Jinja.", "--template");
    model =
        text(
            "FILE",
            "The GGUF file whose template to use; where it has none, the one that fits its"
                + " vocabulary, else ChatML.",
            "-m",
            "--model");
    builtIn = text("NAME", "A template by llama.cpp's name, such as chatml.", "--chat-template");
    input = text("FILE", "The conversation, a JSON object; '-' for stdin.", "--input", "-i");
  }

  @Override
  int call() throws Exception {
    if (input.get() == null) throw usage("which conversation? Give --input FILE, or - for stdin");
    var chosen = template();
    streams.out().print(chosen.render(variables()));
    return 0;
  }

  private ChatTemplate template() throws IOException {
    if (template.get() != null && builtIn.get() != null)
      throw usage("one of --template and --chat-template, please");
    if (template.get() != null)
      return ChatTemplate.of(
          new String(Files.readAllBytes(Path.of(template.get())), StandardCharsets.UTF_8));
    if (builtIn.get() != null) return ChatTemplate.builtIn(builtIn.get());
    var file = model.get();
    if (file == null || file.isEmpty())
      throw usage("which template? Give --template FILE, --chat-template NAME or -m FILE");
    try (var gguf = Gguf.open(Path.of(file))) {
      if (!Tokenizer.present(gguf)) throw new IOException(file + " has no vocabulary");
      return ChatTemplate.of(gguf, Tokenizer.of(gguf));
    }
  }

  private Map<String, Object> variables() throws IOException {
    var bytes =
        input.get().equals("-") ? streams.readAll() : Files.readAllBytes(Path.of(input.get()));
    try {
      return Json.object(new String(bytes, StandardCharsets.UTF_8));
    } catch (JsonException e) {
      throw new IOException(input.get() + ": " + e.getMessage(), e);
    }
  }
}
