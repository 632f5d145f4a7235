/// Text to token ids and back.
///
/// [dev.tenon.tokenizer.Tokenizer#of] reads the `tokenizer.ggml.*` keys of a file (`Vocabulary`). A
/// text goes through two steps: special tokens are cut out of it (`SpecialTokens`), and an
/// algorithm makes tokens of what is left. There is a class for each algorithm: `SentencePieceBpe`,
/// and `ByteLevelBpe`, which first splits a text into words in one of many ways (`PreTokenizer`).
/// The way back is [dev.tenon.tokenizer.Tokenizer#decode] for all tokens at once and
/// [dev.tenon.tokenizer.TextDecoder] for one at a time. Ids are those that llama.cpp gives.
///
/// Null arguments throw [NullPointerException].
package dev.tenon.tokenizer;
