package dev.tenon;

import java.util.Arrays;
import java.util.function.Supplier;

/// Decides how far to guess ahead, from what guesses have been worth lately.
///
/// A pass over a token and `n` guesses takes longer than one over a token alone, and gives as many
/// tokens as guesses are right, and one more. With `p` the share of guesses that are right, those
/// are `1 + p + p² + … + pⁿ` to expect. Both the share and what passes take are measured as
/// generation goes on, and `n` is chosen to give the most tokens in the least time; it is 0 where
/// nothing is gained. A drafter whose guesses cost next to nothing is still asked then, and its
/// guess compared with what comes; another is tried now and then, ever more seldom.
final class Speculation {
  /// Numbers of guesses. With the token in front of them, passes have few sizes, so that graphs are
  /// used again, and such as the kernels that take four rows at a time like best; two rows are for
  /// a drafter that has no more.
  private static final int[] SIZES = {1, 3, 7, 15, 31};

  private static final int[] NONE = {};

  /// Guessing must promise so much, for it has costs that are not measured.
  private static final double LEAST_GAIN = 1.05;

  /// Another number of guesses than last time must promise so much more, for its graph is built.
  private static final double GAIN_OF_CHANGE = 1.1;

  /// What a guess is taken to add to a pass, in passes over one token, until it is measured.
  private static final double USUAL_COST = 0.25;

  /// A drafter that takes less of a token's time than this is asked for every token.
  private static final double NEXT_TO_NOTHING = 0.02;

  /// Tokens between two trials, at first and at most.
  private static final int FIRST_PAUSE = 16;

  private static final int LONGEST_PAUSE = 256;

  /// After so many passes with guesses, one is without, to measure again what that takes.
  private static final int BEFORE_PLAIN_PASS = 32;

  private final Drafter drafter;
  private final int mostGuesses;
  private final int vocabulary;

  // What has been measured.
  private final double[] costs = new double[SIZES.length]; // of a guess, in tokens; 0: not yet
  private final boolean[] built = new boolean[SIZES.length + 1]; // the graph of a size has been
  private double tokenNanos; // of a pass over one token; 0: not yet
  private double guessNanos; // of the drafter, for a guess
  private boolean asked; // the drafter once, which has then seen the text
  private double right = 0.5; // share of the guesses that are right

  // The guess of the moment.
  private int[] guess = NONE;
  private int seen; // so much of it was right
  private int evaluated; // so much of it was evaluated

  private boolean trial; // it was evaluated to learn what it is worth
  private double passNanos; // that took

  private int lastSize;
  private int pause = FIRST_PAUSE;
  private int untilTrial;
  private int guessingPasses; // since the last one without
  private int drafted;
  private int accepted;

  /// Knows nothing yet.
  ///
  /// @param passRows the most tokens of a pass
  /// @param vocabulary number of token ids
  Speculation(Drafter drafter, int passRows, int vocabulary) {
    this.drafter = drafter;
    this.mostGuesses = passRows - 1;
    this.vocabulary = vocabulary;
  }

  int draftedTokens() {
    return drafted;
  }

  int acceptedTokens() {
    return accepted;
  }

  /// Guesses what to evaluate behind the last token of a text.
  ///
  /// @param text made where it is needed
  /// @param useful the most guesses that can be of use
  int[] draft(Supplier<int[]> text, int useful) {
    if (trial) learnFromTrial();
    guess = NONE;
    seen = 0;
    evaluated = 0;
    trial = false;
    int most = Math.min(useful, mostGuesses);
    if (most <= 0 || tokenNanos == 0 || guessingPasses == BEFORE_PLAIN_PASS) return NONE;
    int wanted = best(most, LEAST_GAIN);
    boolean free = asked && guessNanos < NEXT_TO_NOTHING * tokenNanos;
    boolean wantTrial = wanted == 0 && (!free || right > 0.5) && --untilTrial < 0;
    if (wantTrial) wanted = best(most, 0);
    if (wanted == 0 && !free) return NONE;
    guess = ask(text.get(), Math.max(wanted, 1));
    int n = largest(Math.min(guess.length, wanted));
    if (n == 0 || !wantTrial && gain(n) < LEAST_GAIN) return NONE;
    trial = wantTrial;
    lastSize = n;
    evaluated = n;
    drafted += n;
    return Arrays.copyOf(guess, n);
  }

