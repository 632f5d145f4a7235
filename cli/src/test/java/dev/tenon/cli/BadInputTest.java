package dev.tenon.cli;

import static dev.tenon.cli.Tried.tenon;
import static dev.tenon.cli.Tried.with;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.fixtures.Fixtures;
import dev.tenon.gguf.GgufWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Each is one clear line and exit code 1.
class BadInputTest {
  @TempDir static Path folder;
  private static String tiny;
  private static byte[] bytes;

  @BeforeAll
  static void write() throws IOException {
    var file = TinyModel.write(folder.resolve("tiny.gguf"));
    tiny = file.toString();
    bytes = Files.readAllBytes(file);
  }

  private static void fails(Path file, String... hints) {
    tenon("run", "-m", file.toString(), "a").failed(hints);
    var inspected = tenon("inspect", file.toString());
    if (inspected.code() != 0) {
      inspected.failed();
    }
  }

  private static Path file(String name, byte[] content) throws IOException {
    return Files.write(folder.resolve(name), content);
  }

  /// The tiny model with some of its bytes replaced.
  private static Path patched(String name, int at, byte... with) throws IOException {
    var copy = bytes.clone();
    System.arraycopy(with, 0, copy, at, with.length);
    return file(name, copy);
  }

  private static byte[] uint64(long value) {
    return ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
  }

  /// Where in the file an entry of the tensor table has its first dimension.
  private static int dimensions(String tensor) {
    var text = new String(bytes, StandardCharsets.ISO_8859_1);
    return text.indexOf(tensor) + tensor.length() + 4;
  }

  @Test
  void missingFile() {
    fails(folder.resolve("none.gguf"), "none.gguf", "no such file");
  }

  @Test
  void folder() {
    fails(folder, folder.toString());
  }

  @Test
  void emptyFile() throws IOException {
    fails(file("empty.gguf", new byte[0]), "empty.gguf");
  }

  @Test
  void wrongMagic() throws IOException {
    fails(patched("magic.gguf", 0, (byte) 'X'), "magic.gguf: byte 0");
    fails(file("text.gguf", "This is a text, not a model.".getBytes()), "text.gguf: byte 0");
  }

  @Test
  void bigEndian() throws IOException {
    var swapped = ByteBuffer.wrap(bytes.clone());
    swapped.putInt(4, 3).putLong(8, 21).putLong(16, 20); // as a big-endian writer writes them
    fails(file("big.gguf", swapped.array()), "big.gguf: byte 4");
  }

  @Test
  void absurdCounts() throws IOException {
    for (long count : new long[] {-1, Long.MAX_VALUE, 1L << 40, 0xffff_ffffL}) {
      fails(patched("tensors.gguf", 8, uint64(count)), "tensors.gguf: byte");
      fails(patched("keys.gguf", 16, uint64(count)), "keys.gguf: byte");
      fails(patched("length.gguf", 24, uint64(count)), "length.gguf: byte");
      fails(patched("shape.gguf", dimensions("output.weight"), uint64(count)), "shape.gguf: ");
    }
  }

  @Test
  void offsetsPastTheEnd() throws IOException {
    int offset = dimensions("output.weight") + 8 + 8 + 4;
    for (long past : new long[] {-32, Long.MAX_VALUE - 31, 1L << 40, 1 << 24}) {
      fails(patched("offset.gguf", offset, uint64(past)), "offset.gguf: ");
    }
  }

  @Test
  void overlappingTensors() throws IOException {
    int offset = dimensions("output.weight") + 8 + 8 + 4;
    fails(patched("overlap.gguf", offset, uint64(0)), "overlap.gguf: ");
  }

