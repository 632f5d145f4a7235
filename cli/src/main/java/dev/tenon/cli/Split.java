package dev.tenon.cli;

import dev.tenon.convert.SplitSet;
import dev.tenon.gguf.Gguf;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.CancellationException;

/// Cuts a file into several.
final class Split extends Command {
  private static final int USUAL_TENSORS = 128;

  private final Value<List<String>> arguments;
  private final Value<Integer> tensors;
  private final Value<String> size;
  private final Value<Boolean> metadataFirst;
  private final Value<Boolean> dryRun;
  private final Value<Boolean> json;

  Split(Streams streams) {
    super(
        streams,
        "split",
        "Cut a file into several: IN PREFIX makes PREFIX-00001-of-0000N.gguf and so on.",
        "The first file stands for all of them wherever a model is named.");
    arguments = arguments("IN PREFIX", "0..2", "The file, and how the names of its parts begin.");
    tensors = integer(null, "The most tensors in one file (default: 128).", "--split-max-tensors");
    size = text("N(M|G)", "The most megabytes or gigabytes in one file.", "--split-max-size");
    metadataFirst = flag("A first file of metadata alone.", "--no-tensor-first-split");
    dryRun = flag("Print how it would be cut, and write nothing.", "--dry-run");
    json = flag("Print the result as JSON.", "--json");
  }

  @Override
  int call() throws Exception {
    var given = arguments.get();
    if (given.size() != 2) {
      throw usage("which file, and how do the names of its parts begin? Give IN PREFIX");
    }
    if (tensors.get() != null && size.get() != null) {
      throw usage("--split-max-tensors or --split-max-size, not both");
    }
    var cut = cut();
    var prefix = Path.of(given.get(1));
    if (prefix.getFileName() == null || prefix.getFileName().toString().isEmpty()) {
      throw usage("the prefix '" + prefix + "': no name that the parts could begin with");
    }
    try (var source = Gguf.open(Path.of(given.getFirst()))) {
      var plan = SplitSet.plan(source, cut);
      if (!dryRun.get()) {
        try (var progress = new FileProgress(streams, "splitting");
            var _ = Interrupt.ofThisThread()) {
          SplitSet.split(source, prefix, cut, progress::at);
        }
      }
      for (int i = 0; i < plan.size() && !json.get(); i++) {
        streams
            .out()
            .println(
                Text.visible(SplitSet.path(prefix, i, plan.size()).toString())
                    + ": "
                    + plan.get(i)
                    + " tensors");
      }
      if (json.get()) {
        var result = new LinkedHashMap<String, Object>();
        var files = new LinkedHashMap<String, Object>();
        for (int i = 0; i < plan.size(); i++) {
          files.put(SplitSet.path(prefix, i, plan.size()).toString(), plan.get(i));
        }
        result.put("source", source.path().toString());
        result.put("files", files);
        printJson(result);
      }
      return 0;
    } catch (CancellationException _) {
      Thread.interrupted();
      streams.err().println("tenon: stopped; nothing was written to " + prefix);
      return 130;
    }
  }

  private SplitSet.Cut cut() {
    try {
      if (size.get() != null) {
        return new SplitSet.Cut(0, bytes(size.get()), metadataFirst.get());
      }
      return new SplitSet.Cut(
          tensors.get() == null ? USUAL_TENSORS : tensors.get(), 0, metadataFirst.get());
    } catch (IllegalArgumentException _) {
      throw usage("a file must have at least one tensor, or one megabyte");
    }
  }

  /// Megabytes and gigabytes of the powers of ten, as llama-gguf-split has them.
  private long bytes(String text) {
    long unit = text.endsWith("M") ? 1_000_000 : text.endsWith("G") ? 1_000_000_000 : 0;
    try {
      if (unit > 0) {
        return Math.multiplyExact(Long.parseLong(text, 0, text.length() - 1, 10), unit);
      }
    } catch (NumberFormatException | ArithmeticException _) {
      // Said below.
    }
    throw usage("'" + text + "' is no size such as 500M or 4G");
  }
}
