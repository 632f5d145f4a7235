package dev.tenon.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.tenon.MemoryEstimate;
import dev.tenon.Model;
import dev.tenon.SessionOptions;
import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.TensorInfo;
import dev.tenon.gguf.TensorType;
import java.io.IOException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Shows what is in a file, without loading it.
final class Inspect extends Command {
  private static final int LONGEST_TEXT = 100;
  private static final int MOST_ELEMENTS = 8;

  private final Value<List<String>> files;
  private final ModelFile model;
  private final Value<Boolean> json;
  private final Value<Boolean> diff;
  private final SessionFlags session;

  Inspect(Streams streams) {
    super(
        streams,
        "inspect",
        "Show what is in a GGUF file, of any architecture, and the memory it needs.");
    files = arguments("FILE", "0..2", "The GGUF file; with --diff two.");
    model = new ModelFile(this, "The same.");
    json = flag("Print everything as JSON, arrays in full.", "--json");
    diff =
        flag("Print in what two files differ, a line each; exit code 1 where they do.", "--diff");
    session = new SessionFlags(this);
  }

  /// How many tensors have a type, and their bytes.
  private record Share(TensorType type, long tensors, long bytes) {}

  @Override
  int call() throws Exception {
    var given = files.get();
    if (diff.get()) {
      if (given.size() != 2) {
        throw usage("--diff takes two files");
      }
      try (var first = Gguf.open(model.hub().file(given.getFirst()));
          var second = Gguf.open(model.hub().file(given.getLast()))) {
        return Diff.print(first, second, json.get(), streams.out());
      }
    }
    if (given.size() > 1) {
      throw usage("one argument too many: " + given.get(1));
    }
    var named = given.isEmpty() || given.getFirst().isEmpty() ? null : given.getFirst();
    if (named == null && !model.given()) {
      throw usage("which file? Name one, give -m FILE, -hf NAME or set TENON_MODEL");
    }
    try (var gguf = Gguf.open(model.path(named))) {
      var options = session.options(trained(gguf));
      MemoryEstimate memory = null;
      var unknown = "";
      try {
        if (gguf.tensors().isEmpty()) {
          unknown = "the file has no tensors";
        } else {
          memory = Model.estimate(gguf, options);
        }
      } catch (ArithmeticException _) {
        unknown = "it is more than 2^63 bytes";
      } catch (GgufFormatException | IllegalArgumentException | UnsupportedOperationException e) {
        // A vocabulary, an adapter, or what no cache of that type goes with: shown all the same.
        unknown = Failure.line(e);
      }
      if (json.get()) {
        writeJson(gguf, options, memory);
      } else {
        print(gguf, options, memory, unknown);
      }
    }
    return 0;
  }

  /// The context the model was trained with, or 0.
  private static int trained(Gguf gguf) {
    try {
      var key = gguf.text("general.architecture", "") + ".context_length";
      return Math.clamp(gguf.integer(key, 0), 0, Integer.MAX_VALUE);
    } catch (GgufFormatException _) {
      return 0;
    }
  }

  private static List<Share> shares(Gguf gguf) {
    Map<TensorType, Share> shares = new EnumMap<>(TensorType.class);
    for (var tensor : gguf.tensors()) {
      var type = tensor.type();
      shares.merge(
          type,
          new Share(type, 1, tensor.bytes()),
          (a, b) -> new Share(type, a.tensors + b.tensors, a.bytes + b.bytes));
    }
    var sorted = new ArrayList<>(shares.values());
    sorted.sort(Comparator.comparingLong(Share::bytes).reversed());
    return sorted;
  }

  private static long parameters(Gguf gguf) {
    return gguf.tensors().stream().mapToLong(tensor -> tensor.shape().elements()).sum();
  }

  private void print(Gguf gguf, SessionOptions options, MemoryEstimate memory, String unknown)
      throws IOException {
    var out = streams.out();
    out.println(
        Text.visible(gguf.path().toString())
            + ": GGUF v"
            + gguf.version()
            + ", "
            + Text.bytes(gguf.fileBytes())
            + (gguf.parts() > 1 ? " in " + gguf.parts() + " files" : ""));
    out.println(
        Text.visible(Model.describe(gguf)) + ", " + Text.count(parameters(gguf)) + " parameters");

    out.println("\nMETADATA (" + gguf.keys().size() + ")");
    for (var key : gguf.keys()) {
      out.println("  " + Text.visible(key) + " = " + text(gguf.get(key)));
    }

    var tensors = gguf.tensors();
    out.println("\nTENSORS (" + tensors.size() + ")");
    int nameWidth = 0;
    int shapeWidth = 0;
    for (var tensor : tensors) {
      nameWidth = Math.max(nameWidth, Text.visible(tensor.name()).length());
      shapeWidth = Math.max(shapeWidth, tensor.shape().toString().length());
    }
    for (var tensor : tensors) {
      out.println(
          "  "
              + pad(Text.visible(tensor.name()), nameWidth)
              + "  "
              + pad(tensor.type().ggmlName(), 8)
              + "  "
              + pad(tensor.shape().toString(), shapeWidth)
              + "  "
              + Text.bytes(tensor.bytes()));
    }

    out.println("\nTYPES");
    for (var share : shares(gguf)) {
      out.println(
          "  "
              + pad(share.type.ggmlName(), 8)
              + "  "
              + String.format(Locale.ROOT, "%5d", share.tensors)
              + " tensors  "
              + Text.bytes(share.bytes));
    }

    out.println("\nMEMORY");
    if (memory == null) {
      out.println("  unknown: " + unknown);
    } else {
      out.println("  weights   " + Text.bytes(memory.weightBytes()));
      if (memory.cacheBytes() > 0) {
        out.println(
            "  cache     "
                + Text.bytes(memory.cacheBytes())
                + " for "
                + context(gguf, options)
                + " tokens, keys "
                + options.keyType().ggmlName()
                + ", values "
                + options.valueType().ggmlName());
      }
      out.println("  compute   " + Text.bytes(memory.computeBytes()) + " (estimated)");
      out.println("  together  " + Text.bytes(memory.total()));
    }
  }

