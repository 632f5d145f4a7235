package dev.tenon.cli;

import dev.tenon.AnswerMatch;
import dev.tenon.Generation;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;

/// Measures how many questions a model answers rightly.
final class Evaluate extends Command {
  private final Value<String> file;
  private final Value<Integer> count;
  private final Value<Float> least;
  private final Value<Boolean> json;
  private final ModelFlags model;
  private final SessionFlags session;

  Evaluate(Streams streams) {
    super(
        streams,
        "evaluate",
        "Measure how many questions a model answers rightly.",
        "Each line of the file is a question with a text that its right answer has in it, to the"
            + " letter: {\"question\": \"…\", \"key\": \"…\"}. Each is asked in a chat of its own,"
            + " at temperature 0. With --verbose the wrong answers are printed.");
    file = text("FILE", "The questions, as lines of JSON; '-' for stdin.", "-f", "--file");
    count = integer("64", "Most tokens of an answer (default: 64).", "-n", "--predict");
    least = real("0", "Fail where less than this part is right, such as 0.85.", "--min");
    json = flag("Print the result, and the wrong answers, as JSON.", "--json");
    model = new ModelFlags(this, true);
    session = new SessionFlags(this);
  }

  @Override
  int call() throws Exception {
    if (file.get() == null) {
      throw usage("which questions? Give -f FILE");
    }
    if (count.get() < 1) {
      throw usage("-n " + count.get() + ", from 1");
    }
    if (!(least.get() >= 0 && least.get() <= 1)) {
      throw usage("--min " + Range.plain(least.get()) + ", from 0 to 1");
    }
    session.options(0);
    var questions = AnswerMatch.read(InputFile.name(file.get()), text());
    long start = System.nanoTime();
    try (var backend = model.backend();
        var loaded = model.load(backend);
        var opened = loaded.newSession(session.options(loaded.contextLength()));
        var _ = Interrupt.ofThisThread()) {
      if (verbose()) {
        var load = Duration.ofNanos(System.nanoTime() - start);
        Timings.model(streams.err(), loaded, backend, load);
        Timings.session(streams.err(), opened);
      }
      var match = new AnswerMatch(loaded, opened, count.get());
      var wrong = new ArrayList<AnswerMatch.Answer>();
      for (var question : questions) {
        var answer = ask(match, question);
        if (answer.reason() == Generation.Reason.INTERRUPTED) {
          return 130;
        }
        if (!answer.isRight()) {
          wrong.add(answer);
          print(answer);
        }
      }
      return print(questions.size(), wrong);
    }
  }

  private String text() throws IOException {
    try {
      var bytes = ByteBuffer.wrap(InputFile.bytes(file.get(), streams));
      return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException _) {
      throw new IOException(InputFile.name(file.get()) + " is not a text: it is not UTF-8");
    }
  }

  private static AnswerMatch.Answer ask(AnswerMatch match, AnswerMatch.Question question)
      throws IOException {
    try {
      return match.ask(question);
    } catch (IllegalStateException e) {
      throw new IOException("the question '" + question.question() + "': " + e.getMessage(), e);
    }
  }

  private void print(AnswerMatch.Answer wrong) throws IOException {
    if (!verbose() || json.get()) {
      return;
    }
    var out = streams.out();
    out.println("question  " + Text.visible(wrong.question().question()));
    out.println("key       " + Text.visible(wrong.question().key()));
    out.println("reply     " + Text.visible(wrong.reply().strip()));
    out.println("");
    out.flush();
  }

  private int print(int questions, List<AnswerMatch.Answer> wrong) throws IOException {
    int right = questions - wrong.size();
    double part = (double) right / questions;
    if (json.get()) {
      var result = new LinkedHashMap<String, Object>();
      result.put("questions", questions);
      result.put("right", right);
      result.put("exact_match", part);
      result.put("wrong", wrong.stream().map(Evaluate::members).toList());
      printJson(result);
    } else {
      var percent = String.format(Locale.ROOT, "%.1f %%", 100 * part);
      streams.out().println("exact match: " + right + " of " + questions + " (" + percent + ")");
    }
    return part < GenerateFlags.decimal(least.get()) ? 1 : 0;
  }

  private static LinkedHashMap<String, Object> members(AnswerMatch.Answer answer) {
    var members = new LinkedHashMap<String, Object>();
    members.put("question", answer.question().question());
    members.put("key", answer.question().key());
    members.put("reply", answer.reply());
    return members;
  }
}
