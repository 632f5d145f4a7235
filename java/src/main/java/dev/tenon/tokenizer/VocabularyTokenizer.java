package dev.tenon.tokenizer;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;

/// What all algorithms share: special tokens are cut out of a text, what belongs around a text or a
/// pair is added ([PostProcessor]), a text is cut to a length ([Windows]), and ids turn into text
/// again. An algorithm encodes the text in between.
abstract class VocabularyTokenizer implements Tokenizer {
  static final String MODEL = "tokenizer.ggml.model";

  private static final byte[] NOTHING = {};

  final Vocabulary vocabulary;
  private final SpecialTokens special;
  private final SpecialTokens userDefined;
  private final PostProcessor post;

  /// Takes what is put around texts from the file.
  VocabularyTokenizer(Gguf gguf, Vocabulary vocabulary) throws GgufFormatException {
    this(vocabulary, post(gguf, vocabulary));
  }

  VocabularyTokenizer(Vocabulary vocabulary, PostProcessor post) {
    this.vocabulary = vocabulary;
    this.post = post;
    special = new SpecialTokens(vocabulary, vocabulary.ofTypes(Vocabulary.SPECIAL));
    userDefined =
        new SpecialTokens(vocabulary, vocabulary.ofTypes(EnumSet.of(TokenType.USER_DEFINED)));
  }

  private static PostProcessor post(Gguf gguf, Vocabulary vocabulary) throws GgufFormatException {
    var otherwise = PostProcessor.of(gguf, vocabulary);
    if (!gguf.has(TokenizerSteps.STEPS)) {
      return otherwise;
    }
    try {
      return PostProcessor.of(
          TokenizerSteps.read(gguf).get("post_processor"),
          otherwise,
          vocabulary::find,
          vocabulary.size());
    } catch (IllegalArgumentException e) {
      throw gguf.malformed(TokenizerSteps.STEPS, "steps of a tokenizer", e.getMessage());
    }
  }

  /// Encodes text without special tokens.
  ///
  /// @param text not empty, and without half surrogate pairs
  /// @param leading whether nothing or a special token stands before it
  /// @param tokens where the tokens go, with their places in this text
  abstract void encode(String text, boolean leading, TokenList tokens);

  /// {@return the bytes that a token of type [TokenType#NORMAL] stands for}
  abstract byte[] normal(int token);

  /// {@return the bytes that a token of type [TokenType#NORMAL] stands for where it is the first}
  byte[] first(int token) {
    return normal(token);
  }

  /// {@return the bytes of a token that stands in a text as it is}
  byte[] written(int token) {
    return vocabulary.utf8(token);
  }

  /// {@return whether a space was put in front of a text, to be taken off again}
  abstract boolean addsSpace();

  /// {@return whether the white space at both ends of a decoded text is left out}
  boolean trims() {
    return false;
  }

  /// {@return the length in UTF-8 of a character that begins with a byte}
  static int length(byte first) {
    return first >= 0 ? 1 : first < (byte) 0xe0 ? 2 : first < (byte) 0xf0 ? 3 : 4;
  }

  @Override
  public final int[] encode(String text, boolean addSpecial, boolean parseSpecial) {
    var tokens = new TokenList();
    encode(replaceHalfPairs(text), tokens, parseSpecial);
    return addSpecial ? post.around(tokens) : tokens.ids();
  }

  @Override
  public final TokenizedText tokenize(String text, String pair) {
    return windows(text, pair).whole();
  }

  @Override
  public final TokenizedText tokenize(String text, String pair, Truncation truncation) {
    return windows(text, pair).first(truncation);
  }

  @Override
  public final List<TokenizedText> windows(String text, String pair, Truncation truncation) {
    return windows(text, pair).all(truncation);
  }

  private Windows windows(String text, String pair) {
    return new Windows(post, this::text, placed(text), pair == null ? null : placed(pair));
  }

  /// {@return the tokens of a text, with their places in code points}
  private TokenList placed(String text) {
    var tokens = new TokenList();
    encode(replaceHalfPairs(text), tokens, true);
    tokens.countCodePoints(text);
    return tokens;
  }

  /// Encodes a text with the special tokens in it.
  ///
  /// @param text without half surrogate pairs
  /// @param tokens where the tokens go
  /// @param parseSpecial whether control tokens are recognised
  void encode(String text, TokenList tokens, boolean parseSpecial) {
    boolean leading = true;
    for (var fragment : (parseSpecial ? special : userDefined).split(text)) {
      var part = text.substring(fragment.from(), fragment.to());
      if (fragment.token() != Vocabulary.NONE) {
        tokens.moveTo(0);
        tokens.addAsItStands(fragment.token(), fragment.from(), fragment.to(), part);
        leading = true;
      } else {
        tokens.moveTo(fragment.from());
        encode(part, leading, tokens);
        leading = false;
      }
    }
  }

