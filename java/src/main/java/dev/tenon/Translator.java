package dev.tenon;

import dev.tenon.sampling.GenerationSettings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/// Translates texts with an encoder-decoder: whatever it was trained to write about what it reads,
/// such as the same in another language, shorter, or in sounds.
///
/// Many texts are translated side by side. Confined to the thread that made it.
///
/// ```java
/// try (var translator = new Translator(model)) {
///   String german = translator.translate("How are you?");
/// }
/// ```
public final class Translator implements AutoCloseable {
  /// Texts that are sorted by length together: enough that their lengths are alike in each step,
  /// and few enough that the first come out soon.
  private static final int WINDOW = 256;

  private final Model model;
  private final SequenceGenerator generator;
  private GenerationSettings settings;

  /// A translation of a text.
  ///
  /// @param text without special tokens
  /// @param tokens ids, the start token and what ends the text with them
  /// @param score sum of the log-probabilities of the tokens, divided by their number to the power
  ///     of the length penalty
  public record Translation(String text, int[] tokens, float score) {}

  /// Makes a translator that generates as the model is [meant to][SequenceGenerator#settings].
  ///
  /// @param model an encoder-decoder with a vocabulary
  /// @throws java.io.UncheckedIOException if the model's vocabulary or generation settings are
  ///     malformed
  /// @throws dev.tenon.tensor.BackendException if there is not the memory
  /// @throws IllegalStateException if the model has no vocabulary, or is closed
  /// @throws UnsupportedOperationException if the model is no encoder-decoder
  public Translator(Model model) {
    if (model.kind() != Model.Kind.ENCODER_DECODER)
      throw model.cannot("does not translate", Model.Kind.ENCODER_DECODER);
    Objects.requireNonNull(model.tokenizer());
    this.model = model;
    this.generator = new SequenceGenerator(model, SessionOptions.of(0));
    this.settings = generator.settings();
  }

  /// {@return how it generates}
  public GenerationSettings settings() {
    return settings;
  }

  /// Generates otherwise from now on.
  ///
  /// @param other takes the place of the settings before
  /// @return this
  public Translator with(GenerationSettings other) {
    settings = Objects.requireNonNull(other);
    return this;
  }

  /// {@return the best translation of a text}
  ///
  /// @param text to be translated
  /// @throws IndexOutOfBoundsException if it has more tokens than the model knows positions
  /// @throws IllegalStateException if this is closed
  /// @throws java.util.concurrent.CancellationException if the thread is interrupted
  public String translate(String text) {
    return translate(List.of(text)).getFirst();
  }

  /// {@return the best translation of each text, in their order; of one that is blank, a blank one}
  ///
  /// @param texts to be translated
  /// @throws IndexOutOfBoundsException if one has more tokens than the model knows positions; the
  ///     message has its number
  /// @throws IllegalStateException if this is closed
  /// @throws java.util.concurrent.CancellationException if the thread is interrupted
  public List<String> translate(List<String> texts) {
    var best = new ArrayList<String>();
    translate(
        texts,
        RandomGenerator.getDefault(),
        _ -> {},
        translations -> best.add(translations.isEmpty() ? "" : translations.getFirst().text()));
    return best;
  }

  /// Translates texts, and hands over the translations in the order of the texts, as they are
  /// ready.
  ///
  /// @param texts to be translated
  /// @param random what tokens are drawn with, where they are drawn
  /// @param progress told how many texts are translated, from time to time
  /// @param into takes the translations of one text after the other, each best first, as many as
  ///     the settings [ask for][GenerationSettings#numReturnSequences]; of a blank text none
  /// @throws IndexOutOfBoundsException if a text has more tokens than the model knows positions;
  ///     the message has its number
  /// @throws IllegalStateException if this is closed
  /// @throws java.util.concurrent.CancellationException if the thread is interrupted
  public void translate(
      List<String> texts,
      RandomGenerator random,
      IntConsumer progress,
      Consumer<List<Translation>> into) {
    for (int from = 0; from < texts.size(); from += WINDOW) {
      var window = texts.subList(from, Math.min(texts.size(), from + WINDOW));
      int before = from;
      translateWindow(window, from, random, done -> progress.accept(before + done)).forEach(into);
    }
  }

  private List<List<Translation>> translateWindow(
      List<String> texts, int first, RandomGenerator random, IntConsumer progress) {
    var written = IntStream.range(0, texts.size()).filter(i -> !texts.get(i).isBlank()).toArray();
    var sources = new ArrayList<int[]>();
    for (int i : written) sources.add(source(texts.get(i), first + i));
    var sequences = generator.generate(sources, settings, random, progress);
    List<List<Translation>> translations = new ArrayList<>();
    texts.forEach(_ -> translations.add(List.of()));
    for (int i = 0; i < written.length; i++) {
      translations.set(
          written[i],
          sequences.get(i).stream()
              .map(s -> new Translation(text(s.tokens()), s.tokens(), s.score()))
              .toList());
    }
    return translations;
  }

  private int[] source(String text, int number) {
    var ids = model.tokenizer().encodePrompt(text);
    if (ids.length > generator.sourcePositions())
      throw new IndexOutOfBoundsException(
          "text "
              + (number + 1)
              + " has "
              + ids.length
              + " tokens: the model knows "
              + generator.sourcePositions()
              + " positions");
    return ids;
  }

  /// The text of a sequence without its start token, which some vocabularies give a text.
  private String text(int[] tokens) {
    return model.tokenizer().decode(Arrays.copyOfRange(tokens, 1, tokens.length));
  }

  /// Frees what was held. Closing twice has no effect.
  ///
  /// @throws WrongThreadException if called by another thread than the one that made it
  @Override
  public void close() {
    generator.close();
  }
}
