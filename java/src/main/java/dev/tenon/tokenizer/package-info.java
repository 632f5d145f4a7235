/// Text to token ids and back.
///
/// [dev.tenon.tokenizer.Tokenizer#of] reads the `tokenizer.ggml.*` keys of a file (`Vocabulary`). A
/// text goes through two steps: special tokens are cut out of it (`SpecialTokens`), and an
/// algorithm makes tokens of what is left. There is a class for each algorithm of llama.cpp's, such
/// as `SentencePieceBpe`, `PhantomWordPiece`, and `ByteLevelBpe`, which first splits a text into
/// words in one of many ways (`PreTokenizer`). A file that has the steps of a `tokenizer.json` goes
/// by those (`StepsTokenizer`): a `Normalizer`, a `Splitter` and a `Segmenter`, with an
/// `AlignedText` that keeps where each character comes from.
///
/// What is put around a text or a pair is a `PostProcessor`'s; `Windows` cuts both to a length. The
/// result of that is a [dev.tenon.tokenizer.TokenizedText].
///
/// The way back is [dev.tenon.tokenizer.Tokenizer#decode] for all tokens at once and
/// [dev.tenon.tokenizer.TextDecoder] for one at a time. Ids are those that llama.cpp gives, and by
/// the steps those that transformers gives.
///
/// A vocabulary is learnt from texts by a [dev.tenon.tokenizer.BpeTrainer].
///
/// Null arguments throw [NullPointerException], but for the second text of a pair.
package dev.tenon.tokenizer;
