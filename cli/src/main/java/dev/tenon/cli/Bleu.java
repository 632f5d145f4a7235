package dev.tenon.cli;

import dev.tenon.metrics.Bleu.Smoothing;
import dev.tenon.metrics.BleuScore;
import dev.tenon.metrics.BleuTokenizer;
import dev.tenon.metrics.Chrf;
import dev.tenon.metrics.ChrfScore;
import dev.tenon.metrics.Metric;
import dev.tenon.metrics.Rouge;
import dev.tenon.metrics.RougeScore;
import dev.tenon.metrics.Score;
import dev.tenon.metrics.Ter;
import dev.tenon.metrics.TerScore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.TypeConversionException;

/// Scores translations and summaries against references.
final class Bleu extends Command {
  /// So many hypotheses that look tokenized are no accident.
  private static final int MANY_TOKENIZED = 100;

  /// The metrics by their names.
  private enum Kind {
    BLEU,
    CHRF,
    TER,
    ROUGE
  }

  private final Value<Kind> kind;
  private final Value<BleuTokenizer> tokenize;
  private final Value<Boolean> lowercase;
  private final Value<Smoothing> smoothMethod;
  private final Value<Double> smoothValue;
  private final Value<Integer> maxNgramOrder;
  private final Value<Boolean> force;
  private final Value<Integer> chrfCharOrder;
  private final Value<Integer> chrfWordOrder;
  private final Value<Integer> chrfBeta;
  private final Value<Boolean> chrfWhitespace;
  private final Value<Boolean> chrfEpsSmoothing;
  private final Value<Boolean> terNormalized;
  private final Value<Boolean> terNoPunct;
  private final Value<Boolean> terAsianSupport;
  private final Value<Boolean> terCaseSensitive;
  private final Value<Boolean> useStemmer;
  private final Value<Boolean> sentenceLevel;
  private final Value<Integer> width;
  private final Value<Boolean> json;
  private final Value<List<String>> files;

  Bleu(Streams streams) {
    super(
        streams,
        "bleu",
        "Score translations or summaries against references, as sacreBLEU and rouge-score do.",
        "Line by line: the first line of each file of REFERENCES is a reference for the first line"
            + " of HYPOTHESES.");
    files =
        arguments(
            "HYPOTHESES REFERENCES…", "0..*", "What is scored, and what with; '-' for stdin.");
    kind =
        option(
            Kind.class,
            Bleu::kind,
            "bleu",
            "NAME",
            "bleu, chrf, ter or rouge (default: ${DEFAULT-VALUE}).",
            "-m",
            "--metric");
    tokenize =
        option(
            BleuTokenizer.class,
            Bleu::tokenizer,
            "13a",
            "NAME",
            "BLEU: 13a, intl, char, zh or none (default: ${DEFAULT-VALUE}).",
            "-tok",
            "--tokenize");
    lowercase =
        flag(
            "BLEU, chrF: case makes no difference; to TER and ROUGE it makes none.",
            "-lc",
            "--lowercase",
            "--chrf-lowercase");
    smoothMethod =
        option(
            Smoothing.class,
            Bleu::smoothing,
            "exp",
            "NAME",
            "BLEU: exp, floor, add-k or none (default: ${DEFAULT-VALUE}).",
            "-s",
            "--smooth-method");
    smoothValue =
        option(
            Double.class,
            Bleu::number,
            null,
            "X",
            "BLEU: of floor (default: 0.1) or add-k (default: 1).",
            "-sv",
            "--smooth-value");
    maxNgramOrder =
        integer("4", "BLEU: words of the longest n-grams (default: 4).", "--max-ngram-order");
    force = flag("BLEU: do not mind that texts look tokenized.", "--force");
    chrfCharOrder =
        integer(
            "6",
            "chrF: characters of the longest n-grams (default: 6).",
            "-cc",
            "--chrf-char-order");
    chrfWordOrder =
        integer(
            "0",
            "chrF: words of the longest n-grams (default: 0); 2 for chrF++.",
            "-cw",
            "--chrf-word-order");
    chrfBeta =
        integer(
            "2", "chrF: how much more recall weighs than precision (default: 2).", "--chrf-beta");
    chrfWhitespace = flag("chrF: white space counts.", "--chrf-whitespace");
    chrfEpsSmoothing =
        flag("chrF: a score for each order, as chrF++.py has it.", "--chrf-eps-smoothing");
    terNormalized = flag("TER: take punctuation off words.", "--ter-normalized");
    terNoPunct = flag("TER: leave punctuation out.", "--ter-no-punct");
    terAsianSupport =
        flag("TER: do so with Chinese and Japanese characters too.", "--ter-asian-support");
    terCaseSensitive = flag("TER: case makes a difference.", "--ter-case-sensitive");
    useStemmer = flag("ROUGE: compare the stems of English words.", "--use-stemmer");
    sentenceLevel = flag("Score each line by itself.", "-sl", "--sentence-level");
    width = integer("1", "Decimals of a score in a text (default: 1).", "-w", "--width");
    json = flag("Print scores and their parts as JSON, in full precision.", "--json");
  }

