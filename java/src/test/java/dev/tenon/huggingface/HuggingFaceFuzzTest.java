package dev.tenon.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.tenon.fixtures.Fixtures;
import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Whatever bytes the files have, reading them ends in what they hold or in one clear error.
class HuggingFaceFuzzTest {
  private static final int ROUNDS = 2000;
  private static final long SLOW = Duration.ofSeconds(20).toNanos();

  @TempDir private Path folder;

  private interface Read {
    void file(Path path) throws IOException;
  }

  /// Changes bytes, cuts, doubles and swaps parts of a file that is right.
  private static byte[] mutated(byte[] bytes, Random random) {
    var result = bytes.clone();
    for (int n = random.nextInt(4); n >= 0; n--) {
      int at = random.nextInt(result.length);
      switch (random.nextInt(6)) {
        case 0 -> result[at] = (byte) random.nextInt();
        case 1 -> result[at] ^= (byte) (1 << random.nextInt(8));
        case 2 ->
            result[at] =
                (byte) new int[] {0, -1, 0x7f, 0x80, '9', '-', '"', '}'}[random.nextInt(8)];
        case 3 -> {
          if (result.length > 16) {
            result = Arrays.copyOf(result, random.nextInt(result.length - 1) + 1);
          }
        }
        case 4 -> {
          int length = random.nextInt(Math.min(8, result.length - at)) + 1;
          int from = random.nextInt(result.length - length + 1);
          System.arraycopy(result, from, result, at, length);
        }
        default -> {
          for (int i = at; i < Math.min(at + 8, result.length); i++) {
            result[i] = (byte) 0xff;
          }
        }
      }
    }
    return result;
  }

  private void fuzz(String name, byte[] seed, int rounds, Read read) throws IOException {
    var random = new Random(7);
    int good = 0;
    for (int round = 0; round < rounds; round++) {
      var bytes = round == 0 ? seed : mutated(seed, random); // the seed itself is right
      var file = Files.write(folder.resolve(name), bytes);
      try {
        long start = System.nanoTime();
        read.file(file);
        assertThat(System.nanoTime() - start).isLessThan(SLOW);
        good++;
      } catch (IOException | UnsupportedOperationException e) {
        if (e.getMessage() == null || e.getMessage().contains("\n")) {
          fail("round " + round + ": a message that does not help", e);
        }
      } catch (Throwable e) {
        fail("round " + round + " of " + name, e);
      }
    }
    assertThat(good).isPositive();
  }

  private static void touch(Path path) throws IOException {
    try (var checkpoint = Checkpoint.open(path)) {
      for (var tensor : checkpoint.tensors()) {
        if (tensor.elements() > 0) {
          var some = new float[(int) Math.min(100, tensor.elements())];
          tensor.read(0, some, 0, some.length);
          tensor.read(tensor.elements() - some.length, some, 0, some.length);
        }
      }
    }
  }

  @Test
  void safetensors() throws IOException {
    var header =
        """
        {"__metadata__":{"format":"pt"},
         "a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},
         "b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]}}\
        """;
    fuzz(
        "model.safetensors",
        CheckpointTest.safetensors(header, 32),
        ROUNDS,
        HuggingFaceFuzzTest::touch);
  }

  @Test
  void pickles() throws IOException {
    fuzz("pytorch_model.bin", TorchFile.sample().zip(), ROUNDS, HuggingFaceFuzzTest::touch);
  }

  @Test
  void bareSteps() throws IOException {
    var random = new Random(3);
    var tensors =
        new Pickle.Tensors() {
          @Override
          public Object storage(Object id) {
            return id;
          }

          @Override
          public Object call(String function, List<Object> arguments) {
            return function;
          }
        };
    for (int round = 0; round < 10_000; round++) {
      var bytes = mutated(TorchFile.sample().pickle(), random);
      try {
        new Pickle(Path.of("x"), MemorySegment.ofArray(bytes), 0, tensors).next();
      } catch (FormatException e) {
        assertThat(e.getMessage()).doesNotContain("\n");
      }
    }
  }

  @Test
  void sentencePieceModels() throws IOException {
    var seed =
        Files.readAllBytes(Fixtures.need("huggingface/llama-spm").resolve("tokenizer.model"));
    fuzz("tokenizer.model", seed, 300, file -> TokenizerFiles.read(file.getParent(), 700));
  }

