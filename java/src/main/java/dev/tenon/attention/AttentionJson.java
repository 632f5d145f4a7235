package dev.tenon.attention;

import dev.tenon.json.Json;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// Writes attention as JSON, weight by weight, so that it may be larger than any string.
///
/// Of an encoder or a decoder alone the members are `model`, `tokens`, `ids` and `token_type_ids`
/// where they are known, `layers` and `heads` with their numbers, and `attentions`, nested arrays
/// of `[layer][head][to][from]`. Encoder-decoders have `encoder_tokens`, `decoder_tokens` and so
/// on, with `encoder_attentions`, `decoder_attentions` and `cross_attentions`. A weight is written
/// with the digits that tell it from every other float; one that is no number becomes `null`.
public final class AttentionJson {
  private AttentionJson() {}

  /// Writes one object.
  ///
  /// @param maps what was captured
  /// @param out where to, as UTF-8; flushed, and left open
  /// @throws IOException if it cannot be written
  public static void write(AttentionMaps maps, OutputStream out) throws IOException {
    var writer = new BufferedWriter(new OutputStreamWriter(out, StandardCharsets.UTF_8), 1 << 16);
    writer.write("{\"model\":" + Json.write(maps.model()));
    write(maps.encoder(), maps.oneSided() ? "" : "encoder_", writer);
    write(maps.decoder(), maps.oneSided() ? "" : "decoder_", writer);
    for (var kind : maps.maps().keySet()) {
      var map = maps.maps().get(kind);
      var prefix = maps.oneSided() ? "" : kind.prefix() + "_";
      writer.write(",\n\"" + prefix + "layers\":" + numbers(map.layers()));
      writer.write(",\n\"" + prefix + "heads\":" + numbers(map.heads()));
      writer.write(",\n\"" + maps.name(kind) + "\":");
      write(map, writer);
    }
    writer.write("}\n");
    writer.flush();
  }

  private static void write(AttentionTokens tokens, String prefix, Writer out) throws IOException {
    if (tokens.size() == 0) {
      return;
    }
    out.write(",\n\"" + prefix + "tokens\":" + Json.write(tokens.texts()));
    if (tokens.ids().length > 0) {
      out.write(",\n\"" + prefix + "ids\":" + numbers(tokens.ids()));
    }
    if (tokens.types().length > 0) {
      out.write(",\n\"" + prefix + "token_type_ids\":" + numbers(tokens.types()));
    }
  }

  /// A line for each token that looks.
  private static void write(AttentionMap map, Writer out) throws IOException {
    int at = 0;
    for (int layer = 0; layer < map.layers().length; layer++) {
      out.write(layer == 0 ? "[" : ",\n");
      for (int head = 0; head < map.heads().length; head++) {
        out.write(head == 0 ? "[" : ",\n");
        for (int to = 0; to < map.to(); to++) {
          out.write(to == 0 ? "[[" : ",\n[");
          for (int from = 0; from < map.from(); from++) {
            if (from > 0) {
              out.write(',');
            }
            float weight = map.weights()[at++];
            out.write(Float.isFinite(weight) ? Float.toString(weight) : "null");
          }
          out.write(']');
        }
        out.write(']');
      }
      out.write(']');
    }
    out.write(']');
  }

  private static String numbers(int[] numbers) {
    return Json.write(Arrays.stream(numbers).boxed().toList());
  }
}
