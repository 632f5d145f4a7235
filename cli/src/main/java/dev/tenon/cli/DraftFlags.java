package dev.tenon.cli;

import dev.tenon.DraftModel;
import dev.tenon.Drafter;
import dev.tenon.Model;
import dev.tenon.PromptLookup;
import dev.tenon.SessionOptions;
import dev.tenon.cli.Command.Value;
import dev.tenon.tensor.Backend;
import java.io.IOException;

/// Who guesses ahead, if anyone. The text is the same with it and without.
final class DraftFlags {
  private final Command command;
  private final Value<Boolean> lookup;
  private final Value<String> type;
  private final Value<String> model;
  private final Value<String> repository;
  private final HubFlags hub;
  private final Value<Integer> most;
  private final Value<Integer> leastMatch;

  DraftFlags(Command command, HubFlags hub) {
    this.command = command;
    this.hub = hub;
    lookup =
        command.flag(
            "Guess ahead from what the text had before; faster where it repeats itself.",
            "--lookup");
    model =
        command.text(
            "FILE|NAME",
            "Guess ahead with a smaller model of the same vocabulary.",
            "-md",
            "--model-draft",
            "--spec-draft-model");
    repository =
        command.text(
            "NAME",
            "The same, a model of Hugging Face; -md then names one of its files.",
            "-hfd",
            "-hfrd",
            "--hf-repo-draft",
            "--spec-draft-hf");
    type =
        command.text(
            "TYPE",
            "none, ngram-simple (as --lookup) or draft-simple (as -md alone) (default: none).",
            "--spec-type");
    most =
        command.integer(
            null,
            "Most tokens to guess at once (default: as many as pay).",
            "--draft-max",
            "--draft",
            "--draft-n",
            "--spec-draft-n-max");
    leastMatch =
        command.integer(
            "3",
            "Tokens that a place in the text must have in common with its end (default: 3).",
            "--spec-ngram-simple-size-n",
            "--spec-ngram-size-n");
  }

  /// Says what is wrong with the flags before a model is loaded.
  void check() {
    if (lookup.get() && hasModel()) {
      throw command.usage("one of --lookup and -md, please");
    }
    switch (type.get()) {
      case null -> {}
      case "none" -> {
        if (lookup.get() || hasModel()) {
          throw command.usage("--spec-type none, and --lookup or -md beside it");
        }
      }
      case "ngram-simple" -> {
        if (hasModel()) {
          throw command.usage("--spec-type ngram-simple, and -md beside it");
        }
      }
      case "draft-simple" -> {
        if (lookup.get() || !hasModel()) {
          throw command.usage("--spec-type draft-simple needs a model, -md FILE, alone");
        }
      }
      default ->
          throw command.usage(
              "--spec-type " + type.get() + ": none, ngram-simple and draft-simple are known");
    }
    if (most.get() != null && most.get() < 0) {
      throw command.usage("--draft-max " + most.get() + ", from 0");
    }
    try {
      var _ = new PromptLookup(leastMatch.get());
    } catch (IllegalArgumentException e) {
      throw command.usage("--spec-ngram-simple-size-n: " + e.getMessage());
    }
  }

  /// Opens what guesses.
  ///
  /// @param target whose text is guessed
  /// @param backend where a model that guesses is loaded
  /// @param options of its session
  Draft open(Model target, Backend backend, SessionOptions options) throws IOException {
    if (hasModel()) {
      var file =
          repository.get() == null
              ? hub.file(model.get())
              : hub.model(hub.name(repository.get()), model.get());
      var small = Model.load(file, backend);
      try {
        var drafter = new DraftModel(target, small, options);
        return new Draft(bounded(drafter), drafter, small);
      } catch (Throwable e) {
        small.close();
        throw e;
      }
    }
    boolean looks = lookup.get() || "ngram-simple".equals(type.get());
    return new Draft(looks ? bounded(new PromptLookup(leastMatch.get())) : null, null, null);
  }

  private boolean hasModel() {
    return model.get() != null || repository.get() != null;
  }

  private Drafter bounded(Drafter drafter) {
    if (most.get() == null) {
      return drafter;
    }
    int bound = most.get();
    return (text, room) -> bound == 0 ? new int[0] : drafter.draft(text, Math.min(bound, room));
  }

  /// What guesses, for as long as this is open.
  ///
  /// @param drafter null where nothing does
  /// @param session that it guesses in, or null
  /// @param model that it guesses with, or null
  record Draft(Drafter drafter, DraftModel session, Model model) implements AutoCloseable {
    @Override
    public void close() {
      if (session != null) {
        session.close();
        model.close();
      }
    }
  }
}
