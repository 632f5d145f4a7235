package dev.tenon.attention;

/// Which tokens look at which.
public enum AttentionKind {
  /// The encoder's tokens look at each other.
  ENCODER,
  /// The decoder's tokens look at themselves and at those before them.
  DECODER,
  /// The decoder's tokens look at the encoder's.
  CROSS;

  /// {@return the name of its arrays beside those of other kinds, as in transformers' outputs: for
  /// example `cross_attentions`}
  public String arrays() {
    return prefix() + "_attentions";
  }

  /// {@return `encoder`, `decoder` or `cross`}
  String prefix() {
    return switch (this) {
      case ENCODER -> "encoder";
      case DECODER -> "decoder";
      case CROSS -> "cross";
    };
  }
}
