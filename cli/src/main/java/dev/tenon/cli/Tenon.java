package dev.tenon.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/// The `tenon` command.
public final class Tenon extends Command {
  private static final int FAILED = 1;
  private static final int WRONG_USAGE = 2;
  private static final int STOPPED = 130;

  private static final Map<String, Function<Streams, Command>> COMMANDS = new LinkedHashMap<>();

  static {
    COMMANDS.put("run", Run::new);
    COMMANDS.put("chat", Chat::new);
    COMMANDS.put("inspect", Inspect::new);
    COMMANDS.put("translate", Translate::new);
    COMMANDS.put("embed", Embed::new);
    COMMANDS.put("fill-mask", FillMaskCommand::new);
    COMMANDS.put("classify", Classify::new);
    COMMANDS.put("ner", Ner::new);
    COMMANDS.put("answer", Answer::new);
    COMMANDS.put("rerank", Rerank::new);
    COMMANDS.put("tokenize", Tokenize::new);
    COMMANDS.put("render", Render::new);
    COMMANDS.put("parse", Parse::new);
    COMMANDS.put("grammar", GrammarCommand::new);
    COMMANDS.put("logits", Logits::new);
    COMMANDS.put("attention", Attention::new);
    COMMANDS.put("bench", Bench::new);
    COMMANDS.put("pull", Pull::new);
    COMMANDS.put("list", ListModels::new);
    COMMANDS.put("rm", Remove::new);
    COMMANDS.put("convert", Convert::new);
    COMMANDS.put("quantize", Quantize::new);
    COMMANDS.put("split", Split::new);
    COMMANDS.put("merge", Merge::new);
    COMMANDS.put("metadata", Metadata::new);
    COMMANDS.put("train", Train::new);
    COMMANDS.put("train-tokenizer", TrainTokenizer::new);
    COMMANDS.put("imatrix", Imatrix::new);
    COMMANDS.put("perplexity", Perplex::new);
    COMMANDS.put("evaluate", Evaluate::new);
    COMMANDS.put("bleu", Bleu::new);
    COMMANDS.put("version", Version::new);
    COMMANDS.put("completion", Completion::new);
  }

  private final Value<Boolean> version;

  private Tenon(Streams streams) {
    super(streams, "tenon", "Run transformers on the JVM.");
    version = flag("Print the version and exit.", "--version");
    spec.usageMessage()
        .synopsisSubcommandLabel("COMMAND")
        .footer(
            "",
            "Every option that is a setting is also read from the environment: --ctx-size from"
                + " TENON_CTX_SIZE.",
            "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C.");
  }

  /// Runs the command and ends the JVM with its exit code.
  ///
  /// @param args the command line
  public static void main(String[] args) {
    System.exit(run(asUtf8(args), Streams.ofProcess()));
  }

  /// Runs the command.
  ///
  /// @return its exit code
  static int run(String[] args, Streams streams) {
    try {
      int code = execute(args, streams);
      streams.out().flush();
      return code;
    } catch (Output.ClosedPipeException _) {
      return 0;
    } catch (IOException e) {
      streams.err().println("tenon: " + Failure.line(e));
      return FAILED;
    }
  }

  private static int execute(String[] args, Streams streams) throws IOException {
    if (args.length > 0 && args[0].equals("help")) {
      args = args.length > 1 ? new String[] {args[1], "--help"} : new String[] {"--help"};
    }
    var verbose = false;
    try {
      var line = commandLine(args.length > 0 ? args[0] : null, streams);
      var parsed = line.parseArgs(args).asCommandLineList().getLast();
      if (parsed.isUsageHelpRequested()) {
        streams.out().print(parsed.getUsageMessage(Ansi.valueOf(streams.colours())));
        streams.out().flush();
        return 0;
      }
      Command command = parsed.getCommand();
      verbose = command.verbose();
      return command.call();
    } catch (ParameterException e) {
      streams.err().println(usage(e, streams));
      return WRONG_USAGE;
    } catch (Output.ClosedPipeException e) {
      throw e;
    } catch (CancellationException e) {
      return STOPPED;
    } catch (Throwable e) {
      try {
        streams.out().flush();
      } catch (IOException _) {
        // What failed first is what there is to say.
      }
      streams.err().println("tenon: " + Failure.line(e));
      if (verbose) {
        e.printStackTrace(streams.err());
      }
      return FAILED;
    }
  }

  /// What `tenon` does alone.
  @Override
  int call() throws IOException {
    if (version.get()) {
      streams.out().println("tenon " + Version.tenon());
      return 0;
    }
    var usage = new PrintWriter(streams.err(), false, StandardCharsets.UTF_8);
    spec.commandLine().usage(usage, Ansi.OFF);
    usage.flush();
    return WRONG_USAGE;
  }

