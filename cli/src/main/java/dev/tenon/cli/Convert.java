package dev.tenon.cli;

import dev.tenon.convert.ConvertOptions;
import dev.tenon.convert.Converter;
import dev.tenon.convert.FileType;
import dev.tenon.convert.SplitSet;
import dev.tenon.huggingface.Config;
import dev.tenon.huggingface.ModelFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CancellationException;

/// Makes a GGUF file of a Hugging Face folder.
final class Convert extends Command {
  private final Value<String> model;
  private final HubFlags hub;
  private final Value<String> output;
  private final Value<String> type;
  private final Value<String> name;
  private final Value<String> metadata;
  private final Value<Boolean> vocabularyOnly;
  private final Value<String> size;
  private final Value<Integer> tensors;
  private final Value<Boolean> metadataFirst;
  private final Value<Integer> threads;
  private final Value<Boolean> dryRun;
  private final Value<Boolean> known;
  private final Value<Boolean> json;

  Convert(Streams streams) {
    super(
        streams,
        "convert",
        "Make a GGUF file of a Hugging Face folder (config.json, weights, tokenizer), or of a model"
            + " of llama2.c.",
        "Without -o the file lies in the folder, named by what is known of the model; that of a"
            + " model of Hugging Face in the current folder.");
    model = argument("DIR|NAME", "The folder, a file of llama2.c, or owner/name of Hugging Face.");
    output =
        text(
            "FILE",
            "The file to make, or its folder; {ftype} in its name becomes the type.",
            "-o",
            "--outfile");
    type =
        text(
            "TYPE",
            "auto (the stored 16-bit type), f32, f16, bf16, q8_0, tq1_0, tq2_0, or any type of"
                + " tenon quantize (default: auto).",
            "--type",
            "--outtype");
    name = text("NAME", "The name of the model.", "--model-name");
    metadata =
        text("FILE", "JSON with values for general.* keys, over the folder's.", "--metadata");
    vocabularyOnly = flag("A file of the vocabulary, without tensors.", "--vocab-only");
    size = text("N(K|M|G)", "The most bytes of tensors in one file.", "--split-max-size");
    tensors = integer(null, "The most tensors in one file.", "--split-max-tensors");
    metadataFirst = flag("A first file of metadata alone.", "--no-tensor-first-split");
    threads = integer("-1", "Threads that compute (default: all processors).", "-t", "--threads");
    dryRun = flag("Print what the file would have, and write nothing.", "--dry-run");
    known = flag("Print the classes of models that can be converted.", "--print-supported-models");
    hub = new HubFlags(this);
    json = flag("Print the result as JSON.", "--json");
  }

  @Override
  int call() throws Exception {
    if (known.get()) {
      for (var entry : Converter.known().entrySet()) {
        streams.out().println(entry.getKey() + " (" + entry.getValue() + ")");
      }
      return 0;
    }
    if (model.get() == null) {
      throw usage("which model? Give DIR or owner/name");
    }
    var options = options();
    try (var folder = ModelFolder.open(hub.folder(model.get()))) {
      var converter = Converter.of(folder, options);
      var target = target(converter);
      if (dryRun.get()) {
        return plan(converter, target);
      }
      List<Path> files;
      double seconds;
      try (var progress = new FileProgress(streams, "converting");
          var _ = Interrupt.ofThisThread()) {
        files = converter.write(target, progress::at);
        seconds = progress.seconds();
      } catch (CancellationException _) {
        Thread.interrupted();
        streams.err().println("tenon: stopped; nothing was written to " + target);
        return 130;
      }
      report(converter, files, seconds);
      return 0;
    }
  }

  private ConvertOptions options() throws IOException {
    try {
      var options =
          ConvertOptions.usual()
              .withType(type())
              .withName(name.get())
              .withVocabularyOnly(vocabularyOnly.get())
              .withCut(cut());
      if (threads.get() > 0) options = options.withThreads(threads.get());
      return metadata.get() == null
          ? options
          : options.withMetadata(Config.open(Path.of(metadata.get())).values());
    } catch (IllegalArgumentException e) {
      throw usage(e.getMessage());
    }
  }

  private FileType type() {
    var text = type.get();
    if (text == null || text.equalsIgnoreCase("auto")) return null;
    var found = FileType.of(text);
    if (found == FileType.COPY)
      throw usage("--type copy is for quantize; auto keeps what is there");
    return found;
  }

