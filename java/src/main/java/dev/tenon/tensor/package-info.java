/// Tensors, graphs of operations on them, and the devices they run on: all that Tenon asks of ggml.
///
/// A [dev.tenon.tensor.Backend] is where things run. [dev.tenon.tensor.Weights] puts a file's
/// tensors there, a [dev.tenon.tensor.Graph] says what to compute, a [dev.tenon.tensor.KvCache]
/// remembers keys and values between passes and a [dev.tenon.tensor.CrossCache] those of sources,
/// and [dev.tenon.tensor.Compute] runs a graph.
///
/// This package alone calls ggml. A failed assertion there ends the process, so every method here
/// checks its arguments first and throws a Java exception with both values. Shapes are in ggml's
/// order, fastest-varying dimension first, and stand in brackets: `[width, tokens]`.
///
/// Null arguments throw [NullPointerException].
package dev.tenon.tensor;