  /// {@return the parser, with one command alone where its name is given, which starts faster than
  /// all of them}
  static CommandLine commandLine(String only, Streams streams) {
    var line = new CommandLine(new Tenon(streams).spec);
    COMMANDS.forEach(
        (name, command) -> {
          if (!COMMANDS.containsKey(only) || name.equals(only)) {
            line.addSubcommand(name, new CommandLine(command.apply(streams).spec));
          }
        });
    // Of an option given twice the last counts, as in llama.cpp; picocli would warn of it.
    CommandLine.tracer().setLevel(CommandLine.TraceLevel.OFF);
    return line.setExpandAtFiles(false)
        .setOverwrittenOptionsAllowed(true)
        .setPosixClusteredShortOptionsAllowed(false)
        .setAllowOptionsAsOptionParameters(true)
        .setDefaultValueProvider(new Environment(streams.environment()));
  }

  /// One line for arguments that make no sense.
  private static String usage(ParameterException e, Streams streams) {
    var spec = e.getCommandLine().getCommandSpec();
    var message = new StringBuilder("tenon: ");
    if (e instanceof UnmatchedArgumentException unmatched && !unmatched.getUnmatched().isEmpty()) {
      var first = unmatched.getUnmatched().getFirst();
      boolean option = first.startsWith("-");
      boolean command = !option && !spec.subcommands().isEmpty();
      message.append(
          option ? "unknown option " : command ? "unknown command " : "one argument too many: ");
      message.append(first);
      if (option || command) {
        var known = option ? spec.optionsMap().keySet() : spec.subcommands().keySet();
        message.append(suggestion(first, known));
      }
    } else {
      var reason = e.getMessage();
      boolean word = reason.length() > 1 && Character.isLowerCase(reason.charAt(1)); // not BLEU
      message.append(word ? Character.toLowerCase(reason.charAt(0)) : reason.charAt(0));
      message.append(reason, 1, reason.length());
      var variable = Environment.variable(e.getArgSpec(), streams.environment());
      if (variable != null && streams.environment().get(variable).equals(e.getValue())) {
        message.append(" (from ").append(variable).append(")");
      }
    }
    return Text.visible(message + " (see " + spec.qualifiedName() + " --help)");
  }

  /// What may have been meant by a word that is not known.
  static String suggestion(String word, Collection<String> known) {
    var closest =
        known.stream()
            .filter(name -> distance(word, name) <= Math.max(1, word.length() / 3))
            .min(Comparator.comparingInt(name -> distance(word, name)));
    return closest.map(name -> ", did you mean " + name + "?").orElse("");
  }

  /// How many characters to insert, delete, replace or swap with the next to get from a to b.
  private static int distance(String a, String b) {
    var rows = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          rows[i][j] = i + j;
          continue;
        }
        int replaced = rows[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        rows[i][j] = Math.min(replaced, 1 + Math.min(rows[i - 1][j], rows[i][j - 1]));
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          rows[i][j] = Math.min(rows[i][j], 1 + rows[i - 2][j - 2]);
        }
      }
    }
    return rows[a.length()][b.length()];
  }

  /// Settings from the environment: `TENON_` and the long name of the option. What the command is
  /// to work on (prompts, files to write) is no setting.
  record Environment(Map<String, String> variables) implements IDefaultValueProvider {
    private static final Set<String> NO_SETTINGS =
        Set.of(
            "--help",
            "--version",
            "--prompt",
            "--text",
            "--pair",
            "--question",
            "--context",
            "--query",
            "--target",
            "--tokens",
            "--token-types",
            "--decoder-tokens",
            "--decode",
            "--file",
            "--output");

    /// {@return the variable that is set for an option, or null}
    static String variable(ArgSpec argument, Map<String, String> variables) {
      if (argument instanceof OptionSpec option
          && NO_SETTINGS.stream().noneMatch(Arrays.asList(option.names())::contains)) {
        for (var name : option.names()) {
          var variable =
              "TENON_" + name.replaceFirst("^-+", "").replace('-', '_').toUpperCase(Locale.ROOT);
          if (name.startsWith("--") && !variables.getOrDefault(variable, "").isEmpty()) {
            return variable;
          }
        }
      }
      return null;
    }

    @Override
    public String defaultValue(ArgSpec argument) {
      var variable = variable(argument, variables);
      if (variable == null) {
        return null;
      }
      var value = variables.get(variable);
      if (argument.arity().max() > 0) {
        return value;
      }
      return switch (value.toLowerCase(Locale.ROOT)) {
        case "1", "on", "yes", "true" -> "true";
        case "0", "off", "no", "false" -> "false";
        default -> value;
      };
    }
  }

  /// The arguments as they were typed. Where the locale is not UTF-8 (`LANG=C`) Java has lost
  /// what is not ASCII; Linux still has the bytes.
  private static String[] asUtf8(String[] args) {
    if (args.length == 0 || "UTF-8".equals(System.getProperty("sun.jnu.encoding"))) {
      return args;
    }
    try {
      var bytes = Files.readAllBytes(Path.of("/proc/self/cmdline"));
      var all = new String(bytes, StandardCharsets.UTF_8).split("\0", -1);
      // An empty string follows the last.
      int from = all.length - 1 - args.length;
      return from < 0 ? args : Arrays.copyOfRange(all, from, all.length - 1);
    } catch (IOException _) {
      return args;
    }
  }
}