  private SplitSet.Cut cut() {
    if (size.get() != null && tensors.get() != null) {
      throw usage("--split-max-tensors or --split-max-size, not both");
    }
    if (size.get() == null && tensors.get() == null) {
      return null;
    }
    return tensors.get() != null
        ? new SplitSet.Cut(tensors.get(), 0, metadataFirst.get())
        : new SplitSet.Cut(0, bytes(size.get()), metadataFirst.get());
  }

  /// Units are powers of ten, as in upstream's converter.
  private long bytes(String text) {
    long unit =
        switch (text.isEmpty() ? ' ' : text.charAt(text.length() - 1)) {
          case 'K' -> 1000;
          case 'M' -> 1_000_000;
          case 'G' -> 1_000_000_000;
          default -> 1;
        };
    try {
      var number = unit == 1 ? text : text.substring(0, text.length() - 1);
      return Math.multiplyExact(Long.parseLong(number), unit);
    } catch (NumberFormatException | ArithmeticException _) {
      throw usage("'" + text + "' is no size such as 500M or 4G");
    }
  }

  private Path target(Converter converter) {
    if (output.get() == null) {
      var path = Path.of(model.get());
      if (!Files.exists(path)) return Path.of(converter.fileName());
      return Files.isDirectory(path)
          ? path.resolve(converter.fileName())
          : path.resolveSibling(converter.fileName());
    }
    var path = Path.of(output.get());
    if (Files.isDirectory(path)) {
      return path.resolve(converter.fileName());
    }
    var upper = converter.type().name();
    var lower = upper.toLowerCase(Locale.ROOT);
    return path.resolveSibling(
        path.getFileName()
            .toString()
            .replaceAll("\\{(ftype|outtype)\\}", lower)
            .replaceAll("\\{(FTYPE|OUTTYPE)\\}", upper));
  }

  private int plan(Converter converter, Path target) throws IOException {
    var parts = converter.parts();
    if (json.get()) {
      var result = summary(converter);
      result.put("file", target.toString());
      result.put("parts", parts);
      var all = new ArrayList<Map<String, Object>>();
      for (var step : converter.steps()) {
        var tensor = new LinkedHashMap<String, Object>();
        tensor.put("name", step.name());
        tensor.put("from", step.weight().names());
        tensor.put("type", step.type().ggmlName());
        tensor.put("bytes", step.bytes());
        all.add(tensor);
      }
      result.put("tensors", all);
      printJson(result);
      return 0;
    }
    for (var step : converter.steps()) {
      streams
          .out()
          .println(
              Text.visible(step.name() + " " + step.shape() + " " + step.type().ggmlName())
                  + ", "
                  + Text.bytes(step.bytes())
                  + ", of "
                  + Text.visible(step.weight().toString()));
    }
    for (int i = 0; parts.size() > 1 && i < parts.size(); i++) {
      streams.out().println("part " + (i + 1) + ": " + parts.get(i) + " tensors");
    }
    streams.out().println(Text.visible(target.toString()) + ": " + line(converter));
    return 0;
  }

  private void report(Converter converter, List<Path> files, double seconds) throws IOException {
    long bytes = 0;
    for (var file : files) {
      bytes += Files.size(file);
    }
    if (json.get()) {
      var result = summary(converter);
      result.put("files", files.stream().map(Path::toString).toList());
      result.put("file_bytes", bytes);
      result.put("seconds", seconds);
      printJson(result);
      return;
    }
    streams
        .out()
        .println(
            Text.visible(files.getFirst().toString())
                + (files.size() > 1 ? " and " + (files.size() - 1) + " more" : "")
                + ": "
                + line(converter)
                + ", "
                + Text.bytes(bytes)
                + String.format(Locale.ROOT, " in %.1f s", seconds));
  }

  private static String line(Converter converter) {
    return converter.architecture()
        + ", "
        + converter.steps().size()
        + " tensors, "
        + converter.type()
        + (converter.hasVocabulary() ? "" : ", no tokenizer: for --tokens and --ids alone");
  }

  private Map<String, Object> summary(Converter converter) {
    var result = new LinkedHashMap<String, Object>();
    result.put("source", model.get());
    result.put("architecture", converter.architecture());
    result.put("type", converter.type().name());
    result.put("vocabulary", converter.hasVocabulary());
    result.put("parameters", converter.parameters());
    return result;
  }
}
