package dev.tenon.tokenizer;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import java.text.Normalizer.Form;
import java.util.List;

/// WordPiece of a file that llama.cpp's converter made (`tokenizer.ggml.model` = `bert`), as
/// llama.cpp's `llm_tokenizer_wpm`.
///
/// A token that begins a word has U+2581 in front, one that goes on with it nothing. A text is
/// lowercased and loses its accents where `tokenizer.ggml.normalizer.lowercase` and
/// `tokenizer.ggml.normalizer.strip_accents` do not say otherwise.
final class PhantomWordPiece extends VocabularyTokenizer {
  private static final char SPACE = '\u2581';
  private static final String LOWERCASE = "tokenizer.ggml.normalizer.lowercase";
  private static final String STRIP_ACCENTS = "tokenizer.ggml.normalizer.strip_accents";

  private final PieceTrie tokens = new PieceTrie();
  private final boolean lowercase;
  private final boolean stripsAccents;
  private final Decoding.Pieces decoding = new Decoding.Pieces("##", true);

  PhantomWordPiece(Gguf gguf) throws GgufFormatException {
    super(gguf, new Vocabulary(gguf, Vocabulary.Defaults.BERT));
    lowercase = gguf.bool(LOWERCASE, true);
    stripsAccents = gguf.bool(STRIP_ACCENTS, lowercase);
    if (vocabulary.unknown() == Vocabulary.NONE) {
      throw gguf.malformed(Vocabulary.TOKENS, "a token for what is unknown", "none");
    }
    for (int id = 0; id < vocabulary.size(); id++) {
      if (vocabulary.length(id) <= PieceTrie.LONGEST) {
        tokens.put(vocabulary.text(id), id);
      }
    }
  }

  @Override
  boolean addsSpace() {
    return true;
  }

  @Override
  byte[] normal(int token) {
    return Normalizer.utf8(decoding.text(original(token), false));
  }

  @Override
  byte[] first(int token) {
    return Normalizer.utf8(decoding.text(original(token), true));
  }

  @Override
  String text(int token) {
    return original(token);
  }

  @Override
  public int find(String piece) {
    int found = super.find(piece.startsWith("##") ? piece.substring(2) : SPACE + piece);
    return found == Vocabulary.NONE ? super.find(piece) : found;
  }

  @Override
  public String join(List<String> pieces) {
    var text = new StringBuilder();
    for (var piece : pieces) {
      text.append(decoding.text(piece, text.isEmpty()));
    }
    return text.toString();
  }

  @Override
  public boolean marksSubwords() {
    return true;
  }

  @Override
  byte[] written(int token) {
    return normal(token);
  }

  /// {@return a token as BERT's own vocabulary has it}
  private String original(int token) {
    var text = vocabulary.text(token);
    if (vocabulary.type(token) == TokenType.CONTROL) {
      return text;
    }
    return text.charAt(0) == SPACE ? text.substring(1) : "##" + text;
  }

  @Override
  void encode(String text, boolean leading, TokenList found) {
    var word = new Word();
    for (int i = 0; i < text.length(); ) {
      int from = i;
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      if (stripsAccents) {
        c = java.text.Normalizer.normalize(Character.toString(c), Form.NFD).codePointAt(0);
      }
      if (Normalizer.isSpace(c)) {
        word.encode(found);
      } else if (c != 0
          && c != 0xfffd
          && !isControl(c)
          && !(stripsAccents && UnicodeForm.isMark(c))) {
        boolean alone = Splitter.isPunctuation(c) || Normalizer.isChinese(c);
        if (alone) {
          word.encode(found);
        }
        word.add(lowercase ? Character.toLowerCase(c) : c, from, i);
        if (alone) {
          word.encode(found);
        }
      }
    }
    word.encode(found);
  }

  private static boolean isControl(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE -> true;
      default -> false;
    };
  }

  /// A word in the making, with where each of its characters comes from.
  private final class Word {
    private final StringBuilder text = new StringBuilder().append(SPACE);
    private final IntList starts = new IntList();
    private final IntList ends = new IntList();

    void add(int c, int start, int end) {
      for (int n = Character.charCount(c); n > 0; n--) {
        starts.add(start);
        ends.add(end);
      }
      text.appendCodePoint(c);
    }

    void encode(TokenList found) {
      if (starts.size() == 0) {
        return;
      }
      found.nextWord();
      var cut = new Segmenter.Tokens();
      int at = 0;
      while (at < text.length()) {
        int node = PieceTrie.ROOT;
        int token = Vocabulary.NONE;
        int end = at;
        for (int i = at; i < text.length() && node != PieceTrie.NONE; i++) {
          node = tokens.child(node, text.charAt(i));
          if (node != PieceTrie.NONE && tokens.value(node) != PieceTrie.NONE) {
            token = tokens.value(node);
            end = i + 1;
          }
        }
        if (token == Vocabulary.NONE) {
          break;
        }
        cut.add(token, at, end);
        at = end;
      }
      int last = starts.size() - 1;
      if (at < text.length()) {
        found.add(vocabulary.unknown(), starts.get(0), ends.get(last));
      } else {
        for (int i = 0; i < cut.size(); i++) {
          int from = Math.max(0, cut.start(i) - 1); // the space is not of the text
          int to = Math.max(from, cut.end(i) - 2);
          found.add(cut.id(i), starts.get(from), ends.get(to));
        }
      }
      text.setLength(1);
      starts.cut(0);
      ends.cut(0);
    }
  }
}
