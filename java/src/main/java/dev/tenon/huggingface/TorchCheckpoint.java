package dev.tenon.huggingface;

import dev.tenon.huggingface.Pickle.Dict;
import dev.tenon.huggingface.Pickle.Global;
import dev.tenon.huggingface.Pickle.Items;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// What `torch.save` writes: a zip file with a pickle of the tensors and a file for each storage,
/// or (before PyTorch 1.6) pickles and storages one after another.
///
/// The file holds a state dictionary, or one in a dictionary as `state_dict`, `model`, `module` or
/// `model_state_dict`.
final class TorchCheckpoint implements Pickle.Tensors {
  private static final List<String> NESTED =
      List.of("state_dict", "model", "module", "model_state_dict", "params");

  /// The number that the older format begins with, as its pickle writes it.
  private static final BigInteger MAGIC = new BigInteger("1950a86a20f9469cfc6c", 16);

  private static final long MOST_PICKLE_BYTES = 1 << 26;

  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path path;
  private final MemorySegment file;
  private final Map<String, Storage> storages = new HashMap<>();

  /// The entries that storages are, and what their names begin with; null in the older format.
  private final ZipArchive archive;

  private final String folder;

  /// The elements that tensors share.
  private static final class Storage {
    private final ElementType type;
    private final long elements;

    /// Its bytes; in the older format known after the pickle.
    private MemorySegment data;

    /// The storage that this one is a part of, or null; and where.
    private final Storage root;

    private final long offset;

    Storage(ElementType type, long elements, Storage root, long offset) {
      this.type = type;
      this.elements = elements;
      this.root = root;
      this.offset = offset;
    }
  }

  /// A tensor that the pickle describes.
  private record View(
      Storage storage, ElementType type, long start, long[] sizes, long[] strides) {}

  private TorchCheckpoint(Path path, MemorySegment file, ZipArchive archive, String folder) {
    this.path = path;
    this.file = file;
    this.archive = archive;
    this.folder = folder;
  }

  /// {@return whether a file is one of PyTorch's: it begins as a zip file or a pickle does}
  static boolean is(Path path) throws IOException {
    try (var arena = Arena.ofConfined()) {
      var file = CheckpointFiles.map(path, arena);
      return ZipArchive.is(file)
          || file.byteSize() > 2
              && file.get(ValueLayout.JAVA_BYTE, 0) == (byte) 0x80
              && file.get(ValueLayout.JAVA_BYTE, 1) <= 5
              && file.get(ValueLayout.JAVA_BYTE, 2) == (byte) 0x8a;
    }
  }

