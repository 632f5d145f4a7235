package dev.tenon.cli;

import dev.tenon.GenerationConfig;
import dev.tenon.Model;
import dev.tenon.Session;
import dev.tenon.model.Batch;
import dev.tenon.model.Encoder;
import dev.tenon.model.EncoderEvaluator.Sequence;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/// Evaluates a text and gives the scores of every next token, or what else the model's heads make
/// of it.
final class Logits extends Command {
  private static final String LOGITS = "logits";

  private static final String SOURCE_STATES = "encoder_last_hidden_state";

  private final Value<String> argument;
  private final Value<String> prompt;
  private final Value<String> tokens;
  private final Value<String> tokenTypes;
  private final Value<String> decoderTokens;
  private final Value<String> output;
  private final Value<String> file;
  private final Value<Integer> chunk;
  private final Value<Boolean> json;
  private final ModelFlags model;
  private final SessionFlags session;

  /// What is evaluated: ids, their segments (null for one) and those of the decoder's text.
  private record Given(int[] tokens, int[] types, int[] decoder) {}

  /// Evaluates, and gives the rows as they come; the length of a row.
  private interface Evaluation {
    int into(LogitRows rows) throws IOException;
  }

  Logits(Streams streams) {
    super(
        streams,
        "logits",
        "Evaluate a text and write its logits.",
        "They are raw little-endian F32, a row of the whole vocabulary for each token; of an"
            + " encoder a row for each token, or one for the text, of what its head gives. The text"
            + " is read from stdin, byte for byte, where it is '-' or there is none.");
    argument = argument("TEXT", "The text; '-' for stdin.");
    prompt = text("TEXT", "The text; '' for none but the begin token.", "-p", "--prompt");
    tokens = text("IDS", "Token ids in place of text, as they are: 1,2,3.", "--tokens");
    tokenTypes =
        text("TYPES", "The segment of each token, for an encoder: 0,0,1.", "--token-types");
    decoderTokens =
        text(
            "IDS",
            "Token ids of the text about it, for an encoder-decoder (default: its start token).",
            "--decoder-tokens");
    output =
        text(
            "NAME",
            "What is written: logits, hidden_states, pooler_output, start_logits, end_logits,"
                + " prediction_logits, seq_relationship_logits, encoder_last_hidden_state (default:"
                + " the main one of the model).",
            "--output");
    file =
        text("FILE", "Where to write; a file appears when it is complete (default: stdout).", "-o");
    chunk = integer(null, "Evaluate so many tokens at a time (default: as -ub).", "--chunk");
    json =
        flag(
            "Print JSON: the ten best of the last row of scores, or all rows of other outputs.",
            "--json");
    model = new ModelFlags(this);
    session = new SessionFlags(this);
  }

  @Override
  int call() throws Exception {
    var text = onlyOne("text", argument.get(), prompt.get(), tokens.get());
    if (chunk.get() != null && chunk.get() < 1) {
      throw usage("--chunk " + chunk.get() + ", from 1");
    }
    if (file.get() == null && !json.get() && streams.outTerminal()) {
      throw usage("raw numbers on a terminal? Give -o FILE or --json, or redirect the output");
    }
    var given = tokens.get() == null ? null : ids(tokens, "--tokens");
    var types = ids(tokenTypes, "--token-types");
    var decoder = ids(decoderTokens, "--decoder-tokens");
    session.options(0); // says what is wrong with it before the wait
    try (var backend = model.backend();
        var loaded = model.load(backend)) {
      check(loaded);
      if (given == null) {
        if (text == null || text.equals("-")) {
          text = new String(streams.readAll(), StandardCharsets.UTF_8);
        }
        given = loaded.tokenizer().encodePrompt(text);
      }
      if (given.length == 0) {
        throw new IOException("there is no token to evaluate");
      }
      TokenIds.check(given, loaded.sourceVocabularySize());
      evaluate(loaded, new Given(given, types, decoder));
    }
    return 0;
  }

  private int[] ids(Value<String> option, String name) {
    return option.get() == null ? null : TokenIds.parse(this, name, option.get());
  }

