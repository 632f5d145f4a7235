package dev.tenon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.ChatEvent;
import dev.tenon.chat.ToolCall;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AnswerViewTest {
  private static final String FAINT = Screen.Style.FAINT.on();
  private static final String BOLD = Screen.Style.BOLD.on();
  private static final String PLAIN = Screen.Style.PLAIN.on();

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private void show(String terminals, Map<String, String> environment, ChatEvent... events)
      throws IOException {
    var streams = Streams.of(InputStream.nullInputStream(), out, err, terminals, environment);
    var view = new AnswerView(new Screen(streams), true);
    for (var event : events) {
      view.show(event);
    }
    view.end();
  }

  private static ChatEvent answer(String text) {
    return new ChatEvent.Answer(text);
  }

  private static ChatEvent thinking(String text) {
    return new ChatEvent.Thinking(text);
  }

  private String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  private String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  @Test
  void aProgramGetsTheAnswerAsItIs() throws IOException {
    show("", Map.of(), answer("**a**\r\n\u001b[31m"), answer("`b`"));
    assertThat(out()).isEqualTo("**a**\r\n\u001b[31m`b`\n");
    assertThat(err()).isEmpty();
  }

  @Test
  void aPersonSeesControlCharactersAndNotWhatTheyDo() throws IOException {
    show(
        "12",
        Map.of("NO_COLOR", "1"),
        answer("a\r"),
        answer("\nb\u001b]0;title\u0007\u009bc\u202ed\r"),
        answer("e\tf\b\r"));
    assertThat(out()).isEqualTo("a\nb\\u001b]0;title\\u0007\\u009bc\\u202ed\\re\tf\\u0008\\r\n");
  }

  @Test
  void thinkingIsFaintAndApart() throws IOException {
    show("012", Map.of(), thinking("\u001b[2Jhm"), thinking(" yes"), answer("\n\nIt is **so**."));
    assertThat(out())
        .isEqualTo(
            FAINT
                + "\\u001b[2Jhm"
                + PLAIN
                + FAINT
                + " yes"
                + PLAIN
                + "\n\n"
                + "It is "
                + BOLD
                + "**so**"
                + PLAIN
                + ".\n");
    assertThat(err()).isEmpty();
  }

  @Test
  void withoutColoursThinkingHasAHeading() throws IOException {
    show("012", Map.of("NO_COLOR", "1"), thinking("hm\n"), answer("**yes**"));
    assertThat(out()).isEqualTo("Thinking…\nhm\n… done thinking.\n\n**yes**\n");
    out.reset();
    show("012", Map.of("TERM", "dumb"), thinking("cut off"));
    assertThat(out()).isEqualTo("Thinking…\ncut off\n… done thinking.\n\n");
  }

  @Test
  void thinkingIsNotAmongWhatAProgramReads() throws IOException {
    show("02", Map.of(), thinking("hm"), answer("\nyes\n"));
    assertThat(out()).isEqualTo("\nyes\n");
    assertThat(err()).isEqualTo(FAINT + "hm" + PLAIN + "\n\n");
  }

  @Test
  void callsAreTold() throws IOException {
    var call = new ToolCall("weather", Map.of("city", "Ulm\n\u001b[0m"));
    show("", Map.of(), answer("Let me see"), new ChatEvent.Call(call), answer("Fine."));
    assertThat(out()).isEqualTo("Let me see\nFine.\n");
    assertThat(err().strip().lines()).hasSize(1);
    assertThat(err()).contains("weather", "Ulm").doesNotContain("\u001b");
  }

  @Test
  void anAnswerThatEndsItsLineGetsNoOther() throws IOException {
    show("", Map.of(), answer("a\n"));
    assertThat(out()).isEqualTo("a\n");
    out.reset();
    show("", Map.of(), answer(""));
    assertThat(out()).isEmpty();
  }
}
