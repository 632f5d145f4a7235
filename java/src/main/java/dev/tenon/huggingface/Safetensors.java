package dev.tenon.huggingface;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A `.safetensors` file: the length of a header, the header (JSON: type, shape and place of each
/// tensor), and the tensors one after another.
///
/// Whatever the reference implementation refuses is refused: holes, overlaps, bytes that no tensor
/// has, sizes that are not those of type and shape, names given twice.
final class Safetensors {
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /// Many times what any model has. The header is read token by token, never held as a whole.
  private static final long MOST_HEADER_BYTES = 1 << 25;

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(8)
                  .maxNameLength(1 << 16)
                  .maxStringLength((int) MOST_HEADER_BYTES)
                  .build())
          .build();

  private final Path path;
  private final MemorySegment file;
  private final long headerBytes;
  private final Map<String, Entry> entries = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  /// @param begin where its bytes begin in the file
  private record Entry(String name, ElementType type, long[] shape, long begin, long end) {}

  private Safetensors(Path path, MemorySegment file) throws IOException {
    this.path = path;
    this.file = file;
    if (file.byteSize() < Long.BYTES) {
      throw malformed(0, "8 bytes that have the length of a header", file.byteSize() + " bytes");
    }
    headerBytes = file.get(LONG, 0);
    if (headerBytes < 0 || headerBytes > MOST_HEADER_BYTES) {
      throw malformed(
          0,
          "a header of at most " + MOST_HEADER_BYTES + " bytes",
          Long.toUnsignedString(headerBytes));
    }
    if (headerBytes > file.byteSize() - Long.BYTES) {
      throw malformed(
          0,
          "a header within the " + (file.byteSize() - Long.BYTES) + " bytes that follow",
          headerBytes + " bytes");
    }
  }

  static Checkpoint open(Path path) throws IOException {
    var arena = Arena.ofShared();
    try {
      var reader = new Safetensors(path, CheckpointFiles.map(path, arena));
      reader.readHeader();
      reader.checkPlaces();
      return new MappedCheckpoint(path, arena, reader.file, reader.tensors(), reader.metadata);
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
  }

  private void readHeader() throws IOException {
    var bytes = file.asSlice(Long.BYTES, headerBytes).toArray(ValueLayout.JAVA_BYTE);
    // Decoded here so that what is no UTF-8 is one character and no error of another kind.
    try (var parser = JSON.createParser(new String(bytes, StandardCharsets.UTF_8))) {
      expect(parser, parser.nextToken() == JsonToken.START_OBJECT, "a JSON object");
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        var name = parser.currentName();
        expect(parser, parser.nextToken() == JsonToken.START_OBJECT, name + " to be an object");
        if (name.equals("__metadata__")) {
          readMetadata(parser);
        } else {
          var entry = readEntry(parser, name);
          expect(parser, entries.putIfAbsent(name, entry) == null, "one tensor " + name);
        }
      }
      expect(parser, parser.nextToken() == null, "the end of the header");
    } catch (JsonProcessingException e) {
      var at = e.getLocation() == null ? 0 : Math.max(0, e.getLocation().getCharOffset());
      throw malformed(
          Long.BYTES + at, "a JSON object", FormatException.quote(e.getOriginalMessage()));
    }
  }

  private void readMetadata(JsonParser parser) throws IOException {
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      var key = parser.currentName();
      expect(parser, parser.nextToken() == JsonToken.VALUE_STRING, "metadata " + key + " of text");
      expect(parser, metadata.put(key, parser.getText()) == null, "one metadata " + key);
    }
  }

  private Entry readEntry(JsonParser parser, String name) throws IOException {
    ElementType type = null;
    long[] shape = null;
    long[] offsets = null;
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      var key = parser.currentName();
      var token = parser.nextToken();
      switch (key) {
        case "dtype" -> {
          expect(
              parser,
              type == null && token == JsonToken.VALUE_STRING,
              name + " to have one dtype, a text");
          type = ElementType.of(parser.getText());
          if (type == null) {
            throw malformed(
                at(parser),
                "tensor " + name + " of a dtype among " + ElementType.known(),
                FormatException.quote(parser.getText()));
          }
        }
        case "shape" -> {
          expect(parser, shape == null, name + " to have one shape");
          shape = readNumbers(parser, name + " to have a shape of numbers from 0 up");
        }
        case "data_offsets" -> {
          expect(parser, offsets == null, name + " to have data_offsets once");
          offsets = readNumbers(parser, name + " to have two data_offsets from 0 up");
          expect(parser, offsets.length == 2, name + " to have two data_offsets");
        }
        default ->
            throw malformed(
                at(parser),
                "tensor " + name + " with dtype, shape and data_offsets alone",
                FormatException.quote(key));
      }
    }
    expect(
        parser,
        type != null && shape != null && offsets != null,
        name + " to have dtype, shape and data_offsets");
    return entry(name, type, shape, offsets, at(parser));
  }

  private Entry entry(String name, ElementType type, long[] shape, long[] offsets, long at)
      throws IOException {
    long elements = CheckpointFiles.elements(shape);
    long data = file.byteSize() - Long.BYTES - headerBytes;
    if (elements < 0 || elements > Long.MAX_VALUE / type.bytes()) {
      throw malformed(
          at, "tensor " + name + " of less than 2^63 bytes", type + " " + Arrays.toString(shape));
    }
    if (offsets[0] > offsets[1] || offsets[1] > data) {
      throw malformed(
          at,
          "tensor " + name + " within the " + data + " bytes after the header",
          Arrays.toString(offsets));
    }
    if (offsets[1] - offsets[0] != elements * type.bytes()) {
      throw malformed(
          at,
          elements * type.bytes()
              + " bytes for "
              + name
              + ", "
              + type
              + " "
              + Arrays.toString(shape),
          offsets[1] - offsets[0] + " bytes");
    }
    return new Entry(
        name,
        type,
        shape,
        Long.BYTES + headerBytes + offsets[0],
        Long.BYTES + headerBytes + offsets[1]);
  }

  private long[] readNumbers(JsonParser parser, String expected) throws IOException {
    expect(parser, parser.currentToken() == JsonToken.START_ARRAY, expected);
    var numbers = new long[CheckpointFiles.MOST_DIMENSIONS];
    int n = 0;
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      expect(
          parser,
          parser.currentToken() == JsonToken.VALUE_NUMBER_INT
              && parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER
              && parser.getLongValue() >= 0,
          expected);
      expect(
          parser,
          n < numbers.length,
          expected + ", at most " + CheckpointFiles.MOST_DIMENSIONS + " of them");
      numbers[n++] = parser.getLongValue();
    }
    return Arrays.copyOf(numbers, n);
  }

  /// Tensors lie one after another, from the end of the header to the end of the file.
  private void checkPlaces() throws IOException {
    List<Entry> inOrder = new ArrayList<>(entries.values());
    inOrder.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
    long end = Long.BYTES + headerBytes;
    var before = "the header";
    for (var entry : inOrder) {
      if (entry.begin != end) {
        throw malformed(
            entry.begin,
            "tensor " + entry.name + " at byte " + end + ", right after " + before,
            (entry.begin < end ? "an overlap of " : "a hole of ")
                + Math.abs(entry.begin - end)
                + " bytes");
      }
      end = entry.end;
      before = entry.name;
    }
    if (end != file.byteSize()) {
      throw malformed(
          end, "the end of the file after " + before, file.byteSize() - end + " more bytes");
    }
  }

  private Map<String, StoredTensor> tensors() {
    var tensors = new LinkedHashMap<String, StoredTensor>();
    for (var entry : entries.values()) {
      var data = file.asSlice(entry.begin, entry.end - entry.begin);
      tensors.put(entry.name, new StoredTensor(entry.name, entry.type, entry.shape, path, data));
    }
    return tensors;
  }

  private void expect(JsonParser parser, boolean holds, String expected) throws IOException {
    if (!holds) {
      var token = parser.currentToken();
      throw malformed(
          at(parser),
          expected,
          token == null ? "the end" : FormatException.quote(String.valueOf(parser.getText())));
    }
  }

  private static long at(JsonParser parser) {
    return Long.BYTES + Math.max(0, parser.currentTokenLocation().getCharOffset());
  }

  private FormatException malformed(long offset, String expected, String found) {
    return new FormatException(path, offset, expected, found);
  }
}
