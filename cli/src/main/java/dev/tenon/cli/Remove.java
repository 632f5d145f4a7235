package dev.tenon.cli;

import dev.tenon.huggingface.HubCache;
import dev.tenon.huggingface.HubCache.Removal;
import dev.tenon.huggingface.HubName;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;

/// Deletes models that were downloaded.
final class Remove extends Command {
  private final Value<List<String>> names;
  private final Value<Boolean> yes;
  private final Value<Boolean> json;

  Remove(Streams streams) {
    super(
        streams,
        "rm",
        "Delete models that were downloaded.",
        "owner/name is all there is of a repository, owner/name:quant one model of it,"
            + " owner/name@revision what one branch, tag or commit has. Files that another model"
            + " needs stay. It asks first; where there is no terminal to ask on, --yes must be"
            + " given.");
    names = arguments("NAME…", "0..*", "The models, by the names that tenon list prints.");
    yes = flag("Do not ask.", "-y", "--yes");
    json = flag("Print the result as JSON.", "--json");
  }

  @Override
  int call() throws Exception {
    if (names.get().isEmpty()) {
      throw usage("which model? Give its name: owner/name[:quant]");
    }
    var wanted = new ArrayList<HubName>();
    for (var name : names.get()) {
      try {
        wanted.add(HubName.of(name));
      } catch (IllegalArgumentException e) {
        throw usage(e.getMessage());
      }
    }
    if (!yes.get() && !(streams.inTerminal() && streams.errTerminal())) {
      throw usage("rm asks first, and there is no terminal to ask on: give -y, --yes");
    }
    // What cannot be, and what is not to be, is known before anything is deleted.
    var cache = HubCache.ofEnvironment(streams.environment());
    var removals = new ArrayList<Removal>();
    for (var name : wanted) {
      var removal = cache.removal(name, removals);
      if (yes.get() || agreed(name, removal.bytes())) {
        removals.add(removal);
      }
    }
    var removed = new ArrayList<Object>();
    for (var removal : removals) {
      cache.remove(removal);
      var result = new LinkedHashMap<String, Object>();
      result.put("name", removal.name().toString());
      result.put("bytes", removal.bytes());
      removed.add(result);
      if (!json.get()) {
        streams
            .out()
            .println(removal.name() + " deleted, " + Text.bytes(removal.bytes()) + " free");
      }
    }
    if (json.get()) {
      printJson(removed);
    }
    return removed.size() == wanted.size() ? 0 : 1;
  }

  private boolean agreed(HubName name, long bytes) throws IOException {
    streams.err().print("delete " + name + ", " + Text.bytes(bytes) + "? [y/N] ");
    streams.err().flush();
    var line = new StringBuilder();
    for (int c = streams.in().read(); c >= 0 && c != '\n'; c = streams.in().read()) {
      line.append((char) c);
    }
    var answer = line.toString().strip().toLowerCase(Locale.ROOT);
    return answer.equals("y") || answer.equals("yes");
  }
}
