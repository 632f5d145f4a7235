package dev.tenon.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;

/// Learns the vocabulary of a byte-level BPE from texts: the 256 bytes, and the pairs of tokens
/// that are merged because they stand beside each other most often.
///
/// ```java
/// var trainer = new BpeTrainer(BpeTrainer.Options.of(2048).withSpecialTokens("<|endoftext|>"));
/// for (var text : texts) {
///   trainer.accept(text);
/// }
/// trainer.train().gguf().write(Path.of("vocab.gguf"));
/// ```
///
/// Tokens, their ids and the order of merges are those that Hugging Face's tokenizers 0.22 learns
/// with its `BpeTrainer`, a `ByteLevel` pre-tokenizer and `initial_alphabet=ByteLevel.alphabet()`:
/// the special tokens come first, then the bytes in the order of the characters that they are
/// written as, then the merges. What looks like a special token in a text is text.
///
/// Memory is for the distinct words of the texts, not for the texts. Confined to one thread.
public final class BpeTrainer {
  /// Of distinct words: what the places of their symbols can be counted with.
  private static final int MOST_BYTES = 1 << 29;

  private final Options options;
  private final PreTokenizer pre;
  private final TextTable words = new TextTable(1 << 12);

  /// How often each word occurs.
  private long[] counts = new long[1 << 12];

  private long wordBytes;
  private long corpusBytes;

  /// What vocabulary to learn.
  ///
  /// @param vocabularySize tokens, with the special ones and the 256 bytes
  /// @param minFrequency how often a pair must occur to be merged; 2 is usual
  /// @param specialTokens those that are not learnt but given, the first of them with id 0; one
  ///     that is also learnt from the texts is one token
  /// @param preTokenizer how texts are split into words, by a name of `tokenizer.ggml.pre`
  public record Options(
      int vocabularySize, int minFrequency, List<String> specialTokens, String preTokenizer) {
    /// Checks what is asked for.
    ///
    /// @throws IllegalArgumentException if the size has no room for bytes and special tokens, the
    ///     frequency is negative, or a special token is empty, there twice, half a surrogate pair
    ///     or a single byte as vocabularies write it
    /// @throws UnsupportedOperationException if there is no pre-tokenizer of that name, or it does
    ///     not make words of bytes; the message has the known names
    public Options {
      specialTokens = List.copyOf(specialTokens);
      var seen = new HashSet<String>();
      for (var token : specialTokens) {
        if (token.isEmpty()) {
          throw new IllegalArgumentException("a special token is empty");
        }
        if (hasHalfPair(token)) {
          throw new IllegalArgumentException("a special token has half a surrogate pair");
        }
        if (!seen.add(token)) {
          throw new IllegalArgumentException(
              "special token " + Vocabulary.quote(token) + " is given twice");
        }
        if (token.length() == 1 && PairLearner.isByte(token.charAt(0))) {
          throw new IllegalArgumentException(
              "special token " + Vocabulary.quote(token) + " is a byte, which is a token anyway");
        }
      }
      int least = PairLearner.BYTES + specialTokens.size();
      if (vocabularySize < least) {
        throw new IllegalArgumentException(
            "a vocabulary of "
                + vocabularySize
                + " tokens; the 256 bytes and the special tokens ("
                + specialTokens.size()
                + ") need at least "
                + least);
      }
      if (minFrequency < 0) {
        throw new IllegalArgumentException("minimum frequency " + minFrequency + ", from 0");
      }
      preTokenizer = preTokenizer.isEmpty() ? PreTokenizer.DEFAULT.title() : preTokenizer;
      if (PreTokenizer.of(preTokenizer).has(PreTokenizer.Rule.CHARACTERS)) {
        throw new UnsupportedOperationException(
            "tokenizer.ggml.pre \""
                + preTokenizer
                + "\" makes words of characters; a byte-level vocabulary needs bytes");
      }
    }

    /// {@return a vocabulary of GPT-2's words and pairs that occur twice, without special tokens}
    ///
    /// @param vocabularySize tokens, with the 256 bytes
    /// @throws IllegalArgumentException if it is below 256
    public static Options of(int vocabularySize) {
      return new Options(vocabularySize, 2, List.of(), "gpt-2");
    }

    /// {@return a copy with another frequency}
    ///
    /// @param frequency how often a pair must occur to be merged; 0 as 1
    /// @throws IllegalArgumentException if it is negative
    public Options withMinFrequency(int frequency) {
      return new Options(vocabularySize, frequency, specialTokens, preTokenizer);
    }

    /// {@return a copy with other special tokens}
    ///
    /// @param tokens in the order of their ids
    /// @throws IllegalArgumentException as [#Options] does
    public Options withSpecialTokens(String... tokens) {
      return new Options(vocabularySize, minFrequency, List.of(tokens), preTokenizer);
    }

    /// {@return a copy with another pre-tokenizer}
    ///
    /// @param name a name of `tokenizer.ggml.pre`, such as `qwen2`
    /// @throws UnsupportedOperationException as [#Options] does
    public Options withPreTokenizer(String name) {
      return new Options(vocabularySize, minFrequency, specialTokens, name);
    }
  }

