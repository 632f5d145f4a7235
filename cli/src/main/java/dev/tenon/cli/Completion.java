package dev.tenon.cli;

import picocli.AutoComplete;

/// Prints the script that teaches a shell the command's options.
final class Completion extends Command {
  Completion(Streams streams) {
    super(
        streams,
        "completion",
        "Print a completion script for bash and zsh.",
        "bash: source <(tenon completion)",
        "zsh:  autoload -U +X bashcompinit && bashcompinit && source <(tenon completion)");
  }

  @Override
  int call() throws Exception {
    streams.out().print(AutoComplete.bash("tenon", Tenon.commandLine(null, streams)));
    return 0;
  }
}
