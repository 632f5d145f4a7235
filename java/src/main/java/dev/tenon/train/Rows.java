package dev.tenon.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/// Examples laid out in rows of one length, several to a row where they are short.
///
/// A row has an example's tokens but the last, at the label of each the token that follows. What
/// none fills is padding that counts nowhere.
final class Rows {
  /// Rows that are open at a time: an example goes into the fullest that it fits.
  private static final int OPEN = 64;

  static final int NO_LABEL = -1;

  private final int length;
  private final List<int[]> rows; // of each row the pieces in it, by number
  private final List<Example> pieces;

  private Rows(int length, List<int[]> rows, List<Example> pieces) {
    this.length = length;
    this.rows = rows;
    this.pieces = pieces;
  }

  /// What a pass is given: `rows * length` of each.
  record Batch(int[] tokens, int[] positions, int[] starts, int[] labels, int counted) {}

  /// Cuts examples that are too long, and lays out the pieces.
  static Rows of(List<Example> examples, int length) {
    var pieces = new ArrayList<Example>();
    for (var example : examples) {
      for (var piece : example.pieces(length)) if (piece.count() > 0) pieces.add(piece);
    }
    return new Rows(length, layOut(pieces, length), pieces);
  }

  private static final class Row {
    final List<Integer> pieces = new ArrayList<>();
    int used;

    int[] toArray() {
      return pieces.stream().mapToInt(Integer::intValue).toArray();
    }
  }

  private static List<int[]> layOut(List<Example> pieces, int length) {
    var rows = new ArrayList<int[]>();
    var open = new ArrayList<Row>();
    for (int i = 0; i < pieces.size(); i++) {
      int needed = pieces.get(i).tokens().length - 1;
      Row best = null;
      for (var row : open) {
        if (row.used + needed <= length && (best == null || row.used > best.used)) best = row;
      }
      if (best == null) {
        if (open.size() == OPEN) rows.add(removeFullest(open).toArray());
        best = new Row();
        open.add(best);
      }
      best.pieces.add(i);
      best.used += needed;
    }
    for (var row : open) rows.add(row.toArray());
    return rows;
  }

  private static Row removeFullest(List<Row> open) {
    int fullest = 0;
    for (int i = 1; i < open.size(); i++)
      if (open.get(i).used > open.get(fullest).used) fullest = i;
    return open.remove(fullest);
  }

  int size() {
    return rows.size();
  }

  /// {@return the numbers of all rows in an order of chance}
  static int[] shuffled(int count, long seed, long epoch) {
    var order = new int[count];
    Arrays.setAll(order, i -> i);
    var random = new SplittableRandom(seed * 0x9E3779B97F4A7C15L + epoch);
    for (int i = count - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int swap = order[i];
      order[i] = order[j];
      order[j] = swap;
    }
    return order;
  }

  /// {@return the rows of these numbers; beyond the last number rows of padding}
  Batch batch(int[] numbers, int count) {
    int[] tokens = new int[count * length];
    int[] positions = new int[count * length];
    int[] starts = new int[count * length];
    int[] labels = new int[count * length];
    Arrays.fill(labels, NO_LABEL);
    int counted = 0;
    for (int row = 0; row < count; row++) {
      int place = 0; // in the row
      int at = row * length;
      for (int piece : row < numbers.length ? rows.get(numbers[row]) : new int[0]) {
        var example = pieces.get(piece);
        int start = place;
        for (int i = 0; i + 1 < example.tokens().length; i++, place++) {
          tokens[at + place] = example.tokens()[i];
          positions[at + place] = i;
          starts[at + place] = start;
          if (example.wanted()[i + 1]) labels[at + place] = example.tokens()[i + 1];
        }
        counted += example.count();
      }
      // Padding is a sequence of its own; each of its tokens must see one, itself.
      for (int start = place; place < length; place++) {
        positions[at + place] = place - start;
        starts[at + place] = start;
      }
    }
    return new Batch(tokens, positions, starts, labels, counted);
  }
}
