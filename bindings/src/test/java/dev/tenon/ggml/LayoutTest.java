package dev.tenon.ggml;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// The generated bindings against the library that is loaded: what they take for granted about
/// structs, numbers and names is what ggml was compiled with.
class LayoutTest {
  @BeforeAll
  static void load() {
    NativeLibrary.load();
  }

  @Test
  void everyFunctionIsInTheLibrary() {
    var library = SymbolLookup.loaderLookup();
    var functions =
        Arrays.stream(Ggml.class.getDeclaredMethods())
            .map(m -> m.getName())
            .filter(name -> name.matches("(ggml|tenon)_.*") && !name.contains("$"))
            .distinct()
            .toList();
    assertThat(functions).hasSizeGreaterThan(80);
    assertThat(functions).allSatisfy(name -> assertThat(library.find(name)).as(name).isPresent());
  }

  @Test
  void aTensorIsAsLargeAsGgmlSays() {
    // ggml_tensor_overhead is the struct and the object that holds it in a context, 32 bytes.
    assertThat(ggml_tensor.sizeof()).isEqualTo(Ggml.ggml_tensor_overhead() - 32);
  }

  @Test
  void theFieldsOfATensorAreWhereGgmlWritesThem() {
    try (var arena = Arena.ofConfined()) {
      var params = ggml_init_params.allocate(arena);
      ggml_init_params.mem_size(params, 4 * Ggml.ggml_tensor_overhead());
      ggml_init_params.mem_buffer(params, MemorySegment.NULL);
      ggml_init_params.no_alloc(params, true);
      var context = Ggml.ggml_init(params);
      var dims = arena.allocateFrom(java.lang.foreign.ValueLayout.JAVA_LONG, 7, 5, 3, 2);
      var tensor = Ggml.ggml_new_tensor(context, Ggml.GGML_TYPE_F16(), 4, dims);
      Ggml.ggml_set_name(tensor, arena.allocateFrom("blk.0.attn_q.weight"));
      Ggml.ggml_set_input(tensor);
      assertThat(ggml_tensor.type(tensor)).isEqualTo(Ggml.GGML_TYPE_F16());
      assertThat(
              new long[] {
                ggml_tensor.ne(tensor, 0),
                ggml_tensor.ne(tensor, 1),
                ggml_tensor.ne(tensor, 2),
                ggml_tensor.ne(tensor, 3)
              })
          .containsExactly(7, 5, 3, 2);
      assertThat(
              new long[] {
                ggml_tensor.nb(tensor, 0),
                ggml_tensor.nb(tensor, 1),
                ggml_tensor.nb(tensor, 2),
                ggml_tensor.nb(tensor, 3)
              })
          .containsExactly(2, 14, 70, 210);
      assertThat(ggml_tensor.flags(tensor)).isEqualTo(1);
      assertThat(ggml_tensor.name(tensor).getString(0)).isEqualTo("blk.0.attn_q.weight");
      assertThat(ggml_tensor.data(tensor)).isEqualTo(MemorySegment.NULL);
      assertThat(ggml_tensor.buffer(tensor)).isEqualTo(MemorySegment.NULL);
      var view = Ggml.ggml_view_4d(context, tensor, 7, 1, 1, 1, 14, 14, 14, 28);
      assertThat(ggml_tensor.view_src(view)).isEqualTo(tensor);
      assertThat(ggml_tensor.view_offs(view)).isEqualTo(28);
      Ggml.ggml_free(context);
    }
  }

  @Test
  void typesHaveTheNumbersOfTheirNames() {
    assertThat(Ggml.ggml_type_name(Ggml.GGML_TYPE_F32()).getString(0)).isEqualTo("f32");
    assertThat(Ggml.ggml_type_name(Ggml.GGML_TYPE_F16()).getString(0)).isEqualTo("f16");
    assertThat(Ggml.ggml_type_name(Ggml.GGML_TYPE_I32()).getString(0)).isEqualTo("i32");
    assertThat(Ggml.ggml_type_name(Ggml.GGML_TYPE_I64()).getString(0)).isEqualTo("i64");
    assertThat(Ggml.GGML_TYPE_COUNT()).isEqualTo(43);
  }

  @Test
  void devicePropertiesAreReadWhereGgmlWritesThem() {
    try (var arena = Arena.ofConfined()) {
      var device = Ggml.ggml_backend_dev_get(0);
      var properties = ggml_backend_dev_props.allocate(arena);
      Ggml.ggml_backend_dev_get_props(device, properties);
      assertThat(ggml_backend_dev_props.name(properties).getString(0))
          .isEqualTo(Ggml.ggml_backend_dev_name(device).getString(0));
      assertThat(ggml_backend_dev_props.type(properties))
          .isEqualTo(Ggml.ggml_backend_dev_type(device));
      assertThat(ggml_backend_dev_props.memory_total(properties)).isPositive();
      var capabilities = ggml_backend_dev_props.caps(properties);
      if (Ggml.ggml_backend_dev_type(device) == Ggml.GGML_BACKEND_DEVICE_TYPE_CPU())
        assertThat(ggml_backend_dev_caps.buffer_from_host_ptr(capabilities)).isTrue();
    }
  }
}
