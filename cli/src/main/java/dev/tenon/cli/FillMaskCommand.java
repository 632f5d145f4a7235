package dev.tenon.cli;

import dev.tenon.FillMask;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;

/// Finds what a mask in a text may stand for.
final class FillMaskCommand extends Command {
  private final TextInputs texts;
  private final Value<Integer> topK;
  private final Value<List<String>> targets;
  private final Value<Boolean> json;
  private final ModelFlags model;

  FillMaskCommand(Streams streams) {
    super(
        streams,
        "fill-mask",
        "Find what a mask, such as [MASK], stands for in a text, with a masked language model.",
        "Without TEXT each line of the file, or of stdin, is a text.");
    texts = new TextInputs(this, "TEXT", "A text with a mask, or several.");
    topK = integer("5", "The most guesses for a mask (default: 5).", "--top-k");
    targets = texts("WORD", "Guess from these words alone; may be repeated.", "--target");
    json =
        flag(
            "Print JSON, as transformers' pipeline has it: score, token, token_str, sequence; of"
                + " several texts a list of results.",
            "--json");
    model = new ModelFlags(this);
  }

  @Override
  int call() throws Exception {
    texts.check();
    if (topK.get() < 1) {
      throw usage("--top-k " + topK.get() + ", at least 1");
    }
    var all = new ArrayList<Object>();
    try (var backend = model.backend();
        var loaded = model.load(backend);
        var fill = new FillMask(loaded);
        var _ = Interrupt.ofThisThread()) {
      var given = texts.read();
      for (int i = 0; i < given.size(); i++) {
        var masks = masks(fill, given.get(i), given.size() > 1 ? "text " + (i + 1) + ": " : "");
        if (json.get()) {
          var results = masks.stream().map(FillMaskCommand::json).toList();
          all.add(results.size() == 1 ? results.getFirst() : results);
        } else {
          print(masks);
        }
      }
    }
    if (json.get()) {
      printJson(all.size() == 1 ? all.getFirst() : all);
    }
    return 0;
  }

  private List<List<FillMask.Guess>> masks(FillMask fill, String text, String place) {
    try {
      return targets.get().isEmpty()
          ? fill.fill(text, topK.get())
          : fill.fill(text, topK.get(), targets.get());
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(place + e.getMessage(), e);
    }
  }

  private static List<Object> json(List<FillMask.Guess> guesses) {
    var list = new ArrayList<Object>();
    for (var guess : guesses) {
      var members = new LinkedHashMap<String, Object>();
      members.put("score", guess.score());
      members.put("token", guess.token());
      members.put("token_str", guess.tokenStr());
      members.put("sequence", guess.sequence());
      list.add(members);
    }
    return list;
  }

  private void print(List<List<FillMask.Guess>> masks) throws IOException {
    for (int i = 0; i < masks.size(); i++) {
      if (i > 0) {
        streams.out().println(""); // between masks
      }
      for (var guess : masks.get(i)) {
        var line = String.format(Locale.ROOT, "%.4f  ", guess.score());
        streams.out().println(line + Text.visible(guess.tokenStr() + "  " + guess.sequence()));
      }
    }
  }
}
