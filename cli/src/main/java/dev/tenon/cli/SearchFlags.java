package dev.tenon.cli;

import dev.tenon.cli.Command.Value;
import dev.tenon.sampling.EarlyStopping;
import dev.tenon.sampling.GenerationSettings;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.TypeConversionException;

/// How whole sequences are generated, by transformers' names. What is not given is as the model's
/// `generation_config.json` has it.
final class SearchFlags {
  private final Command command;
  private final Value<Integer> numBeams;
  private final Value<Float> lengthPenalty;
  private final Value<EarlyStopping> earlyStopping;
  private final Value<Integer> noRepeatNgramSize;
  private final Value<Float> repetitionPenalty;
  private final Value<Integer> minNewTokens;
  private final Value<Integer> numReturnSequences;
  private final Value<List<String>> eosIds;
  private final Value<Integer> forcedBosId;
  private final Value<Boolean> scores;

  SearchFlags(Command command) {
    this.command = command;
    numBeams =
        command.integer(
            null,
            "Beams of a beam search, from 1 (none) to 64 (default: the model's).",
            "--num-beams");
    lengthPenalty =
        command.real(
            null,
            "Beams: above 0 favours long sequences, below 0 short ones (default: the model's, or"
                + " 1).",
            "--length-penalty");
    earlyStopping =
        command.option(
            EarlyStopping.class,
            SearchFlags::earlyStopping,
            null,
            "true|false|never",
            "Beams: end with as many sequences as beams, when none will be better, or when none can"
                + " (default: the model's, or false).",
            "--early-stopping");
    noRepeatNgramSize =
        command.integer(
            null,
            "So many tokens in a row occur at most once; 0 for no limit.",
            "--no-repeat-ngram-size");
    repetitionPenalty =
        command.real(
            null,
            "Divides the score of a token that the whole sequence has, its prompt with it; 1 for"
                + " none.",
            "--repetition-penalty");
    minNewTokens = command.integer(null, "Fewest tokens before an end token.", "--min-new-tokens");
    numReturnSequences =
        command.integer(
            null,
            "Sequences to print, best first: at most one for each beam.",
            "--num-return-sequences");
    eosIds =
        command.texts(
            "ID", "End at this token in place of the model's own; may be repeated.", "--eos-id");
    forcedBosId =
        command.integer(
            null,
            "The first token after the start token, such as a language's.",
            "--forced-bos-id");
    scores = command.flag("Print the score of each sequence behind it, after a tab.", "--scores");
  }

  private static EarlyStopping earlyStopping(String text) {
    return switch (text) {
      case "true" -> EarlyStopping.TRUE;
      case "false" -> EarlyStopping.FALSE;
      case "never" -> EarlyStopping.NEVER;
      default -> throw new TypeConversionException("'" + text + "' is not true, false or never");
    };
  }

  /// {@return whether what is asked for takes whole sequences, and not a token at a time}
  boolean whole() {
    return numBeams.get() != null && numBeams.get() != 1
        || numReturnSequences.get() != null && numReturnSequences.get() != 1
        || scores.get();
  }

  /// {@return whether a flag edits the scores of tokens}
  boolean edits() {
    return noRepeatNgramSize.get() != null
        || repetitionPenalty.get() != null
        || minNewTokens.get() != null
        || forcedBosId.get() != null;
  }

  /// {@return whether scores are printed}
  boolean scores() {
    return scores.get();
  }

  /// {@return the tokens to end at; empty for the model's own}
  List<Integer> eos() {
    var ids = new ArrayList<Integer>();
    for (var text : eosIds.get()) {
      for (int id : TokenIds.parse(command, "--eos-id", text)) {
        ids.add(id);
      }
    }
    return ids;
  }

  /// {@return settings with what the flags say of them}
  ///
  /// @param settings the model's own
  GenerationSettings settings(GenerationSettings settings) {
    try {
      var changed = settings;
      int returned = changed.numReturnSequences();
      if (numBeams.get() != null) {
        // Fewer beams than the model returns sequences by itself: then as many.
        changed = changed.withNumReturnSequences(1).withNumBeams(numBeams.get());
        returned = Math.min(returned, numBeams.get());
      }
      if (numReturnSequences.get() != null) {
        returned = numReturnSequences.get();
      }
      changed = changed.withNumReturnSequences(returned);
      if (lengthPenalty.get() != null) {
        changed = changed.withLengthPenalty(GenerateFlags.decimal(lengthPenalty.get()));
      }
      if (earlyStopping.get() != null) {
        changed = changed.withEarlyStopping(earlyStopping.get());
      }
      if (noRepeatNgramSize.get() != null) {
        changed = changed.withNoRepeatNgramSize(noRepeatNgramSize.get());
      }
      if (repetitionPenalty.get() != null) {
        changed = changed.withRepetitionPenalty(GenerateFlags.decimal(repetitionPenalty.get()));
      }
      if (minNewTokens.get() != null) {
        changed = changed.withMinNewTokens(minNewTokens.get());
      }
      if (forcedBosId.get() != null) {
        changed = changed.withForcedBos(forcedBosId.get());
      }
      var ends = eos();
      return ends.isEmpty() ? changed : changed.withEos(ends);
    } catch (IllegalArgumentException e) {
      throw command.usage(e.getMessage());
    }
  }
}
