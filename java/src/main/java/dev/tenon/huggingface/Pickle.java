package dev.tenon.huggingface;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/// Python's pickle machine, for the values a checkpoint is made of and nothing else.
///
/// A pickle is a program that may name any function of Python and call it. Here it may name those
/// few of [#KNOWN], which are not called: [Tensors] says what tensor they describe. Any other name
/// is an error that has it.
///
/// Values: `null`, [Boolean], [Long], [BigInteger], [Double], [String], `byte[]`, [Items] for
/// lists, tuples and sets, [Dict], [Global] for a name, and what [Tensors] makes.
final class Pickle {
  /// What lists, tuples and sets are. Two are equal only where they are the same, so that no hash
  /// goes deep.
  static final class Items {
    final List<Object> items = new ArrayList<>();
  }

  /// A dictionary, in the order of its first insertions.
  static final class Dict {
    final Map<Object, Object> entries = new LinkedHashMap<>();
  }

  /// A class or function of Python.
  ///
  /// @param name with its module, for example `torch._utils._rebuild_tensor_v2`
  record Global(String name) {}

  /// What a checkpoint describes: storages and tensors over them.
  interface Tensors {
    /// {@return the storage that a persistent id stands for}
    Object storage(Object id) throws IOException;

    /// {@return what a call of a known function gives}
    Object call(String function, List<Object> arguments) throws IOException;
  }

  /// Functions and classes that a checkpoint may name. Storages and types of `torch` come beside
  /// them: [#isKnown].
  private static final Set<String> KNOWN =
      Set.of(
          "collections.OrderedDict",
          "torch._utils._rebuild_tensor",
          "torch._utils._rebuild_tensor_v2",
          "torch._utils._rebuild_tensor_v3",
          "torch._utils._rebuild_parameter",
          "torch._utils._rebuild_parameter_with_state",
          "torch.Size",
          "torch.storage.UntypedStorage",
          "torch.storage._UntypedStorage");

  private static final Set<String> TYPES =
      Set.of(
          "float64",
          "double",
          "float32",
          "float",
          "float16",
          "half",
          "bfloat16",
          "int64",
          "long",
          "int32",
          "int",
          "int16",
          "short",
          "int8",
          "uint8",
          "uint16",
          "uint32",
          "uint64",
          "bool",
          "float8_e4m3fn",
          "float8_e5m2");

  private static final Set<String> STORAGES =
      Set.of(
          "Double",
          "Float",
          "Half",
          "BFloat16",
          "Long",
          "Int",
          "Short",
          "Char",
          "Byte",
          "Bool",
          "Untyped");

  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  /// A pickle of a checkpoint is some kilobytes; a string of one is a name.
  private static final int MOST_STRING_BYTES = 1 << 20;

  /// A tensor takes some forty steps; each may leave an object behind.
  private static final int MOST_STEPS = 1 << 22;

  /// What stands on the stack where a group of values begins.
  private static final Object MARK = new Object();

  private final Path path;
  private final MemorySegment data;

  /// Where the bytes begin in the file.
  private final long base;

  private final Tensors tensors;
  private final ArrayList<Object> stack = new ArrayList<>();
  private final Map<Long, Object> memo = new HashMap<>();
  private long at;
  private int steps;

  /// @param data the bytes of one pickle or more
  /// @param base where they begin in the file
  Pickle(Path path, MemorySegment data, long base, Tensors tensors) {
    this.path = path;
    this.data = data;
    this.base = base;
    this.tensors = tensors;
  }

  /// {@return where the next pickle begins, from the first byte}
  long position() {
    return at;
  }

  /// {@return the value of the pickle here; the next follows it}
  Object next() throws IOException {
    stack.clear();
    memo.clear();
    try {
      while (true) {
        spend(1);
        long from = at;
        int code = unsigned();
        if (code == '.') {
          return pop();
        }
        step(code, from);
      }
    } catch (IndexOutOfBoundsException _) {
      throw malformed(at, "the rest of a pickle", "its end");
    }
  }

  private void spend(int count) throws IOException {
    steps += count;
    if (steps > MOST_STEPS) {
      throw malformed(at, "at most " + MOST_STEPS + " steps", "more");
    }
  }

