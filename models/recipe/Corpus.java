import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Writes the corpus that the built-in model is trained on, one JSON object a line: chats as
/// `{"messages": […]}` and stories as `{"text": …}`.
///
/// `java models/recipe/Corpus.java [--seed N] [--chats N] [--arithmetic SHARE] [--plain SHARE]
/// [--folder DIR] [--count] > corpus.jsonl`
///
/// The answers are those of `answers.jsonl`. The questions are patterns of `questions.txt`, which
/// lie in sentences of `frames.txt` and vary by the synonyms of `words.txt`; then come case,
/// punctuation, lost words and slips of the fingers. Same seed, same corpus.
public final class Corpus {
  /// Shares of the lines; the rest are questions about Tenon and small talk, balanced by topic.
  private static final double ARITHMETIC = 0.15;

  private static final double STORIES = 0.05;
  private static final double OUT_OF_SCOPE = 0.09;

  /// How many chats of questions have more than one.
  private static final double LONGER = 0.18;

  private final double arithmetic; // share of the lines
  private final double plain; // share of the questions
  private final Random random;
  private final Map<String, String> answers;
  private final Map<String, Topic> topics;
  private final Map<String, List<String>> frames;
  private final Map<String, List<String>> stories;
  private final Words words;

  /// Which topic a wording belongs to: the same words never have two answers.
  private final Map<String, String> seen = new HashMap<>();

  private Corpus(Path folder, long seed, double arithmetic, double plain) throws IOException {
    this.arithmetic = arithmetic;
    this.plain = plain;
    random = new Random(seed);
    answers = answers(Files.readString(folder.resolve("answers.jsonl")));
    words = new Words(sections(folder.resolve("words.txt")), random);
    frames = sections(folder.resolve("frames.txt"));
    stories = sections(folder.resolve("stories.txt"));
    topics = topics(sections(folder.resolve("questions.txt")));
  }

  public static void main(String[] args) throws IOException {
    long seed = 1;
    int chats = 150_000;
    double arithmetic = ARITHMETIC;
    double plain = 0;
    // The launcher says which file it runs.
    var folder =
        Path.of(System.getProperty("jdk.launcher.sourcefile", "models/recipe/Corpus.java"))
            .toAbsolutePath()
            .getParent();
    boolean count = false;
    for (int i = 0; i < args.length; i++) {
      switch (args[i]) {
        case "--seed" -> seed = Long.parseLong(args[++i]);
        case "--chats" -> chats = Integer.parseInt(args[++i]);
        case "--arithmetic" -> arithmetic = Double.parseDouble(args[++i]);
        case "--plain" -> plain = Double.parseDouble(args[++i]);
        case "--folder" -> folder = Path.of(args[++i]);
        case "--count" -> count = true;
        default -> throw new IllegalArgumentException("no such option: " + args[i]);
      }
    }
    var corpus = new Corpus(folder, seed, arithmetic, plain);
    try (var out =
        new PrintStream(
            new BufferedOutputStream(System.out, 1 << 16), false, StandardCharsets.UTF_8)) {
      corpus.write(out, chats, count);
    }
  }

  // ---- what is written --------------------------------------------------------------------------

  private void write(PrintStream out, int lines, boolean count) {
    var plan = plan(lines);
    var counts = new TreeMap<String, Integer>();
    for (var topic : plan) {
      counts.merge(topic, 1, Integer::sum);
      switch (topic) {
        case "text" -> out.println("{\"text\":" + quoted(new Story().text()) + "}");
        case "story" -> {
          var story = new Story();
          out.println(chat(List.of(story.question(), story.text())));
        }
        case "arithmetic" -> out.println(chat(arithmeticChat()));
        default -> out.println(chat(questions(topic)));
      }
    }
    out.flush();
    if (count) {
      counts.forEach((topic, n) -> System.err.println(n + "\t" + topic));
      System.err.println(lines + " lines, " + seen.size() + " distinct wordings of questions");
    }
  }

