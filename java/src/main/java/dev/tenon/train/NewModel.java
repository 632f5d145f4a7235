package dev.tenon.train;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.TensorType;
import dev.tenon.model.Architecture;
import dev.tenon.model.Hyperparameters;
import dev.tenon.tensor.Backend;
import dev.tenon.tensor.Weights;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.regex.Pattern;

/// A model that has learned nothing yet: an F32 file of random weights, of the names and shapes
/// that its architecture asks for when it is given the keys.
///
/// Matrices and tables are normally distributed, with a standard deviation that is smaller for
/// those at the end of a residual branch, `attn_output` and `ffn_down`, by the square root of their
/// number, as GPT-2's are (Radford et al., 2019, 2.3): so that the sum of many layers is no larger
/// than that of few. Norms are 1, biases 0. Every tensor's numbers follow from the seed and its
/// name alone, so that the same seed makes the same file.
///
/// ```java
/// var model = NewModel.of(architecture, metadata, Set.of("output.weight"), 0.02);
/// model.parameters(); // before anything is written
/// model.write(Path.of("new.gguf"), 1);
/// ```
///
/// Immutable and thread-safe.
public final class NewModel {
  /// What is added to a sum that goes through all layers.
  private static final Pattern RESIDUAL = Pattern.compile("blk\\.\\d+\\.(attn_output|ffn_down).*");

  private static final Pattern BLOCK = Pattern.compile("blk\\.\\d+\\.");

  private final Map<String, GgufValue> metadata;
  private final List<Weights.Declaration> weights;
  private final int layers;
  private final double deviation;

  private NewModel(
      Map<String, GgufValue> metadata,
      List<Weights.Declaration> weights,
      int layers,
      double deviation) {
    this.metadata = metadata;
    this.weights = weights;
    this.layers = layers;
    this.deviation = deviation;
  }

  /// Finds out what weights a model has.
  ///
  /// @param architecture whose network it is to be
  /// @param metadata the keys of the file, `general.architecture` and those of the vocabulary among
  ///     them, in the order in which they are to be written; copied
  /// @param optional names of the weights it has of those that its network can do without, without
  ///     `blk.3.` in front: `output.weight`, `attn_q.bias`
  /// @param deviation standard deviation of matrices and tables, above 0 and at most 1
  /// @return the model, ready to be written
  /// @throws IllegalArgumentException if the deviation is out of range, or the keys are those of
  ///     another architecture
  /// @throws GgufFormatException if a key is absent that the architecture needs, or they do not go
  ///     together
  /// @throws UnsupportedOperationException if they ask for something that the architecture does not
  ///     do
  public static NewModel of(
      Architecture architecture,
      Map<String, GgufValue> metadata,
      Set<String> optional,
      double deviation)
      throws GgufFormatException {
    if (!(deviation > 0 && deviation <= 1))
      throw new IllegalArgumentException("deviation: " + deviation + ", above 0 and at most 1");
    var keys = new LinkedHashMap<>(metadata);
    var named = keys.get("general.architecture");
    if (!new GgufValue.Text(architecture.name()).equals(named))
      throw new IllegalArgumentException(
          "general.architecture: " + named + ", of a new " + architecture.name());
    keys.put("general.file_type", new GgufValue.Int(GgufType.UINT32, 0)); // all F32
    var writer = new GgufWriter();
    keys.forEach(writer::put);
    try (var preview = writer.preview(Path.of("new " + architecture.name()))) {
      int layers = Hyperparameters.of(preview).layers();
      var weights = declared(architecture, preview, optional);
      return new NewModel(Collections.unmodifiableMap(keys), weights, layers, deviation);
    }
  }

  private static List<Weights.Declaration> declared(
      Architecture architecture, Gguf preview, Set<String> optional) throws GgufFormatException {
    try (var backend = Backend.cpu(1);
        var weights =
            Weights.wanted(
                preview,
                backend,
                name -> optional.contains(BLOCK.matcher(name).replaceFirst("")))) {
      architecture.bind(preview, weights);
      var declared = weights.declared();
      long bytes = 0;
      for (var w : declared) bytes = Math.addExact(bytes, TensorType.F32.bytes(w.shape()));
      return declared;
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new GgufFormatException(
          preview.path(), -1, "sizes that go together", "" + e.getMessage());
    }
  }

  /// {@return every key and value of the file, in its order}
  public Map<String, GgufValue> metadata() {
    return metadata;
  }

  /// {@return every weight, in the order of the file}
  public List<Weights.Declaration> weights() {
    return weights;
  }

  /// {@return the number of elements of all weights}
  public long parameters() {
    return weights.stream().mapToLong(w -> w.shape().elements()).sum();
  }

  /// Writes the file. It appears under its name when it is complete.
  ///
  /// @param target where it is to be; replaced as a whole
  /// @param seed whatever its value: another one makes other weights
  /// @throws IOException if it cannot be written, for example because the disk is full; nothing is
  ///     left behind
  public void write(Path target, long seed) throws IOException {
    var writer = new GgufWriter();
    metadata.forEach(writer::put);
    for (var weight : weights)
      writer.tensor(
          weight.name(), TensorType.F32, weight.shape(), out -> writeTo(out, weight, seed));
    writer.write(target);
  }

  private void writeTo(WritableByteChannel out, Weights.Declaration weight, long seed)
      throws IOException {
    var random = new Normal(seed(seed, weight.name()));
    double scale = deviation;
    if (RESIDUAL.matcher(weight.name()).matches()) scale /= Math.sqrt(2.0 * layers);
    boolean bias = weight.name().endsWith(".bias");
    var buffer = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
    for (long left = weight.shape().elements(); left > 0; ) {
      int n = (int) Math.min(left, buffer.capacity() / Float.BYTES);
      buffer.clear();
      for (int i = 0; i < n; i++) {
        buffer.putFloat(
            switch (weight.role()) {
              case VECTOR -> bias ? 0 : 1;
              case MATRIX, EXPERTS, TABLE -> (float) (scale * random.next());
            });
      }
      out.write(buffer.flip());
      left -= n;
    }
  }

  /// Of a seed and a name one seed: FNV-1a over the name's bytes.
  private static long seed(long seed, String name) {
    long hash = 0xcbf29ce484222325L ^ seed;
    for (byte b : name.getBytes(StandardCharsets.UTF_8)) hash = (hash ^ b) * 0x100000001b3L;
    return hash;
  }

  /// Numbers of the standard normal distribution, two at once (Box and Muller, 1958). Java's own
  /// may be others in another release.
  private static final class Normal {
    private final SplittableRandom random;
    private double second = Double.NaN;

    Normal(long seed) {
      random = new SplittableRandom(seed);
    }

    double next() {
      double next = second;
      second = Double.NaN;
      if (!Double.isNaN(next)) return next;
      double radius = Math.sqrt(-2 * StrictMath.log(1 - random.nextDouble()));
      double angle = 2 * Math.PI * random.nextDouble();
      second = radius * StrictMath.sin(angle);
      return radius * StrictMath.cos(angle);
    }
  }

  @Override
  public String toString() {
    return metadata.get("general.architecture") + " of " + weights.size() + " weights";
  }
}
