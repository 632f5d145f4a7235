package dev.tenon.tensor;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/// How much memory this machine can still give.
final class Memory {
  private Memory() {}

  /// {@return the bytes that can be had without swapping: what the kernel calls available, and no
  /// more than the control group's limit leaves; [Long#MAX_VALUE] where nothing tells}
  static long availableBytes() {
    long available = Long.MAX_VALUE;
    try {
      for (var line : Files.readAllLines(Path.of("/proc/meminfo"), StandardCharsets.US_ASCII)) {
        if (line.startsWith("MemAvailable:"))
          available = Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
      }
      var limit = Path.of("/sys/fs/cgroup/memory.max");
      var used = Path.of("/sys/fs/cgroup/memory.current");
      if (Files.exists(limit) && Files.exists(used)) {
        var text = Files.readString(limit).strip();
        if (!text.equals("max"))
          available =
              Math.min(
                  available,
                  Math.max(
                      0,
                      Long.parseLong(text)
                          - Long.parseLong(Files.readString(used).strip())
                          + reclaimableBytes()));
      }
    } catch (IOException | NumberFormatException _) {
      // Not Linux, or a kernel that says it otherwise: ggml's own allocation decides.
    }
    return available;
  }

  /// The pages of files that the control group has in memory, which it gives back when it must.
  private static long reclaimableBytes() throws IOException {
    return Files.readAllLines(Path.of("/sys/fs/cgroup/memory.stat")).stream()
        .filter(line -> line.startsWith("active_file ") || line.startsWith("inactive_file "))
        .mapToLong(line -> Long.parseLong(line.substring(line.indexOf(' ') + 1)))
        .sum();
  }

  /// {@return `bytes` as people say it, for example `1.5 GiB`}
  static String text(long bytes) {
    return bytes < 1 << 30
        ? String.format(Locale.ROOT, "%.1f MiB", bytes / 1048576.0)
        : String.format(Locale.ROOT, "%.1f GiB", bytes / 1073741824.0);
  }
}
