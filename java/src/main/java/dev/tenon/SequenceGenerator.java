package dev.tenon;

import dev.tenon.gguf.GgufFormatException;
import dev.tenon.model.Batch;
import dev.tenon.model.Decoder;
import dev.tenon.model.Evaluator;
import dev.tenon.sampling.GenerationSettings;
import dev.tenon.sampling.ScoredTokens;
import dev.tenon.sampling.Search;
import dev.tenon.tensor.KvCache;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntConsumer;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/// Generates whole sequences as transformers' `generate` does: greedily, by drawing or by beam
/// search, for many inputs side by side. An encoder-decoder writes about sources, a decoder
/// continues prompts.
///
/// Up to 64 sequences step together: 64 inputs, or 16 with four beams each. The cache of beams is
/// forked, not copied; what an input is about is held once for all its beams. Confined to the
/// thread that made it.
///
/// ```java
/// try (var generator = new SequenceGenerator(model, SessionOptions.of(0))) {
///   var settings = generator.settings().withNumBeams(4).withMaxNewTokens(64);
///   int[] best = generator.generate(List.of(tokens), settings).getFirst().getFirst().tokens();
/// }
/// ```
public final class SequenceGenerator implements AutoCloseable {
  /// From so many scores on, the searches of a step are worth several threads.
  private static final int MANY_SCORES = 1 << 17;

  /// Prompts of a decoder have so many tokens together, unless one alone has more: each token of a
  /// pass looks at the cells of all.
  private static final int PROMPT_ROWS = 2048;

  private final Model model;
  private final Writing writing;
  private final GenerationSettings settings;
  private boolean closed;

  /// How a kind of model writes.
  private interface Writing extends AutoCloseable {
    /// What sequences begin with.
    int[] prompt(int[] input, GenerationSettings settings);

    /// The most tokens of a sequence.
    int positions();

    /// The most tokens of an input.
    int inputPositions();

    /// How many token ids an input may have.
    int inputVocabulary();

    /// How many inputs, from `from` on, go together.
    int together(List<int[]> inputs, int from, int beams);

    /// Evaluates inputs: sequence `i` is about input `i`, and `rows[i]` takes the logits after its
    /// prompt.
    void begin(List<int[]> inputs, List<int[]> prompts, float[][] rows);

    void reorder(int[] from);

    void evaluate(Batch batch, float[][] rows);

    @Override
    void close();
  }

  /// Makes a generator.
  ///
  /// @param model a decoder or an encoder-decoder
  /// @param options how a decoder's cache holds its tokens; an encoder-decoder's is in F32
  /// @throws dev.tenon.tensor.BackendException if there is not the memory
  /// @throws UncheckedIOException if the model's generation settings are malformed
  /// @throws IllegalStateException if the model is closed
  /// @throws UnsupportedOperationException if the model is an encoder
  public SequenceGenerator(Model model, SessionOptions options) {
    this.model = model;
    GenerationSettings own;
    try {
      own = GenerationConfig.of(model.gguf());
    } catch (GgufFormatException e) {
      throw new UncheckedIOException(e);
    }
    this.writing =
        switch (model.kind()) {
          case DECODER -> new Continuing(model, options);
          case ENCODER_DECODER -> new Translating(model);
          case ENCODER -> throw model.cannot("does not generate", Model.Kind.DECODER);
        };
    boolean bounded = own.maxLength() > 0 || own.maxNewTokens() > 0;
    this.settings = bounded ? own : own.withMaxLength(writing.positions());
  }

  /// {@return how the model is meant to generate: what its `generation_config.json` says; where
  /// that says nothing of length, as long as it knows positions; else transformers' defaults}
  public GenerationSettings settings() {
    return settings;
  }

  /// {@return the most tokens of a sequence}
  public int positions() {
    return writing.positions();
  }

  /// {@return the most tokens of a source; of a prompt, where there is no encoder}
  public int sourcePositions() {
    return writing.inputPositions();
  }

