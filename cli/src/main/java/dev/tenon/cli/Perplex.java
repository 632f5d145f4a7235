package dev.tenon.cli;

import dev.tenon.Model;
import dev.tenon.Session;
import dev.tenon.convert.Divergence;
import dev.tenon.convert.Perplexity;
import dev.tenon.convert.SavedLogits;
import dev.tenon.json.Json;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ThreadLocalRandom;

/// Measures how well a model foresees a text, and how far it is from another.
final class Perplex extends Command {
  private static final int USUAL_CONTEXT = 512;
  private static final int ROWS = 64;

  private final ModelFlags model;
  private final SessionFlags session;
  private final Value<String> file;
  private final Value<Integer> mostChunks;
  private final Value<String> base;
  private final Value<Boolean> divergence;
  private final Value<Boolean> json;

  Perplex(Streams streams) {
    super(
        streams,
        "perplexity",
        "Measure how well a model foresees a text; 1 is perfect foresight.",
        "The text is cut into chunks of the context size (-c, 512 by default), and the second half"
            + " of each counts.");
    file = text("FILE", "The text.", "-f", "--file");
    mostChunks = integer("-1", "The most chunks (default: all).", "--chunks");
    base =
        text(
            "FILE",
            "Save what the model expects, or with --kl-divergence, compare with what was saved.",
            "--kl-divergence-base",
            "--save-all-logits");
    divergence =
        flag("Measure how far the model is from the one that was saved.", "--kl-divergence");
    json = flag("Print the result as JSON.", "--json");
    model = new ModelFlags(this);
    session = new SessionFlags(this);
  }

  @Override
  int call() throws Exception {
    if (divergence.get() && base.get() == null) {
      throw usage("--kl-divergence needs --kl-divergence-base FILE");
    }
    if (!divergence.get() && file.get() == null) {
      throw usage("which text? Give -f FILE");
    }
    try (var backend = model.backend();
        var loaded = model.load(backend)) {
      if (divergence.get()) {
        return diverge(loaded);
      }
      int context = session.options(USUAL_CONTEXT).contextLength();
      var chunks = chunks(loaded, context == 0 ? USUAL_CONTEXT : context);
      var target = base.get() == null ? null : Path.of(base.get());
      if (target == null) {
        return measure(loaded, chunks, null);
      }
      var random = Long.toHexString(ThreadLocalRandom.current().nextLong());
      var beside = target.resolveSibling("." + target.getFileName() + "." + random);
      try (var out = new BufferedOutputStream(Files.newOutputStream(beside), 1 << 18)) {
        SavedLogits.begin(out, loaded.vocabularySize(), chunks);
        int code = measure(loaded, chunks, out);
        out.flush();
        if (code == 0) {
          Files.move(beside, target, StandardCopyOption.ATOMIC_MOVE);
        }
        return code;
      } finally {
        Files.deleteIfExists(beside);
      }
    }
  }

  /// The tokens of the text in equal pieces; what is left over does not count.
  private int[][] chunks(Model loaded, int context) throws IOException {
    var text = Files.readString(Path.of(file.get()), StandardCharsets.UTF_8);
    // As llama.cpp reads a file.
    text = text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
    var tokenizer = loaded.tokenizer();
    var tokens = tokenizer.encode(text, tokenizer.addsBos(), false);
    if (context < 4 || tokens.length < 2L * context) {
      throw new IOException(
          file.get()
              + " has "
              + tokens.length
              + " tokens; at least twice the context, "
              + 2L * context
              + ", are needed");
    }
    int count = tokens.length / context;
    count = mostChunks.get() > 0 ? Math.min(count, mostChunks.get()) : count;
    var chunks = new int[count][];
    for (int i = 0; i < count; i++) {
      chunks[i] = Arrays.copyOfRange(tokens, i * context, (i + 1) * context);
    }
    return chunks;
  }

  /// Takes a row of logits and the token that came after it.
  private interface Row {
    void take(float[] logits, int next) throws IOException;
  }

