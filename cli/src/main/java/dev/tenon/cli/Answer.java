package dev.tenon.cli;

import dev.tenon.QuestionAnswerer;
import dev.tenon.QuestionAnswerer.Settings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Locale;

/// Finds the answer to a question in a text.
final class Answer extends Command {
  private final Value<String> question;
  private final Value<String> context;
  private final Value<String> file;
  private final Value<Integer> topK;
  private final Value<Integer> maxAnswerLen;
  private final Value<Boolean> allowNoAnswer;
  private final Value<Integer> maxSeqLen;
  private final Value<Integer> docStride;
  private final Value<Boolean> noAlign;
  private final Value<Boolean> json;
  private final ModelFlags model;

  Answer(Streams streams) {
    super(
        streams,
        "answer",
        "Find the answer to a question in a text, with an extractive model.",
        "The context is read from stdin where neither --context nor -f gives it. A long one is read"
            + " in windows that overlap. Places count Unicode code points.");
    question = text("TEXT", "The question.", "--question", "-q");
    context = text("TEXT", "The text that has the answer.", "--context", "-c");
    file = text("FILE", "The file with that text; '-' for stdin.", "-f", "--file");
    topK = integer("1", "The most answers, the likeliest first (default: 1).", "--top-k");
    maxAnswerLen = integer("15", "The most tokens of an answer (default: 15).", "--max-answer-len");
    allowNoAnswer =
        flag(
            "That there is no answer may be the answer: an empty one.",
            "--allow-no-answer",
            "--handle-impossible-answer");
    maxSeqLen =
        integer(
            "0",
            "The most tokens of question and context together (default: 384, or what the model can"
                + " read).",
            "--max-seq-len");
    docStride =
        integer(
            "-1",
            "Tokens that a window has in common with the next (default: 128, or half of a window).",
            "--doc-stride");
    noAlign = flag("Answers may begin and end within words.", "--no-align-to-words");
    json =
        flag(
            "Print JSON, as transformers' pipeline has it: score, start, end, answer; of several"
                + " answers a list.",
            "--json");
    model = new ModelFlags(this);
  }

  @Override
  int call() throws Exception {
    if (question.get() == null) {
      throw usage("which question? Give --question TEXT");
    }
    if (context.get() != null && file.get() != null) {
      throw usage("one context, please: --context or -f");
    }
    Settings settings;
    try {
      settings =
          new Settings(
              topK.get(),
              maxAnswerLen.get(),
              allowNoAnswer.get(),
              maxSeqLen.get(),
              docStride.get(),
              !noAlign.get());
    } catch (IllegalArgumentException e) {
      throw usage(e.getMessage());
    }
    try (var backend = model.backend();
        var loaded = model.load(backend);
        var answerer = new QuestionAnswerer(loaded);
        var _ = Interrupt.ofThisThread()) {
      var answers = answerer.answer(question.get(), context(), settings);
      var list = new ArrayList<Object>();
      for (var answer : answers) {
        var members = new LinkedHashMap<String, Object>();
        members.put("score", answer.score());
        members.put("start", answer.start());
        members.put("end", answer.end());
        members.put("answer", answer.answer());
        list.add(members);
        if (!json.get()) {
          var score = String.format(Locale.ROOT, "%.4f  ", answer.score());
          var place = "  " + answer.start() + "-" + answer.end();
          streams.out().println(score + Text.visible(answer.answer()) + place);
        }
      }
      if (json.get()) {
        printJson(list.size() == 1 ? list.getFirst() : list);
      }
    }
    return 0;
  }

  private String context() throws IOException {
    if (context.get() != null) {
      return context.get();
    }
    var bytes = InputFile.bytes(file.get() == null ? "-" : file.get(), streams);
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
