package dev.tenon.convert;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// What the name of a model says, such as `mistralai/Mistral-7B-Instruct-v0.2`; the guesses are
/// those of `Metadata.get_model_id_components` in gguf-py. What a name does not say is null.
///
/// @param fullName the name without the organization
/// @param organization who made it
/// @param baseName for example `Mistral`
/// @param finetune for example `Instruct`
/// @param version for example `v0.2`
/// @param sizeLabel for example `7B`
record ModelId(
    String fullName,
    String organization,
    String baseName,
    String finetune,
    String version,
    String sizeLabel) {
  private static final int MOST = 512; // what is longer is no name
  private static final Pattern VERSION = pattern("(v|iter)?\\d+([.]\\d+)*");
  private static final Pattern TYPE = pattern("i?q\\d(_\\w)*|b?fp?(16|32)");
  private static final Pattern SIZE =
      pattern("(([A]|\\d+[x])?\\d+([._]\\d+)?[KMBT][\\d]?|small|mini|medium|large|x?xl)");
  private static final Pattern TUNED = pattern("chat|instruct|vision|lora");
  private static final Pattern NUMBER_SIZE = Pattern.compile("\\d+(\\.\\d+)?.");
  private static final Pattern VERSION_OR_NUMBER =
      Pattern.compile("v\\d+(\\.\\d+)*|\\d.*", Pattern.UNICODE_CHARACTER_CLASS);

  private static Pattern pattern(String regex) {
    return Pattern.compile(
        regex, Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE | Pattern.UNICODE_CHARACTER_CLASS);
  }

  /// What a part of a name may be.
  private enum Role {
    BASE,
    SIZE,
    FINETUNE,
    VERSION,
    TYPE
  }

  /// A part between hyphens.
  private static final class Part {
    String text;
    final Set<Role> roles = EnumSet.noneOf(Role.class);

    Part(String text) {
      this.text = text;
    }
  }

  /// {@return what a name says}
  ///
  /// @param id a name, perhaps with an organization before a slash
  /// @param parameters how many the model has: what is far from that is no size of it
  static ModelId of(String id, long parameters) {
    if (id.contains(" ") || id.length() > MOST)
      return new ModelId(id, null, null, null, null, null);
    int slash = id.indexOf('/');
    var organization = slash < 0 ? null : id.substring(0, slash);
    if (organization != null && organization.startsWith(".")) organization = null;
    var fullName = id.substring(slash + 1);
    var parts = new ArrayList<Part>();
    for (var text : fullName.split("-")) if (!text.isEmpty()) parts.add(new Part(text));
    for (int i = 0; i < parts.size(); i++) annotate(parts.get(i), i == 0, parameters);
    dropWordsBesideNumbers(parts);
    findBaseName(parts);

    var finetune = join(parts, part -> part.roles.contains(Role.FINETUNE));
    var version =
        join(parts, part -> part.roles.contains(Role.VERSION) && !part.roles.contains(Role.BASE));
    var sizes = new LinkedHashSet<String>();
    for (var part : parts) if (part.roles.contains(Role.SIZE)) sizes.add(part.text);
    var size = sizes.isEmpty() ? null : String.join("-", sizes);
    // A name alone could be anything.
    boolean vague = size == null && finetune == null && version == null;
    var base = vague ? null : join(parts, part -> part.roles.contains(Role.BASE));
    return new ModelId(fullName, organization, base, finetune, version, size);
  }

  private static String join(List<Part> parts, Predicate<Part> which) {
    var text = parts.stream().filter(which).map(part -> part.text).collect(Collectors.joining("-"));
    return text.isEmpty() ? null : text;
  }

  private static void annotate(Part part, boolean first, long parameters) {
    if (VERSION.matcher(part.text).matches()) {
      part.roles.add(Role.VERSION);
    } else if (TYPE.matcher(part.text).matches()) {
      part.roles.add(Role.TYPE);
      part.text = part.text.toUpperCase(Locale.ROOT);
    } else if (!first && SIZE.matcher(part.text).matches()) {
      annotateSize(part, parameters);
    } else if (!first && TUNED.matcher(part.text).matches()) {
      part.roles.add(Role.FINETUNE);
    }
  }

  private static void annotateSize(Part part, long parameters) {
    var text = part.text.replace('_', '.');
    int n = text.length();
    if (Character.isDigit(text.charAt(n - 1))) // bloom-7b1 has 7.1 billion
    text = text.substring(0, n - 2) + "." + text.charAt(n - 1) + text.charAt(n - 2);
    n = text.length();
    if (Character.isDigit(text.charAt(n - 2)) && "kmbt".indexOf(text.charAt(n - 1)) >= 0)
      text = text.substring(0, n - 1) + text.substring(n - 1).toUpperCase(Locale.ROOT);
    if (parameters != 0 && NUMBER_SIZE.matcher(text).matches()) {
      int unit = " KMBT".indexOf(text.charAt(n - 1));
      double size = Double.parseDouble(text.substring(0, n - 1)) * Math.pow(1000, unit);
      if (Math.abs(size - parameters) > Math.floorDiv(7 * parameters, 8L)) {
        part.roles.add(Role.FINETUNE); // rather the length of a context
        text = text.substring(0, n - 1) + text.substring(n - 1).toLowerCase(Locale.ROOT);
      }
    }
    if (part.roles.isEmpty()) part.roles.add(Role.SIZE);
    part.text = text;
  }

  /// Where one size is a number, one that is a word is none.
  private static void dropWordsBesideNumbers(List<Part> parts) {
    var sizes = parts.stream().filter(part -> part.roles.contains(Role.SIZE)).toList();
    if (sizes.stream().anyMatch(part -> part.text.chars().anyMatch(Character::isDigit)))
      for (var part : sizes)
        if (part.text.chars().allMatch(Character::isLetter)) part.roles.remove(Role.SIZE);
  }

  private static void findBaseName(List<Part> parts) {
    boolean start = true;
    for (var part : parts) {
      boolean word = part.roles.isEmpty() && Character.isLetter(part.text.codePointAt(0));
      if (start && (word || part.roles.contains(Role.VERSION))) {
        part.roles.add(Role.BASE);
      } else {
        start = false;
        if (part.roles.isEmpty()) part.roles.add(Role.FINETUNE);
      }
    }
    for (var part : parts.reversed()) {
      if (!part.roles.contains(Role.BASE) || part.roles.size() == 1) break;
      part.roles.remove(Role.BASE);
    }
  }

  /// {@return a name as a title: `my-model-v2-7B` as `My Model v2 7B`}
  ///
  /// @param id a name
  static String title(String id) {
    var words = new ArrayList<String>();
    for (var word : id.replace('-', ' ').strip().split("\\s+", -1))
      words.add(isLower(word) && !VERSION_OR_NUMBER.matcher(word).matches() ? titled(word) : word);
    return String.join(" ", words);
  }

  private static boolean isLower(String word) {
    return word.codePoints().anyMatch(Character::isLowerCase)
        && word.codePoints().noneMatch(c -> Character.isUpperCase(c) || Character.isTitleCase(c));
  }

  /// Every run of letters begins with a capital.
  private static String titled(String word) {
    var text = new StringBuilder();
    boolean begins = true;
    for (int c : word.codePoints().toArray()) {
      text.appendCodePoint(begins ? Character.toTitleCase(c) : c);
      begins = !Character.isLetter(c);
    }
    return text.toString();
  }
}