  /// The next trial comes soon where this one was worth it, else later than it came.
  private void learnFromTrial() {
    boolean worthIt = (seen + 1) * tokenNanos / passNanos > LEAST_GAIN;
    pause = worthIt ? FIRST_PAUSE : Math.min(2 * pause, LONGEST_PAUSE);
    untilTrial = pause;
  }

  /// Learns how long a pass took.
  ///
  /// @param guesses evaluated in it
  void evaluated(int guesses, long nanos) {
    passNanos = nanos;
    guessingPasses = guesses == 0 ? 0 : guessingPasses + 1;
    int size = guesses == 0 ? 0 : 1 + index(guesses);
    if (!built[size]) {
      built[size] = true;
    } else if (guesses == 0) {
      tokenNanos = tokenNanos == 0 ? nanos : mix(tokenNanos, Math.min(nanos, 2 * tokenNanos), 0.2);
    } else {
      double before = cost(guesses);
      double now = Math.max(0, nanos / tokenNanos - 1) / guesses;
      costs[size - 1] = mix(before, Math.min(now, 2 * before + 0.5), trial ? 0.5 : 0.25);
    }
  }

  /// Learns the token that was sampled next.
  void sampled(int token) {
    if (seen >= guess.length) return;
    boolean asGuessed = token == guess[seen];
    right = mix(right, asGuessed ? 1 : 0, 0.1);
    if (asGuessed) {
      if (seen < evaluated) accepted++;
      seen++;
    } else {
      guess = NONE;
    }
  }

  /// How many guesses give the most, and more than `least`; 0 where none do.
  private int best(int most, double least) {
    int best = 0;
    double bestGain = least;
    for (int n : SIZES) {
      if (n > most) break;
      if (n == 1 && most >= SIZES[1]) continue;
      double gain = n == lastSize ? gain(n) * GAIN_OF_CHANGE : gain(n);
      if (gain > bestGain) {
        best = n;
        bestGain = gain;
      }
    }
    return best;
  }

  /// How many tokens there are to expect in the time of one, with so many guesses.
  private double gain(int n) {
    double tokens = right > 0.999 ? n + 1 : (1 - Math.pow(right, n + 1)) / (1 - right);
    return tokens / (1 + n * (cost(n) + guessNanos / tokenNanos));
  }

  /// What each of `n` guesses adds to a pass, as measured, else as the nearest size measured has
  /// it.
  private double cost(int n) {
    int index = index(n);
    for (int away = 0; away < SIZES.length; away++) {
      if (index - away >= 0 && costs[index - away] > 0) return costs[index - away];
      if (index + away < SIZES.length && costs[index + away] > 0) return costs[index + away];
    }
    return USUAL_COST;
  }

  private static int index(int size) {
    return Arrays.binarySearch(SIZES, size);
  }

  private static int largest(int most) {
    int largest = 0;
    for (int n : SIZES) if (n <= most) largest = n;
    return largest;
  }

  /// A moving average.
  private static double mix(double before, double now, double share) {
    return before + share * (now - before);
  }

  private int[] ask(int[] text, int most) {
    long begun = System.nanoTime();
    var answer = drafter.draft(text, most);
    if (answer == null) throw new IllegalStateException("the drafter gave null for a guess");
    double nanos = (System.nanoTime() - begun) / (double) most;
    if (asked)
      guessNanos = guessNanos == 0 ? nanos : mix(guessNanos, Math.min(nanos, 2 * guessNanos), 0.1);
    asked = true;
    int n = 0;
    while (n < Math.min(answer.length, most) && answer[n] >= 0 && answer[n] < vocabulary) n++;
    return Arrays.copyOf(answer, n);
  }
}
