package dev.tenon.cli;

import dev.tenon.ChunkedText;
import dev.tenon.Model;
import dev.tenon.convert.ImportanceCollector;
import dev.tenon.convert.ImportanceMatrix;
import dev.tenon.convert.ImportanceStatistics;
import dev.tenon.convert.Perplexity;
import dev.tenon.gguf.PendingFile;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CancellationException;

/// Measures how much each column of each weight of a model counts over a text.
final class Imatrix extends Command {
  private final TextFlags text;
  private final Value<String> output;
  private final Value<String> format;
  private final Value<List<String>> before;
  private final Value<Integer> skipped;
  private final Value<Boolean> processOutput;
  private final Value<Boolean> noPerplexity;
  private final Value<Boolean> parseSpecial;
  private final Value<Integer> outputFrequency;
  private final Value<Integer> saveFrequency;
  private final Value<Boolean> statistics;
  private final Value<Boolean> json;
  private final ModelFlags model;
  private final SessionFlags session;
  private int chunksWritten; // those that the file has while more are measured

  Imatrix(Streams streams) {
    super(
        streams,
        "imatrix",
        "Measure how much each column of each weight counts over a text, for quantize --imatrix.",
        "The text is cut into chunks of the context size (-c, 512 by default). Without a text the"
            + " files of --in-file are put together. The file is that of llama-imatrix.");
    text = new TextFlags(this);
    output =
        text("FILE", "The file to be (default: imatrix.gguf).", "-o", "--output", "--output-file");
    format = text("gguf|dat", "Its format: gguf, or dat as it was before.", "--output-format");
    before = texts("FILE", "What was measured before, to be added.", "--in-file");
    skipped = integer("0", "Chunks to leave out at first.", "--chunk", "--from-chunk");
    processOutput = flag("Measure the weight of the output too.", "--process-output");
    noPerplexity = flag("Do not measure the perplexity of the text.", "--no-ppl");
    parseSpecial = flag("Recognise control tokens in the text.", "--parse-special");
    outputFrequency =
        integer(
            "0",
            "Write the file every N chunks too (default: 0, when it is complete).",
            "-ofreq",
            "--output-frequency");
    saveFrequency =
        integer(
            "0", "Keep a copy FILE.at_N every N chunks (default: 0, none).", "--save-frequency");
    statistics = flag("Print what the file of --in-file says of each weight.", "--show-statistics");
    json = flag("Print the result as JSON.", "--json");
    model = new ModelFlags(this);
    session = new SessionFlags(this, Integer.toString(TextFlags.USUAL_CONTEXT));
  }

  @Override
  int call() throws Exception {
    if (format.get() != null && !format.get().equals("gguf") && !format.get().equals("dat")) {
      throw usage("--output-format " + format.get() + ", gguf or dat");
    }
    if (skipped.get() < 0 || outputFrequency.get() < 0 || saveFrequency.get() < 0) {
      throw usage("a number of chunks is at least 0");
    }
    int context = session.options(TextFlags.USUAL_CONTEXT).contextLength();
    if (statistics.get()) {
      return showStatistics(context == 0 ? TextFlags.USUAL_CONTEXT : context);
    }
    var target = Path.of(output.get() == null ? "imatrix.gguf" : output.get());
    if (text.name() == null) {
      if (before.get().isEmpty()) {
        throw usage("which text? Give -f FILE, or files to put together: --in-file FILE");
      }
      PendingFile.check(target);
      var collector = collector(context == 0 ? TextFlags.USUAL_CONTEXT : context);
      write(collector.matrix(List.of()), target);
      report(collector, target, null);
      return 0;
    }
    // What is wrong is said before the wait.
    checkOther(target, model.path().toString(), text.name());
    PendingFile.check(target);
    var read = text.read();
    try (var backend = model.backend();
        var loaded = model.load(backend)) {
      return measure(loaded, read, target);
    }
  }

  private int measure(Model loaded, String read, Path target) throws IOException {
    var options = TextFlags.session(session, loaded);
    int length = options.contextLength();
    var chunks = text.cut(read, loaded, length, skipped.get(), parseSpecial.get());
    var collector = collector(length);
    var perplexity = noPerplexity.get() ? null : new Perplexity();
    try (var opened = loaded.newSession(options);
        var progress = new FileProgress(streams, "measuring", "tokens");
        var _ = Interrupt.ofThisThread()) {
      opened.observe(collector);
      chunks.evaluate(
          opened,
          true,
          new ChunkedText.Listener() {
            @Override
            public void rows(float[][] logits, int[] next) {
              if (perplexity != null) {
                perplexity.add(logits, next);
              }
            }

            @Override
            public void done(int done) throws IOException {
              if (perplexity != null) {
                progress.note(String.format(Locale.ROOT, "perplexity %.4f", perplexity.value()));
              }
              progress.at((long) done * length, (long) chunks.count() * length);
              save(collector, target);
            }
          });
    } catch (CancellationException | ClosedByInterruptException _) {
      Thread.interrupted();
      streams.err().println("tenon: stopped; " + left(target));
      return 130;
    }
    write(collector.matrix(List.of(text.name())), target);
    report(collector, target, perplexity);
    return 0;
  }

