package dev.tenon.grammar;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.fixtures.Fixtures;
import dev.tenon.gguf.Gguf;
import dev.tenon.grammar.Earley.Verdict;
import dev.tenon.sampling.Candidates;
import dev.tenon.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/// The grammars of llama.cpp's release, which the native build puts beside ggml, and a vocabulary
/// of the size that models have.
class GrammarsConformanceTest {
  private static List<Path> grammars() throws IOException {
    var files = new ArrayList<Path>();
    var build = Fixtures.checkout().resolve("build/native");
    if (Files.isDirectory(build)) {
      try (var folders = Files.newDirectoryStream(build, "ggml-*")) {
        for (var folder : folders) {
          if (Files.isDirectory(folder.resolve("grammars"))) {
            try (var found = Files.newDirectoryStream(folder.resolve("grammars"), "*.gbnf")) {
              found.forEach(files::add);
            }
          }
        }
      }
    }
    Assumptions.assumeFalse(files.isEmpty(), () -> "no ggml-*/grammars/*.gbnf in " + build);
    files.sort(null);
    return files;
  }

  private static VocabularyTrie trie() throws IOException {
    try (var gguf = Gguf.open(Fixtures.need("tokenizers/ggml-vocab-llama-bpe.gguf"))) {
      return VocabularyTrie.of(Tokenizer.of(gguf));
    }
  }

  @TestFactory
  Stream<DynamicTest> whatTheyGenerateIsAccepted() throws IOException {
    return grammars().stream()
        .map(file -> DynamicTest.dynamicTest(file.getFileName().toString(), () -> generate(file)));
  }

  private static void generate(Path file) throws IOException {
    var gbnf = Files.readString(file);
    var grammar = Grammar.parse(gbnf);
    var earley = new Earley(gbnf);
    var random = new Random(5);
    int ended = 0;
    for (int n = 0; n < 60 && ended < 8; n++) {
      // What does not end is at least the beginning of a text.
      var text = Walks.text(grammar, Walks.bytes(), random, 400, 5);
      if (text != null) {
        ended++;
        assertThat(new String(text, StandardCharsets.UTF_8).getBytes(StandardCharsets.UTF_8))
            .isEqualTo(text);
        assertThat(earley.read(new String(text, StandardCharsets.UTF_8)))
            .as(new String(text, StandardCharsets.UTF_8))
            .isEqualTo(Verdict.ACCEPTED);
        assertThat(grammar.match(text)).isEqualTo(Match.ACCEPTED);
      }
    }
    assertThat(ended).isPositive();
  }

  @TestFactory
  Stream<DynamicTest> whatTheyGenerateWithARealVocabularyIsAccepted() throws IOException {
    var files = grammars();
    var trie = trie();
    return files.stream()
        .map(
            file ->
                DynamicTest.dynamicTest(
                    file.getFileName().toString(),
                    () -> {
                      var gbnf = Files.readString(file);
                      var random = new Random(9);
                      int ended = 0;
                      for (int n = 0; n < 8 && ended < 1; n++) {
                        var text = Walks.text(Grammar.parse(gbnf), trie, random, 30, 9);
                        if (text != null) {
                          ended++;
                          var string = new String(text, StandardCharsets.UTF_8);
                          assertThat(new Earley(gbnf).read(string))
                              .as(string)
                              .isEqualTo(Verdict.ACCEPTED);
                        }
                      }
                    }));
  }

  @Test
  void theMaskOfARealVocabularyIsWhatEachTokenAloneGives() throws IOException {
    var trie = trie();
    var grammar =
        Grammar.ofJsonSchema(
            """
            {"properties": {"name": {"type": "string", "maxLength": 9}, "note": {"type": "string"},
             "size": {"type": "integer", "minimum": 7}}}
            """);
    for (var text :
        List.of("", "{\"", "{\"name\":\"a", "{\"note\":\"é", "{\"note\": \"x\\", "{\"size\": 1")) {
      var filter = new GrammarFilter(grammar, trie);
      filter.feed(text);
      var candidates = Candidates.of(new float[trie.vocabularySize()]);
      filter.apply(candidates);
      var allowed = new boolean[trie.vocabularySize()];
      for (int i = 0; i < candidates.size(); i++) {
        allowed[candidates.id(i)] = true;
      }
      var start = text.getBytes(StandardCharsets.UTF_8);
      for (int id = text.length(); id < allowed.length; id += 1 + id % 97) {
        if (trie.endsGeneration(id)) {
          continue;
        }
        var more = Arrays.copyOf(start, start.length + trie.bytes(id).length);
        System.arraycopy(trie.bytes(id), 0, more, start.length, more.length - start.length);
        var match = grammar.match(more);
        boolean cutOff = !match.accepted() && !match.premature() && isCutOff(more, match.offset());
        assertThat(allowed[id])
            .as(text + " and token " + id)
            .isEqualTo(
                more.length > start.length && (match.premature() || match.accepted() || cutOff));
      }
    }
  }

  /// Whether all from a place on is the beginning of one character. Within these strings any may
  /// come, and nowhere else.
  private static boolean isCutOff(byte[] bytes, int at) {
    var text = new String(bytes, at, bytes.length - at, StandardCharsets.UTF_8);
    int size = bytes[at] >= 0 ? 1 : Integer.numberOfLeadingZeros(~(bytes[at] << 24));
    return text.equals("\ufffd") && bytes.length - at < size && inString(bytes, at);
  }

  private static boolean inString(byte[] bytes, int at) {
    return new String(bytes, 0, at, StandardCharsets.UTF_8)
        .matches("(?s)\\s*\\{\\s*\"(name|note)\":\\s*\"([^\"\\\\]|\\\\.)*");
  }
}
