/// Templates: an interpreter of Jinja, as chat templates use it.
///
/// ```text
/// source ─► Lexer ─► tokens ─► Parser ─► Statement, Expression ─► Interpreter ─► text
///                                                                  ▲
///                                                 variables, Filters, Tests, Globals
/// ```
///
/// The language is that of Jinja2 3.1 in the environment that Hugging Face's transformers renders
/// chat templates in: `trim_blocks` and `lstrip_blocks` on, the loop controls `break` and
/// `continue`, `generation` blocks, the functions `raise_exception` and `strftime_now`, `tojson`
/// without HTML's escapes, and the immutable sandbox. Values follow Python: integers of any size,
/// its division and remainder, its slices, `str` and `repr`, formats and methods.
///
/// A value in a template is one of Java's: null for `None`, [Boolean], [Long] or, beyond it,
/// [java.math.BigInteger], [Double], [String], [java.util.List], or a class of this package (tuple,
/// dict, range, undefined, markup, …). Templates come with the files of strangers. They see no Java
/// object and no class, change nothing that they are given, and stop with an error at
/// [dev.tenon.jinja.Limits].
///
/// What needs a loader (`extends`, `include`, `import`, `from`) is refused where it is run.
///
/// Null arguments throw [NullPointerException], but null is a value in variables.
package dev.tenon.jinja;
