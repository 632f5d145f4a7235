package dev.tenon;

import dev.tenon.tokenizer.TokenizedText;
import dev.tenon.tokenizer.Truncation;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/// Finds answers to questions in a text: spans of it, with an extractive model; what transformers'
/// `question-answering` pipeline gives.
///
/// Confined to the thread that made it.
///
/// ```java
/// try (var answerer = new QuestionAnswerer(model)) {
///   var answers = answerer.answer("Where does Anna live?", context, Settings.usual());
///   IO.println(answers.getFirst().answer());
/// }
/// ```
public final class QuestionAnswerer implements AutoCloseable {
  private final TextHead head;

  /// An answer.
  ///
  /// @param score its probability
  /// @param start where it begins in the context, in Unicode code points
  /// @param end where it ends
  /// @param answer its text; empty where there is none
  public record Answer(double score, int start, int end, String answer) {}

  /// How answers are looked for.
  ///
  /// @param topK how many answers, at least 1
  /// @param maxAnswerLen the most tokens of an answer, at least 1
  /// @param allowNoAnswer whether that there is none may be an answer
  /// @param maxSeqLen the most tokens of question and context together: a longer context is read in
  ///     windows; 0 for 384, or what the model can read where that is less
  /// @param docStride tokens of a window that are in the next one again; -1 for 128, or half of a
  ///     window where that is less
  /// @param alignToWords whether answers begin and end with words
  public record Settings(
      int topK,
      int maxAnswerLen,
      boolean allowNoAnswer,
      int maxSeqLen,
      int docStride,
      boolean alignToWords) {
    /// Checks the numbers.
    ///
    /// @throws IllegalArgumentException if one is out of range
    public Settings {
      Scores.most(topK);
      if (maxAnswerLen < 1)
        throw new IllegalArgumentException("max_answer_len " + maxAnswerLen + ", at least 1");
      if (maxSeqLen < 0)
        throw new IllegalArgumentException("max_seq_len " + maxSeqLen + ", at least 0");
      if (docStride < -1)
        throw new IllegalArgumentException("doc_stride " + docStride + ", at least 0");
    }

    /// {@return those of the pipeline: one answer of at most 15 tokens}
    public static Settings usual() {
      return new Settings(1, 15, false, 0, -1, true);
    }

    /// {@return the same for another number of answers}
    ///
    /// @param topK how many, at least 1
    public Settings withTopK(int topK) {
      return new Settings(topK, maxAnswerLen, allowNoAnswer, maxSeqLen, docStride, alignToWords);
    }
  }

  /// Opens the head of a model.
  ///
  /// @param model stays open longer than this
  /// @throws UnsupportedOperationException if it does not find answers
  /// @throws IllegalStateException if it has no vocabulary, or is closed
  /// @throws dev.tenon.tensor.BackendException if there is not the memory
  public QuestionAnswerer(Model model) {
    var names = List.of("end_logits", "start_logits");
    head = new TextHead(model, "find answers", output -> names.contains(output.name()), 2);
  }

  /// Finds answers to a question.
  ///
  /// @param question any text
  /// @param context where the answers are
  /// @param settings how they are looked for
  /// @return at most as many as asked for, the likeliest first
  /// @throws IllegalArgumentException if a text is empty, the question leaves no room for the
  ///     context, or the windows none for the stride
  /// @throws IndexOutOfBoundsException if windows are longer than the model can read
  /// @throws IllegalStateException if this is closed
  /// @throws java.util.concurrent.CancellationException if the thread is interrupted
  /// @throws dev.tenon.tensor.BackendException if the computation fails
  public List<Answer> answer(String question, String context, Settings settings) {
    if (question.isEmpty()) throw new IllegalArgumentException("the question is empty");
    if (context.isEmpty()) throw new IllegalArgumentException("the context is empty");
    int usual = Math.min(384, Math.min(head.maxLength(), head.positions()));
    int length = settings.maxSeqLen == 0 ? usual : settings.maxSeqLen;
    int stride = settings.docStride < 0 ? Math.min(length / 2, 128) : settings.docStride;
    if (stride > length)
      throw new IllegalArgumentException(
          "doc_stride " + stride + " is larger than max_seq_len " + length);
    var truncation = new Truncation(length, Truncation.Strategy.ONLY_SECOND, stride);
    var windows = head.tokenizer().windows(question, context, truncation);
    var logits = head.evaluate(windows.stream().map(head::sequence).toList());
    var found = new Found(new CodePoints(context), settings);
    for (int i = 0; i < logits.length; i++)
      found.add(windows.get(i), logits[i][1], logits[i][0]); // by the names of the outputs
    return found.best();
  }

  /// Answers of all windows.
  private final class Found {
    private final CodePoints context;
    private final Settings settings;
    private final List<Answer> answers = new ArrayList<>();
    private double none = 1_000_000;

    Found(CodePoints context, Settings settings) {
      this.context = context;
      this.settings = settings;
    }

    void add(TokenizedText window, float[] starts, float[] ends) {
      var possible = new boolean[window.length()];
      for (int i = 0; i < possible.length; i++)
        possible[i] = window.sequences()[i] == 1 || window.ids()[i] == head.tokenizer().cls();
      var spans = new AnswerSpans(starts, ends, possible);
      none = Math.min(none, spans.none());
      // Some fall together when they are aligned to words.
      long most = settings.alignToWords ? settings.topK * 2L + 10 : settings.topK;
      int count = (int) Math.min(most, Integer.MAX_VALUE);
      for (var span : spans.best(count, settings.maxAnswerLen)) {
        int start = span.start();
        int end = span.end();
        if (settings.alignToWords && isWord(window, start) && isWord(window, end)) {
          while (isSameWord(window, start, start - 1)) start--;
          while (isSameWord(window, end, end + 1)) end++;
        }
        add(span.score(), window.starts()[start], window.ends()[end]);
      }
    }

    private void add(float score, int start, int end) {
      var text = context.slice(start, end);
      for (int i = 0; i < answers.size(); i++) {
        var answer = answers.get(i);
        if (answer.answer.toLowerCase(Locale.ROOT).equals(text.toLowerCase(Locale.ROOT))) {
          answers.set(i, new Answer(answer.score + score, answer.start, answer.end, answer.answer));
          return;
        }
      }
      answers.add(new Answer(score, start, end, text));
    }

    List<Answer> best() {
      // Of a context without a word the pipeline says so with probability 0.
      if (settings.allowNoAnswer || answers.isEmpty())
        answers.add(new Answer(settings.allowNoAnswer ? none : 0, 0, 0, ""));
      return answers.stream()
          .sorted(Comparator.comparingDouble(Answer::score).reversed())
          .limit(settings.topK)
          .toList();
    }
  }

  private static boolean isWord(TokenizedText window, int token) {
    return window.sequences()[token] == 1 && window.words()[token] >= 0;
  }

  private static boolean isSameWord(TokenizedText window, int token, int other) {
    return other >= 0
        && other < window.length()
        && window.sequences()[other] == 1
        && window.words()[other] == window.words()[token];
  }

  /// Frees what was held. Closing twice has no effect.
  ///
  /// @throws WrongThreadException if called by another thread than the one that made it
  @Override
  public void close() {
    head.close();
  }
}