  @Override
  int call() throws Exception {
    var given = files.get();
    if (given.size() < 2) {
      throw usage("which texts, and which references? Give HYPOTHESES REFERENCES…");
    }
    if (given.stream().filter("-"::equals).count() > 1) {
      throw usage("stdin can be one of the texts, not more");
    }
    if (width.get() < 0 || width.get() > 15) {
      throw usage("--width " + width.get() + ": 0 to 15 decimals can be");
    }
    var rouge = new Rouge(useStemmer.get());
    var metric = kind.get() == Kind.ROUGE ? null : metric();

    var texts = new ArrayList<List<String>>();
    for (var name : given) {
      texts.add(lines(name));
      int expected = texts.getFirst().size();
      int lines = texts.getLast().size();
      if (expected == 0 || lines != expected) {
        throw new IOException(
            expected == 0
                ? InputFile.name(name) + " has no lines to score"
                : "%s has %d lines, but %s has %d"
                    .formatted(
                        InputFile.name(name), lines, InputFile.name(given.getFirst()), expected));
      }
    }
    var hypotheses = texts.getFirst();
    var references = texts.subList(1, texts.size());
    var json = new ArrayList<Object>();
    var lines = new ArrayList<String>();
    if (!sentenceLevel.get()) {
      warnOfTokenized(hypotheses);
      if (metric == null) {
        add(rouge.corpus(hypotheses, references), json, lines);
      } else {
        add(metric.corpus(hypotheses, references), json, lines);
      }
    }
    for (int i = 0; sentenceLevel.get() && i < hypotheses.size(); i++) {
      int line = i;
      var own = references.stream().map(stream -> stream.get(line)).toList();
      if (metric == null) {
        add(rouge.sentence(hypotheses.get(i), own), json, lines);
      } else {
        add(metric.sentence(hypotheses.get(i), own), json, lines);
      }
    }
    if (this.json.get()) {
      printJson(sentenceLevel.get() ? json : json.getFirst());
    } else {
      for (var line : lines) streams.out().println(line);
    }
    return 0;
  }

  /// {@return the metric that was asked for, with its settings}
  private Metric metric() {
    try {
      return switch (kind.get()) {
        case BLEU -> {
          var method = smoothMethod.get();
          var value = smoothValue.get() == null ? method.usualValue() : smoothValue.get();
          yield new dev.tenon.metrics.Bleu(
              tokenize.get(),
              lowercase.get(),
              method,
              value,
              maxNgramOrder.get(),
              sentenceLevel.get()); // short sentences have no long n-grams
        }
        case CHRF ->
            new Chrf(
                chrfCharOrder.get(),
                chrfWordOrder.get(),
                chrfBeta.get(),
                lowercase.get(),
                chrfWhitespace.get(),
                chrfEpsSmoothing.get());
        case TER ->
            new Ter(
                terNormalized.get(),
                terNoPunct.get(),
                terAsianSupport.get(),
                terCaseSensitive.get());
        case ROUGE -> throw new AssertionError("ROUGE has no settings of these");
      };
    } catch (IllegalArgumentException e) {
      throw usage(e.getMessage());
    }
  }

  /// {@return the lines of a file as sacreBLEU takes them: without white space at their ends}
  private List<String> lines(String name) throws IOException {
    String text;
    try {
      var bytes = ByteBuffer.wrap(InputFile.bytes(name, streams));
      text = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException _) {
      throw new IOException(InputFile.name(name) + " is not a text: it is not UTF-8");
    }
    var lines = new ArrayList<String>();
    for (int start = 0, end; start < text.length(); start = end + 1) {
      end = text.indexOf('\n', start);
      if (end < 0) end = text.length();
      int stripped = end;
      while (stripped > start && isSpace(text.charAt(stripped - 1))) stripped--;
      lines.add(text.substring(start, stripped));
    }
    return lines;
  }

