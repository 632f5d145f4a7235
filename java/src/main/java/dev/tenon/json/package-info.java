/// JSON, as plain Java values.
///
/// An object is a [java.util.Map] in the order of its members, an array a [java.util.List]; then
/// there are [String], [Boolean], `null`, and for numbers [Long], [java.math.BigInteger] beyond it,
/// and [Double]. [dev.tenon.json.Json] reads and writes them.
///
/// Null arguments throw [NullPointerException], but for values, where `null` is JSON's own.
package dev.tenon.json;
