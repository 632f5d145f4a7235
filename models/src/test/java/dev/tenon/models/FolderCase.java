package dev.tenon.models;

import dev.tenon.Model;
import dev.tenon.ModelOptions;
import dev.tenon.convert.ConvertOptions;
import dev.tenon.convert.Converter;
import dev.tenon.convert.FileType;
import dev.tenon.fixtures.Fixtures;
import dev.tenon.huggingface.Checkpoint;
import dev.tenon.huggingface.Config;
import dev.tenon.huggingface.ModelFolder;
import dev.tenon.tensor.Backend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;

/// A Hugging Face folder with what transformers gives for it, converted to F32 and loaded.
///
/// @param folder with `config.json` and `expected.json`
/// @param file what it was converted to
/// @param config of the folder
/// @param expected `expected.json`
/// @param model of the file, on one thread and in plain order
record FolderCase(Path folder, Path file, Config config, Config expected, Model model) {
  private static final Set<String> TABLES =
      Set.of("gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate");

  /// What is checked of a folder.
  interface Check {
    void of(FolderCase one) throws IOException;
  }

  /// {@return the checks of every folder there is, those of a class that is not here skipped by
  /// name}
  ///
  /// @param temporary where the converted files go
  /// @param checks by name
  static Stream<DynamicContainer> all(Path temporary, Map<String, Check> checks)
      throws IOException {
    var folders = new ArrayList<Path>();
    for (var parent : List.of("huggingface", "models"))
      try (var all = Files.list(Fixtures.need(parent))) {
        all.filter(folder -> Files.exists(folder.resolve("expected.json")))
            .sorted()
            .forEach(folders::add);
      }
    return folders.stream()
        .map(
            folder ->
                DynamicContainer.dynamicContainer(
                    folder.getFileName().toString(),
                    checks.entrySet().stream()
                        .map(
                            check ->
                                DynamicTest.dynamicTest(
                                    check.getKey(),
                                    () -> with(folder, temporary, check.getValue())))));
  }

  private static void with(Path folder, Path temporary, Check check) throws IOException {
    var expected = Config.open(folder.resolve("expected.json"));
    var known = Converter.known().containsKey(expected.text("class"));
    Assumptions.assumeTrue(known, () -> "class " + expected.values().get("class") + " is not here");
    var file = temporary.resolve(folder.getFileName() + ".gguf");
    if (!Files.exists(file)) {
      try (var open = ModelFolder.open(folder)) {
        var options = ConvertOptions.usual().withType(FileType.F32).withThreads(1);
        Converter.of(open, options).write(file);
      }
    }
    var config = Config.open(folder.resolve("config.json"));
    try (var backend = Backend.cpu(1);
        var model = Model.load(file, backend, ModelOptions.defaults().withRepack(false))) {
      check.of(new FolderCase(folder, file, config, expected, model));
    }
  }

  /// {@return the entries of a list in `expected.json`}
  List<Config> entries(String key) throws IOException {
    var entries = new ArrayList<Config>();
    for (var entry : expected.list(key)) {
      var copy = new LinkedHashMap<String, Object>();
      ((Map<?, ?>) entry).forEach((name, value) -> copy.put((String) name, value));
      entries.add(new Config(expected.path(), copy));
    }
    return entries;
  }

  /// {@return the arrays of `expected.safetensors`; the caller closes them}
  Checkpoint arrays() throws IOException {
    return Checkpoint.open(folder.resolve("expected.safetensors"));
  }

  /// {@return whether ggml takes its activation from a table of half precision}
  boolean usesTable() throws IOException {
    for (var key :
        List.of(
            "hidden_act",
            "hidden_activation",
            "activation",
            "activation_function",
            "feed_forward_proj",
            "dense_act_fn")) if (TABLES.contains(config.textOr(key, ""))) return true;
    return false;
  }

  /// Skips the rest where the model is of another kind.
  void needs(Model.Kind kind) {
    Assumptions.assumeTrue(model.kind() == kind, () -> model.kind() + " is not " + kind);
  }

  /// {@return token ids}
  static int[] ids(List<?> numbers) {
    return numbers.stream().mapToInt(number -> ((Number) number).intValue()).toArray();
  }
}
