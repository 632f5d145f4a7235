/// How good a text is, measured against texts that people wrote.
///
/// ```text
/// hypotheses, references ─► Segment ─► tokenizer ─► NGrams, edits ─► counts ─► Score
///                         (one line)                             (all lines)
/// ```
///
/// [dev.tenon.metrics.Bleu], [dev.tenon.metrics.Chrf] and [dev.tenon.metrics.Ter] are records of
/// their settings. They give the scores of sacreBLEU 2.6, from 0 to 100, with the signature that it
/// prints, so that a score says how it was made. [dev.tenon.metrics.Rouge] gives those of Google's
/// rouge-score, [dev.tenon.metrics.Answers] those of SQuAD's evaluation.
///
/// What sacreBLEU leaves to Python is done as Python does it: what white space is, what lower case
/// is (a sigma ends a word otherwise than inside it), and that a character is a code point.
///
/// References are given as streams, as sacreBLEU wants them: the first list has the first reference
/// of each hypothesis, the second list the second. Where a hypothesis has fewer references than
/// others, null stands in the streams for those that are missing; it needs at least one.
///
/// All classes are immutable and thread-safe. Other null arguments throw [NullPointerException].
package dev.tenon.metrics;