  /// Refuses what is said of inputs that this kind of model does not have.
  private void check(Model loaded) throws IOException {
    if (tokenTypes.get() != null && loaded.kind() != Model.Kind.ENCODER) {
      throw new IOException("--token-types is for an encoder; the model is " + loaded.kind());
    }
    if (decoderTokens.get() != null && loaded.kind() != Model.Kind.ENCODER_DECODER) {
      throw new IOException(
          "--decoder-tokens is for an encoder-decoder; the model is " + loaded.kind());
    }
  }

  private void evaluate(Model loaded, Given given) throws IOException {
    switch (loaded.kind()) {
      case DECODER -> decode(loaded, given);
      case ENCODER -> encode(loaded, given, output.get());
      case ENCODER_DECODER -> {
        if (SOURCE_STATES.equals(output.get())) {
          encode(loaded, given, Encoder.HIDDEN_STATES);
        } else {
          decodeAbout(loaded, given);
        }
      }
    }
  }

  private void decode(Model loaded, Given given) throws IOException {
    checkOutput(LOGITS);
    try (var opened = loaded.newSession(session.options(loaded.contextLength()))) {
      if (given.tokens.length > opened.contextLength()) {
        throw new IOException(
            "the text has "
                + given.tokens.length
                + " tokens, and the context "
                + opened.contextLength()
                + ": raise it with -c");
      }
      write(loaded, rows -> decode(loaded, opened, given.tokens, rows));
    }
  }

  private int decode(Model loaded, Session opened, int[] given, LogitRows rows) throws IOException {
    int step = chunk.get() == null ? session.microBatch() : chunk.get();
    for (int from = 0; from < given.length; from += step) {
      var piece = Arrays.copyOfRange(given, from, (int) Math.min(given.length, (long) from + step));
      if (json.get()) {
        rows.add(opened.evaluate(piece));
        continue;
      }
      for (var logits : opened.evaluateAll(piece)) {
        rows.add(logits);
      }
    }
    return loaded.vocabularySize();
  }

  private void encode(Model loaded, Given given, String asked) throws IOException {
    try (var opened = loaded.newEncoderSession()) {
      var outputs = opened.outputs();
      var name = asked == null ? outputs.getLast().name() : asked;
      var sequences = List.of(new Sequence(given.tokens, given.types, null));
      var rows = opened.evaluate(sequences, List.of(name))[0][0];
      write(
          loaded,
          into -> {
            into.add(rows);
            return outputs.stream().filter(o -> o.name().equals(name)).findFirst().get().width();
          });
    }
  }

  private void decodeAbout(Model loaded, Given given) throws IOException {
    checkOutput(LOGITS + ", " + SOURCE_STATES);
    var decoder = given.decoder == null ? start(loaded) : given.decoder;
    if (decoder.length == 0) {
      throw new IOException("there is no token of the decoder to evaluate");
    }
    TokenIds.check(decoder, loaded.vocabularySize());
    try (var opened = loaded.newEncoderDecoderSession()) {
      opened.read(List.of(given.tokens));
      var all = opened.evaluate(Batch.all(decoder, 0, 0));
      write(
          loaded,
          rows -> {
            for (var logits : all) {
              rows.add(logits);
            }
            return loaded.vocabularySize();
          });
    }
  }

  private static int[] start(Model loaded) throws IOException {
    int start = GenerationConfig.of(loaded.gguf()).decoderStart();
    if (start < 0) {
      throw new IOException("the model has no token to start with: give --decoder-tokens");
    }
    return new int[] {start};
  }

  /// Refuses an output that is none of those listed.
  private void checkOutput(String known) throws IOException {
    if (output.get() != null && !Arrays.asList(known.split(", ")).contains(output.get())) {
      throw new IOException(
          "output " + output.get() + ": the model has " + known + " (a file is named with -o)");
    }
  }

  private void write(Model loaded, Evaluation evaluation) throws IOException {
    var name = file.get();
    if (name == null) {
      write(loaded, evaluation, streams.out());
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
      write(loaded, evaluation, out);
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

  private void write(Model loaded, Evaluation evaluation, OutputStream out) throws IOException {
    var rows = new LogitRows(out, json.get());
    rows.finish(loaded, evaluation.into(rows));
  }
}
