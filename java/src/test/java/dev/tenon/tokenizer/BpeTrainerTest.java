package dev.tenon.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.gguf.Gguf;
import dev.tenon.json.Json;
import dev.tenon.tokenizer.BpeTrainer.Options;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Vocabularies that are learnt from texts. Merges are those that tokenizers 0.22.2 gives.
class BpeTrainerTest {
  private static final String SPACE = "Ġ"; // as it is written

  @TempDir Path folder;

  private static LearnedVocabulary learn(Options options, String... texts) {
    var trainer = new BpeTrainer(options);
    for (var text : texts) {
      trainer.accept(text);
    }
    return trainer.train();
  }

  @Test
  void theMostFrequentPairComesFirst() {
    var learned =
        learn(
            Options.of(271),
            "low low low low low lower lower newest newest newest newest newest newest widest"
                + " widest widest");
    assertThat(learned.merges())
        .containsExactly(
            "e s",
            "es t",
            "l o",
            "lo w",
            "e w",
            "n ew",
            "Ġ low",
            "Ġ new",
            "Ġnew est",
            "d est",
            "i dest",
            "w idest",
            "Ġ widest",
            "e r",
            "Ġlow er");
    assertThat(learned.tokens()).startsWith("!", "\"", "#").endsWith("Ġwidest", "er", "Ġlower");
    assertThat(learned.tokens().subList(256, 259)).containsExactly("es", "est", "lo");
  }

  @Test
  void ofPairsAsFrequentTheOneOfSmallerIdsComesFirst() {
    var options = Options.of(265).withSpecialTokens("<s>", "</s>");
    assertThat(learn(options, "ab ba cd dc ab ba cd dc xy yx").merges())
        .containsExactly("a b", "b a", "c d", "d c", "Ġ ba", "Ġ cd", "Ġ dc");
    assertThat(learn(Options.of(263), "the cat sat on the mat, the cat sat").merges())
        .containsExactly("a t", "h e", "t he", "c at", "s at", "Ġ the", "Ġ cat");
  }

  @Test
  void ofATokenBesideItselfTheLeftmostPairsMerge() {
    var options = Options.of(268).withMinFrequency(1).withSpecialTokens("<s>");
    assertThat(learn(options, "aaaa aaaaa aaa baaab aaaaaaab").merges())
        .containsExactly(
            "a a",
            "aa a",
            "Ġ aa",
            "aaa b",
            "b aaab",
            "Ġ aaa",
            "Ġ baaab",
            "aa aa",
            "aa aaab",
            "Ġaa aaa",
            "Ġaa aaaaab");
  }

  @Test
  void bytesOfACharacterAreMergedLikeAnyOther() {
    var options = Options.of(265).withMinFrequency(3).withSpecialTokens("<s>");
    assertThat(learn(options, "Größe größer Größe 😀😀 😀 日本 日本語").merges())
        .containsExactly("r Ã", "¶ Ã", "ð Ł", "ĺ Ģ", "Ł e", "rÃ ¶Ã", "ðŁ ĺĢ", "rÃ¶Ã Łe");
  }

  @Test
  void wordsAreThoseOfThePreTokenizerAndASpecialTokenMayBeLearnt() {
    var options = Options.of(263).withPreTokenizer("qwen2").withSpecialTokens("ab");
    var learned = learn(options, "it's IT'S 123 1234\n\n\n  abab", "it's abab\n\n\n 12");
    assertThat(learned.merges())
        .containsExactly("a b", "Ċ Ċ", "ab ab", "' s", "i t", "Ġ abab", "ĊĊ Ċ");
    assertThat(learned.tokens()).startsWith("ab", "!").doesNotHaveDuplicates();
  }

  @Test
  void whatItGivesIsATokenizer() throws IOException {
    var options = Options.of(280).withSpecialTokens("<|im_start|>", "<|im_end|>", "<pad>");
    var text = "so it is, and so it was, and so it will be. Über den Wolken ü ü ü";
    var learned = learn(options, text, text).withChatTemplate("{{ messages }}");
    assertThat(learned.corpusBytes()).isEqualTo(2 * text.getBytes(StandardCharsets.UTF_8).length);
    var file = folder.resolve("vocab.gguf");
    learned.withAddBos(true).gguf().write(file);
    try (var gguf = Gguf.open(file)) {
      var tokenizer = Tokenizer.of(gguf);
      assertThat(tokenizer.encode(text)).hasSize((int) learned.corpusTokens() / 2);
      assertThat(tokenizer.decode(tokenizer.encode(text + " 😀\r\n\0")))
          .isEqualTo(text + " 😀\r\n\0");
      assertThat(tokenizer.encodePrompt("<|im_start|>!")).containsExactly(1, 0, 3);
      assertThat(tokenizer.type(0)).isEqualTo(TokenType.CONTROL);
      assertThat(tokenizer.type(3)).isEqualTo(TokenType.NORMAL);
      assertThat(tokenizer.eos()).isEqualTo(1).isEqualTo(tokenizer.bos());
      assertThat(tokenizer.pad()).isEqualTo(2);
      assertThat(gguf.text("tokenizer.chat_template")).isEqualTo("{{ messages }}");
    }
    learned.withBos("<pad>").withEos("<|im_start|>").withPad("<|im_end|>").gguf().write(file);
    try (var gguf = Gguf.open(file)) {
      var tokenizer = Tokenizer.of(gguf);
      assertThat(List.of(tokenizer.bos(), tokenizer.eos(), tokenizer.pad()))
          .containsExactly(2, 0, 1);
      assertThat(tokenizer.encodePrompt("!")).as("not asked for").containsExactly(3);
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> learned.withBos("?"))
        .withMessageContaining("<pad>");
  }

