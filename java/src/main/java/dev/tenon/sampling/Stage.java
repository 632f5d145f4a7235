package dev.tenon.sampling;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;

/// A filter of a sampler by the names that llama.cpp gives it.
public enum Stage {
  /// [Filter#penalties].
  PENALTIES("penalties", 'e'),
  /// [Filter#dry].
  DRY("dry", 'd'),
  /// [Filter#topNSigma].
  TOP_N_SIGMA("top_n_sigma", 's'),
  /// [Filter#topK].
  TOP_K("top_k", 'k'),
  /// [Filter#typical].
  TYPICAL_P("typ_p", 'y'),
  /// [Filter#topP].
  TOP_P("top_p", 'p'),
  /// [Filter#minP].
  MIN_P("min_p", 'm'),
  /// [Filter#xtc].
  XTC("xtc", 'x'),
  /// [Filter#temperature].
  TEMPERATURE("temperature", 't'),
  /// [Filter#infill].
  INFILL("infill", 'i'),
  /// [Filter#adaptiveP], which always comes last.
  ADAPTIVE_P("adaptive_p", 'a');

  /// llama.cpp's order: all but infill and adaptive-p.
  static final List<Stage> DEFAULTS =
      Arrays.stream(values()).filter(stage -> stage != INFILL && stage != ADAPTIVE_P).toList();

  private final String text;
  private final char letter;

  Stage(String text, char letter) {
    this.text = text;
    this.letter = letter;
  }

  /// {@return the name in lower case, such as `top_k`}
  @Override
  public String toString() {
    return text;
  }

  /// {@return the letter, such as `k`}
  public char letter() {
    return letter;
  }

  /// {@return the stages of a list such as `top_k;top_p;temperature`}
  ///
  /// Case does not count, `_` may be `-` or left out, and `nucleus`, `temp` and `typ` are known.
  ///
  /// @param names separated by `;`; empty ones are passed over
  /// @throws IllegalArgumentException if a name is unknown; the message has the known ones
  public static List<Stage> ofNames(String names) {
    var stages = new ArrayList<Stage>();
    for (var name : names.split(";")) {
      if (!name.isBlank()) {
        stages.add(ofName(name.strip()));
      }
    }
    return List.copyOf(stages);
  }

  private static Stage ofName(String name) {
    var known = name.toLowerCase(Locale.ROOT);
    switch (known) {
      case "nucleus" -> {
        return TOP_P;
      }
      case "temp" -> {
        return TEMPERATURE;
      }
      case "typ" -> {
        return TYPICAL_P;
      }
      default -> {}
    }
    for (var stage : values()) {
      if (known.equals(stage.text)
          || known.equals(stage.text.replace('_', '-'))
          || known.equals(stage.text.replace("_", ""))) {
        return stage;
      }
    }
    throw new IllegalArgumentException(
        "no sampler '" + name + "'; known are " + all(Stage::toString, ", "));
  }

  /// {@return the stages of a text such as `kpt`}
  ///
  /// @param letters one for each stage
  /// @throws IllegalArgumentException if a letter is unknown; the message has the known ones
  public static List<Stage> ofLetters(String letters) {
    return letters.chars().mapToObj(letter -> ofLetter((char) letter)).toList();
  }

  private static Stage ofLetter(char letter) {
    for (var stage : values()) {
      if (stage.letter == letter) {
        return stage;
      }
    }
    throw new IllegalArgumentException(
        "no sampler '"
            + letter
            + "'; known are "
            + all(stage -> stage.letter + " (" + stage + ")", ", "));
  }

  private static String all(Function<Stage, String> form, String between) {
    return Arrays.stream(values()).map(form).collect(Collectors.joining(between));
  }
}
