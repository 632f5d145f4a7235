/// Making and changing model files: quantization, splitting and merging.
///
/// A [dev.tenon.convert.Quantizer] takes an open GGUF file and
/// [dev.tenon.convert.QuantizeOptions] (a [dev.tenon.convert.FileType], perhaps an
/// [dev.tenon.convert.ImportanceMatrix]), chooses a type for each tensor, and writes another file
/// with them. [dev.tenon.convert.SplitSet] cuts a file into several and joins them;
/// [dev.tenon.convert.MetadataEditor] changes what a file says of itself. Everything here streams:
/// files may be larger than memory, and appear under their names only when complete.
///
/// Null arguments throw [NullPointerException] unless a parameter says otherwise.
package dev.tenon.convert;