  /// Hears how far it is.
  @FunctionalInterface
  public interface Progress {
    /// Takes note of it.
    ///
    /// @param done tokens that there are
    /// @param total tokens that are asked for
    void at(long done, long total);
  }

  /// Begins without any text.
  ///
  /// @param options what to learn
  public BpeTrainer(Options options) {
    this.options = options;
    pre = PreTokenizer.of(options.preTokenizer());
  }

  /// Counts the words of a text. Half a surrogate pair in it counts as U+FFFD.
  ///
  /// @param text any text; words do not go beyond its ends
  /// @throws IllegalStateException if the distinct words of all texts take more than 512 MiB
  public void accept(String text) {
    var whole = hasHalfPair(text) ? replaceHalfPairs(text) : text;
    var utf8 = whole.getBytes(StandardCharsets.UTF_8);
    corpusBytes += utf8.length;
    var ends = pre.split(whole);
    int character = 0;
    int from = 0;
    for (int i = 0; i < ends.size(); i++) {
      int to = from;
      for (; character < ends.get(i); character++) {
        char c = whole.charAt(character);
        to += c < 0x80 ? 1 : c < 0x800 || Character.isSurrogate(c) ? 2 : 3;
      }
      if (to > from) {
        count(utf8, from, to);
      }
      from = to;
    }
  }

  private void count(byte[] utf8, int from, int to) {
    int word = words.find(utf8, from, to);
    if (word < 0) {
      wordBytes += to - from;
      if (wordBytes > MOST_BYTES) {
        throw new IllegalStateException(
            "accept: the distinct words of the texts take more than "
                + MOST_BYTES
                + " bytes: learn from a part of them");
      }
      word = words.add(utf8, from, to);
      if (word == counts.length) {
        counts = Arrays.copyOf(counts, 2 * word);
      }
    }
    counts[word]++;
  }

  private static boolean hasHalfPair(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        if (Character.charCount(text.codePointAt(i)) == 1) {
          return true;
        }
        i++;
      }
    }
    return false;
  }

  private static String replaceHalfPairs(String text) {
    return text.codePoints()
        .map(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? 0xfffd : c)
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }

  /// {@return the vocabulary of the texts so far}
  ///
  /// @throws IllegalStateException if there was no text, or it gives fewer tokens than are asked
  ///     for; the message has how many
  public LearnedVocabulary train() {
    return train((_, _) -> {});
  }

  /// Learns the vocabulary of the texts so far.
  ///
  /// @param progress hears how far it is, on this thread
  /// @return the vocabulary; the trainer may go on to take texts
  /// @throws IllegalStateException if there was no text, or it gives fewer tokens than are asked
  ///     for; the message has how many
  public LearnedVocabulary train(Progress progress) {
    Objects.requireNonNull(progress, "progress");
    if (words.size() == 0) {
      throw new IllegalStateException("there is no text to learn a vocabulary from");
    }
    var learner = new PairLearner(words, counts, Math.toIntExact(wordBytes), options);
    learner.learn(progress);
    int found = learner.tokens().size();
    if (found < options.vocabularySize()) {
      throw new IllegalStateException(
          "the text gives a vocabulary of "
              + found
              + " tokens, not the "
              + options.vocabularySize()
              + " asked for: no pair is left that occurs "
              + (options.minFrequency() > 1 ? options.minFrequency() + " times" : "at all")
              + "; ask for "
              + found
              + ", or give more text");
    }
    return new LearnedVocabulary(
        options, learner.tokens(), learner.merges(), corpusBytes, learner.corpusTokens());
  }
}
