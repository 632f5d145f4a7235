package dev.tenon.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.tenon.Model;
import dev.tenon.Session;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;

/// Evaluates a prompt and gives the scores of every next token.
final class Logits extends Command {
  private static final int BEST = 10;

  private final Value<String> argument;
  private final Value<String> prompt;
  private final Value<String> tokens;
  private final Value<String> output;
  private final Value<Integer> chunk;
  private final Value<Boolean> json;
  private final ModelFlags model;
  private final SessionFlags session;

  Logits(Streams streams) {
    super(
        streams,
        "logits",
        "Evaluate a text and write its logits.",
        "They are raw little-endian F32, a row of the whole vocabulary for each token. The text is"
            + " read from stdin, byte for byte, where it is '-' or there is none.");
    argument = argument("TEXT", "The text; '-' for stdin.");
    prompt = text("TEXT", "The text; '' for none but the begin token.", "-p", "--prompt");
    tokens = text("IDS", "Token ids in place of text, as they are: 1,2,3.", "--tokens");
    output =
        text(
            "FILE",
            "Where to write; a file appears when it is complete (default: stdout).",
            "-o",
            "--output");
    chunk = integer(null, "Evaluate so many tokens at a time (default: as -ub).", "--chunk");
    json = flag("Print the ten best of the last row as JSON in place of all.", "--json");
    model = new ModelFlags(this);
    session = new SessionFlags(this);
  }

  @Override
  int call() throws Exception {
    var text = onlyOne("text", argument.get(), prompt.get(), tokens.get());
    if (chunk.get() != null && chunk.get() < 1) {
      throw usage("--chunk " + chunk.get() + ", from 1");
    }
    if (output.get() == null && !json.get() && streams.outTerminal()) {
      throw usage("raw numbers on a terminal? Give -o FILE or --json, or redirect the output");
    }
    var given = tokens.get() == null ? null : TokenIds.parse(this, "--tokens", text);
    session.options(0); // says what is wrong with it before the wait
    try (var backend = model.backend();
        var loaded = model.load(backend)) {
      if (given == null) {
        if (text == null || text.equals("-")) {
          text = new String(streams.readAll(), StandardCharsets.UTF_8);
        }
        given = loaded.tokenizer().encodePrompt(text);
      }
      if (given.length == 0) {
        throw new IOException("there is no token to evaluate");
      }
      TokenIds.check(given, loaded.vocabularySize());
      try (var opened = loaded.newSession(session.options(loaded.contextLength()))) {
        if (given.length > opened.contextLength()) {
          throw new IOException(
              "the text has "
                  + given.length
                  + " tokens, and the context "
                  + opened.contextLength()
                  + ": raise it with -c");
        }
        write(loaded, opened, given);
      }
    }
    return 0;
  }

  private void write(Model loaded, Session opened, int[] given) throws IOException {
    var name = output.get();
    if (name == null) {
      write(loaded, opened, given, streams.out());
      return;
    }
    var target = Path.of(name);
    var folder = target.toAbsolutePath().getParent();
    if (Files.isDirectory(target)) {
      throw new FileSystemException(name, null, "is a directory");
    }
    if (folder != null && !Files.isDirectory(folder)) {
      throw new NoSuchFileException(folder.toString());
    }
    checkOther(target, loaded.gguf().path().toString());
    // Beside the file, then renamed; but a device or a pipe cannot be replaced.
    boolean replace = !Files.exists(target) || Files.isRegularFile(target);
    if (replace && Files.exists(target)) {
      target = target.toRealPath();
    }
    var random = Long.toHexString(ThreadLocalRandom.current().nextLong());
    var written =
        replace ? target.resolveSibling("." + target.getFileName() + "." + random) : target;
    try (var out = Files.newOutputStream(written)) {
      write(loaded, opened, given, out);
      if (replace) {
        Files.move(written, target, StandardCopyOption.ATOMIC_MOVE);
      }
    } catch (FileSystemException e) {
      throw e;
    } catch (IOException e) {
      throw new IOException("cannot write " + name + ": " + e.getMessage(), e);
    } finally {
      if (replace) {
        Files.deleteIfExists(written);
      }
    }
  }

  private void write(Model loaded, Session opened, int[] given, OutputStream out)
      throws IOException {
    int step = chunk.get() == null ? session.microBatch() : chunk.get();
    float[] last = {};
    ByteBuffer row = null;
    for (int from = 0; from < given.length; from += step) {
      var piece = Arrays.copyOfRange(given, from, (int) Math.min(given.length, (long) from + step));
      if (json.get()) {
        last = opened.evaluate(piece);
        continue;
      }
      for (var logits : opened.evaluateAll(piece)) {
        if (row == null) {
          row = ByteBuffer.allocate(4 * logits.length).order(ByteOrder.LITTLE_ENDIAN);
        }
        row.asFloatBuffer().put(logits);
        out.write(row.array());
      }
    }
    if (json.get()) {
      printBest(loaded, last, out);
    }
    out.flush();
  }

  private static void printBest(Model loaded, float[] logits, OutputStream out) throws IOException {
    float max = Float.NEGATIVE_INFINITY;
    for (float logit : logits) {
      max = Math.max(max, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - max);
    }
    var best =
        IntStream.range(0, logits.length)
            .boxed()
            .sorted((a, b) -> Float.compare(logits[b], logits[a]))
            .limit(BEST)
            .toList();
    try (var json = new JsonFactory().createGenerator(out)) {
      json.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET).useDefaultPrettyPrinter();
      json.writeStartArray();
      for (int id : best) {
        json.writeStartObject();
        json.writeNumberField("id", id);
        if (loaded.hasTokenizer()) {
          var bytes = loaded.tokenizer().bytes(id, true);
          json.writeStringField("text", new String(bytes, StandardCharsets.UTF_8));
        }
        json.writeNumberField("logit", logits[id]);
        json.writeNumberField("probability", Math.exp(logits[id] - max) / sum);
        json.writeEndObject();
      }
      json.writeEndArray();
    }
    out.write('\n');
  }
}
