package dev.tenon.cli;

import dev.tenon.Classifier;
import dev.tenon.Classifier.Label;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;

/// Tells which label a text has.
final class Classify extends Command {
  private final TextInputs texts;
  private final Value<String> pair;
  private final Value<Integer> topK;
  private final Value<Boolean> json;
  private final ModelFlags model;

  Classify(Streams streams) {
    super(
        streams,
        "classify",
        "Tell which label a text has, or a pair of texts.",
        "Without TEXT each line of the file, or of stdin, is a text.");
    texts = new TextInputs(this, "TEXT", "A text; several are classified side by side.");
    pair = text("TEXT", "The second text of a pair.", "--pair");
    topK = integer("1", "The most labels, the best first (default: 1).", "--top-k");
    json =
        flag(
            "Print JSON, as transformers' pipeline has it: label, score; of several texts a list of"
                + " results.",
            "--json");
    model = new ModelFlags(this);
  }

  @Override
  int call() throws Exception {
    texts.check();
    if (topK.get() < 1) {
      throw usage("--top-k " + topK.get() + ", at least 1");
    }
    List<List<Label>> results;
    try (var backend = model.backend();
        var loaded = model.load(backend);
        var classifier = new Classifier(loaded);
        var _ = Interrupt.ofThisThread()) {
      var given = texts.read();
      if (pair.get() != null && given.size() > 1) {
        throw usage("--pair goes with one text");
      }
      results =
          pair.get() == null
              ? classifier.classify(given)
              : List.of(classifier.classify(given.getFirst(), pair.get()));
    }
    var best = results.stream().map(all -> all.stream().limit(topK.get()).toList()).toList();
    if (json.get()) {
      var list = best.stream().map(Classify::json).toList();
      // The pipeline gives one label a text in one list, unless told how many.
      printJson(
          list.size() == 1
              ? list.getFirst()
              : given(topK) ? list : list.stream().flatMap(List::stream).toList());
      return 0;
    }
    for (int i = 0; i < best.size(); i++) {
      if (i > 0 && topK.get() > 1) {
        streams.out().println(""); // between texts
      }
      for (var label : best.get(i)) {
        var line = String.format(Locale.ROOT, "%.4f  ", label.score());
        streams.out().println(line + Text.visible(label.label()));
      }
    }
    return 0;
  }

  private static List<Object> json(List<Label> labels) {
    var list = new ArrayList<Object>();
    for (var label : labels) {
      var members = new LinkedHashMap<String, Object>();
      members.put("label", label.label());
      members.put("score", label.score());
      list.add(members);
    }
    return list;
  }
}
