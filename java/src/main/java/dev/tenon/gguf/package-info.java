/// GGUF files: metadata and tensors, read and written.
///
/// [dev.tenon.gguf.Gguf#open] maps a file, checks every count, length, offset and product in its
/// header, and gives metadata as [dev.tenon.gguf.GgufValue] and the tensor table as
/// [dev.tenon.gguf.TensorInfo]; tensor data are slices of the mapping. What it accepts is safe to
/// hand to native code: each tensor lies inside its file and overlaps no other.
/// [dev.tenon.gguf.GgufWriter] goes the other way, through a [dev.tenon.gguf.PendingFile], which
// has
/// its name when it is complete. A malformed file is a
/// [dev.tenon.gguf.GgufFormatException], which names the byte.
///
/// Null arguments throw [NullPointerException].
package dev.tenon.gguf;
