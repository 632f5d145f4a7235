package dev.tenon.cli;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// One thing that a person does.
abstract class Command {
  final Streams streams;

  @Spec CommandSpec spec;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Print this and exit.")
  boolean help;

  @Option(
      names = {"-v", "--verbose"},
      description = "Print devices and timings on stderr, and where a failure comes from.")
  boolean verbose;

  Command(Streams streams) {
    this.streams = streams;
  }

  /// Does it.
  ///
  /// @return the exit code
  /// @throws Exception what goes wrong; it becomes one line
  abstract int call() throws Exception;

  /// {@return an exception for arguments that make no sense, exit code 2}
  ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
