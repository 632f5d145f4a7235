package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.tenon.AnswerMatch;
import dev.tenon.Model;
import dev.tenon.ModelOptions;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.model.BuiltInModel;
import dev.tenon.sampling.Sampler;
import dev.tenon.tensor.Backend;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The model that needs no file.
class BuiltInModelTest {
  private static final long MOST_BYTES = 4 << 20;

  @TempDir Path folder;

  @Test
  void isASmallLlamaWithAVocabulary() throws IOException {
    try (var gguf = BuiltInModel.gguf()) {
      assertThat(gguf.fileBytes()).isLessThanOrEqualTo(MOST_BYTES);
      assertThat(gguf.text("general.architecture")).isEqualTo("llama");
      assertThat(gguf.path()).hasToString("built-in tenon.gguf");
    }
    try (var backend = Backend.cpu(1);
        var model = Model.builtIn(backend)) {
      assertThat(model.kind()).isEqualTo(Model.Kind.DECODER);
      assertThat(model.hasTokenizer()).isTrue();
      assertThat(model.name()).isNotEqualTo("built-in tenon.gguf");
    }
  }

  @Test
  void computesAsItsFileDoes() throws IOException {
    var file = folder.resolve("same.gguf");
    try (var gguf = BuiltInModel.gguf()) {
      var writer = new GgufWriter().copy(gguf);
      for (var tensor : gguf.tensors()) writer.tensor(gguf, tensor);
      writer.write(file);
    }
    for (boolean repack : new boolean[] {false, true}) {
      var options = ModelOptions.defaults().withRepack(repack);
      try (var backend = Backend.cpu(1);
          var ofFile = Model.load(file, backend, options);
          var builtIn = Model.builtIn(backend, options);
          var one = ofFile.newSession(64);
          var other = builtIn.newSession(64)) {
        var prompt = builtIn.tokenizer().encodePrompt("What is Tenon?");
        assertThat(other.evaluate(prompt)).isEqualTo(one.evaluate(prompt));
        var saved = folder.resolve("session");
        other.save(saved); // it is the same model
        one.restore(saved);
        assertThat(one.position()).isEqualTo(prompt.length);
      }
    }
  }

  @Test
  void answersTheSameWhateverWasAskedBefore() throws IOException {
    var question = new AnswerMatch.Question("Hello", "no such answer \u0000");
    try (var backend = Backend.cpu(1);
        var model = Model.builtIn(backend);
        var session = model.newSession(0)) {
      var match = new AnswerMatch(model, session, 16);
      var first = match.ask(question);
      assertThat(first.isRight()).isFalse();
      match.ask(new AnswerMatch.Question("Who are you, and what is that?", "Tenon"));
      assertThat(match.ask(question)).isEqualTo(first);
      var key = first.reply().substring(first.reply().length() / 2);
      if (!key.isEmpty())
        assertThat(match.ask(new AnswerMatch.Question("Hello", key)).isRight()).isTrue();
    }
  }

  @Test
  void severalAreLoadedAtOnceAndClosedInAnyOrder() throws IOException {
    try (var backend = Backend.cpu(1)) {
      var one = Model.builtIn(backend);
      var other = Model.builtIn(backend);
      one.close();
      assertThatIllegalStateException().isThrownBy(() -> one.newSession(16));
      try (other;
          var session = other.newSession(16)) {
        assertThat(session.generate("a", Sampler.greedy(), 2).toList()).isNotNull();
      }
    }
  }
}
