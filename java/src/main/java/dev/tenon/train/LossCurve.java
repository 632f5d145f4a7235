package dev.tenon.train;

import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;

/// A drawing of the losses of a training, as SVG: each step's pale, their running mean above it,
/// and the validation split's as points that are joined.
///
/// ```java
/// Files.writeString(Path.of("loss.svg"), LossCurve.svg(trainer.history()));
/// ```
public final class LossCurve {
  private static final int WIDTH = 860;
  private static final int HEIGHT = 440;
  private static final int LEFT = 64;
  private static final int RIGHT = 24;
  private static final int TOP = 48;
  private static final int BOTTOM = 52;

  /// The most points of a line: more cannot be told apart.
  private static final int POINTS = 1600;

  private final List<Trainer.Step> history;
  private final int lastStep;
  private final double highest;
  private final double tick; // between two lines of the grid, in nats
  private final StringBuilder out = new StringBuilder();

  private LossCurve(List<Trainer.Step> history) {
    this.history = history;
    this.lastStep = history.getLast().step();
    double most =
        history.stream()
            .flatMapToDouble(s -> DoubleStream.of(s.loss(), s.validationLoss()))
            .filter(Double::isFinite)
            .max()
            .orElse(1);
    this.tick = roundStep(Math.max(most, 1e-9) / 6);
    this.highest = Math.max(1, Math.ceil(most / tick)) * tick;
  }

  /// {@return the drawing, a whole SVG document}
  ///
  /// @param history every step, in order; at least one
  /// @throws IllegalArgumentException if there is none
  public static String svg(List<Trainer.Step> history) {
    if (history.isEmpty()) throw new IllegalArgumentException("loss curve: no step");
    return new LossCurve(history).draw();
  }

  private String draw() {
    add(
        """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" \
        font-family="system-ui, sans-serif" font-size="13">
        <title>Loss of a training</title>
        <style>
        :root { --paper: #fff; --ink: #222; --grid: #ddd; --step: #9db8d9; --mean: #1f5fa8; \
        --validation: #c2410c }
        @media (prefers-color-scheme: dark) { :root { --paper: #161616; --ink: #e6e6e6; \
        --grid: #3a3a3a; --step: #3f5878; --mean: #7fb2f0; --validation: #fb923c } }
        text { fill: var(--ink) } .grid { stroke: var(--grid) } path { fill: none }
        </style>
        <rect width="100%%" height="100%%" style="fill: var(--paper)"/>
        """,
        WIDTH, HEIGHT);
    grid();
    line("step", 1.2, points(0));
    line("mean", 2, points(Math.max(1, history.size() / 50)));
    validation();
    legend();
    return out.append("</svg>\n").toString();
  }

  private void grid() {
    for (int i = 0; i * tick <= highest * (1 + 1e-9); i++) {
      add(
          "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
              + "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>%n",
          LEFT,
          WIDTH - RIGHT,
          y(i * tick),
          y(i * tick),
          LEFT - 8,
          y(i * tick) + 4,
          number(i * tick));
    }
    double steps = Math.max(1, roundStep(lastStep / 6.0));
    for (int i = 0; i * steps <= lastStep; i++) {
      add(
          "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>%n",
          x(i * steps), HEIGHT - BOTTOM + 20, number(i * steps));
    }
    add(
        "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">step</text>%n",
        (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10);
    add("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">loss</text>%n", LEFT - 8, TOP - 18);
  }

  /// The losses, each the mean of those of up to `before` steps before it too.
  private String points(int before) {
    var path = new StringBuilder();
    int stride = Math.max(1, history.size() / POINTS);
    double sum = 0;
    for (int i = 0; i < history.size(); i++) {
      sum += history.get(i).loss();
      if (i > before) sum -= history.get(i - before - 1).loss();
      if (i % stride != 0 && i != history.size() - 1) continue;
      double loss = sum / (Math.min(i, before) + 1);
      path.append(path.isEmpty() ? 'M' : 'L')
          .append(format("%.1f %.1f", x(history.get(i).step()), y(loss)));
    }
    return path.toString();
  }

  private void validation() {
    var path = new StringBuilder();
    for (var step : history) {
      if (!Double.isFinite(step.validationLoss())) continue;
      double x = x(step.step());
      double y = y(step.validationLoss());
      path.append(path.isEmpty() ? 'M' : 'L').append(format("%.1f %.1f", x, y));
      add("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" style=\"fill: var(--validation)\"/>%n", x, y);
    }
    line("validation", 1.2, path.toString());
  }

  private void line(String name, double width, String path) {
    add(
        "<path d=\"%s\" stroke-width=\"%.1f\" stroke-linejoin=\"round\""
            + " style=\"stroke: var(--%s)\"/>%n",
        path, width, name);
  }

  private void legend() {
    int x = LEFT + 8;
    for (var name : new String[] {"step", "mean", "validation"}) {
      add(
          "<path d=\"M%d %dh20\" stroke-width=\"3\" style=\"stroke: var(--%s)\"/>"
              + "<text x=\"%d\" y=\"%d\">%s</text>%n",
          x, TOP - 24, name, x + 26, TOP - 20, name);
      x += 60 + 8 * name.length();
    }
    double last =
        history.stream()
            .mapToDouble(Trainer.Step::validationLoss)
            .filter(Double::isFinite)
            .reduce(Double.NaN, (_, b) -> b);
    var text = format("loss %.4f", history.getLast().loss());
    if (Double.isFinite(last))
      text += format(", validation %.4f, perplexity %.3f", last, Math.exp(last));
    add("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>%n", WIDTH - RIGHT, TOP - 20, text);
  }

  private double x(double step) {
    return LEFT + (WIDTH - LEFT - RIGHT) * step / Math.max(1, lastStep);
  }

  private double y(double loss) {
    double part = Double.isFinite(loss) ? Math.clamp(loss / highest, 0, 1) : 1;
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part;
  }

  /// The smallest of 1, 2, 5 times a power of ten that is at least this.
  private static double roundStep(double least) {
    double power = Math.pow(10, Math.floor(Math.log10(least)));
    for (double times : new double[] {1, 2, 5}) if (times * power >= least) return times * power;
    return 10 * power;
  }

  private static String number(double x) {
    return x == Math.rint(x) ? format("%.0f", x) : Double.toString((float) x);
  }

  private void add(String format, Object... values) {
    out.append(format(format, values));
  }

  private static String format(String format, Object... values) {
    return String.format(Locale.ROOT, format.replace("%n", "\n"), values);
  }
}
