package dev.tenon.convert;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/// What an importance matrix says of one weight, in a few numbers: those of
/// `llama-imatrix --show-statistics`. Columns of experts that no token came to do not count.
///
/// @param weight its name
/// @param sum of the importance of all columns
/// @param minimum the least importance of a column
/// @param maximum the largest
/// @param mean importance
/// @param deviation standard deviation of the importance
/// @param active the part of the columns whose importance is above 1e-5
/// @param columns how many there are
/// @param entropy of the importance as a distribution over columns, in bits
/// @param outstanding the part of the columns whose importance is more than one standard deviation
///     above the mean
/// @param similarity cosine of the angle to the same weight of the layer before; 0 where there is
///     none
public record ImportanceStatistics(
    String weight,
    double sum,
    double minimum,
    double maximum,
    double mean,
    double deviation,
    double active,
    int columns,
    double entropy,
    double outstanding,
    double similarity) {
  private static final double INACTIVE = 1e-5;
  private static final Pattern LAYER = Pattern.compile("blk\\.(\\d{1,9})\\.");

  /// {@return the numbers of each weight that anything was multiplied with: by the name without the
  /// layer, then the largest sum first}
  ///
  /// @param matrix what was measured
  public static List<ImportanceStatistics> of(ImportanceMatrix matrix) {
    var all = new ArrayList<ImportanceStatistics>();
    var parts = new HashMap<String, String>();
    matrix
        .entries()
        .forEach(
            (name, entry) -> {
              var importance = seen(entry);
              if (importance.length > 0) all.add(of(name, importance, similarity(matrix, name)));
              var pieces = name.split("\\.");
              int last = List.of(pieces).indexOf("weight");
              parts.put(name, last > 0 ? pieces[last - 1] : name);
            });
    all.sort(
        Comparator.comparing((ImportanceStatistics each) -> parts.get(each.weight))
            .thenComparing(Comparator.comparingDouble(ImportanceStatistics::sum).reversed())
            .thenComparing(ImportanceStatistics::weight));
    return List.copyOf(all);
  }

  private static double[] seen(ImportanceMatrix.Entry entry) {
    int width = entry.sums().length / entry.counts().length;
    var seen = new double[entry.sums().length];
    int size = 0;
    for (int i = 0; i < entry.sums().length; i++) {
      long count = entry.counts()[i / width];
      if (count > 0) seen[size++] = (double) entry.sums()[i] / count;
    }
    return Arrays.copyOf(seen, size);
  }

  private static ImportanceStatistics of(String name, double[] importance, double similarity) {
    double sum = 0;
    double squares = 0;
    double least = Double.POSITIVE_INFINITY;
    double most = 0;
    int active = 0;
    for (double each : importance) {
      sum += each;
      squares += each * each;
      least = Math.min(least, each);
      most = Math.max(most, each);
      if (each > INACTIVE) active++;
    }
    int count = importance.length;
    double mean = sum / count;
    double deviation = Math.sqrt(Math.max(0, squares / count - mean * mean));
    double entropy = 0;
    int outstanding = 0;
    for (double each : importance) {
      double part = each / sum;
      if (part > 0) entropy -= part * Math.log(part) / Math.log(2);
      if (deviation > 0 && (each - mean) / deviation > 1) outstanding++;
    }
    return new ImportanceStatistics(
        name,
        sum,
        least,
        most,
        mean,
        deviation,
        (double) active / count,
        count,
        entropy,
        (double) outstanding / count,
        similarity);
  }

  private static double similarity(ImportanceMatrix matrix, String name) {
    var layer = LAYER.matcher(name);
    if (!layer.find()) return 0;
    int before = Integer.parseInt(layer.group(1)) - 1;
    var other = name.substring(0, layer.start(1)) + before + name.substring(layer.end(1));
    Map<String, ImportanceMatrix.Entry> entries = matrix.entries();
    if (!entries.containsKey(other)) return 0;
    var a = entries.get(name).sums();
    var b = entries.get(other).sums();
    if (a.length != b.length) return 0;
    double product = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < a.length; i++) {
      product += (double) a[i] * b[i];
      aa += (double) a[i] * a[i];
      bb += (double) b[i] * b[i];
    }
    return aa > 0 && bb > 0 ? product / Math.sqrt(aa * bb) : 0;
  }
}
