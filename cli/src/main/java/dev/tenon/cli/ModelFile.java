package dev.tenon.cli;

import dev.tenon.cli.Command.Value;
import dev.tenon.gguf.Gguf;
import dev.tenon.model.BuiltInModel;
import java.io.IOException;
import java.nio.file.Path;

/// The model that a command works on: a GGUF file, or the name of one on the hub; or the built-in
/// model.
final class ModelFile {
  private final Command command;
  private final Value<String> model;
  private final Value<String> repository;
  private final Value<String> file;
  private final HubFlags hub;
  private final boolean elseBuiltIn;
  private Path path;

  ModelFile(Command command, String description) {
    this(command, description, false);
  }

  /// @param elseBuiltIn whether the built-in model is taken where none is named
  ModelFile(Command command, String description, boolean elseBuiltIn) {
    this.command = command;
    this.elseBuiltIn = elseBuiltIn;
    if (elseBuiltIn) {
      description = description.replaceFirst("\\.$", " (default: the built-in model).");
    }
    model = command.text("FILE|NAME", description, "-m", "--model");
    repository =
        command.text(
            "NAME",
            "A model of Hugging Face, owner/name[:quant], downloaded where it is not there.",
            "-hf",
            "-hfr",
            "--hf-repo");
    file = command.text("FILE", "Which of its files, in place of a quant.", "-hff", "--hf-file");
    hub = new HubFlags(command);
  }

  /// {@return how names are looked up}
  HubFlags hub() {
    return hub;
  }

  /// {@return whether a model is named}
  boolean given() {
    return name(model) != null || name(repository) != null;
  }

  /// {@return whether a model is named on the command line, and not by the environment alone}
  boolean typed() {
    return typed(model) || typed(repository);
  }

  /// {@return whether it is the built-in model, which has no path}
  boolean builtIn() {
    return elseBuiltIn && !given() && file.get() == null;
  }

  /// {@return the open file; the caller closes it}
  Gguf open() throws IOException {
    return builtIn() ? BuiltInModel.gguf() : Gguf.open(path());
  }

  /// {@return the path of the file}
  ///
  /// @throws java.util.concurrent.CancellationException if Ctrl-C ends its download
  Path path() throws IOException {
    if (path == null) {
      path = find(null);
    }
    return path;
  }

  /// {@return the path of the file; an argument, where it is not null, stands for `-m`}
  Path path(String argument) throws IOException {
    if (path == null) {
      path = find(argument);
    }
    return path;
  }

  private Path find(String argument) throws IOException {
    var named = argument == null ? name(model) : argument;
    var name = name(repository);
    if (named != null && name != null) {
      // What is typed comes before what the environment says.
      boolean typed = argument != null || typed(model);
      if (typed == typed(repository)) {
        throw command.usage("one model, please: -m or -hf");
      }
      named = typed ? named : null;
      name = typed ? null : name;
    }
    if (file.get() != null && name == null) {
      throw command.usage("--hf-file needs -hf NAME");
    }
    if (name != null) {
      return hub.model(hub.name(name), file.get());
    }
    if (named == null || named.isEmpty()) {
      throw command.usage("which model? Give -m FILE, -hf NAME or set TENON_MODEL");
    }
    return hub.file(named);
  }

  private static String name(Value<String> value) {
    return value.get() == null || value.get().isEmpty() ? null : value.get();
  }

  private boolean typed(Value<String> value) {
    return command.spec.commandLine().getParseResult().matchedArgs().contains(value.spec());
  }
}
