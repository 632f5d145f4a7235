package dev.tenon.tensor;

import static java.lang.foreign.MemorySegment.NULL;

import dev.tenon.ggml.Ggml;
import dev.tenon.ggml.ggml_tensor;
import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorInfo;
import dev.tenon.gguf.TensorType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/// The tensors of one model file, on the devices of a backend.
///
/// An architecture first declares each weight, saying what it is for and the shape it must have:
/// [#matrix], [#vector], [#table] or [#experts]. Then [#load] puts each where it computes fastest:
/// on the graphics card where its layer is offloaded, in a repacked buffer (AMX, CPU_REPACK) where
/// the processor has one for its type, else in the file's own mapping, which copies nothing.
///
/// Declaring is for one thread; once loaded, the tensors may be used by any number.
public final class Weights implements AutoCloseable {
  /// The element types a matrix may have: those ggml can multiply.
  static final Set<TensorType> MATRIX_TYPES =
      EnumSet.complementOf(
          EnumSet.of(
              TensorType.I8,
              TensorType.I16,
              TensorType.I32,
              TensorType.I64,
              TensorType.F64,
              TensorType.Q8_1,
              TensorType.Q8_K));

  /// ggml's kernels want tensors at multiples of this many bytes.
  private static final int ALIGNMENT = 32;

  private final Store store;
  private final String prefix;
  private final boolean offloaded;

  private Weights(Store store, String prefix, boolean offloaded) {
    this.store = store;
    this.prefix = prefix;
    this.offloaded = offloaded;
  }

  /// Where weights may go.
  ///
  /// @param gpuLayers how many of the last layers go to the graphics card, the output counting as
  ///     one; at least 0, and more than there are means all
  /// @param repack whether buffer types are used that hold weights in another order
  public record Placement(int gpuLayers, boolean repack) {
    /// Checks the number of layers.
    ///
    /// @throws IllegalArgumentException if `gpuLayers` is negative
    public Placement {
      if (gpuLayers < 0)
        throw new IllegalArgumentException("gpuLayers: " + gpuLayers + ", at least 0");
    }
  }

  /// Is told how much of the weights is in place.
  @FunctionalInterface
  public interface Progress {
    /// Called on the loading thread.
    ///
    /// @param doneBytes bytes in place
    /// @param totalBytes bytes of all weights
    void at(long doneBytes, long totalBytes);
  }

  /// Prepares to declare the weights of a file.
  ///
  /// @param gguf the file; must stay open until [#load] is done
  /// @param backend where they go; stays in use until [#close]
  /// @param layers blocks of the model, by which `placement` counts
  /// @param placement where weights may go
  /// @return weights without data; the caller closes them
  /// @throws IllegalStateException if the backend is closed
  public static Weights of(Gguf gguf, Backend backend, int layers, Placement placement) {
    var store = new Store(gguf, backend, layers, placement, false, null);
    // The output counts as the last layer; what comes before the layers stays with the processor.
    return new Weights(store, "", backend.hasGpu() && placement.gpuLayers() > 0);
  }

  /// Prepares to find out which weights a network asks for: whatever is declared is there, as F32
  /// of the shape asked for and without data, and [#declared] lists it afterwards. Nothing can be
  /// loaded.
  ///
  /// @param gguf the numbers of the model; its tensors do not matter
  /// @param backend any; stays in use until [#close]
  /// @param optional says by its whole name whether there is a weight that may as well be missing
  /// @return weights without data; the caller closes them
  /// @throws IllegalStateException if the backend is closed
  public static Weights wanted(Gguf gguf, Backend backend, Predicate<String> optional) {
    var store = new Store(gguf, backend, 0, new Placement(0, false), false, optional);
    return new Weights(store, "", false);
  }

  /// Prepares to declare the weights of a file for training: each goes into memory of the
  /// processor, brought to F32, where an [optimizer][AdamW] changes it.
  ///
  /// @param gguf the file; must stay open until [#load] is done
  /// @param backend whose processor is used; stays in use until [#close]
  /// @return weights without data; the caller closes them
  /// @throws IllegalStateException if the backend is closed
  public static Weights trainable(Gguf gguf, Backend backend) {
    var store = new Store(gguf, backend, 0, new Placement(0, false), true, null);
    return new Weights(store, "", false);
  }

