package dev.tenon.cli;

import dev.tenon.Model;
import dev.tenon.SequenceGenerator;
import dev.tenon.SessionOptions;
import dev.tenon.sampling.GenerationSettings;
import dev.tenon.sampling.ScoredTokens;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;

/// Sequences that are generated as a whole: what a beam search finds, and what an encoder-decoder
/// writes about a source.
final class WholeSequences {
  private final Command command;
  private final GenerateFlags generate;
  private final SearchFlags search;

  WholeSequences(Command command, GenerateFlags generate, SearchFlags search) {
    this.command = command;
    this.generate = generate;
    this.search = search;
  }

  /// {@return the model's settings with what the flags say of them}
  GenerationSettings settings(SequenceGenerator generator) {
    if (generate.count() == 0) {
      throw command.usage("-n 0: a whole sequence has one new token at least");
    }
    try {
      return search.settings(generate.settings(generator.settings()));
    } catch (IllegalArgumentException e) {
      throw command.usage(e.getMessage());
    }
  }

  /// Prints the sequences of one input, a line each, best first.
  ///
  /// @param ids whether as ids, in JSON, and not as text
  /// @return the exit code
  int print(Model model, SessionOptions options, int[] input, boolean ids) throws IOException {
    try (var generator = new SequenceGenerator(model, options);
        var _ = Interrupt.ofThisThread()) {
      var settings = settings(generator);
      var sequences =
          generator.generate(List.of(input), settings, generate.random(), _ -> {}).getFirst();
      int longest = sequences.stream().mapToInt(s -> s.tokens().length).max().orElse(0);
      int prompt = model.kind() == Model.Kind.DECODER ? input.length : 1;
      for (var sequence : sequences) {
        command
            .streams
            .out()
            .println(
                (ids
                        ? ids(sequence, longest, settings)
                        : text(model, sequence, prompt, sequences.size() > 1))
                    + (search.scores() ? "\t" + sequence.score() : ""));
      }
      return 0;
    } catch (CancellationException _) {
      Thread.interrupted(); // has done its work
      return 130;
    }
  }

  /// The text of a sequence; on one line where there are several or scores.
  private String text(Model model, ScoredTokens sequence, int prompt, boolean several) {
    var tokens = sequence.tokens();
    var text = model.tokenizer().decode(Arrays.copyOfRange(tokens, prompt, tokens.length));
    return several || search.scores() ? Text.oneLine(text) : text;
  }

  /// The ids as transformers gives those of several sequences: the shorter ones are filled up.
  private static String ids(ScoredTokens sequence, int longest, GenerationSettings settings) {
    var tokens = sequence.tokens();
    var filled = Arrays.copyOf(tokens, longest);
    Arrays.fill(filled, tokens.length, longest, settings.filler());
    return Arrays.toString(filled);
  }
}