  @Test
  void aReaderWouldTakeSomeTokenForTheEndWhereNoneIsSaid() {
    var learned = learn(Options.of(256), "a");
    assertThatIllegalStateException()
        .isThrownBy(learned::gguf)
        .withMessageContaining("ends a text");
    assertThat(learned.eos()).isEqualTo(-1);
    assertThat(learned.bos()).isEqualTo(-1);
  }

  @Test
  void theJsonSplitsTextsInTheSameWay() {
    var text = "I'LL it's 1234 x1 déjà-vu!?\r\n\n  \n end   \t日本語 \u0085 ";
    for (var pre :
        List.of("gpt-2", "starcoder", "llama-bpe", "dbrx", "glm4", "qwen2", "ufakzeka")) {
      var learned = learn(Options.of(256).withPreTokenizer(pre), text);
      var splitter = Splitter.of(Json.object(learned.json()).get("pre_tokenizer"));
      var words = splitter.split(AlignedText.of(text));
      var expected = new ArrayList<String>();
      int from = 0;
      var ends = PreTokenizer.of(pre).split(text);
      for (int i = 0; i < ends.size(); i++) {
        expected.add(ByteLevelBpe.written(text.substring(from, ends.get(i))));
        from = ends.get(i);
      }
      assertThat(words.stream().map(AlignedText::text)).as(pre).containsExactlyElementsOf(expected);
    }
    var learned = learn(Options.of(256).withPreTokenizer("deepseek-v3"), text);
    assertThatThrownBy(learned::json)
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("deepseek-v3")
        .hasMessageContaining("qwen2");
  }

  @Test
  void theJsonHasWhatTheFileHas() {
    var options = Options.of(259).withSpecialTokens("<s>", "</s>").withPreTokenizer("llama-bpe");
    var learned = learn(options, "aa aa bb \"\"");
    var json = Json.object(learned.withAddBos(true).json());
    var model = (Map<?, ?>) json.get("model");
    assertThat(((Map<?, ?>) model.get("vocab")).keySet()).hasToString(learned.tokens().toString());
    assertThat((List<?>) model.get("merges")).first().hasToString("[a, a]");
    assertThat(model.get("ignore_merges")).isEqualTo(true);
    assertThat((List<?>) json.get("added_tokens")).hasSize(2).last().asString().contains("</s>");
    assertThat(json.get("post_processor").toString()).contains("TemplateProcessing", "<s>");
  }

  @Test
  void halfASurrogatePairIsAReplacementCharacter() {
    var options = Options.of(258).withMinFrequency(1);
    assertThat(learn(options, "x\ud800\udc00\ud83d").merges().size()).isEqualTo(2);
    assertThat(learn(options, "\ud83d").merges()).containsExactly("¿ ½", "ï ¿½");
    assertThat(learn(options, "\ufffd").merges()).containsExactly("¿ ½", "ï ¿½");
  }

  @Test
  void moreTokensThanTheTextGivesAreRefusedWithTheirNumber() {
    var trainer = new BpeTrainer(Options.of(1000));
    assertThatIllegalStateException().isThrownBy(trainer::train).withMessageContaining("no text");
    trainer.accept("");
    assertThatIllegalStateException().isThrownBy(trainer::train).withMessageContaining("no text");
    trainer.accept("abab");
    assertThatIllegalStateException()
        .isThrownBy(trainer::train)
        .withMessageContaining("257 tokens")
        .withMessageContaining("1000")
        .withMessageContaining("2 times");
    assertThat(learn(Options.of(257), "abab").merges()).containsExactly("a b");
    trainer.accept(" ".repeat(3000));
    assertThatIllegalStateException()
        .isThrownBy(trainer::train)
        .withMessageContaining("267 tokens");
  }

  @Test
  void whatMakesNoSenseIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Options.of(255))
        .withMessageContaining("255")
        .withMessageContaining("256");
    var options = Options.of(257);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> options.withSpecialTokens("<s>", "</s>"))
        .withMessageContaining("258");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> options.withSpecialTokens("<s>", "<s>"))
        .withMessageContaining("twice");
    for (var token : new String[] {"", "a", SPACE, "\ud800"}) {
      assertThatIllegalArgumentException().isThrownBy(() -> options.withSpecialTokens(token));
    }
    assertThatIllegalArgumentException().isThrownBy(() -> options.withMinFrequency(-1));
    assertThatThrownBy(() -> options.withPreTokenizer("nonesuch"))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("gpt-2");
    assertThatThrownBy(() -> options.withPreTokenizer("gemma4"))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("bytes");
  }
}
