package dev.tenon;

import dev.tenon.chat.ChatTemplate;
import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorInfo;
import dev.tenon.gguf.TensorType;
import dev.tenon.grammar.VocabularyTrie;
import dev.tenon.json.Json;
import dev.tenon.json.JsonException;
import dev.tenon.model.Architecture;
import dev.tenon.model.BuiltInModel;
import dev.tenon.model.Decoder;
import dev.tenon.model.Encoder;
import dev.tenon.model.EncoderDecoder;
import dev.tenon.model.Evaluator;
import dev.tenon.model.Hyperparameters;
import dev.tenon.model.Network;
import dev.tenon.sampling.Filter;
import dev.tenon.sampling.Sampler;
import dev.tenon.sampling.SamplerSettings;
import dev.tenon.sampling.Stage;
import dev.tenon.tensor.Backend;
import dev.tenon.tensor.KvCache;
import dev.tenon.tensor.Weights;
import dev.tenon.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// A model on a backend.
///
/// Thread-safe: one model serves many [sessions][Session], each on its own thread.
///
/// ```java
/// try (var backend = Backend.best();
///     var model = Model.load(Path.of("model.gguf"), backend);
///     var session = model.newSession(4096)) {
///   session.generate("Once upon a time", Sampler.greedy(), 64).forEach(IO::print);
/// }
/// ```
public final class Model implements AutoCloseable {
  private final Gguf gguf;
  private final Weights weights;
  private final Network network;
  private final Hyperparameters hyperparameters;
  private final boolean hasTokenizer;
  private Tokenizer tokenizer;
  private ChatTemplate chatTemplate;
  private final VocabularyTrie[] tries = new VocabularyTrie[2]; // without and with control tokens
  private int[] endTokens;
  private boolean configurationRead;
  private int[] configuredEnds; // in order; null where the file was made without them
  private byte[] fingerprint;
  private int sessions;
  private boolean closed;

  private Model(
      Gguf gguf,
      Weights weights,
      Network network,
      Hyperparameters hyperparameters,
      boolean hasTokenizer) {
    this.gguf = gguf;
    this.weights = weights;
    this.network = network;
    this.hyperparameters = hyperparameters;
    this.hasTokenizer = hasTokenizer;
  }

  /// Loads a GGUF file, with the [default options][ModelOptions#defaults].
  ///
  /// @param file path of the file, of a split set the first
  /// @param backend where the weights live; must stay open longer than the model
  /// @return the model; the caller closes it
  /// @throws GgufFormatException if the file is malformed, or its tensors are not what its
  ///     architecture needs
  /// @throws IOException if the file cannot be read
  /// @throws UnsupportedOperationException if no [Architecture] has the file's name; the message
  ///     lists those found
  /// @throws dev.tenon.tensor.BackendException if the weights do not fit; the message gives bytes
  ///     needed and free
  /// @throws IllegalStateException if the backend is closed
  public static Model load(Path file, Backend backend) throws IOException {
    return load(file, backend, ModelOptions.defaults());
  }

  /// Loads a GGUF file.
  ///
  /// @param file path of the file, of a split set the first
  /// @param backend where the weights live; must stay open longer than the model
  /// @param options how it is loaded
  /// @return the model; the caller closes it
  /// @throws GgufFormatException if the file is malformed, or its tensors are not what its
  ///     architecture needs
  /// @throws IOException if the file cannot be read
  /// @throws UnsupportedOperationException if no [Architecture] has the file's name; the message
  ///     lists those found
  /// @throws dev.tenon.tensor.BackendException if the weights do not fit; the message gives bytes
  ///     needed and free
  /// @throws IllegalStateException if the backend is closed
  public static Model load(Path file, Backend backend, ModelOptions options) throws IOException {
    return load(Gguf.open(file), backend, options);
  }

  /// Loads the model that Tenon carries with it, which needs no file, with the
  /// [default options][ModelOptions#defaults].
  ///
  /// @param backend where the weights live; must stay open longer than the model
  /// @return the model; the caller closes it
  /// @throws IOException if it cannot be read
  /// @throws dev.tenon.tensor.BackendException if the weights do not fit; the message gives bytes
  ///     needed and free
  /// @throws IllegalStateException if the backend is closed, or there is no built-in model on the
  ///     module path: it is in `dev.tenon.models`
  public static Model builtIn(Backend backend) throws IOException {
    return builtIn(backend, ModelOptions.defaults());
  }

