/// Attention, to look at and to keep.
///
/// [dev.tenon.attention.AttentionMaps] holds what was captured: the tokens, and for each kind of
/// attention one [dev.tenon.attention.AttentionMap] of weights. [dev.tenon.attention.AttentionPage]
/// makes a page of it that a browser shows, [dev.tenon.attention.AttentionNpz] NumPy arrays and
/// [dev.tenon.attention.AttentionJson] JSON. How it is computed is no matter of this package.
///
/// In every shape `to` is the token that looks (the query), `from` the token that it looks at (the
/// key), as in the arrays that transformers gives: `[layer, head, to, from]`.
///
/// Null arguments throw [NullPointerException].
package dev.tenon.attention;
