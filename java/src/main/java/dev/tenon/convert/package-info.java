/// Making and changing model files: conversion, quantization, splitting and merging.
///
/// A [dev.tenon.convert.Converter] makes a file of an open [dev.tenon.huggingface.ModelFolder], as
/// the [dev.tenon.huggingface.FolderMapping] beside its architecture says.
/// A [dev.tenon.convert.NewModelPlan] says what a file of a model has that is yet to be trained.
/// A [dev.tenon.convert.Quantizer] takes an open GGUF file and
/// [dev.tenon.convert.QuantizeOptions] (a [dev.tenon.convert.FileType], perhaps an
/// [dev.tenon.convert.ImportanceMatrix]), chooses a type for each tensor, and writes another file
/// with them. [dev.tenon.convert.SplitSet] cuts a file into several and joins them;
/// [dev.tenon.convert.MetadataEditor] changes what a file says of itself.
///
/// What a quantization may lose is judged beforehand by an
/// [dev.tenon.convert.ImportanceCollector], which measures what columns of weights are multiplied
/// with, and afterwards by a [dev.tenon.convert.Perplexity] and a [dev.tenon.convert.Divergence].
///
/// Everything here streams: files may be larger than memory, and appear under their names only when
/// complete.
///
/// Null arguments throw [NullPointerException] unless a parameter says otherwise.
package dev.tenon.convert;