  /// What each line is about, in a random order.
  private List<String> plan(int lines) {
    var plan = new ArrayList<String>(lines);
    add(plan, "arithmetic", lines * arithmetic);
    add(plan, "text", lines * STORIES * 0.4);
    add(plan, "story", lines * STORIES * 0.6);
    double unknown = lines * OUT_OF_SCOPE;
    double weights = 0;
    for (var topic : topics.values()) weights += topic.weight();
    double each = (lines - plan.size() - unknown) / (weights - 1);
    double upTo = plan.size();
    for (var topic : topics.values()) {
      upTo += topic.name().equals("out_of_scope") ? unknown : each * topic.weight();
      add(plan, topic.name(), upTo - plan.size());
    }
    Collections.shuffle(plan, random);
    return plan;
  }

  private static void add(List<String> plan, String topic, double times) {
    for (long i = Math.round(times); i > 0; i--) plan.add(topic);
  }

  /// A chat that begins with a question on the topic: user, assistant, user and so on.
  private List<String> questions(String topic) {
    var turns = new ArrayList<String>();
    turns.add(asked(topic));
    turns.add(answers.get(topic));
    if (!chance(LONGER)) return turns;
    var here = topic;
    do {
      var asked = turns.size();
      var twin = twin(here);
      if (twin != null && chance(0.5)) {
        here = twin;
        turns.add(
            words.dressed(frame(here.startsWith("java_") ? "and in java" : "and outside"), true));
        turns.add(answers.get(here));
      } else if (chance(0.15)) {
        here = chance(0.7) ? "thanks" : "goodbye";
        turns.add(words.dressed(question(here), false));
        turns.add(answers.get(here));
      } else if (chance(0.08)) {
        turns.addAll(arithmetic());
      } else if (chance(0.08)) {
        var story = new Story();
        turns.add(story.question());
        turns.add(story.text());
      } else {
        here = anyTopic();
        turns.add(
            words.dressed(expand(pick(frames.get("next"))).replace("*", question(here)), false));
        turns.add(answers.get(here));
      }
      if (asked == turns.size()) break;
    } while (turns.size() < 6 && chance(0.35));
    return turns;
  }

  private List<String> arithmeticChat() {
    var turns = new ArrayList<>(arithmetic());
    while (turns.size() < 6 && chance(0.3)) turns.addAll(arithmetic());
    return turns;
  }

  private String anyTopic() {
    return chance(OUT_OF_SCOPE) ? "out_of_scope" : pick(List.copyOf(topics.keySet()));
  }

  /// The same in Java, or outside Java; null where there is none.
  private String twin(String topic) {
    if (topic.startsWith("java_")) {
      var outside = topic.substring(5);
      return switch (outside) {
        case "load" -> "other_model";
        case "generate" -> "run";
        case "record" -> "json_schema";
        case "sampler" -> "temperature";
        default -> answers.containsKey(outside) ? outside : null;
      };
    }
    return switch (topic) {
      case "other_model" -> "java_load";
      case "run" -> "java_generate";
      case "json_schema" -> "java_record";
      case "temperature", "top_p", "top_k", "min_p" -> "java_sampler";
      default -> answers.containsKey("java_" + topic) ? "java_" + topic : null;
    };
  }

  // ---- questions --------------------------------------------------------------------------------

  /// A pattern and its kind: a verb phrase, a noun phrase, a problem, keywords, a command's name, a
  /// flag, or a whole sentence.
  private record Wording(String kind, String pattern) {}

  private record Topic(String name, double weight, List<Wording> wordings, double[] upTo) {}

