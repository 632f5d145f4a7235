package dev.tenon;

import dev.tenon.json.Json;
import dev.tenon.json.JsonException;
import dev.tenon.sampling.Sampler;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/// Measures a model by questions whose right answers have a text in them, the key.
///
/// Each question is a chat of its own, with the model's template and nothing said before, and the
/// best token is taken each time: the same model gives the same answers.
///
/// ```java
/// var match = new AnswerMatch(model, session, 64);
/// var answer = match.ask(new AnswerMatch.Question("What is 2 + 2?", "4"));
/// answer.reply(); // It is 4.
/// answer.isRight(); // true
/// ```
///
/// Confined to the thread of its session.
public final class AnswerMatch {
  private final Session session;
  private final Chat chat;
  private final GenerateOptions options;

  /// A question.
  ///
  /// @param question what the model is asked
  /// @param key what a right answer has in it, to the letter; at least one character
  public record Question(String question, String key) {
    /// Checks the key.
    ///
    /// @throws IllegalArgumentException if it is empty: every answer would have it
    public Question {
      Objects.requireNonNull(question, "question");
      if (key.isEmpty()) throw new IllegalArgumentException("an empty key");
    }
  }

  /// What a model answered.
  ///
  /// @param question what was asked
  /// @param reply the answer, without what the model thought before
  /// @param reason why it ended
  public record Answer(Question question, String reply, Generation.Reason reason) {
    /// {@return whether the key is in the reply}
    public boolean isRight() {
      return reply.contains(question.key);
    }
  }

  /// Prepares to ask.
  ///
  /// @param model what is asked
  /// @param session of that model; this object uses it alone
  /// @param maxTokens most tokens of an answer, from 1
  /// @throws IllegalArgumentException if `maxTokens` is below 1, or the session is another model's
  /// @throws IllegalStateException if the model has no vocabulary
  /// @throws dev.tenon.jinja.TemplateException if the model's template is malformed
  public AnswerMatch(Model model, Session session, int maxTokens) {
    if (maxTokens < 1)
      throw new IllegalArgumentException("maxTokens: " + maxTokens + ", at least 1");
    this.session = session;
    this.chat = Chat.of(model, session);
    this.options = GenerateOptions.of(maxTokens);
  }

  /// {@return what the model answers; of a thread that is interrupted, what it has said so far}
  ///
  /// @param question what it is asked
  /// @throws IllegalStateException if the question does not fit the context
  public Answer ask(Question question) {
    chat.clear();
    session.rewind(0); // the same evaluation, whatever was asked before
    var reply = new StringBuilder();
    Generation.Reason reason = null;
    try (var events = chat.send(question.question, Sampler.greedy(), options)) {
      for (var next = events.iterator(); next.hasNext(); ) {
        switch (next.next()) {
          case ChatEvent.Answer(var text) -> reply.append(text);
          case ChatEvent.Done(_, var done) -> reason = done.reason();
          case ChatEvent.Thinking _, ChatEvent.Call _, ChatEvent.Result _ -> {}
        }
      }
    }
    return new Answer(question, reply.toString(), reason);
  }

  /// Reads questions, one a line: `{"question": "…", "key": "…"}`. Other members do not matter,
  /// nor do empty lines.
  ///
  /// @param name what messages call the text, such as the name of its file
  /// @param lines the text
  /// @return the questions, at least one
  /// @throws IOException if a line is something else, or there is none; the message has its number
  public static List<Question> read(String name, String lines) throws IOException {
    var questions = new ArrayList<Question>();
    int number = 0;
    for (var line : (Iterable<String>) lines.lines()::iterator) {
      number++;
      if (line.isBlank()) continue;
      try {
        var members = Json.object(line);
        questions.add(
            new Question(
                text(members.get("question"), "question"), text(members.get("key"), "key")));
      } catch (JsonException e) {
        var message = e.getMessage().replace(" at line 1, ", " at "); // of this one line
        throw new IOException(name + ", line " + number + ": " + message, e);
      } catch (IllegalArgumentException e) {
        throw new IOException(
            name
                + ", line "
                + number
                + ": "
                + e.getMessage()
                + ", but a question and its key are"
                + " needed: {\"question\": \"…\", \"key\": \"…\"}",
            e);
      }
    }
    if (questions.isEmpty()) throw new IOException(name + " has no questions");
    return questions;
  }

  private static String text(Object value, String member) {
    return switch (value) {
      case String text -> text;
      case null -> throw new IllegalArgumentException("no \"" + member + "\"");
      default -> throw new IllegalArgumentException("a \"" + member + "\" that is no text");
    };
  }
}
