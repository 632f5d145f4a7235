package dev.tenon.sampling;

/// When a beam search ends, once it has as many finished sequences as beams.
public enum EarlyStopping {
  /// When the best running sequence, were it to end here, would not be among them.
  FALSE,

  /// At once.
  TRUE,

  /// When no running sequence can come to be among them, however long it gets.
  NEVER
}
