package dev.tenon.cli;

import dev.tenon.Model;
import dev.tenon.Translator;
import dev.tenon.Translator.Translation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CancellationException;

/// Translates texts.
final class Translate extends Command {
  private final TextInputs texts;
  private final Value<Integer> count;
  private final Value<Float> temperature;
  private final Value<Integer> seed;
  private final Value<Boolean> json;
  private final ModelFlags model;
  private final SearchFlags search;

  Translate(Streams streams) {
    super(
        streams,
        "translate",
        "Translate texts with an encoder-decoder.",
        "Without TEXT each line of the file, or of stdin, is a text; the translations come in the"
            + " order of the texts, a line each. A blank line stays blank.");
    texts = new TextInputs(this, "TEXT", "A text; several are translated side by side.");
    count =
        integer(
            null,
            "Most tokens of a translation (default: the model's).",
            "-n",
            "--predict",
            "--n-predict",
            "--max-new-tokens");
    temperature =
        real(
            null,
            "Draw tokens at this temperature; 0 takes the best or searches (default: as the model"
                + " does).",
            "--temp",
            "--temperature");
    seed =
        integer(
            "-1",
            "The same seed draws the same; -1 for a random one (default: -1).",
            "-s",
            "--seed");
    json = flag("Print JSON, as transformers' pipeline has it: translation_text.", "--json");
    model = new ModelFlags(this);
    search = new SearchFlags(this);
  }

  @Override
  int call() throws Exception {
    texts.check();
    if (count.get() != null && count.get() < 1) {
      throw usage("-n " + count.get() + ", at least 1");
    }
    try (var backend = model.backend();
        var loaded = model.load(backend);
        var translator = translator(loaded)) {
      var given = texts.read();
      if (given.size() == 1 && given.getFirst().isBlank()) {
        throw usage("the text is empty: there is nothing to translate");
      }
      return translate(translator, given);
    }
  }

  private Translator translator(Model loaded) {
    var translator = new Translator(loaded);
    try {
      var settings = translator.settings();
      if (temperature.get() != null) {
        settings = GenerateFlags.atTemperature(settings, temperature.get());
      }
      settings = search.settings(settings);
      return translator.with(
          count.get() == null ? settings : settings.withMaxNewTokens(count.get()));
    } catch (RuntimeException e) {
      translator.close();
      throw e;
    }
  }

  private int translate(Translator translator, List<String> given) throws IOException {
    var all = new ArrayList<Object>();
    boolean shown = streams.errTerminal() && !streams.outTerminal();
    try (var _ = Interrupt.ofThisThread()) {
      translator.translate(
          given,
          new SplittableRandom(seed.get() < 0 ? System.nanoTime() : seed.get()),
          done -> {
            if (shown) {
              streams.err().print("\r" + done + " of " + given.size());
              streams.err().flush();
            }
          },
          translations -> {
            try {
              if (json.get()) {
                all.add(members(translations));
              } else {
                print(translations);
              }
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    } catch (CancellationException _) {
      Thread.interrupted(); // has done its work
      return 130;
    } finally {
      if (shown) {
        streams.err().println();
      }
    }
    if (json.get()) {
      // Several translations of one text are one list, as the pipeline gives them.
      printJson(all.size() == 1 && all.getFirst() instanceof List<?> ? all.getFirst() : all);
    }
    return 0;
  }

  /// A line for each; of a blank text a blank one.
  private void print(List<Translation> translations) throws IOException {
    var out = streams.out();
    if (translations.isEmpty()) {
      out.println("");
    }
    for (var translation : translations) {
      var line = Text.oneLine(translation.text());
      out.println(line + (search.scores() ? "\t" + translation.score() : ""));
    }
    out.flush();
  }

  /// One object for a text, or a list of them where several were asked for.
  private Object members(List<Translation> translations) {
    if (translations.isEmpty()) {
      return Map.of("translation_text", ""); // of a blank line
    }
    var list = translations.stream().map(this::member).toList();
    return list.size() == 1 ? list.getFirst() : list;
  }

  private Map<String, Object> member(Translation translation) {
    var member = new LinkedHashMap<String, Object>();
    member.put("translation_text", translation.text());
    if (search.scores()) {
      member.put("score", Double.valueOf(Float.toString(translation.score())));
    }
    return member;
  }
}