  private Map<String, Topic> topics(Map<String, List<String>> sections) {
    var result = new LinkedHashMap<String, Topic>();
    sections.forEach(
        (head, lines) -> {
          var name = head.split(" ")[0];
          if (!answers.containsKey(name)) throw new IllegalArgumentException("no answer: " + name);
          double weight =
              head.contains(" ") ? Double.parseDouble(head.substring(head.indexOf(' ') + 1)) : 1;
          var wordings = new ArrayList<Wording>();
          for (var line : lines) {
            if (line.startsWith("= ")) { // the verb phrases of another topic
              var other = result.get(line.substring(2).strip());
              for (var wording : other.wordings()) {
                if (wording.kind().equals("v")) wordings.add(wording);
              }
            } else {
              wordings.add(new Wording(line.substring(0, 1), line.substring(2).strip()));
            }
          }
          // A pattern with many expansions is asked more often, though not as often as it has them.
          var upTo = new double[wordings.size()];
          double sum = 0;
          for (int i = 0; i < upTo.length; i++) {
            var framed = wordings.get(i).kind().equals("s") ? 1 : 6;
            sum += 1 + Math.log(framed * Words.expansions(wordings.get(i).pattern(), words));
            upTo[i] = sum;
          }
          result.put(name, new Topic(name, weight, wordings, upTo));
        });
    for (var topic : answers.keySet()) {
      if (!result.containsKey(topic) && !topic.equals("story") && !topic.equals("arithmetic")) {
        throw new IllegalArgumentException("no questions: " + topic);
      }
    }
    return result;
  }

  private String asked(String topic) {
    return plain > 0 && chance(plain) ? plain(topic) : words.dressed(question(topic), true);
  }

  /// A question as it is asked most often, without greetings, synonyms and slips: "How do I
  /// quantize a model?" The first patterns of a topic are the plainest.
  private String plain(String name) {
    var topic = topics.get(name);
    for (int attempt = 0; attempt < 100; attempt++) {
      var wording =
          topic.wordings().get(random.nextInt(1 + random.nextInt(topic.wordings().size())));
      var frame =
          switch (wording.kind()) {
            case "v" -> pick(List.of("how do i *", "how do i *", "how can i *", "how to *"));
            case "n" -> pick(List.of("what is *", "what is *", "explain *", "*"));
            case "c" -> pick(List.of("what does tenon * do", "how do i use tenon *"));
            case "f" -> pick(List.of("what is *", "what does * do"));
            default -> "*";
          };
      var text = frame.replace("*", expand(wording.pattern()));
      if (name.startsWith("java_") && !text.contains("java")) text += " in java";
      var owner = seen.putIfAbsent(text, name);
      if (owner != null && !owner.equals(name)) continue;
      if (chance(0.5)) {
        text = text.replaceAll("\\bi\\b", "I").replaceAll("\\bjava\\b", "Java");
        text = Character.toUpperCase(text.charAt(0)) + text.substring(1);
      }
      return chance(0.6) && !wording.kind().equals("k") ? text + "?" : text;
    }
    return words.dressed(question(name), true);
  }

  /// A new wording where one is found soon, and never one of another topic.
  private String question(String name) {
    var topic = topics.get(name);
    for (int attempt = 0; ; attempt++) {
      double at = random.nextDouble() * topic.upTo()[topic.upTo().length - 1];
      int i = 0;
      while (topic.upTo()[i] < at) i++;
      var text = wording(topic, topic.wordings().get(i));
      var owner = seen.putIfAbsent(text, name);
      if (owner == null || (attempt >= 6 && owner.equals(name)) || attempt > 100) return text;
    }
  }

  private String wording(Topic topic, Wording wording) {
    var text = expand(wording.pattern());
    var java = topic.name().startsWith("java_");
    if (wording.kind().equals("k") && chance(0.25)) text = shuffled(text);
    if (!wording.kind().equals("s")) {
      if (java && wording.kind().equals("v") && !text.contains("java")) {
        text = frame("java v").replace("*", text);
      } else if (java && wording.kind().equals("k") && !text.contains("java")) {
        text = chance(0.5) ? "java " + text : text + " java";
      } else if (wording.kind().equals("v")
          && chance(0.12)
          && !topic.name().equals("out_of_scope")) {
        text = text + " " + frame("where");
      }
      text = frame(wording.kind()).replace("*", text);
    }
    return words.varied(text);
  }