  /// Generates sequences.
  ///
  /// @param inputs sources for an encoder-decoder, prompts for a decoder; at least one token each
  /// @param how the settings; a length beyond the model's positions is cut to them
  /// @return for each input, in the order given, its sequences, best first: with the prompt in
  ///     them, which for an encoder-decoder is its start token
  /// @throws IllegalArgumentException if an input has no tokens, an encoder-decoder has no start
  ///     token, or the token that is forced to begin is outside the vocabulary
  /// @throws IndexOutOfBoundsException if an id is outside the vocabulary, or an input has more
  ///     tokens than the model knows positions
  /// @throws IllegalStateException if this is closed
  /// @throws java.util.concurrent.CancellationException if the thread is interrupted
  /// @throws dev.tenon.tensor.BackendException if the computation fails
  public List<List<ScoredTokens>> generate(List<int[]> inputs, GenerationSettings how) {
    return generate(inputs, how, RandomGenerator.getDefault(), _ -> {});
  }

  /// Generates sequences.
  ///
  /// @param inputs sources for an encoder-decoder, prompts for a decoder; at least one token each
  /// @param how the settings; a length beyond the model's positions is cut to them
  /// @param random what tokens are drawn with, where they are drawn
  /// @param progress told how many inputs are done, from time to time
  /// @return for each input, in the order given, its sequences, best first: with the prompt in
  ///     them, which for an encoder-decoder is its start token
  /// @throws IllegalArgumentException if an input has no tokens, an encoder-decoder has no start
  ///     token, or the token that is forced to begin is outside the vocabulary
  /// @throws IndexOutOfBoundsException if an id is outside the vocabulary, or an input has more
  ///     tokens than the model knows positions
  /// @throws IllegalStateException if this is closed
  /// @throws java.util.concurrent.CancellationException if the thread is interrupted
  /// @throws dev.tenon.tensor.BackendException if the computation fails
  public List<List<ScoredTokens>> generate(
      List<int[]> inputs, GenerationSettings how, RandomGenerator random, IntConsumer progress) {
    if (closed) throw new IllegalStateException("generate: the generator is closed");
    if (how.forcedBos() >= model.vocabularySize())
      throw new IllegalArgumentException(
          "forced_bos_token_id "
              + how.forcedBos()
              + " is outside the vocabulary of "
              + model.vocabularySize());
    for (int i = 0; i < inputs.size(); i++) check(inputs.get(i), i, how);
    // Those of like length go together: they are read without waste and end at like times.
    var order =
        IntStream.range(0, inputs.size())
            .boxed()
            .sorted(Comparator.comparingInt(i -> inputs.get(i).length))
            .toList();
    var sorted = order.stream().map(inputs::get).toList();
    var results = new ArrayList<List<ScoredTokens>>();
    inputs.forEach(_ -> results.add(null));
    int side = Math.max(how.numBeams(), how.draws() ? how.numReturnSequences() : 1);
    for (int from = 0; from < sorted.size(); ) {
      int to = from + writing.together(sorted, from, side);
      var searches = searches(sorted.subList(from, to), how, random);
      run(sorted.subList(from, to), searches, how);
      for (int i = from; i < to; i++) results.set(order.get(i), searches.get(i - from).results());
      progress.accept(to);
      from = to;
    }
    return results;
  }

  /// Refuses an input before anything is evaluated for the others.
  private void check(int[] input, int number, GenerationSettings how) {
    var name = "input " + (number + 1);
    if (input.length == 0)
      throw new IllegalArgumentException("generate: " + name + " has no tokens");
    for (int token : input) {
      if (token < 0 || token >= writing.inputVocabulary())
        throw new IndexOutOfBoundsException(
            "token " + token + " is outside the vocabulary of " + writing.inputVocabulary());
    }
    if (input.length > writing.inputPositions())
      throw new IndexOutOfBoundsException(
          name + " has " + input.length + " tokens: there is room for " + writing.inputPositions());
    for (int token : writing.prompt(input, how)) {
      if (token >= model.vocabularySize())
        throw new IndexOutOfBoundsException(
            "decoder_start_token_id "
                + token
                + " is outside the vocabulary of "
                + model.vocabularySize());
    }
  }