  /// {@return the weight that multiplies activations}
  ///
  /// @param name GGUF's name, relative to this view
  /// @param in length of the input
  /// @param out length of the output
  /// @throws GgufFormatException if absent, of another shape, or of a type that cannot be
  ///     multiplied; the message has the name and both shapes
  public Tensor matrix(String name, long in, long out) throws GgufFormatException {
    return store.declare(prefix + name, Role.MATRIX, offloaded, Shape.of(in, out));
  }

  /// {@return one matrix for each expert, `[in, out, experts]`}
  ///
  /// @param name GGUF's name, relative to this view
  /// @param in length of the input
  /// @param out length of the output
  /// @param experts how many
  /// @throws GgufFormatException if absent, of another shape, or of a type that cannot be
  ///     multiplied; the message has the name and both shapes
  public Tensor experts(String name, long in, long out, long experts) throws GgufFormatException {
    return store.declare(prefix + name, Role.EXPERTS, offloaded, Shape.of(in, out, experts));
  }

  /// {@return a norm's weight, a bias or the like, as F32 whichever floating type the file has}
  ///
  /// @param name GGUF's name, relative to this view
  /// @param n its length
  /// @throws GgufFormatException if absent, of another shape, or not of a floating type; the
  ///     message has the name and both shapes
  public Tensor vector(String name, long n) throws GgufFormatException {
    return store.declare(prefix + name, Role.VECTOR, offloaded, Shape.of(n));
  }

  /// {@return a table whose rows are looked up, such as the token embedding}
  ///
  /// @param name GGUF's name, relative to this view
  /// @param width length of a row
  /// @param rows how many
  /// @throws GgufFormatException if absent, of another shape, or of a type that rows cannot be
  ///     taken of; the message has the name and both shapes
  public Tensor table(String name, long width, long rows) throws GgufFormatException {
    return store.declare(prefix + name, Role.TABLE, false, Shape.of(width, rows));
  }

  /// {@return whether the file has this weight}
  ///
  /// @param name GGUF's name, relative to this view
  public boolean has(String name) {
    return store.has(prefix + name);
  }

  /// {@return the shape this weight has in the file}
  ///
  /// @param name GGUF's name, relative to this view
  /// @throws GgufFormatException if it is absent
  public Shape shape(String name) throws GgufFormatException {
    return store.gguf.tensor(prefix + name).shape();
  }

  /// {@return a view whose names begin with `blk.<layer>.`}
  ///
  /// @param layer from 0
  public Weights block(int layer) {
    return new Weights(store, prefix + "blk." + layer + ".", store.offloads(layer));
  }

  /// {@return a view whose names begin with `<name>.`, such as `enc.` and `dec.` in a model of two
  /// halves}
  ///
  /// @param name of the part
  public Weights part(String name) {
    return new Weights(store, prefix + name + ".", offloaded);
  }

  /// {@return whether the keys and values of a layer belong on the graphics card}
  ///
  /// @param layer from 0
  boolean offloads(int layer) {
    return store.offloads(layer);
  }

  /// Counts in a cache, so that the weights outlive it.
  void use() {
    store.use();
  }

  /// Counts a cache out.
  void release() {
    store.release();
  }

  /// {@return the backend the weights are on}
  public Backend backend() {
    return store.backend;
  }

  /// {@return how many weights were declared}
  public int size() {
    return store.declared.size();
  }

  /// {@return what was declared, in that order; a weight with two uses once, as the first of them}
  public List<Declaration> declared() {
    return store.declared.values().stream()
        .map(d -> new Declaration(d.info.name(), d.info.shape(), d.role))
        .toList();
  }

  /// {@return what was declared and can be trained, by GGUF's name and in that order: all but the
  /// factors of rotary frequencies, which are no weights}
  public Map<String, Tensor> trained() {
    var trained = new LinkedHashMap<String, Tensor>();
    for (var weight : store.declared.values()) {
      if (!weight.info.name().startsWith("rope_")) trained.put(weight.info.name(), weight.tensor);
    }
    return trained;
  }

  /// Puts every declared weight in its place.
  ///
  /// @param progress is told as it goes
  /// @throws IOException if the file cannot be read
  /// @throws BackendException if there is not the memory; the message has bytes needed and free
  /// @throws IllegalStateException if they are of [#wanted], of no file
  public void load(Progress progress) throws IOException {
    store.load(progress);
  }