  private void step(int code, long from) throws IOException {
    switch (code) {
      case 0x80 -> {
        int version = unsigned();
        if (version > 5) {
          throw malformed(from, "a pickle of protocol 0 to 5", "" + version);
        }
      }
      case 0x95 -> take(Long.BYTES); // the length of a frame
      case '(' -> push(MARK);
      case '0' -> pop();
      case '1' -> popToMark();
      case '2' -> push(top());
      case 'N' -> push(null);
      case 0x88 -> push(true);
      case 0x89 -> push(false);
      case 'I' -> push(integerLine(from));
      case 'L' -> push(longLine(from));
      case 'J' -> push((long) data.get(INT, take(Integer.BYTES)));
      case 'K' -> push((long) unsigned());
      case 'M' -> push((long) (unsigned() | unsigned() << 8));
      case 0x8a -> push(integer(unsigned()));
      case 0x8b -> push(integer(length(from, data.get(INT, take(Integer.BYTES)))));
      case 'F' -> push(real(line(), from));
      case 'G' -> push(data.get(DOUBLE, take(Double.BYTES)));
      case 'S', 'V' -> push(line());
      case 'U', 0x8c -> push(string(unsigned()));
      case 'T', 'X' -> push(string(length(from, data.get(INT, take(Integer.BYTES)))));
      case 0x8d -> push(string(length(from, data.get(LONG, take(Long.BYTES)))));
      case 'C' -> push(bytes(unsigned()));
      case 'B' -> push(bytes(length(from, data.get(INT, take(Integer.BYTES)))));
      case 0x8e -> push(bytes(length(from, data.get(LONG, take(Long.BYTES)))));
      case ']', ')', 0x8f -> push(new Items());
      case 'l', 't', 0x91 -> {
        var items = new Items();
        items.items.addAll(popToMark());
        push(items);
      }
      case 0x85, 0x86, 0x87 -> pushTuple(code - 0x84);
      case 'a' -> {
        var item = pop();
        top(Items.class, from).items.add(item);
      }
      case 'e', 0x90 -> {
        var items = popToMark();
        top(Items.class, from).items.addAll(items);
      }
      case '}' -> push(new Dict());
      case 'd' -> {
        var items = popToMark();
        var dict = new Dict();
        put(dict, items, from);
        push(dict);
      }
      case 's' -> {
        var value = pop();
        var key = pop();
        put(top(Dict.class, from), Arrays.asList(key, value), from);
      }
      case 'u' -> {
        var items = popToMark();
        put(top(Dict.class, from), items, from);
      }
      case 'p' -> memo.put(integerLine(from) instanceof Long key ? key : -1L, top());
      case 'q' -> memo.put((long) unsigned(), top());
      case 'r' -> memo.put((long) data.get(INT, take(Integer.BYTES)), top());
      case 0x94 -> memo.put((long) memo.size(), top());
      case 'g' -> push(recall(integerLine(from) instanceof Long key ? key : -1L, from));
      case 'h' -> push(recall(unsigned(), from));
      case 'j' -> push(recall(data.get(INT, take(Integer.BYTES)), from));
      case 'c' -> {
        var module = line();
        push(global(module, line(), from));
      }
      case 0x93 -> {
        var name = pop();
        var module = pop();
        push(global(String.valueOf(module), String.valueOf(name), from));
      }
      case 'Q' -> push(tensors.storage(pop()));
      case 'P' -> push(tensors.storage(line()));
      case 'R', 0x81 -> {
        var arguments = pop(Items.class, from);
        push(call(pop(Global.class, from), arguments.items));
      }
      case 'b' -> {
        pop(); // attributes of a state dictionary: version numbers of modules
        top(Dict.class, from);
      }
      default -> throw malformed(from, "a step that makes tensors", "step 0x%02x".formatted(code));
    }
  }

  private Object call(Global function, List<Object> arguments) throws IOException {
    if (function.name.equals("collections.OrderedDict")) {
      var dict = new Dict();
      if (!arguments.isEmpty() && arguments.getFirst() instanceof Items pairs) {
        spend(pairs.items.size()); // one list may be given again and again
        for (var pair : pairs.items) {
          if (!(pair instanceof Items two) || two.items.size() != 2) {
            throw malformed(at, "pairs of an OrderedDict", "another value");
          }
          put(dict, two.items, at);
        }
      }
      return dict;
    }
    if (function.name.equals("torch.Size")) {
      return arguments.isEmpty() ? new Items() : arguments.getFirst();
    }
    return tensors.call(function.name, arguments);
  }

  private Global global(String module, String name, long from) throws IOException {
    var full = module + "." + name;
    if (!isKnown(module, name, full)) {
      throw malformed(
          from,
          "a pickle of tensors alone",
          "a call of " + FormatException.quote(full) + ", which is not made");
    }
    return new Global(full);
  }

  private static boolean isKnown(String module, String name, String full) {
    return KNOWN.contains(full)
        || module.equals("torch")
            && (TYPES.contains(name)
                || name.endsWith("Storage")
                    && STORAGES.contains(name.substring(0, name.length() - "Storage".length())));
  }

