/// Text to token ids and back.
///
/// [dev.tenon.tokenizer.Tokenizer#of] reads the `tokenizer.ggml.*` keys of a file. A text goes
/// through three steps: special tokens are cut out of it; what is left is split into words
/// (byte-level BPE alone); adjacent pieces of a word are merged into tokens. The way back is
/// [dev.tenon.tokenizer.Tokenizer#decode] for all tokens at once and
/// [dev.tenon.tokenizer.TextDecoder] for one at a time. Ids are those that llama.cpp gives.
///
/// Null arguments throw [NullPointerException].
package dev.tenon.tokenizer;