  private static String replaceHalfPairs(String text) {
    int i = 0;
    while (i < text.length()) {
      int c = text.codePointAt(i);
      if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
        return text.codePoints()
            .map(p -> p >= Character.MIN_SURROGATE && p <= Character.MAX_SURROGATE ? 0xfffd : p)
            .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
            .toString();
      }
      i += Character.charCount(c);
    }
    return text;
  }

  @Override
  public final String decode(int[] tokens, boolean special) {
    var decoder = new Decoder(special);
    var text = new StringBuilder();
    for (int token : tokens) {
      text.append(decoder.accept(token));
    }
    return text.append(decoder.finish()).toString();
  }

  @Override
  public final byte[] bytes(int token, boolean special) {
    return switch (type(token)) {
      case NORMAL -> normal(token);
      case CONTROL, UNKNOWN -> special ? written(token) : NOTHING;
      case USER_DEFINED -> written(token);
      case BYTE -> new byte[] {(byte) Integer.parseInt(vocabulary.text(token), 3, 5, 16)};
      case UNUSED -> NOTHING;
    };
  }

  @Override
  public final String piece(int token) {
    return text(checked(token));
  }

  /// {@return the text of a token as words are made of them}
  String text(int token) {
    return vocabulary.text(token);
  }

  @Override
  public int find(String piece) {
    return vocabulary.find(piece);
  }

  @Override
  public String join(List<String> pieces) {
    var text = String.join("", pieces).replace(Vocabulary.SPACE, ' ');
    return addsSpace() && text.startsWith(" ") ? text.substring(1) : text;
  }

  @Override
  public final TokenType type(int token) {
    return vocabulary.type(checked(token));
  }

  @Override
  public final TextDecoder decoder(boolean special) {
    return new Decoder(special);
  }

  @Override
  public final int vocabularySize() {
    return vocabulary.size();
  }

  @Override
  public final int bos() {
    return vocabulary.bos();
  }

  @Override
  public final int eos() {
    return vocabulary.eos();
  }

  @Override
  public final int cls() {
    return vocabulary.cls();
  }

  @Override
  public final int sep() {
    return vocabulary.sep();
  }

  @Override
  public final int pad() {
    return vocabulary.pad();
  }

  @Override
  public final int mask() {
    return vocabulary.mask();
  }

  @Override
  public final int unknown() {
    return vocabulary.unknown();
  }

  @Override
  public final boolean addsBos() {
    return vocabulary.addsBos();
  }

  @Override
  public final boolean endsGeneration(int token) {
    return vocabulary.endsGeneration(checked(token));
  }

  private int checked(int token) {
    if (token < 0 || token >= vocabulary.size()) {
      throw new IndexOutOfBoundsException(
          "token " + token + " is outside the vocabulary of " + vocabulary.size() + " tokens");
    }
    return token;
  }

  /// Bytes of tokens to text; the last few bytes wait for the rest of their character.
  private final class Decoder implements TextDecoder {
    private final boolean special;
    private final CharsetDecoder utf8 =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .onUnmappableCharacter(CodingErrorAction.REPLACE);
    private byte[] held = NOTHING;
    private boolean leading = true;

    /// White space that is left out where nothing comes after it.
    private String spaces = "";

    /// Whether nothing but white space was given yet.
    private boolean blank = true;

    Decoder(boolean special) {
      this.special = special;
    }

    @Override
    public String accept(int token) {
      var bytes = leading && type(token) == TokenType.NORMAL ? first(token) : bytes(token, special);
      if (bytes.length == 0) {
        return "";
      }
      int from = leading && addsSpace() && bytes[0] == ' ' ? 1 : 0;
      leading = false;
      return trim(decode(bytes, from, false));
    }

    private String trim(String text) {
      if (!trims()) {
        return text;
      }
      var all = blank ? text : spaces + text;
      int from = 0;
      int to = all.length();
      while (blank && from < to && Normalizer.isSpace(all.charAt(from))) {
        from++;
      }
      while (to > from && Normalizer.isSpace(all.charAt(to - 1))) {
        to--;
      }
      spaces = all.substring(to);
      blank &= from == to;
      return all.substring(from, to);
    }

    @Override
    public String finish() {
      var rest = trim(decode(NOTHING, 0, true));
      spaces = "";
      blank = true;
      utf8.reset();
      leading = true;
      return rest;
    }

    private String decode(byte[] bytes, int from, boolean last) {
      var in = ByteBuffer.allocate(held.length + bytes.length - from);
      in.put(held).put(bytes, from, bytes.length - from).flip();
      var out = CharBuffer.allocate(in.remaining());
      utf8.decode(in, out, last);
      held = Arrays.copyOfRange(in.array(), in.position(), in.limit());
      return out.flip().toString();
    }
  }
}
