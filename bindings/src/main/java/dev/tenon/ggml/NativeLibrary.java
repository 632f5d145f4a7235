package dev.tenon.ggml;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Locale;

/// Finds ggml's shared libraries and loads them, so that [Ggml] finds its symbols.
///
/// They are looked for, in this order, in the folder that the system property `tenon.native` names,
/// in the one that the environment variable `TENON_NATIVE` names, in `native/dist/<os>-<arch>` of
/// the checkout this class was built in, and in the jar of this module, from which they are copied
/// to a temporary folder.
///
/// Thread-safe.
public final class NativeLibrary {
  /// Lies beside the libraries and names them: first those to load, in the order of their
  /// dependencies; after an empty line the plugins, which ggml loads by itself.
  private static final String INDEX = "index";

  private static Path folder;

  private NativeLibrary() {}

  /// Loads the libraries, the first time it is called.
  ///
  /// @return the folder they are in, which backend plugins are loaded from
  /// @throws UnsatisfiedLinkError if they are missing or cannot be loaded; the message lists the
  ///     paths tried
  /// @throws IllegalCallerException if the JVM denies native access; the message has the flag that
  ///     grants it
  public static synchronized Path load() {
    if (folder == null) folder = loadFrom(find());
    return folder;
  }

  /// {@return the name of this platform's folder, for example `linux-x86_64`}
  public static String platform() {
    var name = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    var os = name.startsWith("mac") ? "macos" : name.startsWith("windows") ? "windows" : "linux";
    var arch = System.getProperty("os.arch");
    return os + "-" + (arch.equals("amd64") ? "x86_64" : arch);
  }

  private static Path find() {
    var tried = new ArrayList<Path>();
    for (var named :
        new String[] {System.getProperty("tenon.native"), System.getenv("TENON_NATIVE")}) {
      if (named == null || named.isEmpty()) continue;
      var chosen = Path.of(named);
      if (Files.isRegularFile(chosen.resolve(INDEX))) return chosen;
      throw new UnsatisfiedLinkError(
          "no ggml libraries in " + chosen + ", which tenon.native or TENON_NATIVE names");
    }
    var checkout = checkout();
    if (checkout != null) tried.add(checkout.resolve("native/dist").resolve(platform()));
    for (var candidate : tried) {
      if (Files.isRegularFile(candidate.resolve(INDEX))) return candidate;
    }
    var copied = copyFromJar();
    if (copied != null) return copied;
    throw new UnsatisfiedLinkError(
        "no ggml libraries in "
            + String.join(", ", tried.stream().map(Path::toString).toList())
            + ", nor in Tenon's jar for "
            + platform()
            + ": build it with `cmake -B build && cmake --build build` in the checkout, or name its"
            + " folder with -Dtenon.native");
  }

  /// The checkout this class was built in, from where its classes or its jar lie:
  /// `bindings/target/…`. Null where there is none.
  private static Path checkout() {
    var source = NativeLibrary.class.getProtectionDomain().getCodeSource();
    if (source == null || !"file".equals(source.getLocation().getProtocol())) return null;
    for (var p = Path.of(URI.create(source.getLocation().toString()));
        p != null;
        p = p.getParent()) {
      if (Files.isDirectory(p.resolve("native")) && Files.isDirectory(p.resolve("bindings")))
        return p;
    }
    return null;
  }

  /// Copies the libraries out of the jar, where they lie beside an `index` that names them.
  private static Path copyFromJar() {
    var resources = "/dev/tenon/ggml/native/" + platform() + "/";
    try (var index = NativeLibrary.class.getResourceAsStream(resources + INDEX)) {
      if (index == null) return null;
      var target = Files.createTempDirectory("tenon-native");
      target.toFile().deleteOnExit();
      var names = new String(index.readAllBytes(), StandardCharsets.UTF_8);
      Files.writeString(target.resolve(INDEX), names);
      target.resolve(INDEX).toFile().deleteOnExit();
      for (var name : names.lines().filter(line -> !line.isEmpty()).toList()) {
        var file = target.resolve(name);
        try (var library = NativeLibrary.class.getResourceAsStream(resources + name)) {
          if (library == null)
            throw new IOException("the jar's index names " + name + ", which is not there");
          Files.copy(library, file);
        }
        file.toFile().deleteOnExit();
      }
      return target;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot copy ggml's libraries out of Tenon's jar", e);
    }
  }

  /// Tells GNU OpenMP, which reads this when it is loaded, to let a waiting thread sleep after a
  /// few milliseconds, which is longer than what lies between two tokens. Its default is to spin
  /// for good, and as soon as another process wants a core, each of the several hundred barriers of
  /// a token waits for the scheduler: a twentieth of the speed.
  private static void calmOpenMp() {
    var linker = Linker.nativeLinker();
    var setenv = linker.defaultLookup().find("setenv");
    if (setenv.isEmpty()) return; // Windows, which has another OpenMP
    var type =
        FunctionDescriptor.of(
            ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT);
    try (var arena = Arena.ofConfined()) {
      int keepWhatIsSet = 0;
      var _ =
          (int)
              linker
                  .downcallHandle(setenv.get(), type)
                  .invokeExact(
                      arena.allocateFrom("GOMP_SPINCOUNT"),
                      arena.allocateFrom("100000"),
                      keepWhatIsSet);
    } catch (RuntimeException e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError("setenv has another signature", e);
    }
  }

  private static Path loadFrom(Path found) {
    try {
      calmOpenMp();
      for (var name : Files.readAllLines(found.resolve(INDEX))) {
        if (name.isEmpty()) break;
        System.load(found.resolve(name).toAbsolutePath().toString());
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + found.resolve(INDEX), e);
    } catch (IllegalCallerException e) {
      throw new IllegalCallerException(
          "native access is denied: start java with --enable-native-access="
              + (NativeLibrary.class.getModule().isNamed() ? "dev.tenon.ggml" : "ALL-UNNAMED"),
          e);
    }
    return found;
  }
}
