package dev.tenon.cli;

import dev.tenon.TokenClassifier;
import dev.tenon.TokenClassifier.Aggregation;
import dev.tenon.TokenClassifier.Entity;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.TypeConversionException;

/// Finds names and other entities in a text.
final class Ner extends Command {
  private final TextInputs texts;
  private final Value<Aggregation> aggregation;
  private final Value<List<String>> ignored;
  private final Value<Integer> stride;
  private final Value<Boolean> json;
  private final ModelFlags model;

  Ner(Streams streams) {
    super(
        streams,
        "ner",
        "Find entities in a text, such as names, with a classifier of tokens.",
        "Without TEXT each line of the file, or of stdin, is a text. Places count Unicode code"
            + " points.");
    texts = new TextInputs(this, "TEXT", "A text.");
    aggregation =
        option(
            Aggregation.class,
            Ner::aggregation,
            "none",
            "HOW",
            "How tokens are put together: none, simple, first, average or max (default: none).",
            "--aggregation",
            "--aggregation-strategy");
    ignored =
        texts(
            "LABEL",
            "A label that is left out; may be repeated (default: O).",
            "--ignore-label",
            "--ignore-labels");
    stride =
        integer(
            null,
            "Read texts of any length, in windows with so many tokens in common.",
            "--stride");
    json =
        flag(
            "Print JSON, as transformers' pipeline has it: entity or entity_group, score, index,"
                + " word, start, end; of several texts a list of results.",
            "--json");
    model = new ModelFlags(this);
  }

  private static Aggregation aggregation(String text) {
    for (var how : Aggregation.values()) {
      if (how.name().equalsIgnoreCase(text)) {
        return how;
      }
    }
    throw new TypeConversionException("'" + text + "' is not none, simple, first, average or max");
  }

  @Override
  int call() throws Exception {
    texts.check();
    if (stride.get() != null && stride.get() < 0) {
      throw usage("--stride " + stride.get() + ", at least 0");
    }
    if (stride.get() != null && aggregation.get() == Aggregation.NONE) {
      throw usage("--stride needs --aggregation simple, first, average or max");
    }
    var all = new ArrayList<List<Entity>>();
    try (var backend = model.backend();
        var loaded = model.load(backend);
        var classifier = new TokenClassifier(loaded);
        var _ = Interrupt.ofThisThread()) {
      for (var text : texts.read()) {
        all.add(entities(classifier, text));
      }
    }
    if (json.get()) {
      var list = all.stream().map(this::json).toList();
      printJson(list.size() == 1 ? list.getFirst() : list);
      return 0;
    }
    for (int i = 0; i < all.size(); i++) {
      if (i > 0) {
        streams.out().println(""); // between texts
      }
      for (var entity : all.get(i)) {
        var score = String.format(Locale.ROOT, "%.4f  ", entity.score());
        var place = "  " + entity.start() + "-" + entity.end();
        var line = score + entity.label() + "  " + entity.word() + place;
        streams.out().println(Text.visible(line));
      }
    }
    return 0;
  }

  private List<Entity> entities(TokenClassifier classifier, String text) {
    var left = ignored.get().isEmpty() ? TokenClassifier.USUAL_IGNORED : ignored.get();
    return stride.get() == null
        ? classifier.classify(text, aggregation.get(), left)
        : classifier.classify(text, aggregation.get(), left, stride.get());
  }

  private List<Object> json(List<Entity> entities) {
    boolean tokens = aggregation.get() == Aggregation.NONE;
    var list = new ArrayList<Object>();
    for (var entity : entities) {
      var members = new LinkedHashMap<String, Object>();
      members.put(tokens ? "entity" : "entity_group", entity.label());
      members.put("score", entity.score());
      if (tokens) {
        members.put("index", entity.index());
      }
      members.put("word", entity.word());
      members.put("start", entity.start());
      members.put("end", entity.end());
      list.add(members);
    }
    return list;
  }
}
