package dev.tenon.huggingface;

import java.util.Locale;
import java.util.regex.Pattern;

/// A model on the hub: `owner/name`, `owner/name:Q4_K_M` or `owner/name@revision`.
///
/// @param repository owner and name with a slash between; models without an owner have none
/// @param quant which GGUF file of several is meant, for example `Q4_K_M`, or null
/// @param revision a branch, tag or commit, or null where none is named: then `main` is what is
///     looked up, and all there is what is deleted
public record HubName(String repository, String quant, String revision) {
  private static final Pattern REPOSITORY =
      Pattern.compile("\\w([\\w.-]{0,94}\\w)?(/\\w([\\w.-]{0,94}\\w)?)?");
  private static final Pattern QUANT = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");
  private static final Pattern REVISION = Pattern.compile("\\w[\\w.+=/-]{0,126}\\w|\\w");

  /// Checks the parts.
  ///
  /// @throws IllegalArgumentException if one has characters that such names do not have
  public HubName {
    check("repository", repository, REPOSITORY);
    if (quant != null) {
      check("quant", quant, QUANT);
    }
    if (revision != null) {
      check("revision", revision, REVISION);
    }
  }

  private static void check(String what, String text, Pattern pattern) {
    if (!pattern.matcher(text).matches()
        || text.contains("..")
        || text.contains("//")
        || text.contains("--") && pattern == REPOSITORY) {
      throw new IllegalArgumentException(
          "hub name: "
              + what
              + " "
              + FormatException.quote(text)
              + "; expected owner/name[:quant][@revision]");
    }
  }

  /// Reads a name.
  ///
  /// @param text `owner/name[:quant][@revision]`
  /// @return its parts
  /// @throws IllegalArgumentException if it is none
  public static HubName of(String text) {
    int at = text.indexOf('@');
    var revision = at < 0 ? null : text.substring(at + 1);
    var rest = at < 0 ? text : text.substring(0, at);
    int colon = rest.indexOf(':');
    return new HubName(
        colon < 0 ? rest : rest.substring(0, colon),
        colon < 0 ? null : rest.substring(colon + 1),
        revision);
  }

  /// {@return whether a text may be the name of a model on the hub rather than of a file: it has
  /// one slash, and does not end as files of weights do}
  ///
  /// @param text any text
  public static boolean looksLike(String text) {
    var lower = text.toLowerCase(Locale.ROOT);
    if (lower.endsWith(".gguf") || lower.endsWith(".bin") || text.indexOf('/') < 1) {
      return false;
    }
    try {
      of(text);
      return true;
    } catch (IllegalArgumentException _) {
      return false;
    }
  }

  /// {@return the revision, `main` where none is named}
  public String revisionOrMain() {
    return revision == null ? "main" : revision;
  }

  /// {@return the name as [#of] reads it}
  @Override
  public String toString() {
    return repository
        + (quant == null ? "" : ":" + quant)
        + (revision == null ? "" : "@" + revision);
  }
}
