package dev.tenon.models;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/// Rows of logits to compare.
final class Logits {
  private Logits() {}

  /// Reads little-endian F32, one row a token.
  static float[][] read(Path file, int rows) throws IOException {
    var values =
        ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    var logits = new float[rows][values.capacity() / rows];
    for (var row : logits) values.get(row);
    return logits;
  }

  /// {@return the normalised mean squared error: squared differences over squared expectations}
  static double nmse(float[][] got, float[][] expected) {
    if (got.length != expected.length)
      throw new AssertionError(got.length + " rows, expected " + expected.length);
    double error = 0;
    double norm = 0;
    for (int i = 0; i < got.length; i++) {
      if (got[i].length != expected[i].length)
        throw new AssertionError("row of " + got[i].length + ", expected " + expected[i].length);
      for (int j = 0; j < got[i].length; j++) {
        double difference = got[i][j] - expected[i][j];
        error += difference * difference;
        norm += (double) expected[i][j] * expected[i][j];
      }
    }
    return error / norm;
  }
}