  /// {@return the bytes of the weights in each kind of memory, for example `CPU_REPACK`; `mapped`
  /// is what stays in the file's mapping}
  public Map<String, Long> buffers() {
    return store.sizes();
  }

  /// Frees the weights. Closing twice has no effect.
  ///
  /// @throws IllegalStateException if a cache is open that was made for them
  @Override
  public void close() {
    store.close();
  }

  /// What a weight is for.
  public enum Role {
    /// It multiplies activations.
    MATRIX,
    /// One matrix for each expert.
    EXPERTS,
    /// A norm's weight, a bias or the like.
    VECTOR,
    /// Its rows are looked up.
    TABLE
  }

  /// A weight that was declared.
  ///
  /// @param name GGUF's whole name, for example `blk.0.attn_q.weight`
  /// @param shape its dimensions, the fastest-varying first
  /// @param role what it is for
  public record Declaration(String name, Shape shape, Role role) {}

  /// A weight that was asked for.
  private record Declared(TensorInfo info, Role role, Place place, Tensor tensor) {}

  /// A kind of memory and the tensors that go there. A null type is the file's own mapping.
  private static final class Place {
    final MemorySegment bufferType;
    final String name;
    final MemorySegment context;

    Place(MemorySegment bufferType, String name, MemorySegment context) {
      this.bufferType = bufferType;
      this.name = name;
      this.context = context;
    }

    boolean mapped() {
      return bufferType == null;
    }
  }

  /// What all views of one file's weights share.
  private static final class Store {
    final Gguf gguf;
    final Backend backend;
    final int layers;
    final Placement placement;
    final Arena arena = Arena.ofShared();
    final Map<String, Place> places = new LinkedHashMap<>();
    final Map<String, Declared> declared = new LinkedHashMap<>();
    final Map<String, Boolean> supported = new LinkedHashMap<>();
    final List<MemorySegment> buffers = new ArrayList<>();
    final List<MemorySegment> extra;
    final boolean trainable; // whether all are F32 in the processor's memory
    final Predicate<String> optional; // of weights that are of no file; null where there is one
    boolean closed;
    int users;

    Store(
        Gguf gguf,
        Backend backend,
        int layers,
        Placement placement,
        boolean trainable,
        Predicate<String> optional) {
      this.gguf = gguf;
      this.backend = backend;
      this.layers = layers;
      this.placement = placement;
      this.trainable = trainable;
      this.optional = optional;
      this.extra = placement.repack() ? backend.extraBufferTypes() : List.of();
      backend.use();
    }

    boolean offloads(int layer) {
      return backend.hasGpu() && layer > layers - placement.gpuLayers();
    }

    boolean has(String name) {
      return optional == null ? gguf.hasTensor(name) : optional.test(name);
    }

    Tensor declare(String name, Role role, boolean offloaded, Shape wanted)
        throws GgufFormatException {
      if (optional == null && !gguf.hasTensor(name))
        throw new GgufFormatException(gguf.path(), -1, "tensor " + name + " " + wanted, "none");
      var info =
          optional == null ? gguf.tensor(name) : new TensorInfo(name, TensorType.F32, wanted, 0, 0);
      if (!info.shape().equals(wanted) || wanted.elements() == 0)
        throw new GgufFormatException(
            gguf.path(), -1, "tensor " + name + " of shape " + wanted, info.shape().toString());
      var type = storedType(info, role);
      var place = placeOf(info, role, offloaded, type);
      // The same weight in the same place is one tensor: an output tied to the embedding.
      var key = name + " in " + place.name;
      var known = declared.get(key);
      if (known == null) {
        var tensor =
            Tensor.create(
                optional == null
                    ? place.context
                    : Graph.newContext(arena, Ggml.ggml_tensor_overhead()), // who knows how many
                arena,
                name,
                type,
                info.shape(),
                trainable
                    ? Tensor.Origin.TRAINED
                    : repacked(place) ? Tensor.Origin.REPACKED : Tensor.Origin.STORED);
        known = new Declared(info, role, place, tensor);
        declared.put(key, known);
      }
      return known.tensor();
    }

