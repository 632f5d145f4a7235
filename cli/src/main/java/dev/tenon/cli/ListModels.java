package dev.tenon.cli;

import dev.tenon.huggingface.HubCache;
import dev.tenon.huggingface.HubCache.Entry;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;

/// Lists the models that were downloaded.
final class ListModels extends Command {
  private final Value<Boolean> json;

  ListModels(Streams streams) {
    super(
        streams,
        "list",
        "List the models that were downloaded, by the names that -m, -hf and rm take.",
        "Sizes are those of a model's files; what two of them share counts for both. What a"
            + " download left that was cut short is listed as unfinished.");
    json = flag("Print the list as JSON.", "--json");
  }

  @Override
  int call() throws Exception {
    var entries = HubCache.ofEnvironment(streams.environment()).entries();
    if (json.get()) {
      var list = new ArrayList<Object>();
      entries.forEach(entry -> list.add(json(entry)));
      printJson(list);
      return 0;
    }
    int width = 4;
    for (var entry : entries) {
      width = Math.max(width, entry.name().toString().length());
    }
    var row = "%-" + width + "s  %11s  %s";
    streams.out().println(row.formatted("NAME", "SIZE", "MODIFIED"));
    for (var entry : entries) {
      streams
          .out()
          .println(
              row.formatted(
                  entry.name(),
                  Text.bytes(entry.bytes()),
                  ago(entry.modified(), Instant.now())
                      + (entry.complete() ? "" : " (unfinished)")));
    }
    return 0;
  }

  private static Map<String, Object> json(Entry entry) {
    var json = new LinkedHashMap<String, Object>();
    json.put("name", entry.name().toString());
    json.put("repository", entry.name().repository());
    json.put("quant", entry.name().quant());
    json.put("revision", entry.name().revisionOrMain());
    json.put("commit", entry.commit());
    json.put("path", entry.path().toString());
    json.put("files", entry.files().stream().map(Path::toString).toList());
    json.put("bytes", entry.bytes());
    json.put("modified", entry.modified().toString());
    json.put("complete", entry.complete());
    return json;
  }

  /// {@return for example `3 days ago`}
  static String ago(Instant then, Instant now) {
    var past = Duration.between(then, now);
    long days = past.toDays();
    return days >= 730
        ? days / 365 + " years ago"
        : days >= 60
            ? days / 30 + " months ago"
            : days >= 14
                ? days / 7 + " weeks ago"
                : days >= 2
                    ? days + " days ago"
                    : past.toHours() >= 2
                        ? past.toHours() + " hours ago"
                        : past.toMinutes() >= 2 ? past.toMinutes() + " minutes ago" : "just now";
  }
}
