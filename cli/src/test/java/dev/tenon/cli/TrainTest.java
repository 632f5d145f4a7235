package dev.tenon.cli;

import static dev.tenon.cli.Tried.tenon;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.gguf.Gguf;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainTest {
  private static final String CHATS =
      """
      {"messages":[{"role":"user","content":"1"},{"role":"assistant","content":"one"}]}
      {"messages":[{"role":"user","content":"2"},{"role":"assistant","content":"two"},
      """
              .replace("\n", "")
              .replace("}]}{", "}]}\n{")
          + """
          {"role":"user","content":"3"},{"role":"assistant","content":"three"}]}

          {"text":"four five six"}
          """;

  @TempDir Path folder;
  private String config;
  private String vocabulary;
  private String chats;

  @BeforeEach
  void write() throws IOException {
    config =
        file(
            "config.json",
            """
            {"architectures": ["LlamaForCausalLM"], "hidden_size": 48, "intermediate_size": 64,
             "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
             "max_position_embeddings": 128, "tie_word_embeddings": true}
            """);
    chats = file("chats.jsonl", CHATS);
    vocabulary = folder.resolve("vocab.gguf").toString();
    var template =
        file(
            "chat.jinja",
            "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
                + "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}");
    tenon(
            "train-tokenizer",
            "-f",
            chats,
            "--min-frequency",
            "1",
            "--vocab-size",
            "262",
            "--special",
            "<|im_start|>",
            "--special",
            "<|im_end|>",
            "--chat-template-file",
            template,
            "-o",
            vocabulary)
        .succeeded();
  }

  private String file(String name, String content) throws IOException {
    return Files.writeString(folder.resolve(name), content).toString();
  }

  private String out(String name) {
    return folder.resolve(name).toString();
  }

  /// Trains a new model.
  private Tried fresh(String out, String... more) {
    var line =
        new ArrayList<>(
            List.of("train", "--config", config, "--vocab", vocabulary, "-f", chats, "-o", out));
    line.addAll(List.of("-c", "64", "-b", "4", "--val-split", "0", "--warmup-steps", "5"));
    line.addAll(List.of(more));
    return tenon(line.toArray(String[]::new));
  }

  @Test
  void aNewModelLearnsTheAnswers() throws IOException {
    var curve = out("loss.svg");
    var tried = fresh(out("new.gguf"), "--max-steps", "150", "-lr", "5e-3", "--loss-curve", curve);
    assertThat(tried.code()).as(tried.err()).isZero();
    assertThat(tried.out()).isEmpty();
    assertThat(tried.err())
        .contains(" weights, 150 steps, 1 an epoch", "step 100/150  loss ", " tokens/s  ")
        .contains(out("new.gguf") + ": loss 0.");
    assertThat(Path.of(curve)).content().startsWith("<svg ").endsWith("</svg>\n");
    assertThat(folder.resolve("new.gguf.checkpoint")).doesNotExist();
    var said = tenon("evaluate", "-m", out("new.gguf"), "-f", file("q.jsonl", QUESTIONS));
    assertThat(said.succeeded().out()).isEqualTo("exact match: 2 of 2 (100.0 %)\n");
    try (var gguf = Gguf.open(folder.resolve("new.gguf"))) {
      assertThat(gguf.text("general.name")).isEqualTo("new");
      assertThat(gguf.keys()).noneMatch(key -> key.startsWith("tenon.train"));
    }
  }

  private static final String QUESTIONS =
      "{\"question\":\"1\",\"key\":\"one\"}\n{\"question\":\"2\",\"key\":\"two\"}\n";

  @Test
  void aModelThatIsThereLearnsMore() throws IOException {
    fresh(out("new.gguf"), "--max-steps", "10");
    var tried =
        tenon(
            "train",
            "-m",
            out("new.gguf"),
            "-f",
            file("text.txt", "six seven eight nine ten"),
            "-o",
            out("more.gguf"),
            "-c",
            "32",
            "--max-steps",
            "80",
            "-lr",
            "5e-3",
            "--warmup-steps",
            "5",
            "--val-split",
            "0");
    assertThat(tried.code()).as(tried.err()).isZero();
    var run = tenon("run", "-m", out("more.gguf"), "-p", "six seven", "--temp", "0", "-n", "20");
    assertThat(run.succeeded().out()).contains("eight nine ten");
  }

  @Test
  void oneThatWasStoppedGoesOnToTheSameFile() throws Exception {
    String[] more = {"--max-steps", "60", "--save-steps", "3"};
    assertThat(fresh(out("whole.gguf"), more).code()).isZero();
    var thread = Thread.currentThread();
    var checkpoint = folder.resolve("cut.gguf.checkpoint");
    var stopper =
        new Thread(
            () -> {
              while (!Files.exists(checkpoint)) Thread.onSpinWait();
              thread.interrupt();
            });
    stopper.setDaemon(true);
    stopper.start();
    var cut = fresh(out("cut.gguf"), more);
    stopper.join();
    boolean late = Thread.interrupted() || cut.code() == 0;
    Assumptions.assumeFalse(late, "it was done before it was stopped");
    assertThat(cut.code()).isEqualTo(130);
    assertThat(cut.err())
        .contains("stopped after step ", "; the same command with --resume goes on");
    assertThat(folder.resolve("cut.gguf")).doesNotExist();
    var resumed =
        fresh(
            out("cut.gguf"),
            "--max-steps",
            "60",
            "--save-steps",
            "3",
            "--resume",
            "--name",
            "whole");
    assertThat(resumed.code()).as(resumed.err()).isZero();
    assertThat(resumed.err()).contains(" of them done");
    try (var a = Gguf.open(folder.resolve("whole.gguf"));
        var b = Gguf.open(folder.resolve("cut.gguf"))) {
      for (var info : a.tensors())
        assertThat(b.data(b.tensor(info.name())).mismatch(a.data(info)))
            .as(info.name())
            .isEqualTo(-1);
    }
    assertThat(checkpoint).doesNotExist();
  }

  @Test
  void badArgumentsAreRefused() throws IOException {
    var o = out("o.gguf");
    tenon("train", "-f", chats, "-o", o).refused("what to begin with");
    tenon("train", "--config", config, "-f", chats, "-o", o).refused("both --config and --vocab");
    tenon("train", "-m", vocabulary, "-o", o).refused("what to learn from");
    tenon("train", "-m", vocabulary, "-f", chats).refused("where to");
    fresh(o, "-c", "1").refused("context length 1, from 2");
    fresh(o, "-lr", "-1").refused("learning rate -1.0");
    fresh(o, "-lr", "NaN").refused("learning rate NaN");
    fresh(o, "-lr-min", "1").refused("least learning rate 1.0");
    fresh(o, "-b", "0").refused("batch of 0 rows");
    fresh(o, "--val-split", "1").refused("validation split 1.0");
    fresh(o, "--adam-beta1", "1").refused("betas 1.0");
    fresh(chats).refused("is what is read");
    assertThat(folder.resolve("o.gguf")).doesNotExist();
  }

  @Test
  void badTextsAreErrorsOfOneLine() throws IOException {
    var o = out("o.gguf");
    var usual = chats;
    chats = file("empty.txt", "");
    fresh(o).failed("empty.txt", "nothing to learn from");
    chats = file("empty.jsonl", "\n\n");
    fresh(o).failed("nothing to learn from");
    chats = file("bad.jsonl", "{\"text\":\"a\"}\n{\"text\":");
    fresh(o).failed("bad.jsonl, line 2");
    chats = file("other.jsonl", "{\"prompt\":\"a\"}");
    fresh(o).failed("line 1", "neither \"text\" nor \"messages\"");
    chats = file("role.jsonl", "{\"messages\":[7]}");
    fresh(o).failed("line 1", "a message that is no object");
    Files.write(folder.resolve("latin.txt"), new byte[] {'a', (byte) 0xe9, 'b'});
    chats = out("latin.txt");
    fresh(o).failed("latin.txt", "is not UTF-8");
    chats = out("none.txt");
    fresh(o).failed("none.txt");
    chats = usual;
    fresh(o, "-c", "129").failed("the model's context is 128");
    fresh(o, "--resume").failed("there is no checkpoint to go on from");
    fresh(out("no/such/o.gguf")).failed("no/such");
    tenon("train", "-m", vocabulary, "-f", chats, "-o", o).failed("vocab.gguf");
    assertThat(folder.resolve("o.gguf")).doesNotExist();
  }

  @Test
  void aMixtureOfExpertsIsRefusedByName() throws IOException {
    config =
        file(
            "mixtral.json",
            """
            {"architectures": ["MixtralForCausalLM"], "hidden_size": 48, "intermediate_size": 64,
             "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
             "num_local_experts": 4, "num_experts_per_tok": 2, "max_position_embeddings": 128}
            """);
    fresh(out("o.gguf")).failed("cannot train llama: the operation MUL_MAT_ID has no gradient");
  }
}
