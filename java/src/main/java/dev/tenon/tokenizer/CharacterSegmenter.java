package dev.tenon.tokenizer;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Makes a token of each character by a list of them. Immutable and thread-safe.
final class CharacterSegmenter implements Segmenter {
  private final Map<Integer, Integer> ids = new HashMap<>();
  private final int unknown;

  /// @param tokens by id; those that are not one character are left out
  /// @param unknown for what is not among them, or [Vocabulary#NONE] where that is left out
  CharacterSegmenter(List<String> tokens, int unknown) {
    this.unknown = unknown;
    for (int id = 0; id < tokens.size(); id++) {
      var text = tokens.get(id);
      if (!text.isEmpty() && text.codePointCount(0, text.length()) == 1) {
        ids.put(text.codePointAt(0), id);
      }
    }
  }

  @Override
  public void segment(String word, Tokens tokens) {
    for (int i = 0; i < word.length(); ) {
      int c = word.codePointAt(i);
      i += Character.charCount(c);
      int id = ids.getOrDefault(c, unknown);
      if (id != Vocabulary.NONE) {
        tokens.add(id, i);
      }
    }
  }
}