  /// {@return a collector of what was measured before}
  private ImportanceCollector collector(int chunkSize) throws IOException {
    var collector = new ImportanceCollector(chunkSize, processOutput.get());
    for (var name : before.get()) {
      try {
        collector.add(ImportanceMatrix.read(Path.of(name)));
      } catch (IllegalArgumentException e) {
        throw new IOException(e.getMessage(), e);
      }
    }
    return collector;
  }

  /// What a run that was stopped has left.
  private String left(Path target) {
    return chunksWritten == 0
        ? "nothing was written to " + target
        : target + " has what was measured in the first " + chunksWritten + " chunks";
  }

  /// Writes what there is so far, where that is wanted.
  private void save(ImportanceCollector collector, Path target) throws IOException {
    int chunks = collector.chunks();
    if (chunks == 0) {
      return;
    }
    if (outputFrequency.get() > 0 && chunks % outputFrequency.get() == 0) {
      write(collector.matrix(List.of(text.name())), target);
      chunksWritten = chunks;
    }
    if (saveFrequency.get() > 0 && chunks % saveFrequency.get() == 0) {
      var copy = target.resolveSibling(target.getFileName() + ".at_" + chunks);
      write(collector.matrix(List.of(text.name())), copy);
    }
  }

  private void write(ImportanceMatrix matrix, Path target) throws IOException {
    if ("dat".equals(format.get())) {
      matrix.writeOld(target);
    } else {
      matrix.write(target);
    }
  }

  private void report(ImportanceCollector collector, Path target, Perplexity perplexity)
      throws IOException {
    var matrix = collector.matrix(List.of());
    var unseen = matrix.unseen();
    if (json.get()) {
      var result = new LinkedHashMap<String, Object>();
      result.put("file", target.toString());
      result.put("weights", matrix.weights().size());
      result.put("chunks", matrix.chunks());
      result.put("chunk_size", matrix.chunkSize());
      result.put("unseen_experts", unseen);
      if (perplexity != null) {
        result.put("perplexity", perplexity.value());
        result.put("standard_error", perplexity.error());
      }
      printJson(result);
      return;
    }
    unseen.forEach(
        (name, experts) ->
            streams
                .err()
                .println(
                    "tenon: no token came to " + experts + " experts of " + Text.visible(name)));
    if (perplexity != null) {
      streams
          .out()
          .println(
              String.format(
                  Locale.ROOT, "perplexity: %.4f ± %.5f", perplexity.value(), perplexity.error()));
    }
    streams
        .out()
        .println(
            Text.visible(target.toString())
                + ": "
                + matrix.weights().size()
                + " weights, "
                + matrix.chunks()
                + " chunks of "
                + matrix.chunkSize()
                + " tokens");
  }

  private int showStatistics(int chunkSize) throws IOException {
    if (before.get().size() != 1) {
      throw usage("--show-statistics needs one --in-file FILE");
    }
    var of = ImportanceStatistics.of(collector(chunkSize).matrix(List.of()));
    if (json.get()) {
      var rows = new ArrayList<Object>();
      for (var each : of) {
        var row = new LinkedHashMap<String, Object>();
        row.put("weight", each.weight());
        row.put("sum", each.sum());
        row.put("minimum", each.minimum());
        row.put("maximum", each.maximum());
        row.put("mean", each.mean());
        row.put("deviation", each.deviation());
        row.put("active", each.active());
        row.put("columns", each.columns());
        row.put("entropy", each.entropy());
        row.put("outstanding", each.outstanding());
        row.put("similarity", each.similarity());
        rows.add(row);
      }
      printJson(rows);
      return 0;
    }
    streams.out().println(STATISTICS_HEADER);
    for (var each : of) {
      streams
          .out()
          .println(
              String.format(
                  Locale.ROOT,
                  "%-32s %12.2f %10.4f %11.4f %8.2f %8.2f %8.2f%% %7d %8.4f %8.2f%% %7.4f",
                  Text.visible(each.weight()),
                  each.sum(),
                  each.minimum(),
                  each.maximum(),
                  each.mean(),
                  each.deviation(),
                  100 * each.active(),
                  each.columns(),
                  each.entropy(),
                  100 * each.outstanding(),
                  each.similarity()));
    }
    return 0;
  }

  private static final String STATISTICS_HEADER =
      String.format(
          "%-32s %12s %10s %11s %8s %8s %9s %7s %8s %9s %7s",
          "weight",
          "sum(act²)",
          "min",
          "max",
          "mean",
          "σ",
          "active",
          "N",
          "entropy",
          "ZD",
          "cossim");
}