  /// Loads the model that Tenon carries with it, which needs no file: tiny, it answers questions
  /// about Tenon and makes small talk. Nothing is written to a disk.
  ///
  /// @param backend where the weights live; must stay open longer than the model
  /// @param options how it is loaded
  /// @return the model; the caller closes it
  /// @throws IOException if it cannot be read
  /// @throws dev.tenon.tensor.BackendException if the weights do not fit; the message gives bytes
  ///     needed and free
  /// @throws IllegalStateException if the backend is closed, or there is no built-in model on the
  ///     module path: it is in `dev.tenon.models`
  public static Model builtIn(Backend backend, ModelOptions options) throws IOException {
    return load(BuiltInModel.gguf(), backend, options);
  }

  /// Closes the file where it fails.
  private static Model load(Gguf gguf, Backend backend, ModelOptions options) throws IOException {
    Weights weights = null;
    try {
      var architecture = architecture(gguf);
      var hyperparameters = Hyperparameters.of(gguf);
      var placement = new Weights.Placement(options.gpuLayers(), options.repack());
      var decoderLayers = hyperparameters.architecture() + ".decoder_block_count";
      int layers =
          Math.max(hyperparameters.layers(), Hyperparameters.number(gguf, decoderLayers, 0));
      weights = Weights.of(gguf, backend, layers, placement);
      var network = architecture.bind(gguf, weights);
      weights.load(options.progress());
      return new Model(gguf, weights, network, hyperparameters, Tokenizer.present(gguf));
    } catch (Throwable e) {
      if (weights != null) weights.close();
      gguf.close();
      throw e;
    }
  }

  /// {@return what loading this file and opening one session would need, known before either}
  ///
  /// @param gguf an open file, of any architecture
  /// @param options of the session
  /// @throws GgufFormatException if a number the estimate needs is absent or has another type
  /// @throws ArithmeticException if it is beyond 2^63 bytes
  public static MemoryEstimate estimate(Gguf gguf, SessionOptions options)
      throws GgufFormatException {
    var hp = Hyperparameters.of(gguf);
    int context = contextLength(hp, options);
    long rows = Math.min(options.passRows(), KvCache.cellsFor(context));
    // What is alive at once in the widest part of a layer: the feed-forward's two halves, the
    // residual and its norm; and then the mask, the scores without flash attention, the logits.
    long ofRow = 3L * hp.width() + 2L * hp.ffnWidth() + KvCache.cellsFor(context);
    if (options.flashAttention() == FlashAttention.OFF)
      ofRow += 2L * hp.heads() * KvCache.cellsFor(context);
    var key = hp.architecture() + ".";
    boolean encodes = gguf.has(key + "decoder_block_count");
    var layout = (encodes ? Hyperparameters.ofDecoder(gguf) : hp).cacheLayout();
    boolean remembers = gguf.bool(key + "attention.causal", true); // an encoder does not
    return new MemoryEstimate(
        weightBytes(gguf),
        remembers
            ? layout.bytes(KvCache.cellsFor(context), options.keyType(), options.valueType())
            : 0,
        Math.multiplyExact(4, Math.addExact(Math.multiplyExact(rows, ofRow), hp.vocabulary())));
  }

  /// {@return the file this was loaded from; stays open as long as the model}
  public Gguf gguf() {
    return gguf;
  }

  /// {@return the name the file gives itself, else the file's own}
  public String name() {
    try {
      return gguf.text("general.name", gguf.path().getFileName().toString());
    } catch (GgufFormatException _) {
      return gguf.path().getFileName().toString();
    }
  }

  /// {@return the family, for example `llama`}
  public String architecture() {
    return hyperparameters.architecture();
  }

  /// What a model can do.
  public enum Kind {
    /// Continues texts: [#newSession].
    DECODER("a decoder"),
    /// Reads texts: [#newEncoderSession].
    ENCODER("an encoder"),
    /// Reads one text and writes another: a translator.
    ENCODER_DECODER("an encoder-decoder");

    private final String text;

    Kind(String text) {
      this.text = text;
    }

    /// {@return what a sentence calls it, for example `an encoder`}
    @Override
    public String toString() {
      return text;
    }
  }

  /// {@return what it can do}
  public Kind kind() {
    return switch (network) {
      case Decoder _ -> Kind.DECODER;
      case Encoder _ -> Kind.ENCODER;
      case EncoderDecoder _ -> Kind.ENCODER_DECODER;
    };
  }

  /// {@return the model's numbers; of an encoder-decoder the encoder's}
  public Hyperparameters hyperparameters() {
    return hyperparameters;
  }

