package dev.tenon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.tenon.chat.Message;
import dev.tenon.gguf.Gguf;
import dev.tenon.tokenizer.BpeTrainer;
import dev.tenon.tokenizer.Tokenizer;
import dev.tenon.train.Example;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingTextsTest {
  private static final String CHATML =
      "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
          + "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

  @TempDir Path folder;

  /// A vocabulary of bytes.
  private Gguf vocabulary(boolean begins, String template) throws IOException {
    var options = BpeTrainer.Options.of(259).withSpecialTokens("<s>", "<|im_start|>", "<|im_end|>");
    var trainer = new BpeTrainer(options);
    trainer.accept("a");
    return trainer
        .train()
        .withBos("<s>")
        .withEos("<|im_end|>")
        .withAddBos(begins)
        .withChatTemplate(template)
        .gguf()
        .preview(Path.of("vocabulary.gguf"));
  }

  /// An example as text, with what counts in brackets.
  private static String marked(Gguf gguf, Example example) throws IOException {
    var tokenizer = Tokenizer.of(gguf);
    var text = new StringBuilder();
    boolean in = false;
    for (int i = 0; i < example.tokens().length; i++) {
      if (example.wanted()[i] != in) text.append(in ? ']' : '[');
      in = example.wanted()[i];
      text.append(tokenizer.decode(new int[] {example.tokens()[i]}, true));
    }
    return text.append(in ? "]" : "").toString();
  }

  @Test
  void ofAChatTheAnswersCountToTheirEnds() throws IOException {
    try (var gguf = vocabulary(false, CHATML)) {
      var chat =
          TrainingTexts.of(gguf)
              .chat(
                  List.of(
                      Message.system("Be."),
                      Message.user("1"),
                      Message.assistant("one"),
                      Message.user("2"),
                      Message.assistant("two"),
                      Message.user("left out")));
      assertThat(marked(gguf, chat))
          .isEqualTo(
              "<|im_start|>system\nBe.<|im_end|>\n<|im_start|>user\n1<|im_end|>\n"
                  + "<|im_start|>assistant\n[one<|im_end|>]\n"
                  + "<|im_start|>user\n2<|im_end|>\n<|im_start|>assistant\n[two<|im_end|>]\n");
      assertThat(chat.tokens())
          .isEqualTo(
              Tokenizer.of(gguf)
                  .encode(marked(gguf, chat).replaceAll("[\\[\\]]", ""), false, true));
    }
  }

  @Test
  void aTextCountsAllAndBeginsAndEndsAsTheVocabularyDoes() throws IOException {
    try (var plain = vocabulary(false, CHATML);
        var begun = vocabulary(true, CHATML)) {
      assertThat(marked(plain, TrainingTexts.of(plain).text("ab"))).isEqualTo("[ab<|im_end|>]");
      assertThat(marked(begun, TrainingTexts.of(begun).text("ab"))).isEqualTo("<s>[ab<|im_end|>]");
      assertThat(TrainingTexts.of(plain).text("")).isNull();
      assertThat(TrainingTexts.of(begun).text("")).isNull();
    }
  }

  @Test
  void theBeginTokenStandsOnceWhetherTheTemplateHasItOrNot() throws IOException {
    var messages = List.of(Message.user("1"), Message.assistant("one"));
    for (var template : List.of(CHATML, "<s>" + CHATML)) {
      try (var gguf = vocabulary(true, template)) {
        assertThat(marked(gguf, TrainingTexts.of(gguf).chat(messages)))
            .isEqualTo(
                "<s><|im_start|>user\n1<|im_end|>\n<|im_start|>assistant\n[one<|im_end|>]\n");
      }
    }
  }

  @Test
  void aChatWithoutAnAnswerIsNoExample() throws IOException {
    try (var gguf = vocabulary(false, CHATML)) {
      assertThat(TrainingTexts.of(gguf).chat(List.of(Message.user("1")))).isNull();
    }
  }

  @Test
  void aTemplateThatWritesAnAnswerOtherwiseIsRefused() throws IOException {
    var shouting =
        "{% for m in messages %}{{ m.content | upper }}{% endfor %}"
            + "{% if add_generation_prompt %}>{% endif %}";
    try (var gguf = vocabulary(false, shouting)) {
      var texts = TrainingTexts.of(gguf);
      var messages = List.of(Message.user("1"), Message.assistant("one"));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> texts.chat(messages))
          .withMessageContaining("the answer of message 1");
    }
  }

  @Test
  void filesHaveATextOrATextOrChatALine() throws IOException {
    var lines =
        """
        {"text": "a"}

        {"messages": [{"role": "user", "content": "1"}]}
        {"messages": [{"role": "user", "content": "1"}, {"role": "assistant", "content": "one"}]}
        {"text": ""}
        """;
    var jsonl = Files.writeString(folder.resolve("a.JSONL"), lines);
    var text = Files.writeString(folder.resolve("a.txt"), lines);
    try (var gguf = vocabulary(false, CHATML)) {
      var texts = TrainingTexts.of(gguf);
      assertThat(texts.read(jsonl)).hasSize(2);
      assertThat(texts.read(text)).hasSize(1);
      var bad = Files.writeString(folder.resolve("bad.jsonl"), "{\"text\":\"a\"}\n[");
      assertThatIOException()
          .isThrownBy(() -> texts.read(bad))
          .withMessageStartingWith(bad + ", line 2: ");
    }
  }
}