    /// The type a weight has once loaded; vectors are widened to F32.
    private TensorType storedType(TensorInfo info, Role role) throws GgufFormatException {
      var type = info.type();
      if (role == Role.VECTOR) {
        if (type == TensorType.F32 || type == TensorType.F16 || type == TensorType.BF16)
          return TensorType.F32;
      } else if (MATRIX_TYPES.contains(type)) {
        return trainable ? TensorType.F32 : type;
      }
      throw new GgufFormatException(
          gguf.path(),
          -1,
          "tensor "
              + info.name()
              + " of a type that a "
              + (role == Role.VECTOR ? "vector can have (f32, f16, bf16)" : "matrix can have"),
          type.ggmlName());
    }

    private Place placeOf(TensorInfo info, Role role, boolean offloaded, TensorType type) {
      if (offloaded) {
        var card = Ggml.ggml_backend_dev_buffer_type(backend.accelerator());
        if (supports(backend.accelerator(), card, info, role)) return place(card);
      } else if (role == Role.MATRIX || role == Role.EXPERTS) {
        for (var bufferType : extra) {
          if (supports(backend.processor(), bufferType, info, role)) return place(bufferType);
        }
      }
      boolean asItIs = !trainable && type == info.type() && info.offset() % ALIGNMENT == 0;
      return asItIs ? place(null) : place(Ggml.ggml_backend_dev_buffer_type(backend.processor()));
    }

    private Place place(MemorySegment bufferType) {
      var name =
          bufferType == null ? "mapped" : Ggml.ggml_backend_buft_name(bufferType).getString(0);
      return places.computeIfAbsent(
          name,
          _ ->
              new Place(
                  bufferType,
                  name,
                  Graph.newContext(
                      arena, (gguf.tensors().size() + 1L) * Ggml.ggml_tensor_overhead())));
    }

    /// Asks the device whether it computes with such a weight in such memory, by an operation on
    /// dummy tensors that are never computed. One answer serves all weights of a type and role, for
    /// supported shapes differ only by whether rows and columns divide.
    private boolean supports(
        MemorySegment device, MemorySegment bufferType, TensorInfo info, Role role) {
      var s = info.shape();
      var key =
          Ggml.ggml_backend_buft_name(bufferType).getString(0)
              + " "
              + info.type()
              + " "
              + role
              + " "
              + s.n0() % 256
              + " "
              + s.n1() % 256
              + " "
              + (s.n1() == 1);
      return supported.computeIfAbsent(key, _ -> asksDevice(device, bufferType, info, role));
    }

    private boolean asksDevice(
        MemorySegment device, MemorySegment bufferType, TensorInfo info, Role role) {
      try (var scratch = Arena.ofConfined()) {
        var context = Graph.newContext(scratch, 8 * Ggml.ggml_tensor_overhead());
        var s = info.shape();
        var w = dummy(context, scratch, role == Role.VECTOR ? TensorType.F32 : info.type(), s);
        var operation =
            switch (role) {
              case MATRIX -> {
                var x = dummy(context, scratch, TensorType.F32, Shape.of(s.n0(), 512));
                yield Ggml.ggml_mul_mat(context, w.ggml(), x.ggml());
              }
              case EXPERTS -> {
                var x = dummy(context, scratch, TensorType.F32, Shape.of(s.n0(), 1, 512));
                var ids = dummy(context, scratch, TensorType.I32, Shape.of(1, 512));
                yield Ggml.ggml_mul_mat_id(context, w.ggml(), x.ggml(), ids.ggml());
              }
              case VECTOR -> {
                var x = dummy(context, scratch, TensorType.F32, Shape.of(s.n0(), 512));
                yield Ggml.ggml_mul(context, x.ggml(), w.ggml());
              }
              case TABLE -> {
                var ids = dummy(context, scratch, TensorType.I32, Shape.of(512));
                yield Ggml.ggml_get_rows(context, w.ggml(), ids.ggml());
              }
            };
        var empty = Ggml.ggml_backend_buft_alloc_buffer(bufferType, 0);
        if (empty.equals(NULL)) return false;
        ggml_tensor.buffer(w.ggml(), empty);
        boolean answer = Ggml.ggml_backend_dev_supports_op(device, operation);
        Ggml.ggml_backend_buffer_free(empty);
        return answer;
      }
    }

    private static Tensor dummy(MemorySegment context, Arena owner, TensorType type, Shape shape) {
      return Tensor.create(context, owner, "dummy", type, shape, Tensor.Origin.STORED);
    }

