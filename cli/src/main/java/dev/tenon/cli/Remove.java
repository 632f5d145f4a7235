package dev.tenon.cli;

import dev.tenon.huggingface.HubCache;
import dev.tenon.huggingface.HubName;
import dev.tenon.json.Json;
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
            + " needs stay. On a terminal it asks first.");
    names = arguments("NAME…", "0..*", "The models, by the names that tenon list prints.");
    yes = flag("Do not ask.", "-y", "--yes");
    json = flag("Print the result as JSON.", "--json");
  }

  @Override
  int call() throws Exception {
    if (names.get().isEmpty()) {
      throw usage("which model? Give its name: owner/name[:quant]");
    }
    var cache = HubCache.ofEnvironment(streams.environment());
    var wanted = new ArrayList<HubName>();
    for (var name : names.get()) {
      try {
        wanted.add(HubName.of(name));
      } catch (IllegalArgumentException e) {
        throw usage(e.getMessage());
      }
    }
    // What cannot be is said before anything is deleted.
    for (var name : wanted) {
      cache.removal(name);
    }
    var removed = new ArrayList<Object>();
    for (var name : wanted) {
      var removal = cache.removal(name);
      if (!agreed(name, removal.bytes())) {
        continue;
      }
      cache.remove(removal);
      var result = new LinkedHashMap<String, Object>();
      result.put("name", name.toString());
      result.put("bytes", removal.bytes());
      removed.add(result);
      if (!json.get()) {
        streams.out().println(name + " deleted, " + Text.bytes(removal.bytes()) + " free");
      }
    }
    if (json.get()) {
      streams.out().println(Json.write(removed, "  "));
    }
    return removed.size() == wanted.size() ? 0 : 1;
  }

  private boolean agreed(HubName name, long bytes) throws IOException {
    if (yes.get() || !streams.inTerminal() || !streams.errTerminal()) {
      return true;
    }
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
