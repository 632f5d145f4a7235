package dev.tenon.attention;

import java.io.IOException;
import java.io.OutputStream;
import java.time.LocalDateTime;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/// Writes attention as NumPy arrays, `.npz`, which `numpy.load` reads without pickle.
///
/// They have the names of [AttentionJson]: `attentions`, or `encoder_attentions`,
/// `decoder_attentions` and `cross_attentions`, float32 of shape (layers, heads, to, from); then
/// `tokens` as text, `ids`, `token_type_ids`, `layers` and `heads` as int64.
public final class AttentionNpz {
  /// The first that a zip file can say: what is written does not depend on when.
  private static final LocalDateTime TIME = LocalDateTime.of(1980, 1, 1, 0, 0);

  private AttentionNpz() {}

  /// Writes the arrays.
  ///
  /// @param maps what was captured
  /// @param out where to; flushed, and left open
  /// @throws IOException if it cannot be written
  public static void write(AttentionMaps maps, OutputStream out) throws IOException {
    var zip = new ZipOutputStream(out);
    zip.setLevel(Deflater.BEST_SPEED);
    for (var kind : maps.maps().keySet()) {
      var map = maps.maps().get(kind);
      var prefix = maps.oneSided() ? "" : kind.prefix() + "_";
      begin(zip, maps.name(kind));
      var layers = map.layers();
      var heads = map.heads();
      NpyWriter.writeFloats(zip, map.weights(), layers.length, heads.length, map.to(), map.from());
      writeNumbers(zip, prefix + "layers", layers);
      writeNumbers(zip, prefix + "heads", heads);
    }
    write(maps.encoder(), maps.oneSided() ? "" : "encoder_", zip);
    write(maps.decoder(), maps.oneSided() ? "" : "decoder_", zip);
    zip.finish();
    zip.flush();
  }

  private static void write(AttentionTokens tokens, String prefix, ZipOutputStream zip)
      throws IOException {
    if (tokens.size() == 0) {
      return;
    }
    begin(zip, prefix + "tokens");
    NpyWriter.writeStrings(zip, tokens.texts());
    writeNumbers(zip, prefix + "ids", tokens.ids());
    writeNumbers(zip, prefix + "token_type_ids", tokens.types());
  }

  private static void writeNumbers(ZipOutputStream zip, String name, int[] numbers)
      throws IOException {
    if (numbers.length > 0) {
      begin(zip, name);
      NpyWriter.writeLongs(zip, numbers);
    }
  }

  /// Begins an entry and ends the one before.
  private static void begin(ZipOutputStream zip, String name) throws IOException {
    var entry = new ZipEntry(name + ".npy");
    entry.setTimeLocal(TIME);
    zip.putNextEntry(entry);
  }
}