  static Checkpoint open(Path path) throws IOException {
    var arena = Arena.ofShared();
    try {
      var file = CheckpointFiles.map(path, arena);
      return new MappedCheckpoint(
          path,
          arena,
          file,
          ZipArchive.is(file) ? readZip(path, file) : readOld(path, file),
          Map.of());
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
  }

  // A zip file.

  private static Map<String, StoredTensor> readZip(Path path, MemorySegment file)
      throws IOException {
    var archive = new ZipArchive(path, file);
    var pickles =
        archive.entries().keySet().stream()
            .filter(name -> name.equals("data.pkl") || name.endsWith("/data.pkl"))
            .toList();
    if (pickles.size() != 1) {
      throw new FormatException(
          path, 0, "a zip file with one data.pkl", pickles.size() + " of them");
    }
    var name = pickles.getFirst();
    var folder = name.substring(0, name.length() - "data.pkl".length());
    var order = archive.entries().get(folder + "byteorder");
    if (order != null
        && order.size() == 3
        && file.get(ValueLayout.JAVA_BYTE, order.offset()) == 'b') {
      throw new UnsupportedOperationException(
          path + ": its numbers are big-endian, which is not supported");
    }
    var pickle = archive.entries().get(name);
    if (pickle.size() > MOST_PICKLE_BYTES) {
      throw new FormatException(
          path,
          pickle.offset(),
          "a pickle of at most " + MOST_PICKLE_BYTES + " bytes",
          pickle.size() + " bytes");
    }
    var reader = new TorchCheckpoint(path, file, archive, folder);
    var bytes = file.asSlice(pickle.offset(), pickle.size());
    return reader.tensors(new Pickle(path, bytes, pickle.offset(), reader).next());
  }

  // The older format: magic number, version, system, tensors, keys of storages, storages.

  private static Map<String, StoredTensor> readOld(Path path, MemorySegment file)
      throws IOException {
    var reader = new TorchCheckpoint(path, file, null, null);
    var pickles = new Pickle(path, file, 0, reader);
    if (!MAGIC.equals(pickles.next()) || !Long.valueOf(1001).equals(pickles.next())) {
      throw new FormatException(path, 0, "weights that torch.save wrote", "another pickle");
    }
    pickles.next();
    var value = pickles.next();
    if (!(pickles.next() instanceof Items keys)) {
      throw new FormatException(path, pickles.position(), "a list of storages", "another value");
    }
    long at = pickles.position();
    for (var key : keys.items) {
      var storage = key instanceof String text ? reader.storages.get(text) : null;
      if (storage == null) {
        throw new FormatException(path, at, "a storage that a tensor has", Pickle.describe(key));
      }
      long left = file.byteSize() - at - Long.BYTES;
      if (left < 0 || file.get(LONG, at) != storage.elements) {
        throw new FormatException(
            path,
            at,
            "a storage of " + storage.elements + " elements",
            left < 0 ? "the end of the file" : "" + file.get(LONG, at));
      }
      long bytes = storage.elements * storage.type.bytes();
      if (bytes > left) {
        throw new FormatException(path, at, bytes + " bytes of a storage", left + " bytes");
      }
      storage.data = file.asSlice(at + Long.BYTES, bytes);
      at += Long.BYTES + bytes;
    }
    return reader.tensors(value);
  }

  // What the pickle may ask for.

  @Override
  public Object storage(Object id) throws IOException {
    if (!(id instanceof Items list)
        || list.items.size() < 5
        || !"storage".equals(list.items.get(0))
        || !(list.items.get(1) instanceof Global type)
        || !(list.items.get(2) instanceof String key)
        || !(list.items.get(4) instanceof Long elements)) {
      throw malformed("a storage: its type, key, device and size", Pickle.describe(id));
    }
    var storage = storages.get(key);
    if (storage == null) {
      storage = newStorage(key, storageType(type.name()), elements);
      storages.put(key, storage);
    }
    return list.items.size() > 5 && list.items.get(5) instanceof Items view
        ? part(storage, view)
        : storage;
  }

  private Storage newStorage(String key, ElementType type, long elements) throws IOException {
    if (elements < 0 || elements > file.byteSize() / type.bytes()) {
      throw malformed(
          "storage " + key + " within the file's " + file.byteSize() + " bytes",
          elements + " elements of " + type);
    }
    var storage = new Storage(type, elements, null, 0);
    if (archive != null) {
      var entry = archive.entries().get(folder + "data/" + key);
      if (entry == null) {
        throw malformed("entry " + folder + "data/" + key, "none");
      }
      if (entry.size() < elements * type.bytes()) {
        throw new FormatException(
            path,
            entry.offset(),
            elements * type.bytes() + " bytes of storage " + key,
            entry.size() + " bytes");
      }
      storage.data = file.asSlice(entry.offset(), elements * type.bytes());
    }
    return storage;
  }

  /// {@return a part of a storage, as the older format has them: key, offset and size}
  private Storage part(Storage root, Items view) throws IOException {
    if (view.items.size() != 3
        || !(view.items.get(1) instanceof Long offset)
        || !(view.items.get(2) instanceof Long elements)
        || offset < 0
        || elements < 0
        || offset > root.elements
        || elements > root.elements - offset) {
      throw malformed("a part of a storage of " + root.elements, Pickle.describe(view));
    }
    return new Storage(root.type, elements, root, offset);
  }

  private ElementType storageType(String name) throws IOException {
    return switch (name) {
      case "torch.DoubleStorage" -> ElementType.F64;
      case "torch.FloatStorage" -> ElementType.F32;
      case "torch.HalfStorage" -> ElementType.F16;
      case "torch.BFloat16Storage" -> ElementType.BF16;
      case "torch.LongStorage" -> ElementType.I64;
      case "torch.IntStorage" -> ElementType.I32;
      case "torch.ShortStorage" -> ElementType.I16;
      case "torch.CharStorage" -> ElementType.I8;
      case "torch.ByteStorage",
          "torch.UntypedStorage",
          "torch.storage.UntypedStorage",
          "torch.storage._UntypedStorage" ->
          ElementType.U8;
      case "torch.BoolStorage" -> ElementType.BOOL;
      default -> throw malformed("a type of storage", name);
    };
  }

  private ElementType type(String name) throws IOException {
    return switch (name) {
      case "torch.float64", "torch.double" -> ElementType.F64;
      case "torch.float32", "torch.float" -> ElementType.F32;
      case "torch.float16", "torch.half" -> ElementType.F16;
      case "torch.bfloat16" -> ElementType.BF16;
      case "torch.float8_e4m3fn" -> ElementType.F8_E4M3;
      case "torch.float8_e5m2" -> ElementType.F8_E5M2;
      case "torch.int64", "torch.long" -> ElementType.I64;
      case "torch.int32", "torch.int" -> ElementType.I32;
      case "torch.int16", "torch.short" -> ElementType.I16;
      case "torch.int8" -> ElementType.I8;
      case "torch.uint64" -> ElementType.U64;
      case "torch.uint32" -> ElementType.U32;
      case "torch.uint16" -> ElementType.U16;
      case "torch.uint8" -> ElementType.U8;
      case "torch.bool" -> ElementType.BOOL;
      default -> throw malformed("a type of elements", name);
    };
  }

  @Override
  public Object call(String function, List<Object> arguments) throws IOException {
    switch (function) {
      case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state" -> {
        if (!arguments.isEmpty() && arguments.getFirst() instanceof View view) {
          return view;
        }
      }
      case "torch._utils._rebuild_tensor",
          "torch._utils._rebuild_tensor_v2",
          "torch._utils._rebuild_tensor_v3" -> {
        if (arguments.size() >= 4
            && arguments.get(0) instanceof Storage storage
            && arguments.get(1) instanceof Long start
            && arguments.get(2) instanceof Items sizes
            && arguments.get(3) instanceof Items strides) {
          var type = storage.type;
          if (function.endsWith("_v3")) {
            if (arguments.size() < 7 || !(arguments.get(6) instanceof Global named)) {
              throw malformed("the type of a tensor", arguments.size() + " arguments");
            }
            type = type(named.name());
          }
          return view(storage, type, start, sizes, strides);
        }
      }
      default -> throw malformed("a function that makes a tensor", function);
    }
    throw malformed("the arguments of " + function, "others");
  }

