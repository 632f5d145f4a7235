package dev.tenon.chat;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.jinja.Limits;
import dev.tenon.jinja.Template;
import dev.tenon.jinja.TemplateException;
import dev.tenon.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// Turns a conversation into the text that a model was trained on.
///
/// ```java
/// var template = ChatTemplate.of(gguf, tokenizer);
/// var prompt =
///     template.render(
///         Map.of(
///             "messages", List.of(Map.of("role", "user", "content", "Hi")),
///             "add_generation_prompt", true));
/// ```
///
/// What a template may ask for is what transformers gives: `messages` (maps with `role`, `content`,
/// `tool_calls` and the like), `tools` (their definitions; `none` where there are none),
/// `add_generation_prompt`, `bos_token`, `eos_token`, and whatever else a caller puts in, such as
/// `enable_thinking`.
///
/// Immutable; threads may share it.
public final class ChatTemplate {
  private static final String KEY = "tokenizer.chat_template";
  private static final String NAMES = "tokenizer.chat_templates";

  /// The named template that many models have for conversations with tools.
  private static final String TOOL_USE = "tool_use";

  private final Template template;

  /// The template for conversations with tools; mostly the same.
  private final Template toolTemplate;

  private final String bosToken;
  private final String eosToken;

  private ChatTemplate(Template template, Template toolTemplate, String bosToken, String eosToken) {
    this.template = template;
    this.toolTemplate = toolTemplate;
    this.bosToken = bosToken;
    this.eosToken = eosToken;
  }

  /// {@return a template that knows no begin or end token}
  ///
  /// @param source Jinja
  /// @throws TemplateException if it is malformed
  public static ChatTemplate of(String source) {
    var template = Template.of(source);
    return new ChatTemplate(template, template, null, null);
  }

  /// {@return the template of a file: its own, else the one that fits its vocabulary}
  ///
  /// Where the file has none, special tokens of its vocabulary tell well-known formats
  /// (`<|start_header_id|>`: Llama 3, `<start_of_turn>`: Gemma, …); all else is taken for ChatML,
  /// as llama.cpp does. A template named `tool_use` is used for conversations with tools.
  ///
  /// @param gguf an open file; not retained
  /// @param tokenizer its tokenizer, for the text of the begin and end token; not retained
  /// @throws TemplateException if a template of the file is malformed
  /// @throws GgufFormatException if the file's keys are of another type
  /// @throws IllegalStateException if the file is closed
  public static ChatTemplate of(Gguf gguf, Tokenizer tokenizer) throws GgufFormatException {
    var source = sourceOrNull(gguf, KEY);
    var toolSource = sourceOrNull(gguf, KEY + "." + TOOL_USE);
    if (source == null) source = toolSource;
    if (source == null) source = ChatTemplates.source(ChatTemplates.fitting(gguf));
    var template = Template.of(source);
    var toolTemplate = toolSource == null ? template : Template.of(toolSource);
    return new ChatTemplate(
        template, toolTemplate, text(tokenizer, tokenizer.bos()), text(tokenizer, tokenizer.eos()));
  }

  /// {@return one of a file's named templates}
  ///
  /// @param gguf an open file; not retained
  /// @param tokenizer its tokenizer; not retained
  /// @param name one of [#names]
  /// @throws IllegalArgumentException if the file has none of that name
  /// @throws TemplateException if it is malformed
  /// @throws GgufFormatException if the file's keys are of another type
  /// @throws IllegalStateException if the file is closed
  public static ChatTemplate of(Gguf gguf, Tokenizer tokenizer, String name)
      throws GgufFormatException {
    var source = sourceOrNull(gguf, KEY + "." + name);
    if (source == null)
      throw new IllegalArgumentException(
          "the file has no chat template \"" + name + "\"; it has " + names(gguf));
    return of(source)
        .withTokens(text(tokenizer, tokenizer.bos()), text(tokenizer, tokenizer.eos()));
  }

  /// {@return the names of a file's further templates, such as `tool_use`; mostly none}
  ///
  /// @param gguf an open file; not retained
  /// @throws GgufFormatException if the file's keys are of another type
  /// @throws IllegalStateException if the file is closed
  public static List<String> names(Gguf gguf) throws GgufFormatException {
    var names = new ArrayList<String>();
    if (gguf.has(NAMES)) names.addAll(gguf.strings(NAMES));
    for (var key : gguf.keys())
      if (key.startsWith(KEY + ".") && !names.contains(key.substring(KEY.length() + 1)))
        names.add(key.substring(KEY.length() + 1));
    names.removeIf(name -> !gguf.has(KEY + "." + name));
    return List.copyOf(names);
  }

