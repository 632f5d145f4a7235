package dev.tenon.attention;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.json.Json;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.Test;

class AttentionTest {
  private static final AttentionTokens SOURCE =
      new AttentionTokens(List.of("▁a", "b", "</s>"), new int[] {5, 6, 0});
  private static final AttentionTokens TARGET = new AttentionTokens(List.of("<pad>", "▁c"));

  private static final AttentionMaps TRANSLATION =
      new AttentionMaps(
          "both",
          SOURCE,
          TARGET,
          Map.of(
              AttentionKind.ENCODER, random(3, 2, 3, 3),
              AttentionKind.DECODER, random(2, 2, 2, 2),
              AttentionKind.CROSS, random(2, 2, 2, 3)));

  private static AttentionMap random(int layers, int heads, int to, int from) {
    var random = new Random(layers * 31L + from);
    var weights = new float[layers * heads * to * from];
    for (int row = 0; row < weights.length; row += from) {
      float sum = 0;
      for (int i = row; i < row + from; i++) {
        weights[i] = random.nextFloat();
        sum += weights[i];
      }
      for (int i = row; i < row + from; i++) {
        weights[i] /= sum;
      }
    }
    return AttentionMap.of(layers, heads, to, from, weights);
  }

  /// What one of the writers writes.
  private interface Writing {
    void to(OutputStream out) throws IOException;
  }

  private static byte[] bytes(Writing writing) throws IOException {
    var out = new ByteArrayOutputStream();
    writing.to(out);
    return out.toByteArray();
  }

  // What is captured.

  @Test
  void weightsLieInTheOrderOfTheirShape() {
    var map = AttentionMap.of(1, 2, 2, 3, new float[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});

    assertThat(map.weight(0, 0, 0, 2)).isEqualTo(2);
    assertThat(map.weight(0, 1, 1, 0)).isEqualTo(9);
    assertThatThrownBy(() -> map.weight(0, 2, 0, 0))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage("attention of layer 0, head 2, of 1 and 2");
    assertThatThrownBy(() -> map.weight(0, 0, 2, -1))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage("attention of token 2 to -1, of 2 to 3");
  }

