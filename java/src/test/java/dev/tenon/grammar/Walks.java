package dev.tenon.grammar;

import dev.tenon.sampling.Candidates;
import java.io.ByteArrayOutputStream;
import java.util.Random;

/// Texts that come of choosing at random among the tokens that a grammar leaves.
final class Walks {
  private Walks() {}

  /// The vocabulary of single bytes, and an end token behind them.
  static VocabularyTrie bytes() {
    var pieces = new byte[257][];
    for (int b = 0; b < 256; b++) {
      pieces[b] = new byte[] {(byte) b};
    }
    pieces[256] = new byte[0];
    return VocabularyTrie.of(pieces, 256);
  }

  /// {@return the bytes of a text that the grammar has let end, or null if it went on beyond so
  /// many tokens}
  ///
  /// @param eagerness how much likelier an end is than another token
  static byte[] text(
      Grammar grammar, VocabularyTrie trie, Random random, int tokens, float eagerness) {
    var filter = new GrammarFilter(grammar, trie);
    var text = new ByteArrayOutputStream();
    var logits = new float[trie.vocabularySize()];
    for (int n = 0; n < tokens; n++) {
      for (int id = 0; id < logits.length; id++) {
        logits[id] = (float) random.nextGaussian() + (trie.endsGeneration(id) ? eagerness : 0);
        // In a vocabulary of bytes most would begin a character beyond ASCII.
        logits[id] -= trie.bytes(id).length == 1 && trie.bytes(id)[0] < 0 ? 3 : 0;
      }
      var candidates = Candidates.of(logits);
      filter.apply(candidates);
      int token = candidates.id(candidates.best());
      filter.accept(token);
      if (trie.endsGeneration(token)) {
        return text.toByteArray();
      }
      text.writeBytes(trie.bytes(token));
    }
    return null;
  }
}
