package dev.tenon.jinja;

import java.util.List;

/// Bytes, as a text's `encode` gives them.
///
/// @param values each 0 to 255
record Bytes(List<Object> values) {}
