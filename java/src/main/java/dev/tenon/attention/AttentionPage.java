package dev.tenon.attention;

import dev.tenon.json.Json;
import java.io.BufferedOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Writes attention as a page: one HTML file that holds all it shows and asks no network for
/// anything.
///
/// It has the two views of BertViz (Vig, 2019): the heads of one layer as lines between tokens, and
/// all layers and heads side by side. A weight `w` is a byte in it, `255·√w` rounded, so that faint
/// ones keep their proportions; full precision is what [AttentionNpz] and [AttentionJson] are for.
public final class AttentionPage {
  /// The line of the page in whose place the data goes.
  private static final String PLACE = "<!-- data -->\n";

  /// The most weights that a browser takes well.
  private static final long MOST = 1L << 28;

  private AttentionPage() {}

  /// Writes the page.
  ///
  /// @param maps what was captured
  /// @param out where to, as UTF-8; flushed, and left open
  /// @throws IllegalArgumentException if there are more than 2²⁸ weights: too many for a browser
  /// @throws IOException if it cannot be written
  public static void write(AttentionMaps maps, OutputStream out) throws IOException {
    check(maps.maps().values().stream().mapToLong(map -> map.weights().length).sum());
    var page = page();
    int place = page.indexOf(PLACE);
    var buffered = new BufferedOutputStream(out, 1 << 16);
    write(page.substring(0, place), buffered);
    write("<script type=\"application/json\" id=\"data\">" + json(maps) + "</script>\n", buffered);
    for (var kind : maps.maps().keySet()) {
      var map = maps.maps().get(kind);
      for (int layer = 0; layer < map.layers().length; layer++) {
        var id = kind.prefix() + "-" + layer;
        write("<script type=\"text/plain\" id=\"" + id + "\">", buffered);
        writeBytes(map, layer, buffered);
        write("</script>\n", buffered);
      }
    }
    write(page.substring(place + PLACE.length()), buffered);
    buffered.flush();
  }

  /// Refuses what no browser opens.
  static void check(long weights) {
    if (weights > MOST) {
      throw new IllegalArgumentException(
          "attention: %d weights, a page holds at most %d: select layers and heads"
              .formatted(weights, MOST));
    }
  }

  private static String page() throws IOException {
    try (var in = AttentionPage.class.getResourceAsStream("page.html")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static void write(String text, OutputStream out) throws IOException {
    out.write(text.getBytes(StandardCharsets.UTF_8));
  }

  /// {@return all but the weights, with nothing in it that ends a script element}
  private static String json(AttentionMaps maps) {
    var data = new LinkedHashMap<String, Object>();
    data.put("model", maps.model());
    data.put("encoder", tokens(maps.encoder()));
    data.put("decoder", tokens(maps.decoder()));
    var kinds = new ArrayList<Object>();
    maps.maps()
        .forEach(
            (kind, map) -> {
              var about = new LinkedHashMap<String, Object>();
              about.put("kind", kind.prefix());
              about.put("layers", list(map.layers()));
              about.put("heads", list(map.heads()));
              kinds.add(about);
            });
    data.put("maps", kinds);
    // In JSON these stand in strings alone.
    return Json.write(data)
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029");
  }

  private static Map<String, Object> tokens(AttentionTokens tokens) {
    var about = new LinkedHashMap<String, Object>();
    about.put("texts", tokens.texts());
    about.put("ids", list(tokens.ids()));
    about.put("types", list(tokens.types()));
    return about;
  }

  private static List<Integer> list(int[] numbers) {
    return Arrays.stream(numbers).boxed().toList();
  }

  /// The weights of one layer as base64, a byte each, [head, to, from].
  private static void writeBytes(AttentionMap map, int layer, OutputStream out) throws IOException {
    var unclosed =
        new FilterOutputStream(out) {
          @Override
          public void write(byte[] bytes, int from, int count) throws IOException {
            out.write(bytes, from, count);
          }

          @Override
          public void close() {}
        };
    var row = new byte[map.from()];
    try (var base64 = Base64.getEncoder().wrap(unclosed)) {
      int at = map.matrix(layer, 0);
      for (int i = 0; i < map.heads().length * map.to(); i++) {
        for (int from = 0; from < row.length; from++) {
          row[from] = quantized(map.weights()[at++]);
        }
        base64.write(row);
      }
    }
  }

  /// {@return a weight in a byte: its root, as an eye tells 1 % from 2 % better than 98 % from
  /// 99 %; 0 for what is no number}
  static byte quantized(float weight) {
    return (byte) Math.round(255 * Math.sqrt(Math.clamp(weight, 0f, 1f)));
  }
}
