package dev.tenon.cli;

import dev.tenon.convert.SplitSet;
import dev.tenon.gguf.Gguf;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.CancellationException;

/// Joins the files of a split set.
final class Merge extends Command {
  private final Value<List<String>> arguments;
  private final Value<Boolean> json;

  Merge(Streams streams) {
    super(streams, "merge", "Join a split set into one file: FIRST OUT.");
    arguments = arguments("FIRST OUT", "0..2", "The first file of the set, and the file to be.");
    json = flag("Print the result as JSON.", "--json");
  }

  @Override
  int call() throws Exception {
    var given = arguments.get();
    if (given.size() != 2) {
      throw usage("which set becomes which file? Give FIRST OUT");
    }
    var out = Path.of(given.get(1));
    try (var source = Gguf.open(Path.of(given.getFirst()))) {
      if (source.parts() < 2) {
        throw new IOException(source.path() + " is one file, not the first of a split set");
      }
      try (var progress = new FileProgress(streams, "merging");
          var _ = Interrupt.ofThisThread()) {
        SplitSet.merge(source, out, progress::at);
      }
      if (json.get()) {
        var result = new LinkedHashMap<String, Object>();
        result.put("source", source.path().toString());
        result.put("parts", source.parts());
        result.put("file", out.toString());
        result.put("bytes", Files.size(out));
        printJson(result);
      } else {
        streams
            .out()
            .println(
                Text.visible(out.toString())
                    + ": "
                    + source.parts()
                    + " files, "
                    + Text.bytes(Files.size(out)));
      }
      return 0;
    } catch (CancellationException _) {
      Thread.interrupted();
      streams.err().println("tenon: stopped; nothing was written to " + out);
      return 130;
    }
  }
}
