package dev.tenon.cli;

import java.io.File;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The command in a process of its own, which a test can kill.
final class Forked {
  private Forked() {}

  /// A process to be started, with the classes of this one.
  static ProcessBuilder tenon(String... args) {
    return java(Tenon.class, classPath(), args);
  }

  /// A process of a main class among the tests.
  static ProcessBuilder test(Class<?> main, String... args) {
    return java(main, tests(main) + File.pathSeparator + classPath(), args);
  }

  private static ProcessBuilder java(Class<?> main, String classPath, String... args) {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.add("--enable-native-access=ALL-UNNAMED");
    if (System.getProperty("tenon.native") != null) {
      command.add("-Dtenon.native=" + System.getProperty("tenon.native"));
    }
    command.addAll(List.of("-cp", classPath, main.getName()));
    command.addAll(List.of(args));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD);
  }

  /// Where the classes that a command needs were loaded from, on a module path or a class path.
  private static String classPath() {
    return Stream.of(
            "dev.tenon.cli.Tenon",
            "dev.tenon.Model",
            "dev.tenon.models.Llama",
            "dev.tenon.ggml.NativeLibrary",
            "picocli.CommandLine",
            "com.fasterxml.jackson.core.JsonFactory",
            "org.snakeyaml.engine.v2.api.Load")
        .map(Forked::source)
        .collect(Collectors.joining(File.pathSeparator));
  }

  /// Where a test was loaded from, which as a patch of a module is not what its source says.
  private static String tests(Class<?> test) {
    var name = test.getName().replace('.', '/') + ".class";
    try {
      var path = Path.of(test.getResource("/" + name).toURI());
      return path.toString().substring(0, path.toString().length() - name.length());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  private static String source(String type) {
    try {
      var source = Class.forName(type).getProtectionDomain().getCodeSource().getLocation();
      return Path.of(source.toURI()).toString();
    } catch (ClassNotFoundException | URISyntaxException e) {
      throw new AssertionError(e);
    }
  }
}
