package dev.tenon.jinja;

/// The one object that a template may change: `{% set ns.name = value %}`.
///
/// @param attributes what it holds
record Namespace(Dict attributes) {
  @Override
  public boolean equals(Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(this);
  }
}