  /// {@return whether a file has a template of its own}
  ///
  /// @param gguf an open file; not retained
  /// @throws IllegalStateException if the file is closed
  public static boolean present(Gguf gguf) {
    return gguf.has(KEY) || gguf.has(KEY + "." + TOOL_USE);
  }

  /// {@return a template by llama.cpp's name for it, such as `chatml` or `llama3`}
  ///
  /// @param name one of [#builtInNames]
  /// @throws IllegalArgumentException if there is none of that name; the message has the names
  public static ChatTemplate builtIn(String name) {
    return of(ChatTemplates.source(name));
  }

  /// {@return the names of the built-in templates, in order}
  public static List<String> builtInNames() {
    return ChatTemplates.NAMES;
  }

  private static String sourceOrNull(Gguf gguf, String key) throws GgufFormatException {
    return gguf.has(key) ? gguf.text(key) : null;
  }

  private static String text(Tokenizer tokenizer, int token) {
    return token < 0 ? "" : new String(tokenizer.bytes(token, true), StandardCharsets.UTF_8);
  }

  /// {@return this with other texts for `bos_token` and `eos_token`}
  ///
  /// @param bos the begin token's text, null where the template shall not know one
  /// @param eos the end token's text, null where the template shall not know one
  public ChatTemplate withTokens(String bos, String eos) {
    return new ChatTemplate(template, toolTemplate, bos, eos);
  }

  /// Renders a conversation within [Limits#DEFAULT].
  ///
  /// `bos_token`, `eos_token` (where this knows them) and `tools` (`none`) may be left out.
  /// `strftime_now` formats the variable `now`, such as `2026-01-15T12:00:00`, where there is one,
  /// else the system's time.
  ///
  /// @param variables what the template can ask for: maps, iterables, strings, numbers, booleans
  ///     and null; not changed
  /// @return the prompt
  /// @throws TemplateException if the template fails or refuses the conversation; `reason()` has
  ///     its own words
  /// @throws IllegalArgumentException if `now` is needed and is no time
  public String render(Map<String, ?> variables) {
    return render(variables, Limits.DEFAULT);
  }

  /// Renders a conversation, as above, within other limits.
  String render(Map<String, ?> variables, Limits limits) {
    var all = new LinkedHashMap<String, Object>();
    all.put("tools", null);
    if (bosToken != null) all.put("bos_token", bosToken);
    if (eosToken != null) all.put("eos_token", eosToken);
    all.putAll(variables);
    var used = all.get("tools") == null ? template : toolTemplate;
    return used.render(all, () -> now(all.get("now")), limits);
  }

  /// Renders a conversation.
  ///
  /// @param messages its messages, each a map with `role` and `content`
  /// @param tools definitions of tools, null for none
  /// @param addGenerationPrompt whether the answer's beginning is added
  /// @return the prompt
  /// @throws TemplateException as above
  public String render(List<?> messages, List<?> tools, boolean addGenerationPrompt) {
    Objects.requireNonNull(messages, "messages");
    var variables = new LinkedHashMap<String, Object>();
    variables.put("messages", messages);
    variables.put("tools", tools);
    variables.put("add_generation_prompt", addGenerationPrompt);
    return render(variables);
  }

  private static LocalDateTime now(Object given) {
    if (given == null) return LocalDateTime.now();
    try {
      if (given instanceof CharSequence text) return LocalDateTime.parse(text);
    } catch (DateTimeParseException e) {
      throw wrongTime(given);
    }
    throw wrongTime(given);
  }

  private static IllegalArgumentException wrongTime(Object given) {
    return new IllegalArgumentException(
        "now: expected a time such as 2026-01-15T12:00:00, got " + given);
  }

  /// {@return the template's text, for conversations without tools}
  public String source() {
    return template.source();
  }

  /// {@return the template's text for conversations with tools; mostly the same}
  public String toolSource() {
    return toolTemplate.source();
  }

  /// {@return the text for `bos_token`: empty where the model has none, null where it is unknown}
  public String bosToken() {
    return bosToken;
  }

  /// {@return the text for `eos_token`: empty where the model has none, null where it is unknown}
  public String eosToken() {
    return eosToken;
  }
}
