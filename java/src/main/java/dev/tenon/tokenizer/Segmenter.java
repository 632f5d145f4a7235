package dev.tenon.tokenizer;

/// Cuts one word, as normalised and split, into tokens. Immutable and thread-safe.
@FunctionalInterface
interface Segmenter {
  /// Cuts a word.
  ///
  /// @param word not empty
  /// @param tokens takes each token in the order of the word
  void segment(String word, Tokens tokens);

  /// {@return what cuts the words of one text, which may be confined to one thread}
  default Segmenter forOneText() {
    return this;
  }

  /// The tokens of a word, with where each stands in it (UTF-16).
  final class Tokens {
    private final IntList ids = new IntList();
    private final IntList starts = new IntList();
    private final IntList ends = new IntList();

    /// Adds a token that begins where the one before ends.
    ///
    /// @param end where it ends; where that is the end of the one before, as with the bytes of a
    ///     character, it begins where that one does
    void add(int id, int end) {
      int last = ids.size() - 1;
      int before = last < 0 ? 0 : ends.get(last);
      add(id, last >= 0 && end == before ? starts.get(last) : before, end);
    }

    /// Adds a token.
    void add(int id, int start, int end) {
      ids.add(id);
      starts.add(start);
      ends.add(end);
    }

    /// Takes off the last tokens.
    ///
    /// @param size how many stay
    void cut(int size) {
      ids.cut(size);
      starts.cut(size);
      ends.cut(size);
    }

    int size() {
      return ids.size();
    }

    int id(int i) {
      return ids.get(i);
    }

    int start(int i) {
      return starts.get(i);
    }

    int end(int i) {
      return ends.get(i);
    }
  }
}
