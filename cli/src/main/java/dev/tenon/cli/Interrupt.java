package dev.tenon.cli;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;

/// Ctrl-C while this is open: an action in place of the end of the program.
///
/// The JDK has no supported way to handle a signal. Its `sun.misc.Signal` is reached by reflection,
/// because the compiler warns of it and cannot be told not to. Where it is missing, Ctrl-C ends the
/// program.
final class Interrupt implements AutoCloseable {
  private final Object before;

  private Interrupt(Object before) {
    this.before = before;
  }

  /// Interrupts the calling thread on Ctrl-C; should that take no effect, a second one ends the
  /// program.
  static Interrupt ofThisThread() {
    var thread = Thread.currentThread();
    var pressed = new boolean[1];
    return of(
        () -> {
          if (pressed[0]) {
            Runtime.getRuntime().halt(130);
          }
          pressed[0] = true;
          thread.interrupt();
        });
  }

  static Interrupt of(Runnable action) {
    try {
      var handler = Class.forName("sun.misc.SignalHandler");
      InvocationHandler onCall =
          (proxy, method, arguments) ->
              switch (method.getName()) {
                case "handle" -> {
                  action.run();
                  yield null;
                }
                case "equals" -> proxy == arguments[0];
                case "hashCode" -> System.identityHashCode(proxy);
                default -> "Interrupt";
              };
      return new Interrupt(
          handle(
              Proxy.newProxyInstance(
                  Interrupt.class.getClassLoader(), new Class<?>[] {handler}, onCall)));
    } catch (ReflectiveOperationException | IllegalArgumentException _) {
      return new Interrupt(null); // the JVM was told to leave signals alone, or has none
    }
  }

  /// Puts back what was there.
  @Override
  public void close() {
    if (before != null) {
      try {
        handle(before);
      } catch (ReflectiveOperationException | IllegalArgumentException _) {
        // It worked a moment ago; at worst Ctrl-C goes on doing what it did.
      }
    }
  }

  private static Object handle(Object handler) throws ReflectiveOperationException {
    var signal = Class.forName("sun.misc.Signal");
    return signal
        .getMethod("handle", signal, Class.forName("sun.misc.SignalHandler"))
        .invoke(null, signal.getConstructor(String.class).newInstance("INT"), handler);
  }
}