  private String frame(String kind) {
    return expand(pick(frames.get(kind)));
  }

  private String shuffled(String text) {
    var list = new ArrayList<>(List.of(text.split(" ")));
    Collections.shuffle(list, random);
    return String.join(" ", list);
  }

  // ---- arithmetic -------------------------------------------------------------------------------

  private List<String> arithmetic() {
    if (chance(0.04)) {
      int a = 100 + random.nextInt(9900);
      int b = 11 + random.nextInt(990);
      var text =
          expand(pick(frames.get("sum")))
              .replace("*", a + pick(List.of(" + ", " * ", " - ", " / ", " times ", " plus ")) + b);
      return List.of(
          words.dressed(text, true),
          "That is too much for me: I only calculate with small numbers.");
    }
    int which = random.nextInt(20);
    int a;
    int b;
    int c;
    String sign;
    if (which < 8) {
      int most = which < 5 ? 13 : which < 7 ? 21 : 51;
      a = random.nextInt(most);
      b = random.nextInt(most);
      c = a + b;
      sign = "+";
    } else if (which < 12) {
      int most = which < 10 ? 13 : 21;
      a = random.nextInt(which == 11 ? 51 : most);
      b = random.nextInt(most);
      if (a < b && chance(0.8)) {
        int t = a;
        a = b;
        b = t;
      }
      c = a - b;
      sign = "-";
    } else if (which < 18) {
      a = random.nextInt(11);
      b = random.nextInt(chance(0.1) ? 13 : 11);
      c = a * b;
      sign = "×";
    } else {
      b = 1 + random.nextInt(10);
      c = random.nextInt(11);
      a = b * c;
      sign = "/";
    }
    var spelled = chance(0.3);
    var pattern = pick(frames.get(sign));
    var text = expand(pattern).replace("A", number(a, spelled)).replace("B", number(b, spelled));
    if (pattern.startsWith("! ")) text = text.substring(2);
    else text = expand(pick(frames.get("sum"))).replace("*", text);
    return List.of(words.dressed(text, true), a + " " + sign + " " + b + " = " + c + ".");
  }

