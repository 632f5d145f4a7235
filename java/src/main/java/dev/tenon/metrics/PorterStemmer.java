package dev.tenon.metrics;

import java.util.Map;
import java.util.function.Predicate;

/// Cuts English words down to their stems: M. F. Porter, "An algorithm for suffix stripping", 1980,
/// with the extensions that NLTK has by default. Steps and conditions have the paper's names.
final class PorterStemmer {
  private static final Map<String, String> IRREGULAR =
      Map.ofEntries(
          Map.entry("sky", "sky"),
          Map.entry("skies", "sky"),
          Map.entry("dying", "die"),
          Map.entry("lying", "lie"),
          Map.entry("tying", "tie"),
          Map.entry("news", "news"),
          Map.entry("innings", "inning"),
          Map.entry("inning", "inning"),
          Map.entry("outings", "outing"),
          Map.entry("outing", "outing"),
          Map.entry("cannings", "canning"),
          Map.entry("canning", "canning"),
          Map.entry("howe", "howe"),
          Map.entry("proceed", "proceed"),
          Map.entry("exceed", "exceed"),
          Map.entry("succeed", "succeed"));

  // Ending, what takes its place, ending, …; the first ending that a word has is the rule for it.
  private static final String[] STEP_2 = {
    "ational", "ate", "tional", "tion", "enci", "ence", "anci", "ance", "izer", "ize", "bli", "ble",
    "alli", "al", "entli", "ent", "eli", "e", "ousli", "ous", "ization", "ize", "ation", "ate",
    "ator", "ate", "alism", "al", "iveness", "ive", "fulness", "ful", "ousness", "ous", "aliti",
    "al", "iviti", "ive", "biliti", "ble", "fulli", "ful"
  };
  private static final String[] STEP_3 = {
    "icate", "ic", "ative", "", "alize", "al", "iciti", "ic", "ical", "ic", "ful", "", "ness", ""
  };
  private static final String[] STEP_4 = {
    "al", "", "ance", "", "ence", "", "er", "", "ic", "", "able", "", "ible", "", "ant", "",
    "ement", "", "ment", "", "ent", "", "ion", "", "ou", "", "ism", "", "ate", "", "iti", "", "ous",
    "", "ive", "", "ize", ""
  };

  private PorterStemmer() {}

  /// {@return the stem}
  ///
  /// @param word in lower case
  static String stem(String word) {
    if (IRREGULAR.containsKey(word)) return IRREGULAR.get(word);
    if (word.length() <= 2) return word;
    return step5b(step5a(step4(step3(step2(step1c(step1b(step1a(word))))))));
  }

  /// Plurals.
  private static String step1a(String word) {
    if (word.endsWith("ies")) return cut(word, word.length() == 4 ? 1 : 2);
    if (word.endsWith("sses")) return cut(word, 2);
    return word.endsWith("s") && !word.endsWith("ss") ? cut(word, 1) : word;
  }

  /// -ed and -ing.
  private static String step1b(String word) {
    if (word.endsWith("ied")) return cut(word, word.length() == 4 ? 1 : 2);
    if (word.endsWith("eed")) return measure(cut(word, 3)) > 0 ? cut(word, 1) : word;
    var stem = word.endsWith("ed") ? cut(word, 2) : word.endsWith("ing") ? cut(word, 3) : word;
    if (stem.equals(word) || !hasVowel(stem)) return word;
    if (stem.endsWith("at") || stem.endsWith("bl") || stem.endsWith("iz")) return stem + "e";
    if (endsInDouble(stem)) {
      return "lsz".indexOf(stem.charAt(stem.length() - 1)) < 0 ? cut(stem, 1) : stem;
    }
    return measure(stem) == 1 && endsInCvc(stem) ? stem + "e" : stem;
  }

  /// -y after a consonant that is not the first letter.
  private static String step1c(String word) {
    int last = word.length() - 1;
    return word.endsWith("y") && last > 1 && consonant(word, last - 1) ? cut(word, 1) + "i" : word;
  }

  private static String step2(String word) {
    if (word.endsWith("alli") && measure(cut(word, 4)) > 0) return step2(cut(word, 2));
    if (word.endsWith("logi")) return measure(cut(word, 3)) > 0 ? cut(word, 1) : word;
    return replaced(word, STEP_2, stem -> measure(stem) > 0);
  }

  private static String step3(String word) {
    return replaced(word, STEP_3, stem -> measure(stem) > 0);
  }

  private static String step4(String word) {
    boolean ion = word.endsWith("ion");
    return replaced(
        word,
        STEP_4,
        stem -> measure(stem) > 1 && (!ion || stem.endsWith("s") || stem.endsWith("t")));
  }

  private static String step5a(String word) {
    if (!word.endsWith("e")) return word;
    var stem = cut(word, 1);
    int measure = measure(stem);
    return measure > 1 || measure == 1 && !endsInCvc(stem) ? stem : word;
  }

  private static String step5b(String word) {
    return word.endsWith("ll") && measure(cut(word, 1)) > 1 ? cut(word, 1) : word;
  }

  /// {@return the word by the rule for it, where its stem fulfils a condition}
  private static String replaced(String word, String[] rules, Predicate<String> condition) {
    for (int i = 0; i < rules.length; i += 2) {
      if (word.endsWith(rules[i])) {
        var stem = cut(word, rules[i].length());
        return condition.test(stem) ? stem + rules[i + 1] : word;
      }
    }
    return word;
  }

  private static String cut(String word, int letters) {
    return word.substring(0, word.length() - letters);
  }

  /// {@return how many times a consonant follows a vowel: m}
  private static int measure(String stem) {
    int measure = 0;
    boolean before = true;
    for (int i = 0; i < stem.length(); i++) {
      boolean consonant = consonant(stem.charAt(i), i == 0 || !before);
      if (consonant && !before) measure++;
      before = consonant;
    }
    return measure;
  }

  /// {@return whether there is a vowel: *v*}
  private static boolean hasVowel(String stem) {
    boolean before = false;
    for (int i = 0; i < stem.length(); i++) {
      before = consonant(stem.charAt(i), i == 0 || !before);
      if (!before) return true;
    }
    return false;
  }

  /// {@return whether it ends with a consonant twice: *d}
  private static boolean endsInDouble(String stem) {
    int last = stem.length() - 1;
    return last >= 1 && stem.charAt(last) == stem.charAt(last - 1) && consonant(stem, last);
  }

  /// {@return whether it ends with consonant, vowel, consonant, the last not w, x or y, or is but a
  /// vowel and a consonant: *o}
  private static boolean endsInCvc(String stem) {
    int last = stem.length() - 1;
    if (last == 1) return !consonant(stem, 0) && consonant(stem, 1);
    return last >= 2
        && consonant(stem, last - 2)
        && !consonant(stem, last - 1)
        && consonant(stem, last)
        && "wxy".indexOf(stem.charAt(last)) < 0;
  }

  private static boolean consonant(String word, int at) {
    int first = at;
    while (first > 0 && word.charAt(first) == 'y') first--;
    boolean consonant = consonant(word.charAt(first), true);
    return (at - first) % 2 == 0 ? consonant : !consonant;
  }

  /// {@return whether it is a consonant; digits are}
  ///
  /// @param y what it is if it is a y: a consonant first of all and after a vowel
  private static boolean consonant(char letter, boolean y) {
    return letter == 'y' ? y : "aeiou".indexOf(letter) < 0;
  }
}
