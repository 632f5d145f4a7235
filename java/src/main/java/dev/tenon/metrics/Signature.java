package dev.tenon.metrics;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;

/// How a score came about, in the form of sacreBLEU: `nrefs:1|case:mixed|…|version:…`.
final class Signature {
  /// As the build recorded it in the module.
  private static final String VERSION = version();

  private Signature() {}

  /// {@return the signature}
  ///
  /// @param settings between the number of references and the version, such as `case:mixed`
  static String of(List<Segment> segments, String... settings) {
    return "nrefs:"
        + Segment.referenceCount(segments)
        + "|"
        + String.join("|", settings)
        + "|version:"
        + VERSION;
  }

  static String yesOrNo(boolean setting) {
    return setting ? "yes" : "no";
  }

  /// {@return a number with so many decimals, rounded as Python does: of its exact value, a half to
  /// the even digit}
  static String fixed(double value, int decimals) {
    return new BigDecimal(value).setScale(decimals, RoundingMode.HALF_EVEN).toPlainString();
  }

  private static String version() {
    var module = Signature.class.getModule().getDescriptor();
    return module == null ? "(unpackaged)" : module.rawVersion().orElse("(unpackaged)");
  }
}
