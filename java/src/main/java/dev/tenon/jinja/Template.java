package dev.tenon.jinja;

import java.time.LocalDateTime;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;

/// A template, ready to be rendered any number of times.
///
/// ```java
/// var template = Template.of("{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}");
/// template.render(Map.of("messages", List.of(Map.of("role", "user", "content", "Hi"))));
/// // user: Hi
/// ```
///
/// Immutable; threads may share it.
public final class Template {
  private final String source;
  private final Parser.Parsed parsed;

  private Template(String source, Parser.Parsed parsed) {
    this.source = source;
    this.parsed = parsed;
  }

  /// Reads a template.
  ///
  /// @param source its text
  /// @return the template
  /// @throws TemplateException if it is malformed or speaks of a filter or test that does not exist
  public static Template of(String source) {
    return new Template(source, Parser.parse(source));
  }

  /// {@return the text that it was read from}
  public String source() {
    return source;
  }

  /// Renders it within the usual limits; `strftime_now` has the time of the system.
  ///
  /// @param variables values by name: maps, iterables, strings, numbers, booleans and null, as deep
  ///     as one likes; they are not changed
  /// @return the text
  /// @throws TemplateException if the template fails, calls `raise_exception` or goes beyond the
  ///     limits, or if a variable is of another type
  public String render(Map<String, ?> variables) {
    return render(variables, LocalDateTime::now, Limits.DEFAULT);
  }

  /// Renders it.
  ///
  /// @param variables values by name, as above
  /// @param clock the time for `strftime_now`, asked for only when the template does
  /// @param limits how much it may do
  /// @return the text
  /// @throws TemplateException as above
  public String render(Map<String, ?> variables, Supplier<LocalDateTime> clock, Limits limits) {
    Objects.requireNonNull(clock, "clock");
    try {
      return new Interpreter(parsed, variables, clock, limits).render(parsed.body());
    } catch (StackOverflowError e) {
      throw Meter.tooDeep(); // a thread with a small stack
    }
  }
}
