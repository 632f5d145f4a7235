package dev.tenon.jinja;

/// A text that is HTML already, so that it is not escaped again.
///
/// @param text the HTML
record Markup(String text) {
  /// {@return a value's text with HTML's special characters replaced, unless it is HTML}
  static Markup escape(Meter meter, Object value) {
    return value instanceof Markup markup ? markup : new Markup(escape(Repr.text(meter, value)));
  }

  /// {@return a text with HTML's special characters replaced}
  static String escape(String text) {
    StringBuilder out = null;
    for (int i = 0; i < text.length(); i++) {
      var entity =
          switch (text.charAt(i)) {
            case '&' -> "&amp;";
            case '<' -> "&lt;";
            case '>' -> "&gt;";
            case '"' -> "&#34;";
            case '\'' -> "&#39;";
            default -> null;
          };
      if (entity != null && out == null) out = new StringBuilder(text.substring(0, i));
      if (out == null) continue;
      if (entity != null) out.append(entity);
      else out.append(text.charAt(i));
    }
    return out == null ? text : out.toString();
  }

  @Override
  public String toString() {
    return text;
  }
}
