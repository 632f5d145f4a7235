package dev.tenon.train;

/// A loss, gradient or weight that is not finite: the training has gone astray, most often because
/// the learning rate is too high.
public final class DivergedException extends ArithmeticException {
  private static final long serialVersionUID = 1;

  private final int step;

  DivergedException(int step, String what) {
    super("step " + step + ": the " + what + " is not finite; a lower learning rate may help");
    this.step = step;
  }

  /// {@return the step that could not be made, from 1}
  public int step() {
    return step;
  }
}
