/// Training: where the weights of a model come from.
///
/// Everything starts from a GGUF file. A [dev.tenon.train.NewModel] makes one of random weights:
/// the keys say its size, the architecture's own `bind` which weights that takes. A
/// [dev.tenon.train.Trainer] brings the weights of any file nearer to what foresees its
/// [examples][dev.tenon.train.Example], and writes the file of the next.
///
/// Null arguments throw [NullPointerException] unless a parameter says otherwise.
package dev.tenon.train;
