package dev.tenon.chat;

import static dev.tenon.chat.Markup.trim;

import dev.tenon.chat.ReplyShape.Arguments;
import dev.tenon.chat.ReplyShape.Content;
import dev.tenon.chat.ReplyShape.Form;
import dev.tenon.chat.ReplyShape.Function;
import dev.tenon.chat.ReplyShape.JsonCall;
import dev.tenon.chat.ReplyShape.Thinking;
import java.util.List;

/// What renderings cannot tell of some templates: models that write otherwise than their template,
/// or a template that leaves out of its history what models write. Known by a text that nothing
/// else has.
final class TemplateQuirks {
  private static final Thinking THINK = new Thinking(true, "<think>", "</think>");

  private TemplateQuirks() {}

  static ReplyShape apply(String source, ReplyShape shape) {
    var thinking = shape.thinking();
    var content = shape.content();
    var tools = shape.tools();
    var stops = shape.stops();
    // QwQ and DeepSeek R1: thoughts are cut out of the history.
    if (source.contains("content.split('</think>')")
        && !source.contains("reasoning_content")
        && !source.contains("<SPECIAL_12>")
        && !thinking.present()) {
      thinking = THINK;
    }
    // Granite 3.3: told in words.
    if (source.contains(
        "Write your thoughts between <think></think> and write your response between"
            + " <response></response>")) {
      thinking = THINK;
      content = new Content("<response>", "</response>");
    }
    // Command R+: its answers are wrapped in the markers of the turn.
    if (source.contains("<|CHATBOT_TOKEN|>")
        && source.contains("<|END_OF_TURN_TOKEN|>")
        && content.start().isEmpty()) {
      content = new Content("<|CHATBOT_TOKEN|>", "<|END_OF_TURN_TOKEN|>");
    }
    // Functionary 3.1: nothing but the call's own tag begins calls.
    if (source.contains(
        "set has_code_interpreter = tools | selectattr(\"type\", \"equalto\","
            + " \"code_interpreter\") | list | length > 0")) {
      content = new Content(content.start(), "");
      tools =
          tools
              .withSection("", "")
              .withCall("<function=", "</function>")
              .withFunction(
                  new Function("", tools.function().nameEnd(), tools.function().separator(), ""));
    }
    // DeepSeek R1 distilled to Qwen: the type of a call is no marker.
    if (source.contains(
        "{{'<｜Assistant｜><｜tool▁calls▁begin｜><｜tool▁call▁begin｜>' + tool['type'] +"
            + " '<｜tool▁sep｜>'")) {
      tools =
          tools
              .withSection("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>")
              .withCall("<｜tool▁call▁begin｜>function", "<｜tool▁call▁end｜>")
              .withFunction(
                  new Function(
                      "<｜tool▁sep｜>",
                      tools.function().nameEnd(),
                      tools.function().separator(),
                      "```"));
    }
    // Nemotron Nano 2: calls are taken out of the history.
    if (source.contains("<SPECIAL_10>")
        && source.contains("<SPECIAL_11>")
        && source.contains("<SPECIAL_12>")
        && source.contains("<TOOL_RESPONSE>")) {
      var json = tools.form() == Form.JSON ? tools.json() : JsonCall.USUAL;
      tools =
          tools
              .withForm(Form.JSON)
              .withSection("", "")
              .withCall("<TOOLCALL>", "</TOOLCALL>")
              .withJson(json.inArrays());
      content = Content.PLAIN;
      thinking = new Thinking(true, "<think>\n", "</think>");
    }
    // Llama 3: asked for {name, parameters}, models write OpenAI's object as well.
    if (source.contains("Respond in the format {\"name\": function name")
        && source.contains("Do not use variables.")) {
      tools = tools.withJson(tools.json().withOpenAi());
    }
    // Laguna: the models leave out line ends that the template has, and spell out a stop token.
    if (source.contains("laguna_glm_thinking")) {
      thinking = new Thinking(thinking.present(), trim(thinking.start()), trim(thinking.end()));
      var arguments = tools.arguments();
      tools =
          tools.withArguments(
              new Arguments(
                  arguments.nameStart(),
                  arguments.nameEnd(),
                  trim(arguments.valueStart()),
                  trim(arguments.valueEnd()),
                  true));
      stops = List.of("</assistant>");
    }
    // Bailing 3.
    if (source.contains("Bailing V3 chat template")) {
      var arguments = tools.arguments();
      tools =
          tools.withArguments(
              new Arguments(
                  arguments.nameStart(),
                  arguments.nameEnd(),
                  arguments.valueStart(),
                  trim(arguments.valueEnd()),
                  true));
    }
    return new ReplyShape(thinking, content, tools, stops);
  }
}
