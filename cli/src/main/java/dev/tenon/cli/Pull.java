package dev.tenon.cli;

import dev.tenon.huggingface.HubChoice;
import dev.tenon.huggingface.HubName;
import dev.tenon.huggingface.HubSnapshot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;

/// Downloads a model.
final class Pull extends Command {
  private final Value<String> name;
  private final Value<String> revision;
  private final Value<String> file;
  private final Value<List<String>> included;
  private final Value<List<String>> excluded;
  private final Value<Boolean> json;
  private final HubFlags hub;

  Pull(Streams streams) {
    super(
        streams,
        "pull",
        "Download a model of Hugging Face and print where it is.",
        "Of a repository of GGUF files that is the one with the quant (default: Q4_K_M, else Q8_0,"
            + " else the first); of another the folder that tenon convert reads. A download that"
            + " was cut short goes on where it was. The cache is that of huggingface_hub; HF_TOKEN,"
            + " HF_ENDPOINT, HF_HOME and HF_HUB_CACHE count.");
    name = argument("NAME", "The model: owner/name, owner/name:quant.");
    revision = text("REVISION", "The branch, tag or commit (default: main).", "--revision");
    file = text("FILE", "Which of its files, in place of a quant.", "-hff", "--hf-file");
    included =
        texts("PATTERN", "The files whose names match, such as '*.json', alone.", "--include");
    excluded = texts("PATTERN", "Not the files whose names match.", "--exclude");
    hub = new HubFlags(this);
    json = flag("Print the result as JSON.", "--json");
  }

  @Override
  int call() throws Exception {
    if (name.get() == null || name.get().isEmpty()) {
      throw usage("which model? Give its name: owner/name[:quant]");
    }
    var named = named();
    var choice = choice(named);
    long start = System.nanoTime();
    var there = hub.pull(hub.hub(), named, choice);
    report(named, there, (System.nanoTime() - start) / 1e9);
    return 0;
  }

  private HubName named() {
    var named = hub.name(name.get());
    if (revision.get() == null) {
      return named;
    }
    if (named.revision() != null) {
      throw usage("one revision, please: " + named.revision() + " or " + revision.get());
    }
    try {
      return new HubName(named.repository(), named.quant(), revision.get());
    } catch (IllegalArgumentException e) {
      throw usage(e.getMessage());
    }
  }

  private HubChoice choice(HubName named) {
    boolean patterns = !included.get().isEmpty() || !excluded.get().isEmpty();
    if ((named.quant() == null ? 0 : 1) + (file.get() == null ? 0 : 1) + (patterns ? 1 : 0) > 1) {
      throw usage("one of :quant, --hf-file and --include or --exclude, please");
    }
    return patterns
        ? HubChoice.matching(included.get(), excluded.get())
        : file.get() != null ? HubChoice.file(file.get()) : HubChoice.usual(named.quant());
  }

  private void report(HubName named, HubSnapshot there, double seconds) throws IOException {
    Path path =
        file.get() != null
            ? there.firstFile()
            : included.get().isEmpty() && excluded.get().isEmpty() ? there.path() : there.folder();
    long bytes = 0;
    for (var one : there.files()) {
      bytes += Files.size(there.folder().resolve(one));
    }
    if (json.get()) {
      var result = new LinkedHashMap<String, Object>();
      result.put("name", named.toString());
      result.put("repository", there.repository());
      result.put("revision", there.revision());
      result.put("commit", there.commit());
      result.put("path", path.toString());
      result.put("files", there.files());
      result.put("bytes", bytes);
      result.put("seconds", seconds);
      printJson(result);
      return;
    }
    streams.out().println(Text.visible(path.toString()));
    if (streams.errTerminal() || verbose()) {
      streams
          .err()
          .println(
              named
                  + ": "
                  + there.files().size()
                  + (there.files().size() == 1 ? " file, " : " files, ")
                  + Text.bytes(bytes)
                  + ", in "
                  + String.format(Locale.ROOT, "%.1f s", seconds));
    }
  }
}