  /// {@return what kind of model it is, for example `llama 1.24B Q4_0`}
  public String description() {
    return describe(gguf);
  }

  /// {@return what kind of model a file holds: its architecture, size and the type most of it has}
  ///
  /// @param gguf an open file
  public static String describe(Gguf gguf) {
    String architecture;
    try {
      architecture = gguf.text("general.architecture", "unknown");
    } catch (GgufFormatException _) {
      architecture = "unknown";
    }
    Map<TensorType, Long> bytes = new EnumMap<>(TensorType.class);
    for (var info : gguf.tensors()) bytes.merge(info.type(), info.bytes(), Long::sum);
    if (bytes.isEmpty()) return architecture + ", vocabulary only";
    var most = bytes.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow().getKey();
    return architecture + " " + count(parameters(gguf)) + " " + most;
  }

  /// {@return the number of weights}
  public long parameters() {
    return parameters(gguf);
  }

  /// {@return bytes of the weights in the file}
  public long bytes() {
    return weightBytes(gguf);
  }

  /// {@return bytes of the weights in each kind of memory, for example `CPU_REPACK`; `mapped` is
  /// what stays in the file's mapping}
  public Map<String, Long> buffers() {
    return weights.buffers();
  }

  /// {@return the number of token ids}
  public int vocabularySize() {
    return hyperparameters.vocabulary();
  }

  /// {@return the number of token ids of what it reads; another than of what it writes where an
  /// encoder-decoder has two vocabularies}
  public int sourceVocabularySize() {
    return network instanceof EncoderDecoder two ? two.sourceVocabulary() : vocabularySize();
  }

  /// {@return the trained context, in tokens}
  public int contextLength() {
    return hyperparameters.contextLength();
  }

  /// {@return whether the file has a vocabulary}
  public boolean hasTokenizer() {
    return hasTokenizer;
  }

  /// {@return the tokenizer of this model, made when first asked for}
  ///
  /// @throws IllegalStateException if the file has no vocabulary, or this is closed
  /// @throws UncheckedIOException if the vocabulary is malformed
  /// @throws UnsupportedOperationException if it is of an unknown kind; the message has the known
  public synchronized Tokenizer tokenizer() {
    if (tokenizer == null) {
      checkOpen("tokenizer");
      if (!hasTokenizer)
        throw new IllegalStateException(
            gguf.path() + " has no vocabulary: give and take token ids");
      try {
        tokenizer = Tokenizer.of(gguf);
      } catch (GgufFormatException e) {
        throw new UncheckedIOException(e);
      }
    }
    return tokenizer;
  }

  /// {@return how a conversation becomes a prompt: the template in the file, else the one that fits
  /// its vocabulary, else ChatML; made when first asked for}
  ///
  /// @throws IllegalStateException if the file has no vocabulary, or this is closed
  /// @throws UncheckedIOException if the template is no text
  /// @throws dev.tenon.jinja.TemplateException if it is malformed
  public synchronized ChatTemplate chatTemplate() {
    if (chatTemplate == null) {
      checkOpen("chatTemplate");
      try {
        chatTemplate = ChatTemplate.of(gguf, tokenizer());
      } catch (GgufFormatException e) {
        throw new UncheckedIOException(e);
      }
    }
    return chatTemplate;
  }

