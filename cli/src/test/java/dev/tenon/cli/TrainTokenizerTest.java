package dev.tenon.cli;

import static dev.tenon.cli.Tried.tenon;
import static dev.tenon.cli.Tried.with;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.gguf.Gguf;
import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainTokenizerTest {
  @TempDir Path folder;

  private String file(String name, String content) throws IOException {
    return Files.writeString(folder.resolve(name), content).toString();
  }

  private static Tried train(String... args) {
    var line = new ArrayList<>(List.of("train-tokenizer"));
    line.addAll(List.of(args));
    return tenon(line.toArray(String[]::new));
  }

  private String out(String name) {
    return folder.resolve(name).toString();
  }

  @Test
  void whatItWritesTokenizes() throws IOException {
    var text = file("text.txt", "low lower lowest\nlow lower lowest\n\n\n");
    var template = file("chat.jinja", "{{ messages[0].content }}");
    var vocab = out("vocab.gguf");
    var tried =
        train(
            "-f",
            text,
            "--vocab-size",
            "262",
            "-o",
            vocab,
            "--chat-template-file",
            template,
            "--special",
            "<|im_start|>",
            "--special",
            "<|im_end|>",
            "--bos",
            "<s>",
            "--add-bos");
    assertThat(tried.succeeded().out())
        .startsWith(vocab + ": 262 tokens (3 special, 256 bytes, 3 merges), ")
        .contains("bytes per token");
    var ids = tenon("tokenize", "-m", vocab, "--ids", "<|im_start|>low!");
    assertThat(ids.succeeded().out()).isEqualTo("[2, 0, 260, 3]\n");
    try (var gguf = Gguf.open(Path.of(vocab))) {
      assertThat(gguf.text("tokenizer.chat_template")).isEqualTo("{{ messages[0].content }}");
      assertThat(gguf.text("tokenizer.ggml.pre")).isEqualTo("gpt-2");
      assertThat(gguf.integer("tokenizer.ggml.eos_token_id", -1)).isEqualTo(1);
      assertThat(gguf.strings("tokenizer.ggml.merges")).containsExactly("l o", "lo w", "Ġ low");
    }
    assertThat(tenon("inspect", vocab).succeeded().out()).contains("vocabulary only");
  }

  @Test
  void aTextEndsSomehow() throws IOException {
    var text = file("text.txt", "abc");
    train("-f", text, "--vocab-size", "258", "--special", "<x>", "-o", out("v.json")).succeeded();
    var json = Json.object(Files.readString(folder.resolve("v.json")));
    assertThat(json.get("added_tokens").toString()).contains("<x>", "<|endoftext|>");
    assertThat(json).containsKeys("model", "pre_tokenizer", "decoder");
  }

  @Test
  void linesOfJsonAndTheInputAreTextsToo() throws IOException {
    var lines =
        file(
            "chats.jsonl",
            """
            {"text": "abab"}

            {"messages": [{"role": "user", "content": "cdcd"}, {"role": "assistant", "content": null}]}
            """);
    var vocab = out("vocab.gguf");
    with()
        .in("efef efef")
        .run("train-tokenizer", "-f", lines, "-f", "-", "--vocab-size", "261", "-o", vocab)
        .succeeded();
    try (var gguf = Gguf.open(Path.of(vocab))) {
      assertThat(gguf.strings("tokenizer.ggml.merges"))
          .containsExactly("e f", "a b", "c d", "ef ef");
    }
  }

  @Test
  void whatCannotBeLearntIsOneLine() throws IOException {
    var text = file("text.txt", "abab");
    var vocab = out("vocab.gguf");
    train("-f", file("empty.txt", ""), "--vocab-size", "300", "-o", vocab).failed("no text");
    train("-f", text, "--vocab-size", "300", "-o", vocab).failed("258 tokens", "300");
    train("-f", text, "--vocab-size", "200", "-o", vocab).refused("200", "257");
    train("-f", text, "--vocab-size", "300", "--special", "", "-o", vocab).refused("empty");
    train("-f", text, "--vocab-size", "300", "--special", "<a>", "--special", "<a>", "-o", vocab)
        .refused("<a>", "twice");
    train("-f", text, "--vocab-size", "300", "--min-frequency", "-1", "-o", vocab).refused("-1");
    train("-f", text, "--vocab-size", "300", "--pre", "nonesuch", "-o", vocab).failed("nonesuch");
    train("-f", text, "--vocab-size", "258", "--pre", "tekken", "-o", out("v.json"))
        .failed("tekken", "qwen2");
    train("-f", file("bad.jsonl", "{}"), "--vocab-size", "258", "-o", vocab)
        .failed("bad.jsonl: line 1", "messages");
    train("-f", file("worse.jsonl", "{\"text\": \"a\"}\n{"), "--vocab-size", "258", "-o", vocab)
        .failed("worse.jsonl: line 2");
    Files.write(folder.resolve("bytes.txt"), new byte[] {'a', (byte) 0xff});
    train("-f", out("bytes.txt"), "--vocab-size", "258", "-o", vocab).failed("bytes.txt", "UTF-8");
    train("-f", out("none.txt"), "--vocab-size", "258", "-o", vocab).failed("no such file");
    train("-f", folder.toString(), "--vocab-size", "258", "-o", vocab).failed("it is a folder");
    train("-f", text, "--vocab-size", "258", "-o", folder.toString()).failed("no regular file");
    train("-f", text, "--vocab-size", "258", "-o", text).refused("what is read");
    train(
            "-f",
            text,
            "--vocab-size",
            "258",
            "-o",
            vocab,
            "--chat-template-file",
            file("bad.jinja", "{% if"))
        .failed("template");
    assertThat(folder.resolve("vocab.gguf")).doesNotExist();
  }

  @Test
  void whatIsMissingIsAskedFor() {
    train("--vocab-size", "300", "-o", "v.gguf").refused("-f FILE");
    train("-f", "a", "-o", "v.gguf").refused("--vocab-size");
    train("-f", "a", "--vocab-size", "300").refused("-o FILE");
    train("-f", "a", "--vocab-size", "300", "-o", "v.json", "--chat-template-file", "b")
        .refused("no place");
  }
}
