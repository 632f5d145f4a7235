package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.Generation;
import dev.tenon.sampling.Sampler;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/// What tests ask of the events of a generation, and of the sampler that made it.
final class Events {
  private Events() {}

  static int[] ids(List<Generation> events) {
    return events.stream()
        .filter(Generation.Piece.class::isInstance)
        .mapToInt(e -> ((Generation.Piece) e).token())
        .filter(id -> id >= 0)
        .toArray();
  }

  static String text(List<Generation> events) {
    return events.stream()
        .filter(Generation.Piece.class::isInstance)
        .map(e -> ((Generation.Piece) e).text())
        .collect(Collectors.joining());
  }

  static Generation.Done done(List<Generation> events) {
    assertThat(events.getLast()).isInstanceOf(Generation.Done.class);
    return (Generation.Done) events.getLast();
  }

  static int[] joined(int[] first, int... second) {
    var both = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    return both;
  }

  /// A sampler that remembers what it was told.
  static final class Told implements Sampler {
    final List<Integer> tokens = new ArrayList<>();
    private final Sampler sampler;

    Told(Sampler sampler) {
      this.sampler = sampler;
    }

    @Override
    public int sample(float[] logits) {
      return sampler.sample(logits);
    }

    @Override
    public void accept(int token) {
      tokens.add(token);
      sampler.accept(token);
    }

    int[] array() {
      return tokens.stream().mapToInt(Integer::intValue).toArray();
    }
  }

  /// A sampler that says `text` whatever the logits are, in the tokens of [TinyLlama], and then the
  /// end token.
  static Sampler saying(String text) {
    var bytes = text.getBytes(StandardCharsets.UTF_8);
    return new Sampler() {
      private int said;

      @Override
      public int sample(float[] logits) {
        return said == bytes.length ? 2 : (bytes[said++] & 0xff) + 3;
      }
    };
  }
}
