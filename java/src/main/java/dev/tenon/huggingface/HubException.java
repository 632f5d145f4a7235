package dev.tenon.huggingface;

import java.io.IOException;
import java.net.URI;

/// What the hub answered instead of what it was asked for.
public sealed class HubException extends IOException permits HubDownload.NoRangesException {
  private static final long serialVersionUID = 1;

  /// The status of HTTP, or 0 where the answer was wrong in another way.
  private final int status;

  HubException(URI address, int status, String message) {
    super(address + ": " + message);
    this.status = status;
  }

  /// {@return the status of HTTP, for example 404, or 0 where the answer was wrong in another way}
  public int status() {
    return status;
  }
}
