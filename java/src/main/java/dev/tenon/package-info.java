/// Runs transformers: a GGUF file in, text out.
///
/// Three nouns, each made by the one before and closed in reverse:
/// [Backend][dev.tenon.tensor.Backend] → [Model][dev.tenon.Model] → [Session][dev.tenon.Session].
/// This package only connects the others, which hold the algorithms.
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
