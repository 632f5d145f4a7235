package dev.tenon.sampling;

import java.util.Arrays;

/// Makes the tokens of the last n less likely. They are kept in a ring that grows up to n; how
/// often each is there is counted when it is needed.
final class Penalties implements Filter {
  private final int lastN;
  private final float repeat;
  private final float frequency;
  private final float presence;

  private int[] recent = {};
  private int size;
  private int oldest;
  private int[] counts = {};

  Penalties(int lastN, float repeat, float frequency, float presence) {
    check(repeat, frequency, presence);
    this.lastN = Math.max(0, lastN);
    this.repeat = repeat;
    this.frequency = frequency;
    this.presence = presence;
  }

  static void check(float repeat, float frequency, float presence) {
    if (!(repeat > 0) || !Float.isFinite(repeat) || !Float.isFinite(1 / repeat)) {
      throw new IllegalArgumentException("repeat penalty " + repeat + " is not above 0 and finite");
    }
    if (!Float.isFinite(frequency)) {
      throw new IllegalArgumentException("frequency penalty " + frequency + " is not finite");
    }
    if (!Float.isFinite(presence)) {
      throw new IllegalArgumentException("presence penalty " + presence + " is not finite");
    }
  }

  @Override
  public void accept(int token) {
    if (token < 0) {
      throw new IllegalArgumentException("accept(" + token + "): an id is not negative");
    }
    if (lastN == 0) {
      return;
    }
    if (size == recent.length && size < lastN) {
      // Not yet full, so the oldest is still at 0.
      recent = Arrays.copyOf(recent, (int) Math.min(lastN, Math.max(64L, 2L * size)));
    }
    if (size < lastN) {
      recent[size++] = token;
    } else {
      recent[oldest] = token;
      oldest = (oldest + 1) % lastN;
    }
  }

  @Override
  public void reset() {
    size = 0;
    oldest = 0;
  }

  @Override
  public void apply(Candidates candidates) {
    if (size == 0 || (repeat == 1 && frequency == 0 && presence == 0)) {
      return;
    }
    int vocabulary = candidates.vocabularySize();
    if (counts.length < vocabulary) {
      counts = new int[vocabulary];
    }
    for (int i = 0; i < size; i++) {
      if (recent[i] < vocabulary) {
        counts[recent[i]]++;
      }
    }
    for (int i = 0; i < size; i++) {
      int count = recent[i] < vocabulary ? counts[recent[i]] : 0;
      int index = count > 0 ? candidates.indexOf(recent[i]) : -1;
      if (index >= 0) {
        float logit = candidates.logits[index];
        // Dividing alone would make a negative logit more likely.
        logit = logit <= 0 ? logit * repeat : logit / repeat;
        candidates.setLogit(index, logit - (count * frequency + presence));
      }
      if (count > 0) {
        counts[recent[i]] = 0;
      }
    }
  }
}