  private View view(Storage storage, ElementType type, long start, Items sizes, Items strides)
      throws IOException {
    var shape = numbers(sizes);
    var steps = numbers(strides);
    long available =
        type == storage.type
            ? storage.elements
            : storage.elements * storage.type.bytes() / type.bytes();
    long elements = CheckpointFiles.elements(shape);
    if (shape.length != steps.length || elements < 0 || elements > Long.MAX_VALUE / type.bytes()) {
      throw malformed(
          "sizes and strides of a tensor", shape.length + " sizes, " + steps.length + " strides");
    }
    long last = start;
    for (int d = 0; d < shape.length && elements > 0; d++) {
      // No product overflows: `steps` is checked against what the storage has.
      if (shape[d] > 1 && steps[d] > (available - last) / (shape[d] - 1)) {
        last = available;
        break;
      }
      last += (shape[d] - 1) * steps[d];
    }
    if (start < 0 || start > available || elements > 0 && last >= available) {
      throw malformed(
          "a tensor within the " + available + " elements of its storage",
          "sizes " + describe(shape) + ", strides " + describe(steps) + " from element " + start);
    }
    if (storage.root != null && type != storage.type) {
      throw malformed("a part of a storage of one type", type + " over " + storage.type);
    }
    return new View(storage, type, start, shape, steps);
  }

  private static String describe(long[] numbers) {
    return Arrays.toString(numbers);
  }

  private long[] numbers(Items items) throws IOException {
    if (items.items.size() > CheckpointFiles.MOST_DIMENSIONS) {
      throw malformed(
          "at most " + CheckpointFiles.MOST_DIMENSIONS + " dimensions", items.items.size() + "");
    }
    var numbers = new long[items.items.size()];
    for (int i = 0; i < numbers.length; i++) {
      if (!(items.items.get(i) instanceof Long number) || number < 0) {
        throw malformed("sizes and strides from 0 up", Pickle.describe(items.items.get(i)));
      }
      numbers[i] = number;
    }
    return numbers;
  }

  // The tensors.

  private Map<String, StoredTensor> tensors(Object value) throws IOException {
    if (!(value instanceof Dict top)) {
      throw malformed("a dictionary of tensors", Pickle.describe(value));
    }
    var dict = top;
    if (!hasTensors(dict)) {
      for (var name : NESTED) {
        if (top.entries.get(name) instanceof Dict nested && hasTensors(nested)) {
          dict = nested;
          break;
        }
      }
    }
    if (!hasTensors(dict)) {
      throw malformed(
          "a dictionary of tensors",
          top.entries.keySet().stream()
              .limit(8)
              .map(Pickle::describe)
              .collect(Collectors.joining(", ", "one of ", "")));
    }
    var tensors = new LinkedHashMap<String, StoredTensor>();
    for (var entry : dict.entries.entrySet()) {
      if (entry.getKey() instanceof String name && entry.getValue() instanceof View view) {
        tensors.put(name, tensor(name, view));
      }
    }
    return tensors;
  }

  private static boolean hasTensors(Dict dict) {
    return dict.entries.entrySet().stream()
        .anyMatch(e -> e.getKey() instanceof String && e.getValue() instanceof View);
  }

  private StoredTensor tensor(String name, View view) throws IOException {
    var storage = view.storage.root == null ? view.storage : view.storage.root;
    if (storage.data == null) {
      throw malformed("the bytes of tensor " + name, "none");
    }
    return new StoredTensor(
        name,
        view.type,
        view.sizes,
        path,
        storage.data,
        view.start + view.storage.offset,
        view.sizes,
        view.strides);
  }

  private FormatException malformed(String expected, String found) {
    return new FormatException(path, "pickle", expected, found);
  }
}
