package dev.tenon.convert;

import dev.tenon.tensor.Matmul;
import dev.tenon.tensor.MatmulObserver;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Measures how much each column of each weight counts: observes what the weights of a model are
/// multiplied with, and adds up the squares, as llama-imatrix does.
///
/// ```java
/// var collector = new ImportanceCollector(512, false);
/// session.observe(collector);
/// text.evaluate(session, true, (logits, next) -> {}); // a ChunkedText, in chunks of 512
/// collector.matrix(List.of("book.txt")).write(Path.of("imatrix.gguf"));
/// ```
///
/// It holds four bytes for each column of each weight, and of each expert. Confined to one thread
/// at a time.
public final class ImportanceCollector implements MatmulObserver {
  private static final String LAYERS = "blk.";
  private static final String OUTPUT = "output.weight";

  private final int chunkSize;
  private final boolean output;
  private final Map<String, Sums> sums = new TreeMap<>();
  private final List<String> datasets = new ArrayList<>();
  private float[] row = {};

  /// Sums of squares of one weight.
  private static final class Sums {
    final float[] values; // of matrices one after the other
    long[] counts; // one for all matrices, or one for each

    Sums(float[] values, long[] counts) {
      this.values = values;
      this.counts = counts;
    }
  }

  /// Starts with nothing measured.
  ///
  /// @param chunkSize tokens of a chunk of text, at least 1
  /// @param output whether the weight of the output counts too, and not those of layers alone
  /// @throws IllegalArgumentException if `chunkSize` is below 1
  public ImportanceCollector(int chunkSize, boolean output) {
    if (chunkSize < 1)
      throw new IllegalArgumentException("chunks of " + chunkSize + " tokens, at least 1");
    this.chunkSize = chunkSize;
    this.output = output;
  }

  /// Adds what was measured before.
  ///
  /// @param matrix for the same model; of the old format, whose sums are of chunks and not of
  ///     tokens, it is taken to have chunks as long as these
  /// @throws IllegalArgumentException if one of its weights has other columns or experts than what
  ///     is known of it; nothing is added then
  public void add(ImportanceMatrix matrix) {
    matrix.entries().forEach((name, entry) -> check(matrix, name, entry));
    matrix.entries().forEach((name, entry) -> add(name, entry, matrix.isOld() ? chunkSize : 1));
    datasets.addAll(matrix.datasets());
  }

  private void check(ImportanceMatrix matrix, String name, ImportanceMatrix.Entry entry) {
    var known = sums.get(name);
    if (known == null) return;
    int values = entry.sums().length;
    int counts = entry.counts().length;
    if (values != known.values.length || counts != known.counts.length && known.counts.length > 1)
      throw new IllegalArgumentException(
          matrix.name()
              + " has "
              + values
              + " sums and "
              + counts
              + " counts for "
              + name
              + ", which has "
              + known.values.length
              + " and "
              + known.counts.length);
  }

  private void add(String name, ImportanceMatrix.Entry entry, int factor) {
    var known =
        sums.computeIfAbsent(name, _ -> new Sums(new float[entry.sums().length], new long[1]));
    spread(known, entry.counts().length);
    for (int i = 0; i < known.values.length; i++) known.values[i] += factor * entry.sums()[i];
    for (int i = 0; i < known.counts.length; i++) known.counts[i] += factor * entry.counts()[i];
  }

  /// From one count for all matrices to one for each.
  private static void spread(Sums sums, int counts) {
    if (sums.counts.length == counts) return;
    var spread = new long[counts];
    Arrays.fill(spread, sums.counts[0]);
    sums.counts = spread;
  }

  @Override
  public boolean wants(String matrix) {
    return matrix.startsWith(LAYERS) || output && matrix.equals(OUTPUT);
  }

  /// Adds the squares of what a weight is multiplied with.
  ///
  /// @throws IllegalStateException if they are infinite or not a number, or the weight has other
  ///     columns or experts than in what was [added][#add]
  @Override
  public void multiplied(Matmul matmul) {
    int width = Math.toIntExact(matmul.inputShape().n0());
    if (row.length != width) row = new float[width];
    if (matmul.experts() == null) addAll(matmul);
    else addChosen(matmul);
  }

