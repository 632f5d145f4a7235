package dev.tenon.sampling;

/// A temperature that follows how sure the model is: the lowest where one candidate has all of the
/// probability, the highest where all have the same.
///
/// @param temperature the middle
/// @param range how far it goes up and down from there, not below 0
/// @param exponent of the entropy, which is from 0 to 1: below 1 the temperature rises earlier
record DynamicTemperature(float temperature, float range, float exponent) implements Filter {
  DynamicTemperature {
    check(temperature, range, exponent);
  }

  static void check(float temperature, float range, float exponent) {
    Numbers.finite("temperature", temperature);
    Numbers.finite("dynamic temperature range", range);
    Numbers.finite("dynamic temperature exponent", exponent);
  }

  @Override
  public void apply(Candidates candidates) {
    if (range <= 0) {
      Temperature.apply(candidates, temperature);
      return;
    }
    if (candidates.size <= 1) {
      return;
    }
    float low = Math.max(0, temperature - range);
    float high = temperature + range;
    float highestEntropy = (float) -Math.log(1f / candidates.size);
    candidates.sort();
    candidates.softmax();
    float share = candidates.entropy() / highestEntropy;
    float found = low + (high - low) * (float) Math.pow(share, exponent);
    Temperature.apply(candidates, Float.isNaN(found) ? low : Math.min(found, Float.MAX_VALUE));
    candidates.softmaxInDoubles();
  }
}
