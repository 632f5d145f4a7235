package dev.tenon.cli;

import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParameterException;

/// One thing that a person does: the options it takes, then what it does with them.
///
/// Options are declared by calls and not by picocli's annotations, whose inspection takes longer
/// than loading a small model.
abstract class Command {
  final Streams streams;
  final CommandSpec spec;

  private final Value<Boolean> verbose;

  /// What an option was given, once the arguments are parsed.
  ///
  /// @param spec the option
  record Value<T>(ArgSpec spec) {
    /// {@return the value, or null where it has neither one nor a default}
    T get() {
      return spec.getValue();
    }
  }

  Command(Streams streams, String name, String... description) {
    this.streams = streams;
    spec = CommandSpec.wrapWithoutInspection(this).name(name);
    spec.usageMessage()
        .description(description)
        .abbreviateSynopsis(true)
        .sortOptions(false)
        .longOptionsMaxWidth(34)
        .width(100)
        .parameterListHeading("%n")
        .optionListHeading("%n")
        .commandListHeading("%nCommands:%n");
    spec.addOption(
        OptionSpec.builder("-h", "--help")
            .usageHelp(true)
            .type(Boolean.class)
            .arity("0")
            .description("Print this and exit.")
            .build());
    verbose =
        flag(
            "Print devices and timings on stderr, and where a failure comes from.",
            "-v",
            "--verbose");
  }

  /// Does it.
  ///
  /// @return the exit code
  /// @throws Exception what goes wrong; it becomes one line
  abstract int call() throws Exception;

  /// {@return whether an option is among the arguments or in the environment, and not its default}
  boolean given(Value<?> value) {
    return spec.commandLine().getParseResult().hasMatchedOption((OptionSpec) value.spec())
        || Tenon.Environment.variable(value.spec(), streams.environment()) != null;
  }

  boolean verbose() {
    return Boolean.TRUE.equals(verbose.get());
  }

  /// Prints a result for programs.
  void printJson(Object value) throws IOException {
    streams.out().println(Json.write(value, "  "));
  }

  /// Refuses to write over what is read.
  void checkOther(Path output, String... inputs) throws IOException {
    for (var input : inputs) {
      if (input != null
          && Files.isRegularFile(output)
          && Files.exists(Path.of(input))
          && Files.isSameFile(output, Path.of(input))) {
        throw usage(output + " is what is read: write to another file");
      }
    }
  }

  /// {@return an exception for arguments that make no sense, exit code 2}
  ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  /// {@return the one of three that is given, or null}
  String onlyOne(String what, String argument, String prompt, String tokens) {
    if ((argument == null ? 0 : 1) + (prompt == null ? 0 : 1) + (tokens == null ? 0 : 1) > 1) {
      throw usage("one " + what + ", please: an argument, -p or --tokens");
    }
    return argument != null ? argument : prompt != null ? prompt : tokens;
  }

  // How options are declared; those of a command appear in this order in its help.

  /// An option without a value.
  Value<Boolean> flag(String description, String... names) {
    return add(
        OptionSpec.builder(names)
            .type(Boolean.class)
            .arity("0")
            .defaultValue("false")
            .description(description));
  }

  /// An option with a text.
  Value<String> text(String label, String description, String... names) {
    return add(value(String.class, label, description, names));
  }

  /// An option that may be given several times.
  Value<List<String>> texts(String label, String description, String... names) {
    return add(
        value(List.class, label, description, names)
            .auxiliaryTypes(String.class)
            .initialValue(List.of()));
  }

  /// An option with a whole number; null where there is no default and it is not given.
  Value<Integer> integer(String usual, String description, String... names) {
    return add(value(Integer.class, "N", description, names).defaultValue(usual));
  }

  /// An option with a number.
  Value<Float> real(String usual, String description, String... names) {
    return add(value(Float.class, "X", description, names).defaultValue(usual));
  }

  /// An option with a value of another type.
  <T> Value<T> option(
      Class<T> type,
      ITypeConverter<T> converter,
      String usual,
      String label,
      String description,
      String... names) {
    return add(value(type, label, description, names).converters(converter).defaultValue(usual));
  }

  /// What may stand among the options without a name.
  Value<String> argument(String label, String description) {
    var argument =
        PositionalParamSpec.builder()
            .type(String.class)
            .arity("0..1")
            .index("0")
            .paramLabel(label)
            .description(description)
            .build();
    spec.addPositional(argument);
    return new Value<>(argument);
  }

  /// What may stand among the options without names, several of them.
  Value<List<String>> arguments(String label, String arity, String description) {
    var arguments =
        PositionalParamSpec.builder()
            .type(List.class)
            .auxiliaryTypes(String.class)
            .arity(arity)
            .index("0..*")
            .paramLabel(label)
            .hideParamSyntax(true)
            .description(description)
            .initialValue(List.of())
            .build();
    spec.addPositional(arguments);
    return new Value<>(arguments);
  }

  private static OptionSpec.Builder value(
      Class<?> type, String label, String description, String... names) {
    return OptionSpec.builder(names)
        .type(type)
        .arity("1")
        .paramLabel(label)
        .description(description);
  }

  private <T> Value<T> add(OptionSpec.Builder builder) {
    var option = builder.build();
    spec.addOption(option);
    return new Value<>(option);
  }
}