  @Test
  void tokenizers() throws IOException {
    for (var name : new String[] {"qwen2", "mistral", "llama"}) {
      var seed = Files.readAllBytes(Fixtures.need("huggingface/" + name).resolve("tokenizer.json"));
      // The steps are a small part of the file: a small vocabulary, so that they are hit.
      fuzz(
          "tokenizer.json",
          seed,
          12,
          file -> {
            var writer = new GgufWriter();
            TokenizerFiles.read(file.getParent(), 700).putInto(writer);
            var written = folder.resolve("t.gguf");
            writer.write(written);
            try (var gguf = Gguf.open(written)) {
              Tokenizer.of(gguf).encode("Hello  wörld 123 <s> ", true, true);
            }
          });
    }
  }

  @Test
  void smallTokenizers() throws IOException {
    var seed =
        """
        {"added_tokens":[{"id":5,"content":"<s>","special":true,"lstrip":true,"normalized":false},
        {"id":6,"content":"x y","special":false,"rstrip":true,"normalized":true}],
        "normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Prepend",
        "prepend":"▁"},{"type":"Replace","pattern":{"Regex":" +"},"content":"▁"}]},
        "pre_tokenizer":{"type":"Split","pattern":{"Regex":"\\\\s+(?!\\\\S)|\\\\p{L}+"},
        "behavior":"Isolated","invert":false},"post_processor":{"type":"TemplateProcessing",
        "single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A"}}]},
        "decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},
        "content":" "},{"type":"Strip","content":" ","start":1,"stop":0}]},
        "model":{"type":"BPE","unk_token":"?","fuse_unk":true,"byte_fallback":true,"vocab":
        {"?":0,"a":1,"b":2,"▁":3,"ab":4},"merges":["a b"]}}\
        """
            .getBytes(StandardCharsets.UTF_8);
    fuzzTokenizer(seed);
  }

  @Test
  void smallWordPieces() throws IOException {
    var seed =
        """
        {"added_tokens":[{"id":0,"content":"[U]","special":true},{"id":6,"content":"x y",
        "special":false,"single_word":true,"normalized":true}],"normalizer":
        {"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,
        "lowercase":true},"pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":
        {"type":"Sequence","processors":[{"type":"ByteLevel","trim_offsets":true},
        {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"[C]","type_id":0}},
        {"Sequence":{"id":"A","type_id":0}}],"pair":[{"SpecialToken":{"id":"[C]","type_id":0}},
        {"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"[C]","type_id":1}},
        {"Sequence":{"id":"B","type_id":1}}],"special_tokens":{"[C]":{"id":"[C]","ids":[1],
        "tokens":["[C]"]}}}]},"decoder":{"type":"WordPiece","prefix":"##","cleanup":true},
        "model":{"type":"WordPiece","unk_token":"[U]","continuing_subword_prefix":"##",
        "max_input_chars_per_word":4,"vocab":{"[U]":0,"[C]":1,"a":2,"##b":3,"##":4,".":5}}}\
        """
            .getBytes(StandardCharsets.UTF_8);
    fuzzTokenizer(seed);
  }

  private void fuzzTokenizer(byte[] seed) throws IOException {
    fuzz(
        "tokenizer.json",
        seed,
        ROUNDS,
        file -> {
          var writer = new GgufWriter();
          TokenizerFiles.read(file.getParent(), 9).putInto(writer);
          var written = folder.resolve("t.gguf");
          writer.write(written);
          try (var gguf = Gguf.open(written)) {
            var tokenizer = Tokenizer.of(gguf);
            tokenizer.decode(tokenizer.encode("ab  ba x y <s> 1 é", true, true));
            var tokens = tokenizer.tokenize("ab. x y \u0301é", "<s>中");
            assertThat(Arrays.stream(tokens.ends())).allMatch(end -> end >= 0 && end <= 10);
          }
        });
  }

  @Test
  void llama2cFiles() throws IOException {
    var seed =
        Files.readAllBytes(Fixtures.need("models/stories260K-llama2c").resolve("tok512.bin"));
    fuzz("tok.bin", seed, 500, file -> Llama2c.tokenizer(file, 512));
  }
}
