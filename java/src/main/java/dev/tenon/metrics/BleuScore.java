package dev.tenon.metrics;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/// What [Bleu] says.
///
/// @param score the geometric mean of the precisions times the brevity penalty, 0 to 100
/// @param counts n-grams that a reference has too, from one word on; with `add-k` as it made them
/// @param totals n-grams of the hypotheses; with `add-k` as it made them
/// @param precisions after smoothing, in percent; all 0 where no n-gram was found in a reference
/// @param bp the brevity penalty, 0 to 1
/// @param sysLen words of the hypotheses
/// @param refLen words of the references that are nearest to the hypotheses in length
/// @param signature how it came about
public record BleuScore(
    double score,
    List<Double> counts,
    List<Double> totals,
    List<Double> precisions,
    double bp,
    long sysLen,
    long refLen,
    String signature)
    implements Score {
  /// Copies the lists.
  public BleuScore {
    counts = List.copyOf(counts);
    totals = List.copyOf(totals);
    precisions = List.copyOf(precisions);
  }

  @Override
  public String name() {
    return "BLEU";
  }

  /// {@return how long the hypotheses are, beside the references; 0 where those are empty}
  public double ratio() {
    return refLen == 0 ? 0 : (double) sysLen / refLen;
  }

  @Override
  public String verbose() {
    return String.format(
        Locale.ROOT,
        "%s (BP = %s ratio = %s hyp_len = %d ref_len = %d)",
        precisions.stream().map(p -> Signature.fixed(p, 1)).collect(Collectors.joining("/")),
        Signature.fixed(bp, 3),
        Signature.fixed(ratio(), 3),
        sysLen,
        refLen);
  }
}
