package dev.tenon.tokenizer;

import static dev.tenon.tokenizer.PreTokenizer.Rule.ADD_BOS;
import static dev.tenon.tokenizer.PreTokenizer.Rule.ALWAYS_ADD_BOS;
import static dev.tenon.tokenizer.PreTokenizer.Rule.CHARACTERS;
import static dev.tenon.tokenizer.PreTokenizer.Rule.NEWLINES_WHOLE;
import static dev.tenon.tokenizer.PreTokenizer.Rule.NO_DEFAULT_BOS;
import static dev.tenon.tokenizer.PreTokenizer.Rule.WORDS_WHOLE;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;

/// Byte-level byte-pair encoding (`tokenizer.ggml.model` = `gpt2`), as llama.cpp's
/// `llm_tokenizer_bpe`.
///
/// A text is split into words ([PreTokenizer]); the bytes of a word merge in the order of
/// `tokenizer.ggml.merges`. In the vocabulary each byte is written as a character of its own: those
/// that cannot be seen as U+0100 and on (a space is `Ġ`). Bytes without a token are left out.
///
/// A few models (Gemma 4) merge characters instead, with `<0x00>` to `<0xFF>` for those that have
/// no token.
final class ByteLevelBpe extends VocabularyTokenizer {
  private static final String MERGES = "tokenizer.ggml.merges";
  private static final int LONG = 256;
  private static final char SPACE = '\u2581';

  /// The character that each byte is written as.
  private static final char[] CHARACTERS_OF_BYTES = new char[256];

  /// The byte that each of these characters stands for, or -1.
  private static final int[] BYTES_OF_CHARACTERS = new int[256 + 68];

  static {
    Arrays.fill(BYTES_OF_CHARACTERS, -1);
    int other = 256;
    for (int b = 0; b < 256; b++) {
      boolean seen = b > ' ' && b < 0x7f || b > 0xa0 && b != 0xad;
      CHARACTERS_OF_BYTES[b] = (char) (seen ? b : other++);
      BYTES_OF_CHARACTERS[CHARACTERS_OF_BYTES[b]] = b;
    }
  }

  private final PreTokenizer pre;

  /// Pairs of texts with a space between, numbered in the order in which they merge.
  private final TextTable merges;

  /// The token of each byte of a word that is no token, or [Vocabulary#NONE].
  private final int[] byteTokens;

  /// @param bos the begin token where the file does not say
  /// @param eos the end token where the file does not say
  ByteLevelBpe(Gguf gguf, PreTokenizer pre, int bos, int eos) throws GgufFormatException {
    super(
        gguf,
        new Vocabulary(
            gguf,
            new Vocabulary.Defaults(
                pre.has(NO_DEFAULT_BOS) ? Vocabulary.NONE : bos,
                eos,
                pre.has(ADD_BOS),
                pre.has(ALWAYS_ADD_BOS))));
    this.pre = pre;
    // Kimi K2 comes without merges: each byte is a token.
    merges = pre == PreTokenizer.KIMI_K2 && !gguf.has(MERGES) ? new TextTable(0) : merges(gguf);
    byteTokens = pre.has(CHARACTERS) ? vocabulary.byteTokens() : vocabulary.singleBytes();
  }

  private static TextTable merges(Gguf gguf) throws GgufFormatException {
    var pairs = gguf.strings(MERGES);
    var merges = new TextTable(pairs.size());
    for (int i = 0; i < pairs.size(); i++) {
      var pair = pairs.get(i);
      int space = pair.indexOf(' ', 1);
      if (space < 0 || space == pair.length() - 1) {
        throw gguf.malformed(
            MERGES, "merge " + i + " to be two texts with a space between", Vocabulary.quote(pair));
      }
      var utf8 = pair.getBytes(StandardCharsets.UTF_8);
      merges.add(utf8, 0, utf8.length); // of equal ones the first counts
    }
    return merges;
  }

  @Override
  boolean addsSpace() {
    return false;
  }

  /// {@return a text as byte-level vocabularies write it: a character for each byte of its UTF-8}
  static String written(String text) {
    var utf8 = text.getBytes(StandardCharsets.UTF_8);
    var characters = new char[utf8.length];
    for (int i = 0; i < utf8.length; i++) {
      characters[i] = CHARACTERS_OF_BYTES[utf8[i] & 0xff];
    }
    return new String(characters);
  }

  @Override
  byte[] normal(int token) {
    var text = vocabulary.text(token);
    return pre.has(CHARACTERS)
        ? text.replace(SPACE, ' ').getBytes(StandardCharsets.UTF_8)
        : bytes(text);
  }

