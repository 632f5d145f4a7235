package dev.tenon.metrics;

/// What a metric says, and how it came to it.
public sealed interface Score permits BleuScore, ChrfScore, TerScore {
  /// {@return the name of the metric, such as `BLEU` or `chrF2++`}
  String name();

  /// {@return the score, for most texts from 0 to 100}
  double score();

  /// {@return the settings and the number of references, as sacreBLEU writes them, and the version
  /// of this library}
  String signature();

  /// {@return the parts of the score, as sacreBLEU prints them behind it, or an empty text}
  default String verbose() {
    return "";
  }

  /// {@return one line: name, signature, score and parts, as sacreBLEU prints them}
  ///
  /// @param width decimals of the score, 0 to 100
  /// @throws IllegalArgumentException if it is out of that range
  default String format(int width) {
    if (width < 0 || width > 100) {
      throw new IllegalArgumentException("a score with " + width + " decimals; 0 to 100 can be");
    }
    var parts = verbose();
    return name()
        + "|"
        + signature()
        + " = "
        + Signature.fixed(score(), width)
        + (parts.isEmpty() ? "" : " " + parts);
  }
}
