import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFile.ClassHierarchyResolverOption;
import java.lang.classfile.ClassFile.StackMapsOption;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassTransform;
import java.lang.foreign.MemorySegment;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/// What the ahead-of-time cache of the command is made from: `Prepare LIB MODEL`.
///
/// The cache takes no class from before Java 7, and picocli's are of Java 5: left out, loading them
/// took half of the time until the first token. They are rewritten in `LIB` as classes of Java 25.
///
/// `MODEL` is made, a Llama of random weights, for a run that shows which classes are needed.
final class Prepare {
  private static final int OLDEST = 51; // the class-file version from which there are stack maps

  public static void main(String[] args) throws IOException {
    modernise(Path.of(args[0], "picocli.jar"));
    writeModel(Path.of(args[1]));
  }

  private static void modernise(Path jar) throws IOException {
    var out = new ByteArrayOutputStream();
    var changed = false;
    try (var in = new ZipFile(jar.toFile());
        var zip = new ZipOutputStream(out);
        var loader = new URLClassLoader(new URL[] {jar.toUri().toURL()})) {
      var hierarchy =
          ClassHierarchyResolver.ofResourceParsing(loader)
              .orElse(ClassHierarchyResolver.defaultResolver());
      var classes =
          ClassFile.of(
              StackMapsOption.GENERATE_STACK_MAPS, ClassHierarchyResolverOption.of(hierarchy));
      for (var entry : Collections.list(in.entries())) {
        var bytes = in.getInputStream(entry).readAllBytes();
        if (entry.getName().endsWith(".class") && (bytes[6] << 8 | bytes[7] & 0xff) < OLDEST) {
          bytes = classes.transformClass(classes.parse(bytes), MODERN);
          changed = true;
        }
        var copy = new ZipEntry(entry.getName());
        copy.setTime(entry.getTime());
        zip.putNextEntry(copy);
        zip.write(bytes);
      }
    }
    if (changed) {
      var made = jar.resolveSibling("picocli.new");
      Files.write(made, out.toByteArray());
      Files.move(made, jar, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /// Writes each method's code anew, with its stack map.
  private static final ClassTransform MODERN =
      ClassTransform.transformingMethodBodies((code, element) -> code.with(element))
          .andThen(
              (made, element) -> {
                if (element instanceof ClassFileVersion) made.withVersion(69, 0);
                else made.with(element);
              });

  private static void writeModel(Path file) throws IOException {
    int width = 64;
    int ffnWidth = 128;
    var pieces = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
    for (int i = 0; i < 256; i++) pieces.add("<0x%02X>".formatted(i));
    pieces.add("▁");
    for (char c = 'a'; c <= 'z'; c++) pieces.add("" + c);
    var types = new int[pieces.size()];
    for (int i = 0; i < types.length; i++) types[i] = i == 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1;

    var writer =
        new GgufWriter()
            .put("general.architecture", "llama")
            .put("general.name", "random")
            .put("llama.context_length", number(512))
            .put("llama.embedding_length", number(width))
            .put("llama.block_count", number(2))
            .put("llama.feed_forward_length", number(ffnWidth))
            .put("llama.attention.head_count", number(4))
            .put("llama.attention.head_count_kv", number(2))
            .put("llama.attention.layer_norm_rms_epsilon", real(1e-5))
            .put("llama.rope.dimension_count", number(16))
            .put("tokenizer.ggml.model", "llama")
            .put("tokenizer.ggml.tokens", GgufValue.Array.strings(pieces))
            .put("tokenizer.ggml.scores", GgufValue.Array.of(new float[types.length]))
            .put("tokenizer.ggml.token_type", GgufValue.Array.of(types))
            .put("tokenizer.ggml.bos_token_id", number(1))
            .put("tokenizer.ggml.eos_token_id", number(2))
            .put("tokenizer.ggml.unknown_token_id", number(0));
    var random = new Random(1);
    add(writer, random, "token_embd.weight", width, types.length);
    add(writer, random, "output_norm.weight", width);
    for (int i = 0; i < 2; i++) {
      var block = "blk." + i + ".";
      add(writer, random, block + "attn_norm.weight", width);
      add(writer, random, block + "attn_q.weight", width, width);
      add(writer, random, block + "attn_k.weight", width, width / 2);
      add(writer, random, block + "attn_v.weight", width, width / 2);
      add(writer, random, block + "attn_output.weight", width, width);
      add(writer, random, block + "ffn_norm.weight", width);
      add(writer, random, block + "ffn_gate.weight", width, ffnWidth);
      add(writer, random, block + "ffn_down.weight", ffnWidth, width);
      add(writer, random, block + "ffn_up.weight", width, ffnWidth);
    }
    writer.write(file);
  }

  private static GgufValue number(int value) {
    return new GgufValue.Int(GgufType.UINT32, value);
  }

  private static GgufValue real(double value) {
    return new GgufValue.Real(GgufType.FLOAT32, value);
  }

  private static void add(GgufWriter writer, Random random, String name, long... dimensions) {
    var shape = Shape.of(dimensions);
    var values =
        ByteBuffer.allocate((int) shape.elements() * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    while (values.hasRemaining()) values.putFloat((float) random.nextGaussian() / 8);
    writer.tensor(name, TensorType.F32, shape, MemorySegment.ofArray(values.array()));
  }
}
