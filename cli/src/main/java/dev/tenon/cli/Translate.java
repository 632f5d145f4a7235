package dev.tenon.cli;

import dev.tenon.Model;
import dev.tenon.Translator;
import dev.tenon.Translator.Translation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.random.RandomGenerator;

/// Translates texts.
final class Translate extends Command {
  private final Value<List<String>> texts;
  private final Value<String> file;
  private final Value<Integer> count;
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
    texts = arguments("TEXT", "0..*", "A text; several are translated side by side.");
    file = text("FILE", "The file with a text a line; '-' for stdin.", "-f", "--file");
    count =
        integer(
            null,
            "Most tokens of a translation (default: the model's).",
            "-n",
            "--predict",
            "--n-predict",
            "--max-new-tokens");
    json = flag("Print JSON, as transformers' pipeline has it: translation_text.", "--json");
    model = new ModelFlags(this);
    search = new SearchFlags(this);
  }

  @Override
  int call() throws Exception {
    if (!texts.get().isEmpty() && file.get() != null) {
      throw usage("texts as arguments or by -f, not both, please");
    }
    if (count.get() != null && count.get() < 1) {
      throw usage("-n " + count.get() + ", at least 1");
    }
    try (var backend = model.backend();
        var loaded = model.load(backend);
        var translator = translator(loaded)) {
      return translate(translator, read());
    }
  }

  private Translator translator(Model loaded) {
    var translator = new Translator(loaded);
    try {
      var settings = search.settings(translator.settings());
      return translator.with(
          count.get() == null ? settings : settings.withMaxNewTokens(count.get()));
    } catch (RuntimeException e) {
      translator.close();
      throw e;
    }
  }

  private List<String> read() throws IOException {
    if (!texts.get().isEmpty()) {
      for (var text : texts.get()) {
        if (text.isBlank()) {
          throw usage("a text is empty: there is nothing to translate");
        }
      }
      return texts.get();
    }
    var bytes = file.get() == null ? streams.readAll() : InputFile.bytes(file.get(), streams);
    return new String(bytes, StandardCharsets.UTF_8).lines().toList();
  }

  private int translate(Translator translator, List<String> given) throws IOException {
    var all = new ArrayList<Object>();
    boolean shown = streams.errTerminal() && !streams.outTerminal();
    try (var _ = Interrupt.ofThisThread()) {
      translator.translate(
          given,
          RandomGenerator.getDefault(),
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
      printJson(all);
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
      var line = translation.text().replace("\r", "").replace("\n", " ");
      out.println(line + (search.scores() ? "\t" + translation.score() : ""));
    }
    out.flush();
  }

  /// One object for a text, or a list of them where several were asked for.
  private Object members(List<Translation> translations) {
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