  private List<Search> searches(
      List<int[]> inputs, GenerationSettings how, RandomGenerator random) {
    var searches = new ArrayList<Search>();
    for (var input : inputs) {
      var prompt = writing.prompt(input, how);
      int most = writing.positions();
      var cut =
          how.lengthLimit(prompt.length) <= most
              ? how
              : how.withMaxNewTokens(Math.max(1, most - prompt.length));
      // Searches step in threads of their own, and draws are to be the same each time.
      var own = how.draws() ? new SplittableRandom(random.nextLong()) : random;
      searches.add(Search.of(cut, own, model.vocabularySize(), prompt, input));
    }
    return searches;
  }

  private void run(List<int[]> inputs, List<Search> searches, GenerationSettings how) {
    var prompts = inputs.stream().map(input -> writing.prompt(input, how)).toList();
    var lengths = prompts.stream().mapToInt(prompt -> prompt.length).toArray();
    var first = IntStream.range(0, searches.size()).toArray(); // row of each search
    var logits = new float[searches.size()][model.vocabularySize()];
    writing.begin(inputs, prompts, logits);
    while (true) {
      step(searches, first, logits);
      int rows = searches.stream().mapToInt(Search::rows).sum();
      if (rows == 0) return;
      var tokens = new int[rows];
      var parents = new int[rows];
      var positions = new int[rows];
      int row = 0;
      for (int i = 0; i < searches.size(); i++) {
        var search = searches.get(i);
        int n = search.rows();
        System.arraycopy(search.tokens(), 0, tokens, row, n);
        var from = search.parents();
        for (int r = 0; r < n; r++) parents[row + r] = first[i] + from[r];
        Arrays.fill(positions, row, row + n, lengths[i]++);
        first[i] = row;
        row += n;
      }
      writing.reorder(parents);
      if (logits.length != rows) logits = resized(logits, rows);
      var all = IntStream.range(0, rows).toArray();
      writing.evaluate(new Batch(tokens, positions, all, all), logits);
    }
  }

  /// Lets each search choose its next tokens, in several threads where there is enough to do.
  private void step(List<Search> searches, int[] first, float[][] logits) {
    var open = IntStream.range(0, searches.size()).filter(i -> !searches.get(i).done());
    if ((long) logits.length * model.vocabularySize() >= MANY_SCORES) open = open.parallel();
    open.forEach(
        i -> {
          var search = searches.get(i);
          search.step(Arrays.copyOfRange(logits, first[i], first[i] + search.rows()));
        });
  }

  /// So many rows, those that are there used again.
  private float[][] resized(float[][] rows, int count) {
    var resized = Arrays.copyOf(rows, count);
    for (int i = rows.length; i < count; i++) resized[i] = new float[model.vocabularySize()];
    return resized;
  }

  /// Frees what was held. Closing twice has no effect.
  ///
  /// @throws WrongThreadException if called by another thread than the one that made it
  @Override
  public void close() {
    if (closed) return;
    writing.close();
    closed = true;
  }

  /// An encoder-decoder writes about sources.
  private static final class Translating implements Writing {
    private final EncoderDecoderSession session;

    Translating(Model model) {
      this.session = model.newEncoderDecoderSession();
    }

    @Override
    public int[] prompt(int[] input, GenerationSettings settings) {
      int start = settings.decoderStart() >= 0 ? settings.decoderStart() : settings.bos();
      if (start < 0)
        throw new IllegalArgumentException(
            "generate: "
                + session.model().name()
                + " does not say which token a text begins with:"
                + " decoder_start_token_id");
      return new int[] {start};
    }

    @Override
    public int positions() {
      return session.positions();
    }

