package dev.tenon.sampling;

/// A model whose logits are a hash of the last two tokens, the length and the source.
///
/// @param seed makes another model
/// @param scale the highest logit
/// @param vocabulary how many tokens there are
/// @param source sum of the ids of the source, or 0 where there is none
public record HashModel(int seed, float scale, int vocabulary, int source) {
  /// {@return the logits after a sequence}
  ///
  /// @param ids of the sequence
  public float[] logits(int... ids) {
    int n = ids.length;
    int state = seed;
    for (int part : new int[] {n % 5, ids[n - 1], (n > 1 ? ids[n - 2] : 0) / 2, source}) {
      state = mix(state + part);
    }
    var logits = new float[vocabulary];
    for (int token = 0; token < vocabulary; token++) {
      float uniform = (mix(state + token * 7919) >>> 8) / (float) (1 << 24);
      logits[token] = (uniform * 2 - 1) * scale;
    }
    return logits;
  }

  private static int mix(int state) {
    int mixed = state * 0x9E3779B1;
    mixed ^= mixed >>> 15;
    mixed *= 0x85EBCA77;
    return mixed ^ mixed >>> 13;
  }
}
