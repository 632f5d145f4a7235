package dev.tenon.tokenizer;

import java.text.Normalizer;
import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;

/// Unicode's normalisation forms, with where each character comes from: as the library tokenizers
/// has them, where what a character is taken apart into comes from that character, and what is put
/// together of several comes from the first of them.
final class UnicodeForm {
  /// A character of each combining class that is not 0, in the order of the classes.
  private static final int[] CLASSES =
      ("\u0334\ud81b\udff0\u093c\u3099\u094d\u05b0\u05b1\u05b2\u05b3\u05b4\u05b5\u05b6\u05b7\u05b8\u05b9\u05bb\u05bc"
           + "\u05bd\u05bf\u05c1\u05c2\ufb1e\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652"
           + "\u0670\u0711\u0c55\u0c56\u0e38\u0e48\u0eb8\u0ec8\u0f71\u0f72\u0f74\u0321\u1dce"
           + "\u031b\u1dfa\u0316\u059a\u302e\ud834\udd6d\u05ae\u0301\u0315\u035c\u035d\u0345")
          .codePoints()
          .toArray();

  private static final int LAST_CLASS = 0x345;

  private static final ConcurrentHashMap<Integer, Integer> CLASS_OF = new ConcurrentHashMap<>();

  private UnicodeForm() {}

  /// A character on its way.
  ///
  /// @param order its combining class: 0, or greater the later it stands
  /// @param change as in [AlignedText.Edit#add]
  private record Symbol(int c, int order, int change) {}

  /// {@return a text in a normalisation form}
  static AlignedText apply(AlignedText from, Form form) {
    var text = from.text();
    boolean composes = form == Form.NFC || form == Form.NFKC;
    // Below these characters stay as they are, whatever stands around them.
    int inert = form == Form.NFC ? 0x300 : 0x80;
    var edit = from.edit();
    var run = new ArrayList<Symbol>();
    for (int i = 0; i < text.length(); ) {
      int end = i;
      while (end < text.length() && isInert(text, end, inert) && isInert(text, end + 1, inert)) {
        end++;
      }
      if (end > i) {
        edit.keep(end);
      } else {
        // The characters up to the next one that stays, which nothing before it changes.
        end = i + Character.charCount(text.codePointAt(i));
        while (end < text.length() && !isInert(text, end, inert)) {
          end += Character.charCount(text.codePointAt(end));
        }
        decompose(text, i, end, composes ? decomposed(form) : form, run);
        if (composes) {
          compose(run, edit);
        } else {
          run.forEach(symbol -> edit.add(symbol.c, symbol.change));
        }
        run.clear();
      }
      i = end;
    }
    return edit.done();
  }

  private static boolean isInert(String text, int i, int inert) {
    return i == text.length() || text.charAt(i) < inert;
  }

  private static Form decomposed(Form form) {
    return form == Form.NFC ? Form.NFD : Form.NFKD;
  }

  private static void decompose(String text, int from, int to, Form form, List<Symbol> run) {
    int marks = 0; // where those after the last character of class 0 begin
    for (int i = from; i < to; ) {
      int c = text.codePointAt(i);
      int next = i + Character.charCount(c);
      if (isWhole(c)) {
        sort(run, marks);
        run.add(new Symbol(c, 0, 0));
        marks = run.size();
      } else {
        var parts = Normalizer.normalize(text.substring(i, next), form);
        for (int at = 0; at < parts.length(); at += Character.charCount(parts.codePointAt(at))) {
          int part = parts.codePointAt(at);
          int order = order(part);
          if (order == 0) {
            sort(run, marks);
          }
          run.add(new Symbol(part, order, at == 0 ? 0 : 1));
          if (order == 0) {
            marks = run.size();
          }
        }
      }
      i = next;
    }
    sort(run, marks);
  }

  /// {@return whether a character, one of very many, has no parts and is no mark}
  private static boolean isWhole(int c) {
    return c < 0x80 || c >= 0x3400 && c <= 0x9fff || c >= 0x1f300 && c <= 0x1f9ff;
  }

  private static void sort(List<Symbol> run, int from) {
    if (run.size() - from > 1) {
      run.subList(from, run.size()).sort(Comparator.comparingInt(Symbol::order)); // stable
    }
  }

  /// Puts characters together, and leaves in between what can not be.
  private static void compose(List<Symbol> run, AlignedText.Edit edit) {
    Symbol first = null;
    var between = new ArrayList<Symbol>();
    for (var symbol : run) {
      if (first == null) {
        if (symbol.order == 0) {
          first = symbol;
        } else {
          edit.add(symbol.c, symbol.change);
        }
        continue;
      }
      boolean blocked = !between.isEmpty() && between.getLast().order >= symbol.order;
      int one = blocked ? -1 : composed(first.c, symbol.c);
      if (one >= 0) {
        first = new Symbol(one, 0, first.change + symbol.change - 1);
      } else if (symbol.order == 0) {
        edit.add(first.c, first.change);
        between.forEach(mark -> edit.add(mark.c, mark.change));
        between.clear();
        first = symbol;
      } else {
        between.add(symbol);
      }
    }
    if (first != null) {
      edit.add(first.c, first.change);
    }
    between.forEach(mark -> edit.add(mark.c, mark.change));
  }

  /// {@return the character that two become, or -1}
  private static int composed(int first, int second) {
    boolean vowelOrFinal = second >= 0x1161 && second <= 0x11c2;
    if (!vowelOrFinal && !isMark(second)) {
      return -1;
    }
    var pair = new StringBuilder(4).appendCodePoint(first).appendCodePoint(second);
    var one = Normalizer.normalize(pair, Form.NFC);
    return one.codePointCount(0, one.length()) == 1 ? one.codePointAt(0) : -1;
  }

  static boolean isMark(int c) {
    return switch (Character.getType(c)) {
      case Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK ->
          true;
      default -> false;
    };
  }

  /// {@return a number for the combining class of a character: 0 for that of letters}
  static int order(int c) {
    return isMark(c) ? CLASS_OF.computeIfAbsent(c, UnicodeForm::findOrder) : 0;
  }

  /// Java does not say the class; it can be seen by which marks change places.
  private static int findOrder(int c) {
    if (c != LAST_CLASS && !swaps(LAST_CLASS, c)) {
      return 0;
    }
    int order = 1; // one of them is of the same class: it is after all those that it swaps behind
    for (int mark : CLASSES) {
      if (swaps(c, mark)) {
        order++;
      }
    }
    return order;
  }

  /// {@return whether the second of two marks is to stand before the first}
  private static boolean swaps(int first, int second) {
    var pair = new StringBuilder(4).appendCodePoint(first).appendCodePoint(second).toString();
    return first != second && Normalizer.normalize(pair, Form.NFD).codePointAt(0) == second;
  }
}
