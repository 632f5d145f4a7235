package dev.tenon.huggingface;

import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.regex.Pattern;

/// Which files of a repository are meant.
@FunctionalInterface
public interface HubChoice {
  /// Which quants are looked for where none is named, in this order.
  List<String> USUAL_QUANTS = List.of("Q4_K_M", "Q8_0");

  /// Chooses.
  ///
  /// @param name what messages call the repository
  /// @param files the names of its files
  /// @return those that are meant, the one that stands for all of them first; later ones may need
  ///     earlier ones, so that a download of them in this order is whole when the last is there
  /// @throws NoSuchFileException if what is meant is not among them
  List<String> of(String name, Collection<String> files) throws NoSuchFileException;

  /// {@return a GGUF model, with all parts of a split set; which one is chosen as llama.cpp does:
  /// the first whose name has the quant, or where none is named `Q4_K_M`, else `Q8_0`, else the
  /// first}
  ///
  /// @param quant for example `Q4_K_M`, in any case, or null
  static HubChoice model(String quant) {
    return (name, files) -> {
      var models = files.stream().filter(HubFileNames::isModel).sorted().toList();
      for (var wanted : quant == null ? USUAL_QUANTS : List.of(quant)) {
        var pattern = Pattern.compile(Pattern.quote(wanted) + "[.-]", Pattern.CASE_INSENSITIVE);
        for (var file : models) {
          if (pattern.matcher(file).find()) {
            return HubFileNames.parts(file, files);
          }
        }
      }
      if (quant == null && !models.isEmpty()) {
        return HubFileNames.parts(models.getFirst(), files);
      }
      throw new NoSuchFileException(
          name,
          null,
          models.isEmpty()
              ? "no GGUF file there"
              : "no such file; GGUF files there: " + HubFileNames.listed(models));
    };
  }

  /// {@return what a conversion reads: weights (safetensors where there are any, else PyTorch's),
  /// configuration, tokenizer and model card; the weights last}
  static HubChoice folder() {
    return (name, files) -> {
      var weights = HubFileNames.weights(files);
      if (weights.isEmpty()) {
        throw new NoSuchFileException(name, null, "neither safetensors nor PyTorch weights there");
      }
      HubFileNames.checkShards(weights);
      boolean safe = weights.getFirst().endsWith(".safetensors");
      var chosen = new ArrayList<String>();
      for (var file : files) {
        if (HubFileNames.FOLDER_FILES.matcher(file).matches()
            && !(safe && file.startsWith("pytorch_model"))) {
          chosen.add(file);
        }
      }
      chosen.addAll(weights);
      return chosen;
    };
  }

  /// {@return [#model] where a repository has GGUF files or a quant is named, else [#folder]}
  ///
  /// @param quant for example `Q4_K_M`, or null
  static HubChoice usual(String quant) {
    return (name, files) ->
        quant != null || files.stream().anyMatch(HubFileNames::isModel)
            ? model(quant).of(name, files)
            : folder().of(name, files);
  }

  /// {@return one file, with the other parts where it is one of a split set of GGUF files}
  ///
  /// @param file its name in the repository
  static HubChoice file(String file) {
    return (name, files) -> {
      if (!files.contains(file)) {
        throw new NoSuchFileException(
            name,
            null,
            "no file " + FormatException.quote(file) + "; there are " + HubFileNames.listed(files));
      }
      var chosen = new ArrayList<>(HubFileNames.parts(file, files));
      chosen.remove(file);
      chosen.addFirst(file);
      return chosen;
    };
  }

  /// {@return the files whose names match one of some patterns and none of others, as `hf download`
  /// has it: `*` is any text, `/` too, `?` any character, `[a-z]` and `[!a-z]` one of several; a
  /// pattern that ends with `/` is all of a folder}
  ///
  /// @param included none for all files
  /// @param excluded those that are left out
  static HubChoice matching(List<String> included, List<String> excluded) {
    var wanted = included.stream().map(HubFileNames::pattern).toList();
    var unwanted = excluded.stream().map(HubFileNames::pattern).toList();
    return (name, files) -> {
      var chosen =
          files.stream()
              .filter(
                  f -> wanted.isEmpty() || wanted.stream().anyMatch(p -> p.matcher(f).matches()))
              .filter(f -> unwanted.stream().noneMatch(p -> p.matcher(f).matches()))
              .toList();
      if (chosen.isEmpty()) {
        throw new NoSuchFileException(
            name, null, "no file matches; there are " + HubFileNames.listed(files));
      }
      return chosen;
    };
  }
}
