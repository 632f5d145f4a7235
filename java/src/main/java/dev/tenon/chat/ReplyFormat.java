package dev.tenon.chat;

import dev.tenon.grammar.Grammar;
import dev.tenon.grammar.GrammarException;
import dev.tenon.grammar.Trigger;
import dev.tenon.jinja.TemplateException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// How the replies of a template's models are written: where thoughts end and the answer begins,
/// and how tools are called. It is read off the template, by rendering it with and without a
/// thought, a call, a second call; some families of which that would not tell enough are known.
///
/// ```java
/// var format = ReplyFormat.of(template);
/// var prompt = template.render(conversation);
/// var message = format.parse(conversation, reply);
/// ```
///
/// A conversation is the variables that the prompt was rendered with. Of them count `messages`,
/// `tools`, `enable_thinking`, and, as OpenAI has them, `tool_choice` (`none`, `auto` or
/// `required`), `parallel_tool_calls` and `response_format`.
///
/// Immutable; threads may share it. To make one takes some milliseconds: keep it with its template.
public final class ReplyFormat {
  private final Form form;

  /// The form of conversations with tools; mostly the same.
  private final Form toolForm;

  private ReplyFormat(Form form, Form toolForm) {
    this.form = form;
    this.toolForm = toolForm;
  }

  /// What is known of a template.
  ///
  /// @param source its text
  /// @param template what renders
  /// @param family the family that it is of, or null
  /// @param shape what was read off it, or null where it is of a family
  private record Form(
      String source, ChatTemplate template, ReplyFamilies.Family family, ReplyShape shape) {
    static Form of(String source) {
      var template = ChatTemplate.of(source);
      var family = ReplyFamilies.of(source);
      return new Form(
          source,
          template,
          family,
          family == null ? TemplateAnalysis.of(source, LooseTemplate.forProbes(template)) : null);
    }

    ReplyGrammar grammar(Turn turn) {
      return family == null ? ShapeReplies.of(shape, turn) : family.replies().apply(source, turn);
    }
  }

  /// Reads the format off a template.
  ///
  /// @param template the template; not retained
  /// @return its replies' format: of a template that refuses all that it is tried with, plain text
  public static ReplyFormat of(ChatTemplate template) {
    var form = Form.of(template.source());
    return new ReplyFormat(
        form,
        template.toolSource().equals(template.source()) ? form : Form.of(template.toolSource()));
  }

  /// {@return texts that end a turn, beside the tokens that the model's vocabulary has for that:
  /// models of some families write them out}
  public List<String> stops() {
    if (form.family() == null) return form.shape().stops();
    return LingReplies.in(form.source()) ? List.of("<|role_end|>") : List.of();
  }

  /// {@return a parser for the reply that follows a conversation's prompt}
  ///
  /// @param conversation the variables that the prompt was rendered with
  /// @throws TemplateException if the template does not come to an end with the conversation
  /// @throws IllegalArgumentException if `messages` or `tools` is no list of objects
  public ReplyParser parser(Map<String, ?> conversation) {
    var form = form(conversation);
    var turn = turn(form, conversation);
    return new ReplyParser(
        form.grammar(turn), turn.mayCall() ? form.grammar(turn.withoutTools()) : null);
  }

  /// {@return the message that a whole reply is}
  ///
  /// @param conversation the variables that the prompt was rendered with
  /// @param reply the reply
  /// @throws ReplyException if a call in it is cut off or not as the template has it
  /// @throws TemplateException if the template does not come to an end with the conversation
  /// @throws IllegalArgumentException if `messages` or `tools` is no list of objects
  public Message parse(Map<String, ?> conversation, String reply) {
    var parser = parser(conversation);
    parser.accept(reply);
    return parser.finish();
  }

  /// {@return what holds the model to calls of this form with arguments of the tools' schemas, and
  /// to a `response_format`; or null where there is nothing to hold it to: no tools, or a form in
  /// which nothing shows that a call begins}
  ///
  /// The reply is free until a trigger unless `tool_choice` is `required` or there is a
  /// `response_format`.
  ///
  /// @param conversation the variables that the prompt was rendered with
  /// @throws GrammarException if the schema of the `response_format` is malformed or cannot be
  ///     held to; a tool's is any JSON then
  /// @throws TemplateException if the template does not come to an end with the conversation
  /// @throws IllegalArgumentException if `messages` or `tools` is no list of objects
  public ToolGrammar toolGrammar(Map<String, ?> conversation) {
    var form = form(conversation);
    var turn = turn(form, conversation);
    var grammar = form.grammar(turn);
    // What a tool's schema says too much is let go; the answer's is the caller's own.
    if (turn.schema() != null) Grammar.ofJsonSchema(turn.schema());
    if (turn.schema() != null || turn.required() && turn.mayCall()) {
      return new ToolGrammar(PegGrammar.of(grammar.reply()), List.of(), grammar.opening());
    }
    if (!turn.mayCall() || grammar.words().isEmpty() && grammar.patterns().isEmpty()) return null;
    var triggers = new ArrayList<Trigger>();
    grammar.words().forEach(word -> triggers.add(Trigger.word(word)));
    grammar.patterns().forEach(pattern -> triggers.add(Trigger.regex(pattern)));
    return new ToolGrammar(PegGrammar.ofTriggers(grammar.reply()), triggers, grammar.opening());
  }

  private Form form(Map<String, ?> conversation) {
    return conversation.get("tools") == null ? form : toolForm;
  }

  private static Turn turn(Form form, Map<String, ?> conversation) {
    Turn.check(conversation);
    return Turn.of(conversation, prompt(form.template(), conversation));
  }

  /// What the template puts before the reply: what a prompt has more when one is asked for.
  private static String prompt(ChatTemplate template, Map<String, ?> conversation) {
    var loose = LooseTemplate.of(template);
    var variables = new LinkedHashMap<String, Object>(conversation);
    variables.putIfAbsent("bos_token", "");
    variables.putIfAbsent("eos_token", "");
    variables.remove("add_generation_prompt");
    var without = loose.render(variables);
    variables.put("add_generation_prompt", true);
    var with = loose.render(variables);
    if (loose.isEndless()) throw loose.problem();
    return without == null || with == null
        ? "" // a conversation that the template refuses has no prompt either
        : with.substring(Markup.commonPrefix(without, with));
  }

  /// {@return what was read off the template, or null where it is of a known family}
  ReplyShape shape() {
    return form.shape();
  }
}
