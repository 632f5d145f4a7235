package dev.tenon.tokenizer;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumSet;

/// What all algorithms share: special tokens are cut out of a text, begin and end tokens are added,
/// and ids turn into text again. An algorithm encodes the text in between.
abstract class VocabularyTokenizer implements Tokenizer {
  static final String MODEL = "tokenizer.ggml.model";

  private static final byte[] NOTHING = {};

  final Vocabulary vocabulary;
  private final SpecialTokens special;
  private final SpecialTokens userDefined;

  VocabularyTokenizer(Vocabulary vocabulary) {
    this.vocabulary = vocabulary;
    special = new SpecialTokens(vocabulary, vocabulary.ofTypes(Vocabulary.SPECIAL));
    userDefined =
        new SpecialTokens(vocabulary, vocabulary.ofTypes(EnumSet.of(TokenType.USER_DEFINED)));
  }

  /// Encodes text without special tokens.
  ///
  /// @param text not empty, and without half surrogate pairs
  /// @param leading whether nothing or a special token stands before it
  /// @param ids where the ids go
  abstract void encode(String text, boolean leading, IntList ids);

  /// {@return the bytes that a token of type [TokenType#NORMAL] stands for}
  abstract byte[] normal(int token);

  /// {@return whether a space was put in front of a text, to be taken off again}
  abstract boolean addsSpace();

  /// {@return the length in UTF-8 of a character that begins with a byte}
  static int length(byte first) {
    return first >= 0 ? 1 : first < (byte) 0xe0 ? 2 : first < (byte) 0xf0 ? 3 : 4;
  }

  @Override
  public final int[] encode(String text, boolean addSpecial, boolean parseSpecial) {
    var clean = replaceHalfPairs(text);
    var ids = new IntList();
    if (addSpecial && vocabulary.addsBos()) {
      begin(ids);
    }
    encode(clean, ids, parseSpecial);
    if (addSpecial && vocabulary.addsEos()) {
      end(ids);
    }
    return ids.toArray();
  }

  /// Adds what begins a text.
  void begin(IntList ids) {
    ids.add(vocabulary.bos());
  }

  /// Adds what ends a text.
  void end(IntList ids) {
    ids.add(vocabulary.eos());
  }

  /// Encodes a text with the special tokens in it.
  ///
  /// @param text without half surrogate pairs
  /// @param ids where the ids go
  /// @param parseSpecial whether control tokens are recognised
  void encode(String text, IntList ids, boolean parseSpecial) {
    boolean leading = true;
    for (var fragment : (parseSpecial ? special : userDefined).split(text)) {
      if (fragment.token() != Vocabulary.NONE) {
        ids.add(fragment.token());
        leading = true;
      } else {
        encode(text.substring(fragment.from(), fragment.to()), leading, ids);
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
      case CONTROL, UNKNOWN -> special ? vocabulary.utf8(token) : NOTHING;
      case USER_DEFINED -> vocabulary.utf8(token);
      case BYTE -> new byte[] {(byte) Integer.parseInt(vocabulary.text(token), 3, 5, 16)};
      case UNUSED -> NOTHING;
    };
  }

  @Override
  public final String piece(int token) {
    return vocabulary.text(checked(token));
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

    Decoder(boolean special) {
      this.special = special;
    }

    @Override
    public String accept(int token) {
      var bytes = bytes(token, special);
      if (bytes.length == 0) {
        return "";
      }
      int from = leading && addsSpace() && bytes[0] == ' ' ? 1 : 0;
      leading = false;
      return decode(bytes, from, false);
    }

    @Override
    public String finish() {
      var rest = decode(NOTHING, 0, true);
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