  @Test
  void sizesThatDoNotAgreeAreRefused() {
    assertThatThrownBy(() -> AttentionMap.of(2, 2, 3, 3, new float[35]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("attention: 35 weights, expected those of shape [2, 2, 3, 3]");
    // Their product is 36 in 32 bits.
    assertThatThrownBy(() -> AttentionMap.of(4, 9, 1 << 16, (1 << 16) + 1, new float[36]))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> AttentionMap.of(Integer.MAX_VALUE, 1, 1, 1, new float[36]))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> AttentionMap.of(2, 0, 3, 3, new float[0]))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new AttentionTokens(List.of("a", "b"), new int[1]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("attention: 1 ids of 2 tokens");
    assertThatThrownBy(() -> AttentionMaps.ofEncoder("m", SOURCE, random(1, 1, 2, 2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("encoder_attentions: weights of 2 to 2 tokens, expected 3 to 3");
    var crossed = Map.of(AttentionKind.CROSS, random(1, 1, 3, 2));
    assertThatThrownBy(() -> new AttentionMaps("m", SOURCE, TARGET, crossed))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("cross_attentions: weights of 3 to 2 tokens, expected 2 to 3");
    assertThatThrownBy(() -> new AttentionMaps("m", SOURCE, TARGET, Map.of()))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void someLayersAndHeadsCanBeSelected() {
    var some = TRANSLATION.select(layer -> layer > 0, head -> head == 1);

    var encoder = some.maps().get(AttentionKind.ENCODER);
    assertThat(encoder.layers()).containsExactly(1, 2);
    assertThat(encoder.heads()).containsExactly(1);
    var all = TRANSLATION.maps().get(AttentionKind.ENCODER);
    for (int layer = 0; layer < 2; layer++) {
      for (int to = 0; to < 3; to++) {
        for (int from = 0; from < 3; from++) {
          assertThat(encoder.weight(layer, 0, to, from))
              .isEqualTo(all.weight(layer + 1, 1, to, from));
        }
      }
    }
    // The decoder has no layer 2.
    assertThat(TRANSLATION.select(layer -> layer == 2, _ -> true).maps())
        .containsOnlyKeys(AttentionKind.ENCODER);
    assertThatThrownBy(() -> TRANSLATION.select(layer -> layer == 3, _ -> true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("attention: the model has none of these layers and heads");
  }

  // JSON.

  @Test
  void jsonHasTheNamesOfTransformers() throws IOException {
    var types = new AttentionTokens(SOURCE.texts(), SOURCE.ids(), new int[] {0, 0, 1});
    var bert = AttentionMaps.ofEncoder("bert", types, random(2, 2, 3, 3));
    var encoder = json(bert);
    assertThat(encoder)
        .containsOnlyKeys(
            "model", "tokens", "ids", "token_type_ids", "layers", "heads", "attentions")
        .containsEntry("tokens", SOURCE.texts())
        .containsEntry("token_type_ids", List.of(0L, 0L, 1L));
    assertThat(weights(encoder.get("attentions")))
        .containsExactly(bert.maps().get(AttentionKind.ENCODER).weights());

    var decoder = json(AttentionMaps.ofDecoder("gpt", TARGET, random(2, 2, 2, 2)));
    assertThat(decoder).containsOnlyKeys("model", "tokens", "layers", "heads", "attentions");

    var both = json(TRANSLATION);
    assertThat(both)
        .containsOnlyKeys(
            "model",
            "encoder_tokens",
            "encoder_ids",
            "decoder_tokens",
            "encoder_layers",
            "encoder_heads",
            "encoder_attentions",
            "decoder_layers",
            "decoder_heads",
            "decoder_attentions",
            "cross_layers",
            "cross_heads",
            "cross_attentions");
    TRANSLATION
        .maps()
        .forEach(
            (kind, map) ->
                assertThat(weights(both.get(kind.arrays()))).containsExactly(map.weights()));
  }

  private static Map<String, Object> json(AttentionMaps maps) throws IOException {
    return Json.object(new String(bytes(out -> AttentionJson.write(maps, out)), UTF_8));
  }

  /// The numbers of nested arrays, all of one level of one length.
  private static float[] weights(Object json) {
    var all = new ArrayList<Double>();
    collect((List<?>) json, all);
    var weights = new float[all.size()];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = all.get(i).floatValue();
    }
    return weights;
  }

  private static void collect(List<?> array, List<Double> all) {
    for (var element : array) {
      if (element instanceof List<?> inner) {
        assertThat(inner).hasSameSizeAs((List<?>) array.getFirst());
        collect(inner, all);
      } else {
        all.add((Double) element);
      }
    }
  }

  @Test
  void whatIsNoNumberIsNullInJson() throws IOException {
    var weights = new float[] {Float.NaN, 1e-10f, Float.POSITIVE_INFINITY, 1};
    var maps = AttentionMaps.ofDecoder("m", TARGET, AttentionMap.of(1, 1, 2, 2, weights));

    assertThat(Json.write(json(maps).get("attentions")))
        .isEqualTo("[[[[null,1.0E-10],[null,1.0]]]]");
  }

  @Test
  void nothingLargeIsMadeInOnePiece() throws IOException {
    var tokens = new AttentionTokens(Collections.nCopies(200, "a"));
    var maps = AttentionMaps.ofEncoder("m", tokens, random(2, 3, 200, 200));
    for (Writing writing :
        List.<Writing>of(
            out -> AttentionJson.write(maps, out),
            out -> AttentionNpz.write(maps, out),
            out -> AttentionPage.write(maps, out))) {
      var pieces = new Pieces();
      writing.to(pieces);
      assertThat(pieces.sum).isGreaterThan(maps.maps().get(AttentionKind.ENCODER).weights().length);
      assertThat(pieces.largest).isLessThanOrEqualTo(1 << 17);
      assertThat(pieces.flushed).isTrue();
      assertThat(pieces.closed).isFalse();
    }
  }

  private static final class Pieces extends OutputStream {
    private long sum;
    private int largest;
    private boolean flushed;
    private boolean closed;

    @Override
    public void write(int one) {
      sum++;
    }

    @Override
    public void write(byte[] bytes, int from, int count) {
      sum += count;
      largest = Math.max(largest, count);
    }

    @Override
    public void flush() {
      flushed = true;
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  // NumPy.

  @Test
  void npyIsWhatNumpySaves() throws IOException {
    // As numpy.save 2.4 writes them.
    assertThat(bytes(out -> NpyWriter.writeRows(out, new float[][] {{1, 2, 3}, {4, 5, -6.5f}})))
        .isEqualTo(
            npy(
                "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
                128,
                buffer(24)
                    .putFloat(1)
                    .putFloat(2)
                    .putFloat(3)
                    .putFloat(4)
                    .putFloat(5)
                    .putFloat(-6.5f)));
    assertThat(bytes(out -> NpyWriter.writeLongs(out, new int[] {7, -1})))
        .isEqualTo(
            npy(
                "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }",
                128,
                buffer(16).putLong(7).putLong(-1)));
    assertThat(bytes(out -> NpyWriter.writeStrings(out, List.of("a", "👩é"))))
        .isEqualTo(
            npy(
                "{'descr': '<U2', 'fortran_order': False, 'shape': (2,), }",
                128,
                buffer(16).putInt('a').putInt(0).putInt(0x1f469).putInt('é')));
    assertThat(bytes(out -> NpyWriter.writeRows(out, new float[0][])))
        .isEqualTo(
            npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 0), }", 128, buffer(0)));
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static byte[] npy(String header, int dataAt, ByteBuffer data) {
    var all = buffer(dataAt + data.capacity());
    all.put((byte) 0x93).put("NUMPY".getBytes(UTF_8)).put((byte) 1).put((byte) 0);
    all.putShort((short) (dataAt - 10)).put(header.getBytes(UTF_8));
    while (all.position() < dataAt - 1) {
      all.put((byte) ' ');
    }
    return all.put((byte) '\n').put(data.array()).array();
  }

  @Test
  void npyTakesWhatIsLargerThanItsBuffer() throws IOException {
    var floats = new float[100_003];
    var longs = new int[100_003];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = i;
      longs[i] = -i;
    }
    var f = ByteBuffer.wrap(bytes(out -> NpyWriter.writeFloats(out, floats, 1, 100_003)));
    var l = ByteBuffer.wrap(bytes(out -> NpyWriter.writeLongs(out, longs)));
    f.order(ByteOrder.LITTLE_ENDIAN).position(128);
    l.order(ByteOrder.LITTLE_ENDIAN).position(128);
    for (int i = 0; i < floats.length; i++) {
      assertThat(f.getFloat()).isEqualTo(i);
      assertThat(l.getLong()).isEqualTo(-i);
    }
    assertThat(f.hasRemaining()).isFalse();
    assertThat(l.hasRemaining()).isFalse();
  }

  @Test
  void npyRefusesShapesThatAreNotThoseOfTheNumbers() {
    var out = new ByteArrayOutputStream();
    assertThatThrownBy(() -> NpyWriter.writeFloats(out, new float[6], 2, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("npy: 6 numbers do not have shape [2, 2]");
    assertThatThrownBy(() -> NpyWriter.writeFloats(out, new float[6], -2, -3))
        .isInstanceOf(IllegalArgumentException.class);
    int large = 1 << 30;
    assertThatThrownBy(() -> NpyWriter.writeFloats(out, new float[0], large, large, large, 4))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> NpyWriter.writeRows(out, new float[][] {{1}, {1, 2}}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("npy: row 1 has 2 numbers, row 0 1");
    assertThat(out.size()).isZero();
  }

  @Test
  void npzHasTheArraysOfTheJson() throws IOException {
    var arrays = new LinkedHashMap<String, byte[]>();
    var npz = bytes(out -> AttentionNpz.write(TRANSLATION, out));
    try (var zip = new ZipInputStream(new ByteArrayInputStream(npz))) {
      for (var entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        arrays.put(entry.getName(), zip.readAllBytes());
      }
    }

    var names = json(TRANSLATION).keySet().stream().filter(name -> !name.equals("model"));
    assertThat(arrays.keySet())
        .containsExactlyInAnyOrderElementsOf(names.map(name -> name + ".npy").toList());
    var cross = TRANSLATION.maps().get(AttentionKind.CROSS).weights();
    assertThat(arrays.get("cross_attentions.npy"))
        .isEqualTo(bytes(out -> NpyWriter.writeFloats(out, cross, 2, 2, 2, 3)));
    assertThat(arrays.get("encoder_tokens.npy"))
        .isEqualTo(bytes(out -> NpyWriter.writeStrings(out, SOURCE.texts())));
    // The same input gives the same bytes.
    assertThat(bytes(out -> AttentionNpz.write(TRANSLATION, out))).isEqualTo(npz);
  }

  // The page.

  private static final Pattern DATA =
      Pattern.compile("<script type=\"application/json\" id=\"data\">(.*)</script>\n");
  private static final Pattern WEIGHTS =
      Pattern.compile("<script type=\"text/plain\" id=\"([a-z]+)-([0-9]+)\">([^<]*)</script>\n");

  private static String page(AttentionMaps maps) throws IOException {
    return new String(bytes(out -> AttentionPage.write(maps, out)), UTF_8);
  }

  @Test
  void thePageHasEveryWeightInAByte() throws IOException {
    int found = 0;
    var elements = WEIGHTS.matcher(page(TRANSLATION));
    while (elements.find()) {
      var kind =
          switch (elements.group(1)) {
            case "encoder" -> AttentionKind.ENCODER;
            case "decoder" -> AttentionKind.DECODER;
            default -> AttentionKind.CROSS;
          };
      var map = TRANSLATION.maps().get(kind);
      var bytes = Base64.getDecoder().decode(elements.group(3));
      int size = 2 * map.to() * map.from();
      assertThat(bytes).hasSize(size);
      for (int i = 0; i < size; i++) {
        double root = (bytes[i] & 255) / 255.0;
        float weight = map.weights()[Integer.parseInt(elements.group(2)) * size + i];
        assertThat(Math.abs(root * root - weight)).isLessThan(0.004);
      }
      found++;
    }
    assertThat(found).isEqualTo(3 + 2 + 2);
  }

  @Test
  void aByteHoldsTheRootOfAWeight() {
    float[] weights = {0, 1e-6f, 0.25f, 1, Float.NaN, -1, 7};
    int[] bytes = {0, 0, 128, 255, 0, 0, 255};
    for (int i = 0; i < weights.length; i++) {
      assertThat(AttentionPage.quantized(weights[i]) & 255).isEqualTo(bytes[i]);
    }
  }

  @Test
  void noTokenGetsOutOfItsString() throws IOException {
    var texts =
        List.of("</script><script>", "<!--", "\u2028\u2029\n\0", "&lt;", "\"'\\", "<!-- data -->");
    var maps = AttentionMaps.ofDecoder("</title>", new AttentionTokens(texts), random(1, 1, 6, 6));

    var page = page(maps);

    var data = DATA.matcher(page);
    assertThat(data.find()).isTrue();
    assertThat(data.group(1)).doesNotContain("<", ">", "&", "\u2028", "\u2029");
    var read = Json.object(data.group(1));
    assertThat(read).containsEntry("model", "</title>");
    assertThat(((Map<?, ?>) read.get("decoder")).get("texts")).isEqualTo(texts);
    assertThat(page.split("<script", -1)).hasSize(1 + 3); // data, one layer, what draws it
    assertThat(page.split("</script>", -1)).hasSize(1 + 3);
    assertThat(page).doesNotContain("<!-- data -->");
  }

  @Test
  void thePageAsksForNothing() throws IOException {
    assertThat(page(TRANSLATION))
        .startsWith("<!DOCTYPE html>")
        .contains("default-src 'none'")
        .doesNotContain("http:", "https:", " src=", "url(", "@import");
  }

  @Test
  void aPageTooLargeForABrowserIsRefused() {
    AttentionPage.check(1 << 28);
    assertThatThrownBy(() -> AttentionPage.check((1 << 28) + 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "attention: 268435457 weights, a page holds at most 268435456: select layers and"
                + " heads");
  }
}
