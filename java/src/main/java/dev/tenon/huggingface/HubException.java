package dev.tenon.huggingface;

import java.io.IOException;
import java.net.URI;

/// What the hub answered instead of what it was asked for.
public sealed class HubException extends IOException permits HubDownload.NoRangesException {
  private static final long serialVersionUID = 1;

  /// The status of HTTP, or 0 where the answer was wrong in another way.
  private final int status;

  /// The hub's own word for it, such as `GatedRepo`, or an empty text.
  private final String code;

  /// The seconds after which to ask again, or 0 where the hub does not say.
  private final int retryAfter;

  HubException(URI address, int status, String message) {
    this(address, status, "", 0, message);
  }

  HubException(URI address, int status, String code, int retryAfter, String message) {
    super(HubHttp.shown(address) + ": " + message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }

  /// {@return the status of HTTP, for example 404, or 0 where the answer was wrong in another way}
  public int status() {
    return status;
  }

  String code() {
    return code;
  }

  int retryAfter() {
    return retryAfter;
  }

  /// {@return whether the hub may answer otherwise in a while}
  boolean isPassing() {
    return status == 408 || status == 425 || status == 429 || status >= 500;
  }
}
