/// Runs transformers: a GGUF file in; text, vectors or labels out.
///
/// Three nouns, each made by the one before and closed in reverse:
/// [Backend][dev.tenon.tensor.Backend] → [Model][dev.tenon.Model] → [Session][dev.tenon.Session].
/// This package only connects the others, which hold the algorithms. What a model can do follows
/// from its [kind][dev.tenon.Model.Kind]: decoders have sessions; [dev.tenon.Embedder],
/// [dev.tenon.Classifier] and their like read with encoders; [dev.tenon.Translator] writes with
/// encoder-decoders; [dev.tenon.SequenceGenerator] searches with both that write.
/// [dev.tenon.AnswerMatch] measures what a model knows.
///
/// ```java
/// try (var backend = Backend.best();
///     var model = Model.load(Path.of("model.gguf"), backend);
///     var session = model.newSession(4096)) {
///   session.generate("Once upon a time", Sampler.greedy(), 64).forEach(IO::print);
/// }
/// ```
///
/// Null arguments throw [NullPointerException].
package dev.tenon;