  private static final List<String> SMALL =
      List.of(
          ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
                  + " fifteen sixteen seventeen eighteen nineteen")
              .split(" "));

  private static final List<String> TENS =
      List.of("twenty thirty forty fifty sixty seventy eighty ninety".split(" "));

  private static String number(int n, boolean spelled) {
    if (!spelled || n > 99) return spelled && n == 100 ? "a hundred" : Integer.toString(n);
    if (n < 20) return SMALL.get(n);
    return TENS.get(n / 10 - 2) + (n % 10 == 0 ? "" : "-" + SMALL.get(n % 10));
  }

  // ---- stories ----------------------------------------------------------------------------------

  /// A story, in which `<name>` and the like stand for the same word throughout.
  private final class Story {
    private final Map<String, String> bound = new HashMap<>();

    Story() {
      var hero = expand(pick(stories.get("heroes"))).split(" ", 2); // "she girl", "? dog"
      var she = hero[0].equals("she") || (hero[0].equals("?") && random.nextBoolean());
      bound.put("hero", hero[1]);
      bound.put("he", she ? "she" : "he");
      bound.put("his", she ? "her" : "his");
      bound.put("hers", she ? "hers" : "his");
      bound.put("him", she ? "her" : "him");
      bound.put("name", pick(stories.get(she ? "girls" : "boys")));
    }

    String text() {
      var text =
          String.join(
              " ",
              bind(pick(stories.get("beginnings"))),
              bind(pick(stories.get("plots"))),
              bind(pick(stories.get("ends"))));
      var result = new StringBuilder(articles(text));
      for (int i = 0; i < result.length(); i++) {
        if (i == 0 || (i > 1 && ".!?".indexOf(result.charAt(i - 2)) >= 0)) {
          result.setCharAt(i, Character.toUpperCase(result.charAt(i)));
        }
      }
      return result.toString();
    }

    String question() {
      return words.dressed(words.varied(articles(bind(pick(stories.get("questions"))))), true);
    }

    private String bind(String pattern) {
      return Pattern.compile("<(\\w+)>")
          .matcher(expand(pattern))
          .replaceAll(
              match ->
                  Matcher.quoteReplacement(
                      bound.computeIfAbsent(
                          match.group(1),
                          key -> {
                            String word;
                            do {
                              word = pick(stories.get(key));
                            } while (bound.containsValue(word));
                            return word;
                          })));
    }
  }

  private static String articles(String text) {
    return text.replaceAll("\\b([Aa]) (?=[aeioAEIO])", "$1n ");
  }

  // ---- patterns and words -----------------------------------------------------------------------

  private String expand(String pattern) {
    return words.expanded(pattern);
  }

  private boolean chance(double p) {
    return random.nextDouble() < p;
  }

  private <T> T pick(List<T> list) {
    return list.get(random.nextInt(list.size()));
  }

  /// Words that stand for each other, and what people do to words as they type.
  private static final class Words {
    private static final Pattern WORD = Pattern.compile("[A-Za-z][A-Za-z-]*");

    private final Random random;
    private final Map<String, String> lists = new HashMap<>();
    private final Map<String, String[]> synonyms = new HashMap<>();
    private final Map<String, String> names = new HashMap<>();
    private final List<String> unimportant;
    private final List<String[]> contractions = new ArrayList<>();
    private final List<String> before;
    private final List<String> after;

    Words(Map<String, List<String>> sections, Random random) {
      this.random = random;
      for (var line : sections.get("lists")) {
        int at = line.indexOf(" = ");
        lists.merge(line.substring(0, at), line.substring(at + 3), (a, b) -> a + "|" + b);
      }
      for (var line : sections.get("synonyms")) {
        int at = line.indexOf(": ");
        synonyms.put(line.substring(0, at), line.substring(at + 2).split("\\|"));
      }
      for (var line : sections.get("names")) {
        for (var name : line.split(" ")) names.put(name.toLowerCase(Locale.ROOT), name);
      }
      unimportant = List.of(String.join(" ", sections.get("unimportant")).split(" "));
      for (var line : sections.get("contractions")) contractions.add(line.split(": "));
      before = sections.get("before");
      after = sections.get("after");
    }

    private boolean chance(double p) {
      return random.nextDouble() < p;
    }

    /// `[a|b|]` is a choice, `{list}` a word of a list; choices nest.
    String expanded(String pattern) {
      var out = new StringBuilder();
      var at = new int[1];
      expand(pattern, at, out, true);
      if (at[0] < pattern.length()) throw new IllegalArgumentException("brackets: " + pattern);
      return out.toString().replaceAll(" {2,}", " ").replaceAll(" ([,.?!])", "$1").strip();
    }

    private void expand(String pattern, int[] at, StringBuilder out, boolean top) {
      while (at[0] < pattern.length()) {
        char c = pattern.charAt(at[0]);
        if (c == '[' || c == '{') {
          String inner;
          int close = closing(pattern, at[0]);
          inner = pattern.substring(at[0] + 1, close);
          if (c == '{') {
            var list = lists.get(inner);
            if (list == null) throw new IllegalArgumentException("no list: " + inner);
            inner = list;
          }
          var choices = choices(inner);
          var nested = new int[1];
          expand(choices.get(random.nextInt(choices.size())), nested, out, false);
          at[0] = close + 1;
        } else {
          out.append(c);
          at[0]++;
        }
      }
    }

    private static int closing(String pattern, int from) {
      int depth = 0;
      for (int i = from; i < pattern.length(); i++) {
        char c = pattern.charAt(i);
        if (c == '[' || c == '{') depth++;
        if ((c == ']' || c == '}') && --depth == 0) return i;
      }
      throw new IllegalArgumentException("brackets: " + pattern);
    }

    private static List<String> choices(String inner) {
      var result = new ArrayList<String>();
      int depth = 0;
      int from = 0;
      for (int i = 0; i < inner.length(); i++) {
        char c = inner.charAt(i);
        if (c == '[' || c == '{') depth++;
        if (c == ']' || c == '}') depth--;
        if (c == '|' && depth == 0) {
          result.add(inner.substring(from, i));
          from = i + 1;
        }
      }
      result.add(inner.substring(from));
      return result;
    }

    /// How many texts a pattern stands for.
    static double expansions(String pattern, Words words) {
      double product = 1;
      for (int i = 0; i < pattern.length(); i++) {
        char c = pattern.charAt(i);
        if (c == '[' || c == '{') {
          int close = closing(pattern, i);
          var inner = pattern.substring(i + 1, close);
          if (c == '{') inner = words.lists.get(inner);
          if (inner == null) throw new IllegalArgumentException("no such list in: " + pattern);
          double sum = 0;
          for (var choice : choices(inner)) sum += expansions(choice, words);
          product *= sum;
          i = close;
        }
      }
      return product;
    }

    /// The text with some words as somebody else would say them, and some left out.
    String varied(String text) {
      var replaced =
          WORD.matcher(text)
              .replaceAll(
                  match -> {
                    var word = match.group();
                    var others = synonyms.get(word);
                    boolean flag =
                        match.start() > 0 && "-/`_".indexOf(text.charAt(match.start() - 1)) >= 0;
                    if (others == null || flag || !chance(0.22))
                      return Matcher.quoteReplacement(word);
                    return Matcher.quoteReplacement(others[random.nextInt(others.length)]);
                  });
      double lost = chance(0.07) ? 0.6 : chance(0.1) ? 0.15 : 0;
      if (lost > 0) {
        var kept = new ArrayList<String>();
        for (var word : replaced.split(" ")) {
          if (!unimportant.contains(word) || !chance(lost)) kept.add(word);
        }
        if (!kept.isEmpty()) replaced = String.join(" ", kept);
      }
      for (var contraction : contractions) {
        if (replaced.contains(contraction[0]) && chance(0.3)) {
          replaced = (" " + replaced).replace(" " + contraction[0], " " + contraction[1]).strip();
          if (chance(0.2)) replaced = replaced.replace("'", "");
        }
      }
      return replaced;
    }

    /// The text as typed: greetings, case, punctuation, slips.
    String dressed(String text, boolean polite) {
      if (polite && chance(0.1)) text = expanded(pick(before)).replace("*", text);
      if (polite && chance(0.07)) text = expanded(pick(after)).replace("*", text);
      if (chance(0.09)) text = slipped(text);
      if (chance(0.015)) text = slipped(text);
      double style = random.nextDouble();
      if (style < 0.55) {
        text = named(text, 0.85);
        text = text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1);
      } else if (style < 0.65) {
        text = named(text, 0.5);
      } else if (style < 0.96) {
        text = text.toLowerCase(Locale.ROOT);
      } else if (style < 0.985) {
        text =
            WORD.matcher(named(text, 0.8))
                .replaceAll(
                    m ->
                        Matcher.quoteReplacement(
                            m.group().substring(0, 1).toUpperCase(Locale.ROOT)
                                + m.group().substring(1)));
      } else {
        text = text.toUpperCase(Locale.ROOT);
      }
      if (!text.isEmpty() && ".?!".indexOf(text.charAt(text.length() - 1)) < 0) {
        double end = random.nextDouble();
        boolean asks = ASKS.matcher(text).find();
        if (asks)
          text += end < 0.68 ? "?" : end < 0.7 ? "??" : end < 0.71 ? " ?" : end < 0.73 ? "." : "";
        else text += end < 0.22 ? "." : end < 0.42 ? "?" : end < 0.44 ? "!" : "";
      }
      return text;
    }

    private static final Pattern ASKS =
        Pattern.compile(
            "(?i)\\b(how|whats?|which|who|where|why|when|can|could|is|are|do|does|should|will)\\b");

    private String named(String text, double p) {
      if (!chance(p)) return text;
      return WORD.matcher(text)
          .replaceAll(
              match -> {
                var name = names.get(match.group());
                return Matcher.quoteReplacement(name == null ? match.group() : name);
              });
    }

    private String pick(List<String> list) {
      return list.get(random.nextInt(list.size()));
    }

    /// A letter lost, doubled, or in the wrong place, in a word of at least four.
    private String slipped(String text) {
      for (int attempt = 0; attempt < 8; attempt++) {
        int i = 1 + random.nextInt(Math.max(1, text.length() - 1));
        if (i + 1 >= text.length()
            || !Character.isLetter(text.charAt(i - 1))
            || !Character.isLetter(text.charAt(i))
            || !Character.isLetter(text.charAt(i + 1))) {
          continue;
        }
        int from = i;
        while (from > 0 && Character.isLetter(text.charAt(from - 1))) from--;
        int to = i;
        while (to < text.length() && Character.isLetter(text.charAt(to))) to++;
        if (to - from < 4 || (from > 0 && "-/_`".indexOf(text.charAt(from - 1)) >= 0)) continue;
        var head = text.substring(0, i);
        var tail = text.substring(i + 1);
        char c = text.charAt(i);
        return switch (random.nextInt(4)) {
          case 0 -> head + tail;
          case 1 -> head + c + c + tail;
          case 2 -> head + tail.charAt(0) + c + tail.substring(1);
          default -> head + near(c) + tail;
        };
      }
      return text;
    }

    /// A key beside this one.
    private char near(char c) {
      for (var row : List.of("qwertyuiop", "asdfghjkl", "zxcvbnm")) {
        int at = row.indexOf(c);
        if (at >= 0)
          return row.charAt(at == 0 ? 1 : at == row.length() - 1 || chance(0.5) ? at - 1 : at + 1);
      }
      return c;
    }
  }

  // ---- files ------------------------------------------------------------------------------------

  /// The lines below each `# head`; `//` begins a comment.
  private static Map<String, List<String>> sections(Path file) throws IOException {
    var result = new LinkedHashMap<String, List<String>>();
    List<String> section = null;
    for (var line : Files.readAllLines(file)) {
      if (line.isBlank() || line.startsWith("//")) continue;
      if (line.startsWith("# ")) {
        section = result.computeIfAbsent(line.substring(2).strip(), name -> new ArrayList<>());
      } else if (section == null) {
        throw new IOException(file + ": a line before the first section: " + line);
      } else {
        section.add(line.strip());
      }
    }
    return result;
  }

  private static final Pattern FIELD = Pattern.compile("\"(\\w+)\": \"((?:[^\"\\\\]|\\\\.)*)\"");

  private static Map<String, String> answers(String jsonl) {
    var result = new LinkedHashMap<String, String>();
    for (var line : jsonl.lines().toList()) {
      var fields = new HashMap<String, String>();
      var field = FIELD.matcher(line);
      while (field.find()) {
        fields.put(field.group(1), field.group(2).replace("\\\"", "\"").replace("\\\\", "\\"));
      }
      result.put(fields.get("topic"), fields.get("answer"));
    }
    return result;
  }

  private static String chat(List<String> turns) {
    var out = new StringBuilder("{\"messages\":[");
    for (int i = 0; i < turns.size(); i++) {
      if (i > 0) out.append(',');
      out.append(i % 2 == 0 ? "{\"role\":\"user\"" : "{\"role\":\"assistant\"");
      out.append(",\"content\":").append(quoted(turns.get(i))).append('}');
    }
    return out.append("]}").toString();
  }

  private static String quoted(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + '"';
  }
}