  /// {@return a sampler with these settings, for texts of this model}
  ///
  /// @param settings how tokens are picked; unlike [SamplerSettings#sampler] this finds DRY's
  ///     sequence breakers and what infill needs in the vocabulary
  /// @param first applied before all others, such as the mask of a grammar
  /// @throws IllegalArgumentException if a logit bias is for a token that the model does not have
  /// @throws IllegalStateException if the settings need a vocabulary and the file has none, or this
  ///     is closed
  /// @throws UncheckedIOException if the vocabulary is malformed
  public Sampler sampler(SamplerSettings settings, Filter... first) {
    for (int token : settings.logitBias().keySet()) {
      if (token >= vocabularySize())
        throw new IllegalArgumentException(
            "logit bias: token " + token + " is outside the vocabulary of " + vocabularySize());
    }
    if (!settings.needsVocabulary()) return settings.sampler(first);
    try {
      var texts = TokenTexts.of(this);
      if (settings.stages().contains(Stage.INFILL) && texts.endOfTurn() < 0)
        throw new IllegalStateException("infill: " + name() + " has no token to end with");
      return settings.sampler(texts, first);
    } catch (GgufFormatException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// {@return the vocabulary as a grammar looks it up, made when first asked for}
  ///
  /// @param special whether control tokens count as their text, else as nothing
  /// @throws IllegalStateException if the file has no vocabulary, or this is closed
  public synchronized VocabularyTrie vocabularyTrie(boolean special) {
    int index = special ? 1 : 0;
    if (tries[index] == null) tries[index] = VocabularyTrie.of(tokenizer(), special);
    return tries[index];
  }

  /// Opens a session with its own key/value cache.
  ///
  /// @param contextLength capacity in tokens; 0 for the trained context
  /// @return the session, confined to this thread; the caller closes it
  /// @throws IllegalArgumentException if `contextLength` is out of range
  /// @throws dev.tenon.tensor.BackendException if the cache does not fit; the message gives bytes
  ///     needed and free
  /// @throws IllegalStateException if this is closed
  /// @throws UnsupportedOperationException if this is no [decoder][Kind#DECODER]
  public Session newSession(int contextLength) {
    return newSession(SessionOptions.of(contextLength));
  }

  /// Opens a session with its own key/value cache.
  ///
  /// @param options how it holds and evaluates its tokens
  /// @return the session, confined to this thread; the caller closes it
  /// @throws IllegalArgumentException if the cache's types do not go with the model's heads, or the
  ///     model has learned fewer positions than the context is to have
  /// @throws dev.tenon.tensor.BackendException if the cache does not fit; the message gives bytes
  ///     needed and free
  /// @throws IllegalStateException if this is closed
  /// @throws UnsupportedOperationException if this is no [decoder][Kind#DECODER]
  public Session newSession(SessionOptions options) {
    if (!(network instanceof Decoder decoder))
      throw cannot("does not continue a text by itself", Kind.DECODER);
    retain("newSession");
    KvCache cache = null;
    try {
      int context = contextLength(hyperparameters, options);
      if (context > decoder.positions())
        throw new IllegalArgumentException(
            "context of "
                + context
                + " tokens: the model knows "
                + decoder.positions()
                + " positions");
      cache = new KvCache(weights, hyperparameters.cacheLayout(), context, options.cacheSettings());
      var evaluator =
          new Evaluator(decoder, weights, cache, hyperparameters.vocabulary(), options.passRows());
      return new Session(this, cache, evaluator, context, options);
    } catch (Throwable e) {
      if (cache != null) cache.close();
      release();
      throw e;
    }
  }

  /// Opens what reads texts: an encoder, or the encoder of an encoder-decoder.
  ///
  /// @return the session, confined to this thread; the caller closes it
  /// @throws dev.tenon.tensor.BackendException if there is not the memory
  /// @throws IllegalStateException if this is closed
  /// @throws UnsupportedOperationException if this is a [decoder][Kind#DECODER]
  public EncoderSession newEncoderSession() {
    var encoder =
        switch (network) {
          case Encoder itself -> itself;
          case EncoderDecoder two -> two.encoder();
          case Decoder _ -> throw cannot("has no encoder", Kind.ENCODER);
        };
    retain("newEncoderSession");
    try {
      int vocabulary =
          network instanceof EncoderDecoder two ? two.sourceVocabulary() : vocabularySize();
      return new EncoderSession(this, encoder, vocabulary);
    } catch (Throwable e) {
      release();
      throw e;
    }
  }

  /// Opens what reads sources and writes texts about them.
  ///
  /// @return the session, confined to this thread; the caller closes it
  /// @throws dev.tenon.tensor.BackendException if there is not the memory
  /// @throws IllegalStateException if this is closed
  /// @throws UnsupportedOperationException if this is no [encoder-decoder][Kind#ENCODER_DECODER]
  public EncoderDecoderSession newEncoderDecoderSession() {
    if (!(network instanceof EncoderDecoder two))
      throw cannot("does not read one text and write another", Kind.ENCODER_DECODER);
    retain("newEncoderDecoderSession");
    try {
      return new EncoderDecoderSession(this, two);
    } catch (Throwable e) {
      release();
      throw e;
    }
  }

  /// Frees the weights. Closing twice has no effect.
  ///
  /// @throws IllegalStateException if a session is open
  @Override
  public synchronized void close() {
    if (closed) return;
    if (sessions > 0)
      throw new IllegalStateException(
          "model has "
              + sessions
              + " open session"
              + (sessions == 1 ? "" : "s")
              + ": close them first");
    closed = true;
    weights.close();
    gguf.close();
  }

  /// A hash of what the model is, made when first asked for.
  ///
  /// @throws IllegalStateException if the file is closed
  synchronized byte[] fingerprint() {
    if (fingerprint == null) fingerprint = Fingerprint.of(gguf);
    return fingerprint;
  }

  /// Whether keys are turned in a context of so many tokens by other factors than in a short one.
  boolean usesLongFactors(int contextLength) {
    if (!(network instanceof Decoder decoder)) return false;
    try {
      for (int layer = 0; layer < hyperparameters.layers(); layer++) {
        var rope = decoder.keyRope(layer);
        if (rope != null && rope.forContext(contextLength).factors() != rope.factors()) return true;
      }
      return false;
    } catch (UnsupportedOperationException _) {
      return false; // positions turn no keys
    }
  }

  /// Whether generation ends at a token: one that `generation_config.json` names where the file was
  /// made with one, or, unless these alone are asked for, one by which the vocabulary ends a turn.
  boolean endsGeneration(int token, boolean asConfigured) {
    if (hasConfiguredEnds() && Arrays.binarySearch(configuredEnds, token) >= 0) return true;
    return hasTokenizer
        && !(asConfigured && hasConfiguredEnds())
        && tokenizer().endsGeneration(token);
  }

  /// The ids that end generation, in order.
  synchronized int[] endTokens(boolean asConfigured) {
    if (asConfigured && hasConfiguredEnds()) return configuredEnds;
    if (endTokens == null) {
      endTokens =
          IntStream.range(0, vocabularySize())
              .filter(token -> endsGeneration(token, false))
              .toArray();
    }
    return endTokens;
  }

  private synchronized boolean hasConfiguredEnds() {
    if (!configurationRead) configuredEnds = readConfiguredEnds();
    configurationRead = true;
    return configuredEnds != null;
  }

  /// The `eos_token_id` of the file's `generation_config.json`, in order; null without one.
  private int[] readConfiguredEnds() {
    var key = "tenon.generation_config";
    try {
      if (!gguf.has(key)) return null;
      var ends = Json.object(gguf.text(key)).get("eos_token_id");
      return (ends instanceof List<?> several ? several.stream() : Stream.ofNullable(ends))
          .filter(Long.class::isInstance)
          .mapToLong(Long.class::cast)
          .filter(end -> end >= 0 && end < vocabularySize())
          .mapToInt(Math::toIntExact)
          .sorted()
          .distinct()
          .toArray();
    } catch (GgufFormatException | JsonException _) {
      return null; // what others put there is no reason not to run
    }
  }

  Network network() {
    return network;
  }

  Weights weights() {
    return weights;
  }

  /// Refuses what a model of another kind is asked for.
  ///
  /// @param what it does not do, for example `has no encoder`
  /// @param needed the kind that does it
  UnsupportedOperationException cannot(String what, Kind needed) {
    return new UnsupportedOperationException(
        name()
            + " ("
            + architecture()
            + ") is "
            + kind()
            + ": it "
            + what
            + "; that takes "
            + needed);
  }

  /// Counts a session in.
  synchronized void retain(String operation) {
    checkOpen(operation);
    sessions++;
  }

  /// Counts a session out.
  synchronized void release() {
    sessions--;
  }

  private void checkOpen(String operation) {
    if (closed) throw new IllegalStateException(operation + ": the model is closed");
  }

  private static Architecture architecture(Gguf gguf) throws GgufFormatException {
    var name = gguf.text("general.architecture");
    var known = Architecture.all();
    for (var architecture : known) if (architecture.name().equals(name)) return architecture;
    throw new UnsupportedOperationException(
        gguf.path()
            + ": architecture "
            + name
            + " is unknown; known are "
            + known.stream().map(Architecture::name).sorted().collect(Collectors.joining(", ")));
  }

  private static int contextLength(Hyperparameters hp, SessionOptions options) {
    return options.contextLength() == 0
        ? Math.min(hp.contextLength(), 1 << 30)
        : options.contextLength();
  }

  private static long weightBytes(Gguf gguf) {
    return gguf.tensors().stream().mapToLong(t -> t.bytes()).sum();
  }

  private static long parameters(Gguf gguf) {
    return gguf.tensors().stream().map(TensorInfo::shape).mapToLong(Shape::elements).sum();
  }

  /// `n` as people say it, for example `1.24B`.
  private static String count(long n) {
    if (n >= 1_000_000_000) return String.format(Locale.ROOT, "%.2fB", n / 1e9);
    if (n >= 1_000_000) return String.format(Locale.ROOT, "%.2fM", n / 1e6);
    return String.format(Locale.ROOT, "%.2fK", n / 1e3);
  }
}