  /// What Python's `rstrip` takes away.
  private static boolean isSpace(char c) {
    return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == 0x85;
  }

  private void warnOfTokenized(List<String> hypotheses) {
    long tokenized = hypotheses.stream().filter(text -> text.endsWith(" .")).count();
    if (kind.get() == Kind.BLEU && !force.get() && tokenized >= MANY_TOKENIZED) {
      streams
          .err()
          .println(
              "tenon: "
                  + tokenized
                  + " lines end in a full stop apart: BLEU is of texts as they are, not tokenized"
                  + " (--force says that these are)");
    }
  }

  private void add(Score score, List<Object> json, List<String> lines) {
    var fields = new LinkedHashMap<String, Object>();
    fields.put("name", score.name());
    fields.put("score", score.score());
    fields.put("signature", score.signature());
    if (!score.verbose().isEmpty()) fields.put("verbose_score", score.verbose());
    for (var setting : score.signature().split("\\|")) {
      int colon = setting.indexOf(':');
      fields.put(setting.substring(0, colon), setting.substring(colon + 1));
    }
    switch (score) {
      case BleuScore bleu -> {
        fields.put("counts", whole(bleu.counts()));
        fields.put("totals", whole(bleu.totals()));
        fields.put("precisions", bleu.precisions());
        fields.put("bp", bleu.bp());
        fields.put("ratio", bleu.ratio());
        fields.put("sys_len", bleu.sysLen());
        fields.put("ref_len", bleu.refLen());
      }
      case ChrfScore chrf -> {
        fields.put("char_order", chrf.charOrder());
        fields.put("word_order", chrf.wordOrder());
        fields.put("beta", chrf.beta());
      }
      case TerScore ter -> {
        fields.put("num_edits", ter.numEdits());
        fields.put("ref_length", ter.refLength());
      }
    }
    json.add(fields);
    lines.add(score.format(width.get()));
  }

  private void add(RougeScore score, List<Object> json, List<String> lines) {
    var fields = new LinkedHashMap<String, Object>();
    var line = new ArrayList<String>();
    var parts = new LinkedHashMap<String, RougeScore.Part>();
    parts.put("rouge1", score.rouge1());
    parts.put("rouge2", score.rouge2());
    parts.put("rougeL", score.rougeL());
    parts.put("rougeLsum", score.rougeLsum());
    parts.forEach(
        (name, part) -> {
          var values = new LinkedHashMap<String, Object>();
          values.put("precision", part.precision());
          values.put("recall", part.recall());
          values.put("f", part.f());
          fields.put(name, values);
          var percent = String.format(Locale.ROOT, "%." + width.get() + "f", 100 * part.f());
          line.add(name + " = " + percent);
        });
    json.add(fields);
    lines.add(String.join(" ", line));
  }

  /// {@return counts as whole numbers where they are}
  private static List<Object> whole(List<Double> counts) {
    var whole = new ArrayList<Object>();
    for (double count : counts) {
      if (count == Math.rint(count)) whole.add((long) count);
      else whole.add(count);
    }
    return whole;
  }

  private static Kind kind(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "bleu" -> Kind.BLEU;
      case "chrf" -> Kind.CHRF;
      case "ter" -> Kind.TER;
      case "rouge" -> Kind.ROUGE;
      default ->
          throw new TypeConversionException("'" + text + "' is not bleu, chrf, ter or rouge");
    };
  }

  private static BleuTokenizer tokenizer(String text) {
    try {
      return BleuTokenizer.of(text);
    } catch (UnsupportedOperationException _) {
      throw new TypeConversionException("'" + text + "' is not 13a, intl, char, zh or none");
    }
  }

  private static Smoothing smoothing(String text) {
    try {
      return Smoothing.of(text);
    } catch (IllegalArgumentException _) {
      throw new TypeConversionException("'" + text + "' is not exp, floor, add-k or none");
    }
  }

  private static Double number(String text) {
    try {
      return Double.valueOf(text);
    } catch (NumberFormatException _) {
      throw new TypeConversionException("'" + text + "' is not a number");
    }
  }
}
