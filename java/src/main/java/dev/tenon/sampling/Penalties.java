package dev.tenon.sampling;

/// Makes the tokens of the last n less likely. How often each is there is counted when it is
/// needed.
final class Penalties implements Filter {
  private final RecentTokens recent;
  private final float repeat;
  private final float frequency;
  private final float presence;

  private int[] counts = {};

  Penalties(int lastN, float repeat, float frequency, float presence) {
    check(repeat, frequency, presence);
    recent = new RecentTokens(lastN);
    this.repeat = repeat;
    this.frequency = frequency;
    this.presence = presence;
  }

  static void check(float repeat, float frequency, float presence) {
    if (!(repeat > 0) || !Float.isFinite(repeat) || !Float.isFinite(1 / repeat)) {
      throw new IllegalArgumentException("repeat penalty " + repeat + " is not above 0 and finite");
    }
    Numbers.finite("frequency penalty", frequency);
    Numbers.finite("presence penalty", presence);
  }

  @Override
  public void accept(int token) {
    recent.add(token);
  }

  @Override
  public void reset() {
    recent.clear();
  }

  @Override
  public void apply(Candidates candidates) {
    if (recent.size() == 0 || (repeat == 1 && frequency == 0 && presence == 0)) {
      return;
    }
    int vocabulary = candidates.vocabularySize();
    if (counts.length < vocabulary) {
      counts = new int[vocabulary];
    }
    for (int i = 0; i < recent.size(); i++) {
      if (recent.fromEnd(i) < vocabulary) {
        counts[recent.fromEnd(i)]++;
      }
    }
    if (candidates.inIdOrder) {
      for (int i = 0; i < recent.size(); i++) {
        int token = recent.fromEnd(i);
        if (token < vocabulary && counts[token] > 0) {
          int index = candidates.indexOf(token);
          if (index >= 0) {
            penalise(candidates, index, counts[token]);
          }
          counts[token] = 0;
        }
      }
      return;
    }
    for (int i = 0; i < candidates.size; i++) {
      if (counts[candidates.ids[i]] > 0) {
        penalise(candidates, i, counts[candidates.ids[i]]);
      }
    }
    for (int i = 0; i < recent.size(); i++) {
      if (recent.fromEnd(i) < vocabulary) {
        counts[recent.fromEnd(i)] = 0;
      }
    }
  }

  private void penalise(Candidates candidates, int index, int count) {
    float logit = candidates.logits[index];
    // Dividing alone would make a negative logit more likely.
    logit = logit <= 0 ? logit * repeat : logit / repeat;
    candidates.setLogit(index, logit - (count * frequency + presence));
  }
}