  /// Every row with every matrix, or where there are several matrices, each with its own rows.
  private void addAll(Matmul matmul) {
    var matrices = matmul.matrixShape();
    var input = matmul.inputShape();
    long count = matrices.n2() * matrices.n3();
    var to = sums(matmul, count);
    // One count is enough; files of an earlier llama-imatrix have one for each.
    if (Arrays.stream(to.counts).distinct().count() == 1) to.counts = new long[] {to.counts[0]};
    for (long i3 = 0; i3 < input.n3(); i3++) {
      for (long i2 = 0; i2 < input.n2(); i2++) {
        long matrix = i3 % matrices.n3() * matrices.n2() + i2 % matrices.n2();
        for (long i1 = 0; i1 < input.n1(); i1++) {
          matmul.row(i1, i2, i3, row);
          addSquares(to.values, (int) matrix * row.length);
        }
      }
    }
    checkFinite(matmul, to.values, 0, to.values.length);
    long rows = input.n1() * input.n2() * input.n3() / count;
    for (int i = 0; i < to.counts.length; i++) to.counts[i] += rows;
  }

  /// Each row with the matrices of the experts that were chosen for it.
  private void addChosen(Matmul matmul) {
    int count = Math.toIntExact(matmul.matrixShape().n2());
    var to = sums(matmul, count);
    spread(to, count);
    var experts = matmul.experts();
    int tokens = Math.toIntExact(matmul.inputShape().n2());
    int used = experts.length / tokens;
    for (int token = 0; token < tokens; token++) {
      for (int i = 0; i < used; i++) {
        int expert = experts[token * used + i];
        matmul.row(i % matmul.inputShape().n1(), token, 0, row);
        addSquares(to.values, expert * row.length);
        to.counts[expert]++;
      }
    }
    checkFinite(matmul, to.values, 0, to.values.length);
  }

  private Sums sums(Matmul matmul, long matrices) {
    var name = matmul.matrix();
    long values = matmul.inputShape().n0() * matrices;
    if (values > Integer.MAX_VALUE - 8)
      throw new IllegalStateException(name + " has " + values + " columns: too many");
    var known = sums.computeIfAbsent(name, _ -> new Sums(new float[(int) values], new long[1]));
    if (known.values.length != values
        || known.counts.length != 1 && known.counts.length != matrices)
      throw new IllegalStateException(
          name
              + " has "
              + values
              + " columns in "
              + matrices
              + " matrices, and "
              + known.values.length
              + " in "
              + known.counts.length
              + " in what was measured before");
    return known;
  }

  private void addSquares(float[] to, int at) {
    for (int i = 0; i < row.length; i++) to[at + i] += row[i] * row[i];
  }

  private static void checkFinite(Matmul matmul, float[] values, int from, int to) {
    for (int i = from; i < to; i++)
      if (!(values[i] < Float.POSITIVE_INFINITY))
        throw new IllegalStateException(
            "what " + matmul.matrix() + " is multiplied with is infinite or not a number");
  }

  /// {@return how many chunks have been measured, what was [added][#add] included}
  public int chunks() {
    long most = 0;
    for (var each : sums.values()) for (long count : each.counts) most = Math.max(most, count);
    return Math.clamp(most / chunkSize, 0, Integer.MAX_VALUE);
  }

  /// {@return what has been measured so far, as a copy}
  ///
  /// @param texts the names of those it was measured over, in addition to those of what was
  ///     [added][#add]
  public ImportanceMatrix matrix(List<String> texts) {
    var entries = new TreeMap<String, ImportanceMatrix.Entry>();
    sums.forEach(
        (name, each) ->
            entries.put(
                name, new ImportanceMatrix.Entry(each.values.clone(), each.counts.clone())));
    var all = new ArrayList<>(datasets);
    all.addAll(texts);
    return new ImportanceMatrix(null, all, chunks(), chunkSize, entries);
  }
}
