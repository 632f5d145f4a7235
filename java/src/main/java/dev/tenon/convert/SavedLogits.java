package dev.tenon.convert;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/// What a model expected over a text, in the file that `llama-perplexity --kl-divergence-base`
/// writes: chunks of tokens, and for the second half of each the logarithms of probabilities, in 16
/// bits each.
///
/// Confined to one thread at a time.
public final class SavedLogits implements AutoCloseable {
  private static final String MAGIC = "_logits_";
  private static final int MOST_CONTEXT = 1 << 24;
  private static final int MOST_VOCABULARY = 1 << 24;
  private static final float RANGE = 16;

  private final Path path;
  private final DataInputStream in;
  private final int vocabulary;
  private final int[][] chunks;
  private final ByteBuffer row;

  private SavedLogits(Path path, DataInputStream in, int vocabulary, int[][] chunks) {
    this.path = path;
    this.in = in;
    this.vocabulary = vocabulary;
    this.chunks = chunks;
    row = row(vocabulary);
  }

  /// Opens a file and reads the tokens.
  ///
  /// @param path the file
  /// @return the open file; the caller closes it
  /// @throws IOException if it is no such file, is cut off, or cannot be read
  public static SavedLogits open(Path path) throws IOException {
    var in = new DataInputStream(new BufferedInputStream(Files.newInputStream(path), 1 << 18));
    try {
      if (!MAGIC.equals(new String(in.readNBytes(8), StandardCharsets.ISO_8859_1)))
        throw wrong(path, "another beginning than " + MAGIC);
      var numbers = read(path, in, ByteBuffer.allocate(12)).asIntBuffer();
      int context = numbers.get(0);
      int vocabulary = numbers.get(1);
      int count = numbers.get(2);
      if (context < 4 || context > MOST_CONTEXT || vocabulary < 1 || vocabulary > MOST_VOCABULARY)
        throw wrong(path, "a context of " + context + " and a vocabulary of " + vocabulary);
      long rows = count * (context - 1L - context / 2);
      if (count < 1 || Files.size(path) / row(vocabulary).capacity() < rows)
        throw wrong(path, count + " chunks in " + Files.size(path) + " bytes");
      var chunks = new int[count][context];
      for (var chunk : chunks) {
        read(path, in, ByteBuffer.allocate(4 * context)).asIntBuffer().get(chunk);
        for (int token : chunk)
          if (token < 0 || token >= vocabulary) throw wrong(path, "the token " + token);
      }
      return new SavedLogits(path, in, vocabulary, chunks);
    } catch (Throwable e) {
      in.close();
      throw e;
    }
  }

  /// {@return the tokens of each chunk}
  public int[][] chunks() {
    return chunks;
  }

  /// {@return how many tokens there are to choose from}
  public int vocabulary() {
    return vocabulary;
  }

  /// Reads the next row: for each chunk there is one for each token of its second half but the
  /// last.
  ///
  /// @param into as long as the vocabulary; filled with logarithms of probabilities
  /// @throws IOException if there is none
  public void next(float[] into) throws IOException {
    read(path, in, row.clear());
    float scale = row.getFloat(0);
    float least = row.getFloat(4);
    for (int i = 0; i < vocabulary; i++)
      into[i] = scale * (row.getShort(8 + 2 * i) & 0xffff) + least;
  }

  private static ByteBuffer read(Path path, DataInputStream in, ByteBuffer into)
      throws IOException {
    if (in.readNBytes(into.array(), 0, into.capacity()) < into.capacity())
      throw wrong(path, "the end");
    return into.order(ByteOrder.LITTLE_ENDIAN);
  }

  private static IOException wrong(Path path, String found) {
    return new IOException(path + ": expected the saved logits of a base model, found " + found);
  }

  @Override
  public void close() throws IOException {
    in.close();
  }

  /// Two numbers, and an even count of 16 bits each.
  private static ByteBuffer row(int vocabulary) {
    return ByteBuffer.allocate(8 + 4 * ((vocabulary + 1) / 2)).order(ByteOrder.LITTLE_ENDIAN);
  }

  /// Writes the beginning of a file, up to the first row.
  ///
  /// @param out where to; not closed
  /// @param vocabulary how many tokens there are to choose from
  /// @param chunks tokens, as many in each
  /// @throws IllegalArgumentException if there is no chunk, or they are of different lengths
  /// @throws IOException from `out`
  public static void begin(OutputStream out, int vocabulary, int[][] chunks) throws IOException {
    for (var chunk : chunks)
      if (chunk.length != chunks[0].length)
        throw new IllegalArgumentException(
            "begin: a chunk of " + chunk.length + " tokens beside one of " + chunks[0].length);
    if (chunks.length == 0) throw new IllegalArgumentException("begin: there is no chunk");
    out.write(MAGIC.getBytes(StandardCharsets.ISO_8859_1));
    var numbers = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN);
    out.write(numbers.putInt(chunks[0].length).putInt(vocabulary).putInt(chunks.length).array());
    for (var chunk : chunks) {
      var tokens = ByteBuffer.allocate(4 * chunk.length).order(ByteOrder.LITTLE_ENDIAN);
      tokens.asIntBuffer().put(chunk);
      out.write(tokens.array());
    }
  }

  /// Writes a row.
  ///
  /// @param out where to; not closed
  /// @param logits unnormalised, one for each token of the vocabulary
  /// @throws IOException from `out`
  public static void write(OutputStream out, float[] logits) throws IOException {
    float most = Float.NEGATIVE_INFINITY;
    float least = Float.POSITIVE_INFINITY;
    for (float logit : logits) {
      most = Math.max(most, logit);
      least = Math.min(least, logit);
    }
    least = Math.max(least, most - RANGE);
    float scale = (most - least) / 65535;
    float leastLog = (float) (least - Perplexity.logSum(logits));
    var row = row(logits.length).putFloat(scale).putFloat(leastLog);
    for (float logit : logits)
      row.putShort((short) (scale > 0 && logit > least ? Math.rint((logit - least) / scale) : 0));
    out.write(row.array());
  }
}