  @Test
  void truncated() throws IOException {
    var file = folder.resolve("truncated.gguf");
    Files.write(file, bytes);
    try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      for (long size = bytes.length / 97 * 97; size >= 0; size -= 97) {
        channel.truncate(size);
        tenon("run", "-m", file.toString(), "a").failed("truncated.gguf");
      }
    }
  }

  @Test
  void aRealFileTruncated() throws IOException {
    var model = Fixtures.need("models/stories260K.gguf");
    var file = folder.resolve("stories.gguf");
    Files.copy(model, file);
    file.toFile().setWritable(true);
    try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      for (long size = Files.size(model) / 97 * 97; size >= 0; size -= 97) {
        channel.truncate(size);
        tenon("run", "-m", file.toString(), "a").failed("stories.gguf");
      }
    }
  }

  @Test
  void aTensorOfTheWrongShape() throws IOException {
    var writer = TinyModel.vocabulary(TinyModel.numbers(new GgufWriter()), true);
    TinyModel.number(writer, "llama.feed_forward_length", TinyModel.FEED_FORWARD + 1);
    var file = folder.resolve("shape.gguf");
    TinyModel.tensors(writer).write(file);
    fails(file, "blk.0.ffn_", "49", "48");
  }

  @Test
  void aMissingTensor() throws IOException {
    var writer = TinyModel.vocabulary(TinyModel.numbers(new GgufWriter()), true);
    TinyModel.tensor(writer, new Random(1), "token_embd.weight", 32, TinyModel.VOCABULARY);
    var file = folder.resolve("missing.gguf");
    writer.write(file);
    fails(file, "weight");
  }

  @Test
  void unknownArchitecture() throws IOException {
    var file = folder.resolve("architecture.gguf");
    TinyModel.writer().put("general.architecture", "nonesuch\u001b[31m").write(file);
    fails(file);
    TinyModel.writer().put("general.architecture", "nonesuch").write(file);
    fails(file, "nonesuch", "llama");
    assertThat(tenon("inspect", file.toString()).succeeded().out()).contains("nonesuch");
  }

  @Test
  void unknownTokenizer() throws IOException {
    var file = folder.resolve("tokenizer.gguf");
    TinyModel.writer().put("tokenizer.ggml.model", "nonesuch").write(file);
    fails(file, "nonesuch");
    tenon("tokenize", "-m", file.toString(), "--text", "a").failed("nonesuch");
  }

  @Test
  void aVocabularyThatDisagreesWithTheEmbedding() throws IOException {
    var writer = TinyModel.vocabulary(TinyModel.numbers(new GgufWriter()), true);
    TinyModel.tensor(writer, new Random(1), "token_embd.weight", 32, TinyModel.VOCABULARY - 1);
    var file = folder.resolve("vocabulary.gguf");
    writer.write(file);
    fails(file, "" + TinyModel.VOCABULARY, "" + (TinyModel.VOCABULARY - 1));
  }

  @Test
  void idsOutsideTheVocabulary() {
    for (var id : new String[] {"" + TinyModel.VOCABULARY, "-1", "99999999999999999999"}) {
      tenon("run", "-m", tiny, "--tokens", "1," + id).failed("outside the vocabulary of 268");
      tenon("logits", "-m", tiny, "--tokens", id).failed("outside the vocabulary of 268");
      tenon("tokenize", "-m", tiny, "--decode", id).failed("outside the vocabulary of 268");
    }
  }

  @Test
  void aPromptLongerThanTheContext() {
    tenon("run", "-m", tiny, "-c", "8", "a b a b a b a b a b").failed("context 8", "-c");
    tenon("run", "-m", tiny, "a".repeat(2 * TinyModel.CONTEXT)).failed("context 128");
    tenon("logits", "-m", tiny, "-c", "2", "--tokens", "1,2,3").failed("3 tokens", "context 2");
  }

  @Test
  void aContextBeyondWhatMemoryHolds() {
    tenon("run", "-m", tiny, "-c", "1073741824", "a").failed("1073741824");
  }

  @Test
  void anUnreadableInput() {
    with().unreadable().run("run", "-m", tiny).failed("standard input", "Is a directory");
    with().unreadable().run("run", "-m", tiny, "-").failed("standard input");
    with().unreadable().run("tokenize", "-m", tiny).failed("standard input");
    with().unreadable().run("logits", "-m", tiny).failed("standard input");
    with().unreadable().run("chat", "-m", tiny).failed("standard input");
  }

  @Test
  void anEmptyPromptWithoutABeginToken() throws IOException {
    var file = folder.resolve("nobos.gguf");
    TinyModel.tensors(TinyModel.vocabulary(TinyModel.numbers(new GgufWriter()), false)).write(file);
    tenon("run", "-m", file.toString(), "-p", "").failed("prompt is empty");
    tenon("run", "-m", file.toString()).failed("prompt is empty");
  }

  @Test
  void textForAModelWithoutAVocabulary() throws IOException {
    var file = folder.resolve("ids.gguf");
    TinyModel.tensors(TinyModel.numbers(new GgufWriter())).write(file);
    tenon("run", "-m", file.toString(), "a").failed("no vocabulary");
    tenon("run", "-m", file.toString(), "--tokens", "1").failed("no vocabulary", "--ids");
    tenon("tokenize", "-m", file.toString(), "--text", "a").failed("no vocabulary");
    var ids = tenon("run", "-m", file.toString(), "--tokens", "1,5", "--ids", "-n", "3");
    assertThat(ids.succeeded().out()).matches("\\[1, 5(, \\d+){3}]\n");
  }

  @Test
  void outputsThatCannotBeWritten() {
    tenon("logits", "-m", tiny, "a", "-o", folder.resolve("no/such").toString())
        .failed("no such file", "no");
    tenon("logits", "-m", tiny, "a", "-o", folder.toString()).failed("is a directory");
    with()
        .outFailing(10, "No space left on device")
        .run("run", "-m", tiny, "a", "--ids")
        .failed("No space left on device");
    with()
        .outFailing(10, "No space left on device")
        .run("inspect", tiny)
        .failed("No space left on device");
  }

  @Test
  void aClosedPipeIsNoFailure() {
    for (var line :
        new String[] {
          "run --ids a -m", "inspect -m", "inspect --json -m", "tokenize --text a -m"
        }) {
      var args = (line + " " + tiny).split(" ");
      assertThat(with().outFailing(10, "Broken pipe").run(args))
          .satisfies(tried -> assertThat(tried.err()).isEmpty())
          .satisfies(tried -> assertThat(tried.code()).isZero());
    }
  }

  @Test
  void verboseTellsWhereAFailureComesFrom() {
    var tried = tenon("run", "-v", "-m", folder.resolve("none.gguf").toString(), "a");
    assertThat(tried.code()).isEqualTo(1);
    assertThat(tried.err()).contains("tenon: ", "\tat dev.tenon");
  }
}