  private int measure(Model loaded, int[][] chunks, OutputStream save) throws IOException {
    var perplexity = new Perplexity();
    boolean whole =
        evaluate(
            loaded,
            chunks,
            (logits, next) -> {
              perplexity.add(logits, next);
              if (save != null) {
                SavedLogits.write(save, logits);
              }
            });
    if (!whole) {
      return 130;
    }
    if (json.get()) {
      var result = new LinkedHashMap<String, Object>();
      result.put("context", chunks[0].length);
      result.put("chunks", chunks.length);
      result.put("perplexity", perplexity.value());
      result.put("standard_error", perplexity.error());
      streams.out().println(Json.write(result, "  "));
    } else {
      line("perplexity", perplexity.value(), perplexity.error());
    }
    return 0;
  }

  private int diverge(Model loaded) throws IOException {
    try (var saved = SavedLogits.open(Path.of(base.get()))) {
      if (saved.vocabulary() != loaded.vocabularySize()) {
        throw new IOException(
            base.get()
                + " is of a vocabulary of "
                + saved.vocabulary()
                + ", and the model's has "
                + loaded.vocabularySize());
      }
      var result = new Divergence();
      var expected = new float[saved.vocabulary()];
      boolean whole =
          evaluate(
              loaded,
              saved.chunks(),
              (logits, next) -> {
                saved.next(expected);
                result.add(expected, logits, next);
              });
      if (!whole) {
        return 130;
      }
      print(result);
      return 0;
    }
  }

  private void print(Divergence result) throws IOException {
    var own = result.perplexity();
    if (json.get()) {
      var fields = new LinkedHashMap<String, Object>();
      fields.put("perplexity", own.value());
      fields.put("standard_error", own.error());
      fields.put("base_perplexity", result.basePerplexity());
      fields.put("kl_divergence", result.mean());
      fields.put("kl_divergence_error", result.error());
      fields.put("kl_divergence_median", result.quantile(0.5));
      fields.put("kl_divergence_99", result.quantile(0.99));
      fields.put("kl_divergence_maximum", result.quantile(1));
      fields.put("probability_shift", result.meanShift());
      fields.put("probability_shift_rms", result.rootMeanSquareShift());
      fields.put("same_top", result.sameTop());
      streams.out().println(Json.write(fields, "  "));
      return;
    }
    line("perplexity", own.value(), own.error());
    line("perplexity of the base", result.basePerplexity(), 0);
    line("KL divergence, mean", result.mean(), result.error());
    line("KL divergence, median", result.quantile(0.5), 0);
    line("KL divergence, 99 %", result.quantile(0.99), 0);
    line("KL divergence, maximum", result.quantile(1), 0);
    line("probability of what came, mean change in %", 100 * result.meanShift(), 0);
    line("probability of what came, root mean square in %", 100 * result.rootMeanSquareShift(), 0);
    line("same likeliest token in %", 100 * result.sameTop(), 0);
  }

  private void line(String what, double value, double error) throws IOException {
    streams
        .out()
        .println(
            String.format(Locale.ROOT, "%s: %.6f", what, value)
                + (error == 0 ? "" : String.format(Locale.ROOT, " ± %.6f", error)));
  }

  /// Gives each row of the second halves of the chunks to `row`.
  ///
  /// @return whether it was not interrupted
  private boolean evaluate(Model loaded, int[][] chunks, Row row) throws IOException {
    int context = chunks[0].length;
    var tokenizer = loaded.tokenizer();
    try (var opened = loaded.newSession(session.options(context).withContextLength(context));
        var progress = new FileProgress(streams, "measuring", "tokens");
        var _ = Interrupt.ofThisThread()) {
      for (int i = 0; i < chunks.length; i++) {
        var tokens = chunks[i].clone();
        if (tokenizer.addsBos()) {
          tokens[0] = tokenizer.bos();
        }
        opened.rewind(0);
        evaluate(opened, tokens, chunks[i], row);
        progress.at((i + 1L) * context, (long) chunks.length * context);
      }
      return true;
    } catch (CancellationException _) {
      Thread.interrupted();
      streams.err().println("tenon: stopped");
      return false;
    }
  }

  private static void evaluate(Session opened, int[] tokens, int[] text, Row row)
      throws IOException {
    int first = tokens.length / 2;
    opened.evaluate(Arrays.copyOf(tokens, first));
    for (int from = first; from < tokens.length - 1; from += ROWS) {
      int to = Math.min(from + ROWS, tokens.length - 1);
      var rows = opened.evaluateAll(Arrays.copyOfRange(tokens, from, to));
      for (int i = from; i < to; i++) {
        row.take(rows[i - from], text[i + 1]);
      }
    }
  }
}