  private void put(Dict dict, List<Object> items, long from) throws IOException {
    if (items.size() % 2 != 0) {
      throw malformed(from, "a value for each key", items.size() + " keys and values");
    }
    for (int i = 0; i < items.size(); i += 2) {
      dict.entries.put(items.get(i), items.get(i + 1));
    }
  }

  private void pushTuple(int n) {
    var tuple = new Items();
    tuple.items.addAll(stack.subList(stack.size() - n, stack.size()));
    stack.subList(stack.size() - n, stack.size()).clear();
    push(tuple);
  }

  private void push(Object value) {
    stack.add(value);
  }

  private Object pop() {
    return stack.remove(stack.size() - 1);
  }

  private Object top() {
    return stack.get(stack.size() - 1);
  }

  private <T> T pop(Class<T> type, long from) throws IOException {
    return checked(pop(), type, from);
  }

  private <T> T top(Class<T> type, long from) throws IOException {
    return checked(top(), type, from);
  }

  private <T> T checked(Object value, Class<T> type, long from) throws IOException {
    if (!type.isInstance(value)) {
      throw malformed(from, "a " + type.getSimpleName() + " on the stack", describe(value));
    }
    return type.cast(value);
  }

  /// {@return a value as messages have it}
  static String describe(Object value) {
    return switch (value) {
      case null -> "None";
      case String text -> FormatException.quote(text);
      case Long _, Boolean _, Double _ -> value.toString();
      case Global global -> global.name;
      case Items items -> "a list of " + items.items.size();
      case Dict dict -> "a dictionary of " + dict.entries.size();
      default -> value == MARK ? "a mark" : "a " + value.getClass().getSimpleName();
    };
  }

  private List<Object> popToMark() {
    int mark = stack.size() - 1;
    while (stack.get(mark) != MARK) {
      mark--;
    }
    var items = new ArrayList<>(stack.subList(mark + 1, stack.size()));
    stack.subList(mark, stack.size()).clear();
    return items;
  }

  private Object recall(long key, long from) throws IOException {
    if (!memo.containsKey(key)) {
      throw malformed(from, "a value remembered as " + key, "none");
    }
    return memo.get(key);
  }

  private int unsigned() {
    return data.get(ValueLayout.JAVA_BYTE, take(1)) & 0xff;
  }

  /// {@return where the next so many bytes begin}
  private long take(long count) {
    Objects.checkFromIndexSize(at, count, data.byteSize());
    at += count;
    return at - count;
  }

  private int length(long from, long length) throws IOException {
    if (length < 0 || length > MOST_STRING_BYTES) {
      throw malformed(
          from,
          "a value of at most " + MOST_STRING_BYTES + " bytes",
          Long.toUnsignedString(length));
    }
    return (int) length;
  }

  private byte[] bytes(int length) {
    return data.asSlice(take(length), length).toArray(ValueLayout.JAVA_BYTE);
  }

  private String string(int length) {
    return new String(bytes(length), StandardCharsets.UTF_8);
  }

  private Object integer(int length) {
    var bytes = bytes(length);
    for (int i = 0; i < length / 2; i++) {
      byte b = bytes[i];
      bytes[i] = bytes[length - 1 - i];
      bytes[length - 1 - i] = b;
    }
    var number = length == 0 ? BigInteger.ZERO : new BigInteger(bytes);
    return number.bitLength() < Long.SIZE ? (Object) number.longValue() : number;
  }

  private String line() {
    long from = at;
    while (data.get(ValueLayout.JAVA_BYTE, take(1)) != '\n') {
      if (at - from > MOST_STRING_BYTES) {
        throw new IndexOutOfBoundsException();
      }
    }
    return new String(
        data.asSlice(from, at - 1 - from).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
  }

  private Object integerLine(long from) throws IOException {
    var line = line();
    return switch (line) {
      case "00" -> false;
      case "01" -> true;
      default -> whole(line, from);
    };
  }

  private Object longLine(long from) throws IOException {
    var line = line();
    return whole(line.endsWith("L") ? line.substring(0, line.length() - 1) : line, from);
  }

  private long whole(String digits, long from) throws IOException {
    try {
      return Long.parseLong(digits.strip());
    } catch (NumberFormatException _) {
      throw malformed(from, "an integer of 64 bits", FormatException.quote(digits));
    }
  }

  private double real(String digits, long from) throws IOException {
    try {
      return Double.parseDouble(digits);
    } catch (NumberFormatException _) {
      throw malformed(from, "a number", FormatException.quote(digits));
    }
  }

  private FormatException malformed(long offset, String expected, String found) {
    return new FormatException(path, base + offset, expected, found);
  }
}
