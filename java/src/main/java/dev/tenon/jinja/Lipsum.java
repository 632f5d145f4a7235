package dev.tenon.jinja;

import java.util.random.RandomGenerator;

/// Text that means nothing, to fill a page with.
final class Lipsum {
  private static final String[] WORDS =
      ("lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut"
              + " labore et dolore magna aliqua enim ad minim veniam quis nostrud exercitation"
              + " ullamco laboris nisi aliquip ex ea commodo consequat duis aute irure in"
              + " reprehenderit voluptate velit esse cillum eu fugiat nulla pariatur excepteur sint"
              + " occaecat cupidatat non proident sunt culpa qui officia deserunt mollit anim id"
              + " est laborum")
          .split(" ");

  private Lipsum() {}

  /// {@return paragraphs of words, at least `min` and fewer than `max` in each}
  static Object generate(Interpreter in, int paragraphs, boolean html, int min, int max) {
    if (paragraphs > 0 && min >= max) throw new TemplateException("empty range for lipsum");
    var out = new Output(in.meter());
    for (int i = 0; i < paragraphs; i++) {
      if (i > 0) out.append(html ? "\n" : "\n\n");
      if (html) out.append("<p>");
      paragraph(in, Math.max(0, in.random().nextInt(min, max)), out);
      if (html) out.append("</p>");
    }
    return html ? new Markup(out.toString()) : out.toString();
  }

  private static void paragraph(Interpreter in, int words, Output out) {
    RandomGenerator random = in.random();
    boolean begins = true;
    int last = -1;
    for (int i = 0; i < words; i++) {
      in.meter().step();
      int word = (last + 1 + random.nextInt(WORDS.length - 1)) % WORDS.length;
      last = word;
      if (i > 0) out.append(' ');
      out.append(begins ? Strings.capitalize(WORDS[word]) : WORDS[word]);
      begins = i + 1 < words && random.nextInt(12) == 0;
      if (begins) out.append('.');
      else if (i + 1 < words && random.nextInt(6) == 0) out.append(',');
    }
    out.append('.');
  }
}
