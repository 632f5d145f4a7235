package dev.tenon.cli;

import dev.tenon.ChunkedText;
import dev.tenon.Model;
import dev.tenon.convert.Divergence;
import dev.tenon.convert.Perplexity;
import dev.tenon.convert.SavedLogits;
import dev.tenon.gguf.PendingFile;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.function.DoubleUnaryOperator;

/// Measures how well a model foresees a text, and how far it is from another.
final class Perplex extends Command {
  private static final double[] QUANTILES = {
    1, 0.999, 0.99, 0.95, 0.9, 0.5, 0.1, 0.05, 0.01, 0.001, 0
  };
  private static final double[] SHIFT_QUANTILES = {
    1, 0.999, 0.99, 0.95, 0.9, 0.75, 0.5, 0.25, 0.1, 0.05, 0.01, 0.001, 0
  };

  private final ModelFlags model;
  private final SessionFlags session;
  private final TextFlags text;
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
    text = new TextFlags(this);
    base =
        text(
            "FILE",
            "Save what the model expects, or with --kl-divergence, compare with what was saved.",
            "--kl-divergence-base",
            "--save-all-logits");
    divergence =
        flag("Measure how far the model is from the one that was saved.", "--kl-divergence");
    json = flag("Print the result as JSON.", "--json");
    model = new ModelFlags(this, true);
    session = new SessionFlags(this, Integer.toString(TextFlags.USUAL_CONTEXT));
  }

  @Override
  int call() throws Exception {
    if (divergence.get() && base.get() == null) {
      throw usage("--kl-divergence needs --kl-divergence-base FILE");
    }
    if (!divergence.get() && text.name() == null) {
      throw usage("which text? Give -f FILE");
    }
    session.options(TextFlags.USUAL_CONTEXT); // says what is wrong with it before the wait
    var file = model.builtIn() ? null : model.path().toString();
    var target = base.get() == null || divergence.get() ? null : Path.of(base.get());
    if (target != null) {
      checkOther(target, file, text.name());
      PendingFile.check(target);
    }
    var read = divergence.get() ? null : text.read();
    try (var backend = model.backend();
        var loaded = model.load(backend)) {
      if (divergence.get()) {
        return diverge(loaded);
      }
      int context = TextFlags.session(session, loaded).contextLength();
      var chunks = text.cut(read, loaded, context, 0, false);
      if (target == null) {
        return measure(loaded, chunks, null);
      }
      try (var saved = PendingFile.of(target)) {
        var out = new BufferedOutputStream(Channels.newOutputStream(saved.channel()), 1 << 18);
        SavedLogits.begin(out, loaded.vocabularySize(), chunks.chunks());
        int code = measure(loaded, chunks, out);
        out.flush();
        if (code == 0) {
          saved.complete();
        }
        return code;
      }
    }
  }

  private int measure(Model loaded, ChunkedText chunks, OutputStream save) throws IOException {
    var perplexity = new Perplexity();
    boolean whole =
        evaluate(
            loaded,
            chunks,
            perplexity,
            (logits, next) -> {
              perplexity.add(logits, next);
              for (int i = 0; save != null && i < logits.length; i++) {
                SavedLogits.write(save, logits[i]);
              }
            });
    if (!whole) {
      return 130;
    }
    if (json.get()) {
      var result = new LinkedHashMap<String, Object>();
      result.put("context", chunks.length());
      result.put("chunks", chunks.count());
      result.put("perplexity", perplexity.value());
      result.put("standard_error", perplexity.error());
      printJson(result);
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
              ChunkedText.of(saved.chunks()),
              result.perplexity(),
              (logits, next) -> {
                for (int i = 0; i < logits.length; i++) {
                  saved.next(expected);
                  result.add(expected, logits[i], next[i]);
                }
              });
      if (!whole) {
        return 130;
      }
      print(result);
      return 0;
    }
  }

  private void print(Divergence result) throws IOException {
    if (result.count() == 0) {
      throw new IOException(base.get() + " has no token to compare");
    }
    var own = result.perplexity();
    var estimates = new LinkedHashMap<String, Divergence.Estimate>();
    estimates.put("perplexity", new Divergence.Estimate(own.value(), own.error()));
    estimates.put("base perplexity", result.basePerplexity());
    estimates.put("perplexity ratio", result.ratio());
    estimates.put("perplexity ratio, logarithm", result.logRatio());
    estimates.put("perplexity difference", result.difference());
    estimates.put("kl divergence", result.mean());
    estimates.put("probability shift", result.meanShift());
    estimates.put("probability shift, root mean square", result.rootMeanSquareShift());
    estimates.put("same top", result.sameTop());
    if (json.get()) {
      var fields = new LinkedHashMap<String, Object>();
      estimates.forEach(
          (name, estimate) -> {
            var key = name.replaceAll("[ ,]+", "_");
            fields.put(key, estimate.value());
            fields.put(key + "_error", estimate.error());
          });
      if (Double.isFinite(result.correlation())) {
        fields.put("surprise_correlation", result.correlation());
      }
      fields.put("kl_divergence_quantiles", quantiles(QUANTILES, result::quantile));
      fields.put("probability_shift_quantiles", quantiles(SHIFT_QUANTILES, result::shiftQuantile));
      fields.put("tokens", result.count());
      printJson(fields);
      return;
    }
    for (var entry : estimates.entrySet()) {
      var name = entry.getKey();
      boolean part = name.startsWith("probability") || name.startsWith("same");
      var estimate = part ? entry.getValue().times(100) : entry.getValue();
      line(part ? name + ", %" : name, estimate.value(), estimate.error());
    }
    line("surprise correlation, %", 100 * result.correlation(), 0);
    for (var entry : quantiles(QUANTILES, result::quantile).entrySet()) {
      line("kl divergence " + entry.getKey(), entry.getValue(), 0);
    }
    for (var entry : quantiles(SHIFT_QUANTILES, result::shiftQuantile).entrySet()) {
      line("probability shift " + entry.getKey() + ", %", 100 * entry.getValue(), 0);
    }
  }

  /// {@return the values that parts of the tokens do not exceed}
  private static Map<String, Double> quantiles(double[] parts, DoubleUnaryOperator of) {
    var quantiles = new LinkedHashMap<String, Double>();
    for (double part : parts) {
      var name =
          part == 1
              ? "maximum"
              : part == 0
                  ? "minimum"
                  : part == 0.5 ? "median" : String.format(Locale.ROOT, "%.1f%%", 100 * part);
      quantiles.put(name, of.applyAsDouble(part));
    }
    return quantiles;
  }

  private void line(String what, double value, double error) throws IOException {
    streams
        .out()
        .println(
            String.format(Locale.ROOT, "%s: %.6f", what, value)
                + (error == 0 ? "" : String.format(Locale.ROOT, " ± %.6f", error)));
  }

  /// Evaluates the chunks.
  ///
  /// @param perplexity shown while it goes on
  /// @param rows is given the rows of the second halves
  /// @return whether it was not interrupted
  private boolean evaluate(
      Model loaded, ChunkedText chunks, Perplexity perplexity, ChunkedText.Listener rows)
      throws IOException {
    int length = chunks.length();
    try (var opened = loaded.newSession(session.options(length).withContextLength(length));
        var progress = new FileProgress(streams, "measuring", "tokens");
        var _ = Interrupt.ofThisThread()) {
      chunks.evaluate(
          opened,
          false,
          new ChunkedText.Listener() {
            @Override
            public void rows(float[][] logits, int[] next) throws IOException {
              rows.rows(logits, next);
            }

            @Override
            public void done(int done) {
              progress.note(String.format(Locale.ROOT, "perplexity %.4f", perplexity.value()));
              progress.at((long) done * length, (long) chunks.count() * length);
            }
          });
      return true;
    } catch (CancellationException | ClosedByInterruptException _) {
      Thread.interrupted();
      boolean saving = base.get() != null && !divergence.get();
      streams
          .err()
          .println("tenon: stopped" + (saving ? "; nothing was written to " + base.get() : ""));
      return false;
    }
  }
}
