package dev.tenon.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.tokenizer.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Folders with SentencePiece models and character maps, and no `tokenizer.json`.
class PiecesVocabularyTest {
  private static final List<String> PIECES =
      List.of("<unk>", "<s>", "</s>", "▁", "a", "b", "▁ab", "c", "▁c");

  @TempDir private Path folder;

  @BeforeEach
  void writeConfig() throws IOException {
    write("config.json", "{\"model_type\": \"marian\", \"vocab_size\": 12}");
  }

  private void write(String name, String text) throws IOException {
    Files.writeString(folder.resolve(name), text);
  }

  /// A unigram model without a table: field 1 has pieces, field 2 the trainer's settings.
  private void writeModel(String name, List<String> pieces, float lastScore) throws IOException {
    var model = new ByteArrayOutputStream();
    for (int i = 0; i < pieces.size(); i++) {
      var text = pieces.get(i).getBytes(StandardCharsets.UTF_8);
      var piece = new ByteArrayOutputStream();
      piece.writeBytes(new byte[] {0x0a, (byte) text.length});
      piece.writeBytes(text);
      float score = i == pieces.size() - 1 ? lastScore : -i;
      piece.write(0x15);
      piece.writeBytes(
          ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(score).array());
      piece.writeBytes(new byte[] {0x18, (byte) (i == 0 ? 2 : i < 3 ? 3 : 1)});
      model.writeBytes(new byte[] {0x0a, (byte) piece.size()});
      model.writeBytes(piece.toByteArray());
    }
    Files.write(folder.resolve(name), model.toByteArray());
  }

  private void writeMarian() throws IOException {
    writeModel("source.spm", PIECES, -2);
    writeModel("target.spm", PIECES, -2);
    write(
        "vocab.json",
        "{\"</s>\": 0, \"<unk>\": 1, \"▁c\": 2, \"▁ab\": 3, \"a\": 4, \"▁\": 5, \"b\": 6,"
            + " \">>fra<<\": 7, \"ü\": 8, \"<pad>\": 9}");
  }

  private interface Check {
    void of(Tokenizer tokenizer) throws IOException;
  }

  private void check(int rows, Check check) throws IOException {
    assertThat(TokenizerFiles.present(folder)).isTrue();
    var writer = new GgufWriter().put("general.architecture", "test");
    TokenizerFiles.read(folder, rows).putInto(writer);
    var file = folder.resolve("test.gguf");
    writer.write(file);
    try (var gguf = Gguf.open(file)) {
      check.of(Tokenizer.of(gguf));
    }
  }

  @Test
  void marianLooksPiecesUpInItsVocabulary() throws IOException {
    writeMarian();
    check(
        12,
        tokenizer -> {
          assertThat(tokenizer.encodePrompt("ab  c ")).containsExactly(3, 2, 0);
          assertThat(tokenizer.encodePrompt(">>fra<< ab")).containsExactly(7, 3, 0);
          assertThat(tokenizer.encodePrompt(">>deu<<ab")).containsExactly(1, 3, 0);
          // No piece, though the vocabulary has it; another that has no id.
          assertThat(tokenizer.encode("bü")).containsExactly(5, 6, 8);
          assertThat(tokenizer.encode("bc")).containsExactly(5, 6, 1);
          assertThat(tokenizer.encodePrompt("ab</s>c")).containsExactly(3, 0, 2, 0);
          assertThat(tokenizer.encodePrompt("")).containsExactly(0);
          assertThat(tokenizer.decode(5, 3, 1, 4, 2, 5, 0, 9)).isEqualTo("aba c");
          var offsets = tokenizer.tokenize(" ab ü");
          assertThat(offsets.starts()).containsExactly(1, 3, 4, 0);
          assertThat(offsets.ends()).containsExactly(3, 4, 5, 0);
        });
  }

  @Test
  void whatIsDecodedInStepsHasNoSpacesAtItsEndsEither() throws IOException {
    writeMarian();
    check(
        12,
        tokenizer -> {
          var decoder = tokenizer.decoder();
          var text = new StringBuilder();
          for (int id : new int[] {5, 5, 3, 5, 4, 5, 5}) {
            text.append(decoder.accept(id));
          }
          assertThat(text.append(decoder.finish())).hasToString("ab a");
        });
  }

  @Test
  void mbartMovesIdsAndNamesTheLanguage() throws IOException {
    writeModel("sentencepiece.bpe.model", PIECES, -2);
    write(
        "tokenizer_config.json",
        "{\"tokenizer_class\": \"MBartTokenizer\", \"src_lang\": \"de_DE\"}");
    check(
        36,
        tokenizer -> {
          assertThat(tokenizer.encodePrompt("ab")).containsExactly(7, 2, 12);
          assertThat(tokenizer.encodePrompt("ab <mask>x")).containsExactly(7, 35, 4, 3, 2, 12);
          assertThat(tokenizer.piece(12)).isEqualTo("de_DE");
        });
    write(
        "tokenizer_config.json", "{\"tokenizer_class\": \"MBartTokenizer\", \"src_lang\": \"xx\"}");
    assertThatThrownBy(() -> TokenizerFiles.read(folder, 36))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("src_lang \"xx\" is none of");
  }

  @Test
  void t5HasItsExtraTokensBehind() throws IOException {
    writeModel("spiece.model", PIECES, -2);
    write("tokenizer_config.json", "{\"tokenizer_class\": \"T5Tokenizer\", \"extra_ids\": 2}");
    check(
        16,
        tokenizer -> {
          assertThat(tokenizer.encodePrompt("ab<extra_id_0>c")).containsExactly(6, 10, 8, 2);
          assertThat(tokenizer.piece(9)).isEqualTo("<extra_id_1>");
        });
  }

  @Test
  void unknownClassesAreRefusedByName() throws IOException {
    writeModel("spiece.model", PIECES, -2);
    write("tokenizer_config.json", "{\"tokenizer_class\": \"OddTokenizer\"}");
    assertThatThrownBy(() -> TokenizerFiles.read(folder, 12))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("OddTokenizer")
        .hasMessageContaining("MarianTokenizer");
  }

  @Test
  void scoresThatAreNoNumbersAndDoubledPiecesDoNoHarm() throws IOException {
    writeMarian();
    writeModel("source.spm", List.of("<unk>", "<s>", "</s>", "", "a", "a", "▁ab"), Float.NaN);
    check(12, tokenizer -> assertThat(tokenizer.encode("abab".repeat(50))).hasSizeBetween(50, 400));
  }

  @Test
  void charactersOfTheSourceAndOfTheTarget() throws IOException {
    write(
        "config.json",
        "{\"grapheme_chars\": \"____abc\", \"phoneme_chars\": \"____ˈəx\", \"pad_token_id\": 0,"
            + " \"bos_token_id\": 1, \"eos_token_id\": 2, \"vocab_size\": 9}");
    check(
        9,
        tokenizer -> {
          assertThat(tokenizer.encodePrompt("cab!_")).containsExactly(1, 6, 4, 5, 3, 3, 2);
          assertThat(tokenizer.decode(1, 4, 5, 6, 3, 2)).isEqualTo("ˈəx");
          assertThat(tokenizer.pad()).isZero();
          assertThat(tokenizer.unknown()).isEqualTo(3);
          assertThat(tokenizer.vocabularySize()).isEqualTo(9);
        });
  }
}