    @Override
    public int inputPositions() {
      return session.sourcePositions();
    }

    @Override
    public int inputVocabulary() {
      return session.model().sourceVocabularySize();
    }

    @Override
    public int together(List<int[]> inputs, int from, int beams) {
      return atMost(session.sourceRows(), inputs, from, beams);
    }

    @Override
    public void begin(List<int[]> inputs, List<int[]> prompts, float[][] rows) {
      session.read(inputs);
      session.evaluate(batch(prompts), rows);
    }

    @Override
    public void reorder(int[] from) {
      session.reorder(from);
    }

    @Override
    public void evaluate(Batch batch, float[][] rows) {
      session.evaluate(batch, rows);
    }

    @Override
    public void close() {
      session.close();
    }
  }

  /// A decoder continues prompts.
  private static final class Continuing implements Writing {
    private final Model model;
    private final int contextLength;
    private final GrowingCache cache;

    Continuing(Model model, SessionOptions options) {
      this.model = model;
      var hp = model.hyperparameters();
      var decoder = (Decoder) model.network();
      var weights = model.weights();
      this.contextLength =
          Math.min(
              options.contextLength() == 0 ? hp.contextLength() : options.contextLength(),
              decoder.positions());
      int passRows = Math.max(options.passRows(), KvCache.MAX_SEQUENCES);
      model.retain("generate");
      try {
        int cells = Math.min(contextLength, 1024);
        // A cache that grows cannot have its values transposed.
        var growing = new KvCache.Settings(options.keyType(), options.valueType(), true);
        this.cache =
            new GrowingCache(
                new KvCache(weights, hp.cacheLayout(), cells, growing, contextLength),
                kv -> new Evaluator(decoder, weights, kv, hp.vocabulary(), passRows));
      } catch (Throwable e) {
        model.release();
        throw e;
      }
    }

    @Override
    public int[] prompt(int[] input, GenerationSettings settings) {
      return input;
    }

    @Override
    public int positions() {
      return contextLength;
    }

    @Override
    public int inputPositions() {
      return contextLength - 1;
    }

    @Override
    public int inputVocabulary() {
      return model.vocabularySize();
    }

    @Override
    public int together(List<int[]> inputs, int from, int beams) {
      return atMost(PROMPT_ROWS, inputs, from, beams);
    }

    @Override
    public void begin(List<int[]> inputs, List<int[]> prompts, float[][] rows) {
      cache.reorder(new int[0]);
      cache.evaluate(batch(prompts), rows);
    }

    @Override
    public void reorder(int[] from) {
      cache.reorder(from);
    }

    @Override
    public void evaluate(Batch batch, float[][] rows) {
      cache.evaluate(batch, rows);
    }

    @Override
    public void close() {
      cache.close();
      model.release();
    }
  }

  /// As many inputs as have sequences, and so many tokens together; one at least.
  private static int atMost(int rows, List<int[]> inputs, int from, int beams) {
    int most = Math.min(inputs.size() - from, Math.max(1, KvCache.MAX_SEQUENCES / beams));
    long together = 0;
    for (int i = 0; i < most; i++) {
      together += inputs.get(from + i).length;
      if (i > 0 && together > rows) return i;
    }
    return most;
  }

  /// Prompts side by side, with the logits after the last token of each wanted.
  private static Batch batch(List<int[]> prompts) {
    int rows = prompts.stream().mapToInt(prompt -> prompt.length).sum();
    var tokens = new int[rows];
    var positions = new int[rows];
    var sequences = new int[rows];
    var outputs = new int[prompts.size()];
    int row = 0;
    for (int s = 0; s < prompts.size(); s++) {
      for (int p = 0; p < prompts.get(s).length; p++, row++) {
        tokens[row] = prompts.get(s)[p];
        positions[row] = p;
        sequences[row] = s;
      }
      outputs[s] = row - 1;
    }
    return new Batch(tokens, positions, sequences, outputs);
  }
}
