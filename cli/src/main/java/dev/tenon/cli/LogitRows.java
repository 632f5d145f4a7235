package dev.tenon.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.tenon.Model;
import dev.tenon.model.Labels;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;

/// Where rows go: all of them as raw little-endian F32, or as JSON the ten best of the last row of
/// scores, or all rows of what is no score of ids or labels.
final class LogitRows {
  private static final int BEST = 10;

  private final OutputStream out;
  private final boolean best;
  private ByteBuffer row;
  private float[] last = {};

  /// Makes one.
  ///
  /// @param out takes the bytes
  /// @param best whether the best of the last row are printed, as JSON, in place of all
  LogitRows(OutputStream out, boolean best) {
    this.out = out;
    this.best = best;
  }

  /// Takes the next rows, one after the other.
  void add(float[] rows) throws IOException {
    last = rows;
    if (best) {
      return;
    }
    if (row == null || row.capacity() != 4 * rows.length) {
      row = ByteBuffer.allocate(4 * rows.length).order(ByteOrder.LITTLE_ENDIAN);
    }
    row.asFloatBuffer().put(rows);
    out.write(row.array());
  }

  /// Ends what is written.
  ///
  /// @param model gives its tokens or labels a text
  /// @param width scores in a row
  void finish(Model model, int width) throws IOException {
    if (best) {
      var scores = new float[Math.min(width, last.length)];
      System.arraycopy(last, last.length - scores.length, scores, 0, scores.length);
      boolean choice = width == model.vocabularySize() || width == classes(model).size();
      if (choice) {
        print(model, scores);
      } else {
        printAll(width);
      }
    }
    out.flush();
  }

  private static List<String> classes(Model model) throws IOException {
    return Labels.of(model.gguf()).names();
  }

  /// Prints what is no choice among ids, such as hidden states: all rows; numbers alone where a row
  /// has one.
  private void printAll(int width) throws IOException {
    try (var json = new JsonFactory().createGenerator(out)) {
      json.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
      json.writeStartArray();
      for (int i = 0; i < last.length; i++) {
        if (width > 1 && i % width == 0) {
          json.writeStartArray();
        }
        json.writeNumber(last[i]);
        if (width > 1 && i % width == width - 1) {
          json.writeEndArray();
        }
      }
      json.writeEndArray();
    }
    out.write('\n');
  }

  private void print(Model model, float[] scores) throws IOException {
    float max = Float.NEGATIVE_INFINITY;
    for (float score : scores) {
      max = Math.max(max, score);
    }
    double sum = 0;
    for (float score : scores) {
      sum += Math.exp(score - max);
    }
    var order =
        IntStream.range(0, scores.length)
            .boxed()
            .sorted((a, b) -> Float.compare(scores[b], scores[a]))
            .limit(BEST)
            .toList();
    var labels = classes(model);
    try (var json = new JsonFactory().createGenerator(out)) {
      json.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET).useDefaultPrettyPrinter();
      json.writeStartArray();
      for (int id : order) {
        json.writeStartObject();
        json.writeNumberField("id", id);
        writeText(json, model, labels, id, scores.length);
        json.writeNumberField("logit", scores[id]);
        json.writeNumberField("probability", Math.exp(scores[id] - max) / sum);
        json.writeEndObject();
      }
      json.writeEndArray();
    }
    out.write('\n');
  }

  private static void writeText(
      JsonGenerator json, Model model, List<String> labels, int id, int width) throws IOException {
    if (width == labels.size()) {
      json.writeStringField("label", labels.get(id));
    } else if (model.hasTokenizer() && width == model.vocabularySize()) {
      var bytes = model.tokenizer().bytes(id, true);
      json.writeStringField("text", new String(bytes, StandardCharsets.UTF_8));
    }
  }
}
