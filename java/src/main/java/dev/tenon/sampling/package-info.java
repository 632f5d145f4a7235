/// From logits to the next token.
///
/// ```text
/// float[] logits ─► Candidates ─► Filter ─► Filter ─► … ─► one draw ─► id
///                                   ▲                               │
///                                   └──────────── accept ◄──────────┘
/// ```
///
/// A [dev.tenon.sampling.Sampler] picks a token. The usual one loads the logits into
/// [dev.tenon.sampling.Candidates], lets each [dev.tenon.sampling.Filter] drop or rescale some and
/// draws from the softmax of what is left. [dev.tenon.sampling.SamplerSettings] has the settings
/// that people know, with llama.cpp's defaults and order, and makes the sampler. Filters of the
/// caller, such as the mask of a grammar, come before all others.
/// [dev.tenon.sampling.LogProbabilities] tells how likely the model found a token.
///
/// A [dev.tenon.sampling.Search] generates whole sequences as transformers' `generate` does, with
/// beams or without, by [dev.tenon.sampling.GenerationSettings]; a
/// [dev.tenon.sampling.LogitsProcessor] edits its scores, and can be a filter too.
///
/// Logits that are not numbers count as `-∞`. Where all of them are `-∞`, all tokens are equally
/// likely: a draw is uniform over what the filters leave and greedy choice takes the lowest id.
///
/// Null arguments throw [NullPointerException].
package dev.tenon.sampling;