    void load(Progress progress) throws IOException {
      if (optional != null) throw new IllegalStateException("load: weights of no file");
      Backend.complaint(); // an earlier one says nothing of what follows
      long total = declared.values().stream().mapToLong(d -> d.info().bytes()).sum();
      for (var place : places.values()) {
        if (place.mapped()) mapFile();
        else allocate(place);
      }
      long done = 0;
      for (var weight : declared.values()) {
        progress.at(done, total);
        if (weight.place().mapped()) placeInMapping(weight);
        else copy(weight);
        done += weight.info().bytes();
      }
      progress.at(done, total);
    }

    /// The buffers over each part of the file, in the order of the parts.
    private final List<Mapping> mappings = new ArrayList<>();

    /// A part of the file as ggml computes with it, mapped for the weights alone: closing the file
    /// does not take it away.
    private record Mapping(MemorySegment bytes, MemorySegment buffer) {}

    private void mapFile() throws IOException {
      for (int part = 0; part < gguf.parts(); part++) {
        var mapping = gguf.mapPart(part, arena);
        var buffer =
            Ggml.ggml_backend_dev_buffer_from_host_ptr(
                backend.processor(), mapping, mapping.byteSize(), mapping.byteSize());
        if (buffer.equals(NULL))
          throw new BackendException(
              "cannot use the mapping of " + gguf.path() + Backend.complaint());
        Ggml.ggml_backend_buffer_set_usage(buffer, Ggml.GGML_BACKEND_BUFFER_USAGE_WEIGHTS());
        buffers.add(buffer);
        mappings.add(new Mapping(mapping, buffer));
      }
    }

    private void placeInMapping(Declared weight) {
      var info = weight.info();
      Backend.must(
          "place " + info.name(),
          Ggml.ggml_backend_tensor_alloc(
              mappings.get(info.part()).buffer(),
              weight.tensor().ggml(),
              mappings.get(info.part()).bytes().asSlice(info.offset())));
    }

    private boolean repacked(Place place) {
      return !place.mapped() && extra.contains(place.bufferType);
    }

    private void allocate(Place place) {
      if (Ggml.ggml_backend_buft_is_host(place.bufferType) || repacked(place)) {
        long bytes =
            declared.values().stream()
                .filter(d -> d.place() == place)
                .mapToLong(
                    d -> Ggml.ggml_backend_buft_get_alloc_size(place.bufferType, d.tensor().ggml()))
                .sum();
        Backend.needMemory("weights of " + gguf.path(), bytes);
      }
      var buffer = Ggml.ggml_backend_alloc_ctx_tensors_from_buft(place.context, place.bufferType);
      if (buffer.equals(NULL))
        throw new BackendException(
            "no memory in "
                + place.name
                + " for the weights of "
                + gguf.path()
                + Backend.complaint());
      Ggml.ggml_backend_buffer_set_usage(buffer, Ggml.GGML_BACKEND_BUFFER_USAGE_WEIGHTS());
      buffers.add(buffer);
    }

    /// Copies a weight, and repacks it where its memory wants that. Its bytes are mapped for the
    /// moment alone, so that their pages are given back.
    private void copy(Declared weight) throws IOException {
      try (var moment = Arena.ofConfined()) {
        var info = weight.info();
        var bytes = gguf.map(info, moment);
        if (weight.tensor().type() != info.type()) bytes = widened(bytes, info, moment);
        Ggml.ggml_backend_tensor_set(weight.tensor().ggml(), bytes, 0, bytes.byteSize());
      }
    }

    /// The elements of a weight, as F32.
    private static MemorySegment widened(MemorySegment from, TensorInfo info, Arena arena) {
      long n = info.shape().elements();
      var to = arena.allocate(Float.BYTES * n, ALIGNMENT);
      RowQuantizer.dequantize(info.type(), from, to, n);
      return to;
    }

    Map<String, Long> sizes() {
      var sizes = new LinkedHashMap<String, Long>();
      for (var weight : declared.values()) {
        sizes.merge(weight.place().name, weight.info().bytes(), Long::sum);
      }
      return sizes;
    }

    /// Counts in a cache, whose user reads the weights as well.
    synchronized void use() {
      if (closed) throw new IllegalStateException("the weights are closed");
      users++;
    }

    synchronized void release() {
      users--;
    }

    synchronized void close() {
      if (closed) return;
      if (users > 0)
        throw new IllegalStateException("the weights are in use by a cache: close that first");
      arena.close();
      closed = true;
      buffers.forEach(Ggml::ggml_backend_buffer_free);
      backend.release();
    }
  }
}
