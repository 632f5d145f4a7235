package dev.tenon.tokenizer;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToIntFunction;

/// Byte-pair encoding of one word after another, as the `model` of a `tokenizer.json` says: its
/// characters merge in the order of a list of pairs.
///
/// Immutable and thread-safe.
final class Bpe implements Segmenter {
  private final ToIntFunction<String> tokens;
  private final boolean byteFallback;
  private final boolean fuseUnknown;
  private final boolean wordsWhole;
  private final String prefix;
  private final String suffix;
  private final int unknown;
  private final int[] byteTokens;

  /// Pairs of ids, four bytes each, numbered in the order in which they merge.
  private final TextTable pairs;

  /// What each pair becomes.
  private final int[] results;

  /// Reads the merges of a file.
  ///
  /// @param key where they are
  /// @param model the `model` of a `tokenizer.json`
  /// @param tokens finds the token of a text, or [Vocabulary#NONE]
  /// @param byteTokens the tokens of bytes, [Vocabulary#NONE] for each that is not there
  Bpe(Gguf gguf, String key, Normalizer.Step model, ToIntFunction<String> tokens, int[] byteTokens)
      throws GgufFormatException {
    this.tokens = tokens;
    this.byteTokens = byteTokens;
    byteFallback = model.flag("byte_fallback", false);
    fuseUnknown = model.flag("fuse_unk", false);
    wordsWhole = model.flag("ignore_merges", false);
    prefix = model.text("continuing_subword_prefix", "");
    suffix = model.text("end_of_word_suffix", "");
    unknown = model.has("unk_token") ? tokens.applyAsInt(model.text("unk_token")) : Vocabulary.NONE;
    var merges = gguf.strings(key);
    pairs = new TextTable(merges.size());
    results = new int[merges.size()];
    readMerges(gguf, key, merges);
  }

  private void readMerges(Gguf gguf, String key, List<String> merges) throws GgufFormatException {
    var pair = new byte[8];
    for (int i = 0; i < merges.size(); i++) {
      var text = merges.get(i);
      int space = text.indexOf(' ');
      int left = space < 0 ? Vocabulary.NONE : part(text.substring(0, space));
      int right = space < 0 ? Vocabulary.NONE : part(text.substring(space + 1));
      int result = Vocabulary.NONE;
      if (left != Vocabulary.NONE && right != Vocabulary.NONE) {
        var after = text.substring(space + 1);
        result =
            part(
                text.substring(0, space)
                    + (after.startsWith(prefix) ? after.substring(prefix.length()) : after));
      }
      if (result == Vocabulary.NONE) {
        throw gguf.malformed(
            key, "merge " + i + " to be two tokens that make a third", Vocabulary.quote(text));
      }
      int number = pairs.add(write(left, right, pair), 0, pair.length);
      if (number >= 0) {
        results[number] = result;
      }
    }
  }

  /// {@return the token of a text in a merge, where a space is written as `Ġ`}
  private int part(String text) {
    int token = tokens.applyAsInt(text);
    return token == Vocabulary.NONE ? tokens.applyAsInt(text.replace('\u0120', ' ')) : token;
  }

  private static byte[] write(int left, int right, byte[] pair) {
    for (int i = 0; i < 4; i++) {
      pair[i] = (byte) (left >> 8 * i);
      pair[i + 4] = (byte) (right >> 8 * i);
    }
    return pair;
  }

  @Override
  public void segment(String word, Tokens found) {
    new Words().segment(word, found);
  }

  @Override
  public Segmenter forOneText() {
    return new Words();
  }

  /// Encodes one word after another, with arrays that are made once.
  private final class Words extends PairMerger implements Segmenter {
    /// The token of each symbol.
    private int[] symbols = {};

    /// How many bytes of the word each symbol stands for.
    private int[] sizes = {};

    private final byte[] pair = new byte[8];

    /// How many bytes of unknown characters are still to be told; 0 where there are none.
    private int pending;

    private int n;

    @Override
    public void segment(String word, Tokens found) {
      int whole = wordsWhole ? tokens.applyAsInt(word) : Vocabulary.NONE;
      if (whole != Vocabulary.NONE) {
        found.add(whole, word.length());
        return;
      }
      read(word);
      merge(n);
      var places = new Utf8Cursor(word);
      int from = 0;
      for (int i = 0; i < n; i = next(i)) {
        int to = from;
        for (int part = i; part < next(i); part++) {
          to += sizes[part];
        }
        int start = places.floor(from);
        found.add(symbols[i], start, places.ceil(to));
        from = to;
      }
    }

    /// Makes a symbol of each character; of one without a token its bytes, or one that is unknown.
    private void read(String word) {
      n = 0;
      pending = 0;
      for (int i = 0; i < word.length(); ) {
        int from = i;
        i += Character.charCount(word.codePointAt(i));
        var text = word.substring(from, i);
        int size = Normalizer.utf8(text).length;
        var full = (from > 0 ? prefix : "") + text + (i == word.length() ? suffix : "");
        int token = tokens.applyAsInt(full);
        if (token != Vocabulary.NONE) {
          addPending();
          add(token, size);
        } else if (!(byteFallback && readBytes(full)) && unknown != Vocabulary.NONE) {
          if (!fuseUnknown) {
            addPending();
          }
          pending += size;
        }
      }
      addPending();
    }

    private void addPending() {
      if (pending > 0) {
        add(unknown, pending);
        pending = 0;
      }
    }

    private void add(int token, int size) {
      if (n == symbols.length) {
        symbols = Arrays.copyOf(symbols, Math.max(16, 2 * n));
        sizes = Arrays.copyOf(sizes, symbols.length);
      }
      symbols[n] = token;
      sizes[n++] = size;
    }

    /// {@return whether each byte of a character has a token; then they are added}
    private boolean readBytes(String text) {
      var utf8 = Normalizer.utf8(text);
      for (byte b : utf8) {
        if (byteTokens[b & 0xff] == Vocabulary.NONE) {
          return false;
        }
      }
      for (byte b : utf8) {
        add(byteTokens[b & 0xff], 1);
      }
      return true;
    }

    @Override
    int order(int left, int right, int end) {
      int number = pairs.find(write(symbols[left], symbols[right], pair), 0, pair.length);
      return number < 0 ? NEVER : number;
    }

    @Override
    void merged(int left, int right) {
      symbols[left] =
          results[pairs.find(write(symbols[left], symbols[right], pair), 0, pair.length)];
    }
  }
}
