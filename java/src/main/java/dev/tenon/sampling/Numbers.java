package dev.tenon.sampling;

/// Checks of what a sampler is set to.
final class Numbers {
  private Numbers() {}

  static void finite(String name, float value) {
    if (!Float.isFinite(value)) {
      throw new IllegalArgumentException(name + " " + value + " is not finite");
    }
  }

  static void number(String name, float value) {
    if (Float.isNaN(value)) {
      throw new IllegalArgumentException(name + " is not a number");
    }
  }
}
