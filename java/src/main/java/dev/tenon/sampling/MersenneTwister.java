package dev.tenon.sampling;

import java.util.random.RandomGenerator;

/// The generator that llama.cpp draws with (C++'s `mt19937`, from Matsumoto and Nishimura, 1998),
/// so that a seed means the same there and here.
final class MersenneTwister implements RandomGenerator {
  private static final int N = 624;
  private static final int M = 397;

  private final int[] state = new int[N];
  private int next = N;

  MersenneTwister(int seed) {
    state[0] = seed;
    for (int i = 1; i < N; i++) {
      state[i] = 1812433253 * (state[i - 1] ^ (state[i - 1] >>> 30)) + i;
    }
  }

  @Override
  public int nextInt() {
    if (next == N) {
      twist();
    }
    int y = state[next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return y ^ (y >>> 18);
  }

  private void twist() {
    for (int i = 0; i < N; i++) {
      int y = (state[i] & Integer.MIN_VALUE) | (state[(i + 1) % N] & Integer.MAX_VALUE);
      state[i] = state[(i + M) % N] ^ (y >>> 1) ^ ((y & 1) == 0 ? 0 : 0x9908b0df);
    }
    next = 0;
  }

  @Override
  public long nextLong() {
    return Integer.toUnsignedLong(nextInt()) | (long) nextInt() << 32;
  }

  /// {@return a number from 0 to 1, exclusive, of one draw as libstdc++'s `generate_canonical`}
  @Override
  public float nextFloat() {
    return Math.min(Integer.toUnsignedLong(nextInt()) * 0x1p-32f, Math.nextDown(1f));
  }

  /// {@return a number from 0 to 1, exclusive, of two draws as libstdc++'s `generate_canonical`}
  @Override
  public double nextDouble() {
    double low = Integer.toUnsignedLong(nextInt());
    double sum = low + Integer.toUnsignedLong(nextInt()) * 0x1p32;
    return Math.min(sum * 0x1p-64, Math.nextDown(1.0));
  }
}
