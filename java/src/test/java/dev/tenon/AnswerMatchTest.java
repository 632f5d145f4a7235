package dev.tenon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.AnswerMatch.Answer;
import dev.tenon.AnswerMatch.Question;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AnswerMatchTest {
  @Test
  void readsAQuestionALine() throws IOException {
    var questions =
        AnswerMatch.read(
            "q",
            """
            {"question": "1 + 1?", "key": "2", "topic": "sums"}

            {"key": "é\\n", "question": ""}\r
            """);
    assertThat(questions).containsExactly(new Question("1 + 1?", "2"), new Question("", "é\n"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "` `                                | has no questions",
        "[]                                 | line 2",
        "{\"question\": \"a\"              | line 2",
        "{\"question\": \"a\"}              | no \"key\"",
        "{\"question\": \"a\", \"key\": 3}    | a \"key\" that is no text",
        "{\"question\": \"a\", \"key\": null} | no \"key\"",
        "{\"question\": \"a\", \"key\": \"\"}  | an empty key",
        "{\"question\": [], \"key\": \"a\"}   | a \"question\" that is no text",
      })
  void refusesOtherLines(String line, String part) {
    assertThatThrownBy(() -> AnswerMatch.read("the file", "\n" + line + "\n"))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("the file")
        .hasMessageContaining(part);
  }

  @Test
  void theKeyCountsToTheLetter() {
    var question = new Question("", "tenon run");
    var reason = Generation.Reason.END_OF_TEXT;
    assertThat(new Answer(question, "Use `tenon run -m x`.", reason).isRight()).isTrue();
    assertThat(new Answer(question, "Use `Tenon run`.", reason).isRight()).isFalse();
    assertThat(new Answer(question, "Use `tenon  run`.", reason).isRight()).isFalse();
    assertThatIllegalArgumentException().isThrownBy(() -> new Question("a", ""));
  }
}
