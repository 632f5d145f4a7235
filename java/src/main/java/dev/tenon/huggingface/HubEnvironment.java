package dev.tenon.huggingface;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a user's environment variables say of the hub, read as `huggingface_hub` reads them.
final class HubEnvironment {
  private static final String DEFAULT_ENDPOINT = "https://huggingface.co";
  private static final Pattern VARIABLE = Pattern.compile("\\$(?:(\\w+)|\\{([^}]*)})");

  private HubEnvironment() {}

  static boolean offline(Map<String, String> environment) {
    return isSet(environment, "HF_HUB_OFFLINE") || isSet(environment, "TRANSFORMERS_OFFLINE");
  }

  private static boolean isSet(Map<String, String> environment, String name) {
    var value = environment.getOrDefault(name, "").toUpperCase(Locale.ROOT);
    return List.of("1", "ON", "YES", "TRUE").contains(value);
  }

  static URI endpoint(Map<String, String> environment) {
    var address = environment.getOrDefault("HF_ENDPOINT", "").strip();
    try {
      return new URI(address.isEmpty() ? DEFAULT_ENDPOINT : address);
    } catch (URISyntaxException _) {
      throw new IllegalArgumentException("hub: HF_ENDPOINT is no address: " + address);
    }
  }

  /// {@return the token, or null}
  static String token(Map<String, String> environment) {
    for (var name : List.of("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")) {
      var token = environment.getOrDefault(name, "").strip();
      if (!token.isEmpty()) {
        return checked(token, name);
      }
    }
    var path = path(environment, "HF_TOKEN_PATH");
    var file = path == null ? home(environment).resolve("token") : path;
    try {
      if (Files.isRegularFile(file) && Files.size(file) < 4096) {
        var token = Files.readString(file).strip();
        return token.isEmpty() ? null : checked(token, file.toString());
      }
    } catch (IOException _) {
      // As good as none: what needs one says so.
    }
    return null;
  }

  /// {@return a token that can be sent}
  static String checked(String token, String from) {
    if (token.isEmpty() || !token.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
      throw new IllegalArgumentException(
          "hub: the token of " + from + " has characters that no token has");
    }
    return token;
  }

  /// {@return the folder of the cache}
  static Path cache(Map<String, String> environment) {
    for (var name : List.of("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")) {
      var cache = path(environment, name);
      if (cache != null) {
        return cache;
      }
    }
    return home(environment).resolve("hub");
  }

  /// {@return the folder of all that belongs to the hub}
  private static Path home(Map<String, String> environment) {
    var home = path(environment, "HF_HOME");
    if (home != null) {
      return home;
    }
    var caches = path(environment, "XDG_CACHE_HOME");
    return (caches == null ? user(environment).resolve(".cache") : caches).resolve("huggingface");
  }

  /// {@return the user's folder; what the environment says comes before what Java found}
  private static Path user(Map<String, String> environment) {
    var home = environment.getOrDefault("HOME", "");
    return Path.of(home.isBlank() ? System.getProperty("user.home") : home);
  }

  /// {@return the path that a variable holds, with `~` and other variables put in, or null}
  private static Path path(Map<String, String> environment, String name) {
    var value = environment.getOrDefault(name, "");
    if (value.isBlank()) {
      return null;
    }
    value =
        VARIABLE
            .matcher(value)
            .replaceAll(
                match ->
                    Matcher.quoteReplacement(
                        environment.getOrDefault(
                            match.group(1) == null ? match.group(2) : match.group(1),
                            match.group())));
    return value.equals("~") || value.startsWith("~/")
        ? Path.of(user(environment) + value.substring(1))
        : Path.of(value);
  }
}