  private static int context(Gguf gguf, SessionOptions options) {
    return options.contextLength() == 0 ? trained(gguf) : options.contextLength();
  }

  private static String pad(String text, int width) {
    return text + " ".repeat(Math.max(0, width - text.length()));
  }

  private static String text(GgufValue value) {
    return switch (value) {
      case GgufValue.Text(var text) ->
          '"'
              + Text.visible(
                  text.length() <= LONGEST_TEXT ? text : text.substring(0, LONGEST_TEXT) + "…")
              + '"'
              + (text.length() <= LONGEST_TEXT ? "" : " (" + text.length() + " characters)");
      case GgufValue.Array array -> {
        var shown = new StringBuilder("[");
        for (int i = 0; i < Math.min(array.size(), MOST_ELEMENTS); i++) {
          shown.append(i > 0 ? ", " : "").append(text(array.get(i)));
        }
        yield shown
            .append(array.size() > MOST_ELEMENTS ? ", …] (" + array.size() + " of " : "] (")
            .append(array.elementType())
            .append(")")
            .toString();
      }
      case GgufValue.Int _, GgufValue.Real _, GgufValue.Bool _ -> value.toString();
    };
  }

  private void writeJson(Gguf gguf, SessionOptions options, MemoryEstimate memory)
      throws IOException {
    try (var to = new JsonFactory().createGenerator(streams.out())) {
      to.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET).useDefaultPrettyPrinter();
      to.writeStartObject();
      to.writeStringField("file", gguf.path().toString());
      to.writeNumberField("version", gguf.version());
      to.writeNumberField("bytes", gguf.fileBytes());
      to.writeNumberField("parts", gguf.parts());
      to.writeNumberField("alignment", gguf.alignment());
      to.writeStringField("description", Model.describe(gguf));
      to.writeNumberField("parameters", parameters(gguf));
      to.writeObjectFieldStart("metadata");
      for (var key : gguf.keys()) {
        to.writeFieldName(key);
        write(to, gguf.get(key));
      }
      to.writeEndObject();
      to.writeArrayFieldStart("tensors");
      for (var tensor : gguf.tensors()) {
        write(to, tensor);
      }
      to.writeEndArray();
      to.writeObjectFieldStart("types");
      for (var share : shares(gguf)) {
        to.writeObjectFieldStart(share.type.ggmlName());
        to.writeNumberField("tensors", share.tensors);
        to.writeNumberField("bytes", share.bytes);
        to.writeEndObject();
      }
      to.writeEndObject();
      if (memory == null) {
        to.writeNullField("memory");
      } else {
        to.writeObjectFieldStart("memory");
        to.writeNumberField("context", context(gguf, options));
        to.writeStringField("key_type", options.keyType().ggmlName());
        to.writeStringField("value_type", options.valueType().ggmlName());
        to.writeNumberField("weights", memory.weightBytes());
        to.writeNumberField("cache", memory.cacheBytes());
        to.writeNumberField("compute", memory.computeBytes());
        to.writeNumberField("total", memory.total());
        to.writeEndObject();
      }
      to.writeEndObject();
    }
    streams.out().println("");
  }

  private static void write(JsonGenerator to, TensorInfo tensor) throws IOException {
    to.writeStartObject();
    to.writeStringField("name", tensor.name());
    to.writeStringField("type", tensor.type().ggmlName());
    to.writeArrayFieldStart("shape");
    for (int i = 0; i < tensor.shape().rank(); i++) {
      to.writeNumber(tensor.shape().dimension(i));
    }
    to.writeEndArray();
    to.writeNumberField("bytes", tensor.bytes());
    to.writeNumberField("part", tensor.part());
    to.writeNumberField("offset", tensor.offset());
    to.writeEndObject();
  }

  /// JSON has neither infinities nor NaN: they become strings.
  private static void write(JsonGenerator to, GgufValue value) throws IOException {
    switch (value) {
      case GgufValue.Int(var type, var number) when type == GgufType.UINT64 && number < 0 ->
          to.writeNumber(new BigInteger(Long.toUnsignedString(number)));
      case GgufValue.Int(_, var number) -> to.writeNumber(number);
      case GgufValue.Real(var type, var number) when type == GgufType.FLOAT32 ->
          to.writeNumber((float) number);
      case GgufValue.Real(_, var number) -> to.writeNumber(number);
      case GgufValue.Bool(var flag) -> to.writeBoolean(flag);
      case GgufValue.Text(var text) -> to.writeString(text);
      case GgufValue.Array array -> {
        to.writeStartArray();
        for (int i = 0; i < array.size(); i++) {
          write(to, array.get(i));
        }
        to.writeEndArray();
      }
    }
  }
}