  /// {@return the bytes of a token that was [#written]}
  static byte[] bytes(String text) {
    var bytes = new ByteArrayOutputStream(text.length());
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      if (c < BYTES_OF_CHARACTERS.length && BYTES_OF_CHARACTERS[c] >= 0) {
        bytes.write(BYTES_OF_CHARACTERS[c]);
      } else {
        bytes.writeBytes(notAByte(c, text));
      }
    }
    return bytes.toByteArray();
  }

  /// {@return what a character that no byte is written as decodes to: as in llama.cpp the whole
  /// token with a note; in a long one, where that would grow with the square, itself}
  private static byte[] notAByte(int c, String token) {
    var utf8 = Character.toString(c).getBytes(StandardCharsets.UTF_8);
    return token.length() > LONG
        ? utf8
        : ("[UNK_BYTE_0x" + HexFormat.of().formatHex(utf8) + token + "]")
            .getBytes(StandardCharsets.UTF_8);
  }

  @Override
  void encode(String text, boolean leading, TokenList tokens) {
    var escaped = pre.has(CHARACTERS) ? text.replace(' ', SPACE) : text;
    var utf8 = escaped.getBytes(StandardCharsets.UTF_8);
    var ends = pre.split(escaped);
    var word = new Word(escaped);
    int character = 0;
    int from = 0;
    for (int i = 0; i < ends.size(); i++) {
      int to = from;
      for (; character < ends.get(i); character++) {
        char c = escaped.charAt(character);
        to += c < 0x80 ? 1 : c < 0x800 || Character.isSurrogate(c) ? 2 : 3;
      }
      word.read(utf8, from, to);
      word.encode(tokens);
      from = to;
    }
  }

  /// Encodes one word after another.
  private final class Word extends PairMerger {
    /// The word as the vocabulary writes it, in UTF-8.
    private byte[] written = {};

    /// Where each of its characters begins, and where the last ends.
    private int[] starts = {};

    /// The number of characters.
    private int n;

    /// Two texts with a space between.
    private byte[] pair = new byte[64];

    /// Where the word begins in the UTF-8 of the text, and where the characters are in the text.
    private int begin;

    private final Utf8Cursor places;

    Word(String text) {
      places = new Utf8Cursor(text);
    }

    void read(byte[] utf8, int from, int to) {
      begin = from;
      int length = to - from;
      if (length >= starts.length) {
        starts = new int[Math.max(length + 1, 2 * starts.length)];
        written = new byte[Math.multiplyExact(2, starts.length)];
      }
      if (pre.has(CHARACTERS)) {
        System.arraycopy(utf8, from, written, 0, length);
        n = 0;
        for (int at = 0; at < length; at += length(written[at])) {
          starts[n++] = at;
        }
        starts[n] = length;
      } else {
        n = length;
        for (int i = 0; i < n; i++) {
          starts[i + 1] = write(utf8[from + i] & 0xff, starts[i]);
        }
      }
    }

    /// Writes a byte.
    ///
    /// @return where it ends
    private int write(int b, int at) {
      char c = CHARACTERS_OF_BYTES[b];
      if (c < 0x80) {
        written[at] = (byte) c;
        return at + 1;
      }
      written[at] = (byte) (0xc0 | c >> 6);
      written[at + 1] = (byte) (0x80 | c & 0x3f);
      return at + 2;
    }

    void encode(TokenList tokens) {
      tokens.nextWord();
      int whole = isWhole() ? vocabulary.find(written, 0, starts[n]) : Vocabulary.NONE;
      if (whole != Vocabulary.NONE) {
        add(whole, 0, n, tokens);
        return;
      }
      merge(n);
      for (int i = 0; i < n; i = next(i)) {
        int token = vocabulary.find(written, starts[i], starts[next(i)]);
        if (token != Vocabulary.NONE) {
          add(token, i, next(i), tokens);
        } else {
          addBytes(i, next(i), tokens);
        }
      }
    }

    /// {@return whether the word is not built from its parts where it is a token}
    private boolean isWhole() {
      return pre.has(WORDS_WHOLE) || pre.has(NEWLINES_WHOLE) && written[0] == '\n';
    }

    /// Adds the token of some characters of the word.
    private void add(int token, int from, int to, TokenList tokens) {
      int start = places.floor(place(from));
      tokens.add(token, start, places.ceil(place(to)));
    }

    /// {@return where a character of the word is in the UTF-8 of the text}
    private int place(int character) {
      return begin + (pre.has(CHARACTERS) ? starts[character] : character);
    }

    private void addBytes(int from, int to, TokenList tokens) {
      int start = places.floor(place(from));
      int end = places.ceil(place(to));
      for (int i = starts[from]; i < starts[to]; i++) {
        int token = byteTokens[written[i] & 0xff];
        if (token != Vocabulary.NONE) {
          tokens.add(token, start, end);
        }
      }
    }

    @Override
    int order(int left, int right, int end) {
      int first = starts[right] - starts[left];
      int length = starts[end] - starts[left] + 1;
      if (length > merges.longest()) {
        return NEVER;
      }
      if (length > pair.length) {
        pair = new byte[merges.longest()];
      }
      System.arraycopy(written, starts[left], pair, 0, first);
      pair[first] = ' ';
      System.arraycopy(written, starts[right], pair, first + 1, length - first - 1);
      int rank = merges.find(pair, 0, length);
      return rank < 0 ? NEVER : rank;
    }
  }
}
