package dev.tenon.cli;

import dev.tenon.AttentionCapture;
import dev.tenon.GenerationConfig;
import dev.tenon.Model;
import dev.tenon.attention.AttentionJson;
import dev.tenon.attention.AttentionMaps;
import dev.tenon.attention.AttentionNpz;
import dev.tenon.attention.AttentionPage;
import dev.tenon.gguf.PendingFile;
import dev.tenon.tokenizer.TokenizerSteps;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Locale;
import java.util.function.IntPredicate;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/// Shows what the heads of a model look at.
final class Attention extends Command {
  private static final Pattern RANGE = Pattern.compile("([0-9]{1,5})(?:-([0-9]{1,5}))?");

  private final Value<String> argument;
  private final Value<String> prompt;
  private final Value<String> tokens;
  private final Value<String> pair;
  private final Value<String> tokenTypes;
  private final Value<String> decoderTokens;
  private final Value<String> target;
  private final Value<String> output;
  private final Value<String> layers;
  private final Value<String> heads;
  private final ModelFlags model;

  /// What a kind of file is written by.
  private interface Format {
    void write(AttentionMaps maps, OutputStream out) throws IOException;
  }

  Attention(Streams streams) {
    super(
        streams,
        "attention",
        "Write what each head of each layer looks at.",
        "As a page for a browser (.html), which holds all that it shows; as NumPy arrays (.npz); or"
            + " as JSON. The text is read from stdin where it is '-' or there is none.");
    argument = argument("TEXT", "The text; '-' for stdin.");
    prompt = text("TEXT", "The text.", "-p", "--prompt");
    tokens = text("IDS", "Token ids in place of text, as they are: 1,2,3.", "--tokens");
    pair = text("TEXT", "A second text, for a model that reads pairs.", "--pair");
    tokenTypes = text("TYPES", "With --tokens, the token type of each: 0,0,1.", "--token-types");
    decoderTokens =
        text(
            "IDS",
            "What the decoder of an encoder-decoder reads, the start token first (default: what it"
                + " writes itself).",
            "--decoder-tokens");
    target = text("TEXT", "The same as text, where its tokens are those of sources.", "--target");
    output = text("FILE", "Where to write: FILE.html, FILE.npz or FILE.json.", "-o", "--output");
    layers = text("RANGE", "Only these layers, counted from 0: 0-3,11.", "--layers");
    heads = text("RANGE", "Only these heads, counted from 0.", "--heads");
    model = new ModelFlags(this);
  }

  @Override
  int call() throws Exception {
    var text = onlyOne("text", argument.get(), prompt.get(), tokens.get());
    var given = tokens.get() == null ? null : TokenIds.parse(this, "--tokens", text);
    if (given != null && pair.get() != null) {
      throw usage("--pair goes with a text: give --tokens and --token-types of both");
    }
    if (given == null && tokenTypes.get() != null) {
      throw usage("--token-types goes with --tokens");
    }
    if (decoderTokens.get() != null && target.get() != null) {
      throw usage("one of --decoder-tokens and --target, please");
    }
    var path = path();
    var format = format(path);
    var someLayers = range("--layers", layers.get());
    var someHeads = range("--heads", heads.get());
    var types = ids("--token-types", tokenTypes.get());
    var read = ids("--decoder-tokens", decoderTokens.get());
    PendingFile.check(path);
    try (var backend = model.backend();
        var loaded = model.load(backend)) {
      checkOther(path, loaded.gguf().path().toString());
      checkKind(loaded);
      if (given == null) {
        if (text == null || text.equals("-")) {
          text = new String(streams.readAll(), StandardCharsets.UTF_8);
        }
        var tokenized = loaded.tokenizer().tokenize(text, pair.get());
        given = tokenized.ids();
        types = pair.get() == null ? null : tokenized.typeIds();
      }
      if (target.get() != null) {
        read = shifted(loaded);
      }
      if (given.length == 0 || read != null && read.length == 0) {
        throw new IOException("there is no token to look at");
      }
      var maps = AttentionCapture.of(loaded, given, types, read).select(someLayers, someHeads);
      try (var file = PendingFile.of(path)) {
        format.write(maps, Channels.newOutputStream(file.channel()));
        file.complete();
      }
    }
    return 0;
  }

  private Path path() {
    if (output.get() == null) {
      throw usage("where to? Give -o FILE.html, FILE.npz or FILE.json");
    }
    return Path.of(output.get());
  }

  private Format format(Path path) {
    var name = path.toString().toLowerCase(Locale.ROOT);
    if (name.endsWith(".html") || name.endsWith(".htm")) {
      return AttentionPage::write;
    }
    if (name.endsWith(".npz")) {
      return AttentionNpz::write;
    }
    if (name.endsWith(".json")) {
      return AttentionJson::write;
    }
    throw usage("-o " + path + ": the name must end in .html, .npz or .json");
  }

  /// Refuses what the kind of model has no use for.
  private void checkKind(Model loaded) {
    var kind = loaded.kind();
    if (decoderTokens.get() != null && kind != Model.Kind.ENCODER_DECODER) {
      throw usage("--decoder-tokens: " + loaded.name() + " is " + kind);
    }
    if (target.get() != null && kind != Model.Kind.ENCODER_DECODER) {
      throw usage("--target: " + loaded.name() + " is " + kind);
    }
    if (tokenTypes.get() != null && kind != Model.Kind.ENCODER) {
      throw usage("--token-types: " + loaded.name() + " is " + kind);
    }
  }

  /// {@return what the decoder reads when it is to write the target: the start token, then the
  /// target without what ends it}
  private int[] shifted(Model loaded) throws IOException {
    var gguf = loaded.gguf();
    if (gguf.keys().stream().anyMatch(key -> key.startsWith(TokenizerSteps.TARGET))) {
      throw usage("--target: targets have tokens of their own here: give --decoder-tokens");
    }
    int start = GenerationConfig.of(gguf).decoderStart();
    if (start < 0) {
      throw usage("--target: the model does not say what it begins with: give --decoder-tokens");
    }
    var tokenizer = loaded.tokenizer();
    var ids = tokenizer.encodePrompt(target.get());
    int end = ids.length > 0 && ids[ids.length - 1] == tokenizer.eos() ? 1 : 0;
    return IntStream.concat(IntStream.of(start), Arrays.stream(ids, 0, ids.length - end)).toArray();
  }

  private int[] ids(String option, String given) {
    return given == null ? null : TokenIds.parse(this, option, given);
  }

  /// {@return which numbers are in a list such as `0-3,11`; all where there is none}
  private IntPredicate range(String option, String given) {
    if (given == null) {
      return _ -> true;
    }
    var numbers = new BitSet();
    for (var part : given.split(",", -1)) {
      var matcher = RANGE.matcher(part.strip());
      if (!matcher.matches()) {
        throw usage(option + ": '" + part + "' is not a number or range");
      }
      int first = Integer.parseInt(matcher.group(1));
      int last = matcher.group(2) == null ? first : Integer.parseInt(matcher.group(2));
      if (last < first) {
        throw usage(option + ": '" + part + "' is not a number or range");
      }
      numbers.set(first, last + 1);
    }
    return numbers::get;
  }
}
