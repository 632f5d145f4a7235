package dev.tenon.cli;

import dev.tenon.tensor.Backend;

/// Tells what is running, and on what.
final class Version extends Command {
  Version(Streams streams) {
    super(streams, "version", "Print the versions of Tenon, ggml and Java, and the devices.");
  }

  /// {@return Tenon's version, as the build recorded it in the module}
  static String tenon() {
    var module = Version.class.getModule().getDescriptor();
    return module == null ? "(unpackaged)" : module.rawVersion().orElse("(unpackaged)");
  }

  @Override
  int call() throws Exception {
    var out = streams.out();
    out.println("tenon " + tenon());
    out.println("java " + Runtime.version() + ", " + System.getProperty("java.vm.name"));
    out.flush();
    out.println("ggml " + Backend.ggmlVersion());
    for (var device : Backend.devices()) {
      out.println(
          device.name()
              + ": "
              + Text.visible(device.description())
              + ", "
              + Text.bytes(device.freeBytes())
              + " of "
              + Text.bytes(device.totalBytes())
              + " free");
    }
    return 0;
  }
}
