package dev.tenon.jinja;

import java.time.LocalDateTime;
import java.time.format.TextStyle;
import java.time.temporal.ChronoField;
import java.time.temporal.IsoFields;
import java.util.Locale;

/// Dates as text, as C's `strftime` in the C locale.
final class Strftime {
  private Strftime() {}

  /// {@return a time in a format}
  static String format(Meter meter, LocalDateTime time, String format) {
    var out = new Output(meter);
    for (int i = 0; i < format.length(); i++) {
      if (format.charAt(i) != '%' || i + 1 == format.length()) {
        out.append(format.charAt(i));
        continue;
      }
      int start = i++;
      char flag = "-_0^#".indexOf(format.charAt(i)) >= 0 ? format.charAt(i++) : 0;
      if (i + 1 < format.length() && (format.charAt(i) == 'E' || format.charAt(i) == 'O')) i++;
      var field = i < format.length() ? field(meter, time, format.charAt(i), flag) : null;
      out.append(field != null ? field : format.substring(start, Math.min(i + 1, format.length())));
    }
    return out.toString();
  }

  private static String field(Meter meter, LocalDateTime time, char letter, char flag) {
    return switch (letter) {
      case 'a' -> cased(name(time, TextStyle.SHORT), flag);
      case 'A' -> cased(name(time, TextStyle.FULL), flag);
      case 'b', 'h' -> cased(month(time, TextStyle.SHORT), flag);
      case 'B' -> cased(month(time, TextStyle.FULL), flag);
      case 'c' -> format(meter, time, "%a %b %e %H:%M:%S %Y");
      case 'C' -> number(time.getYear() / 100, 2, '0', flag);
      case 'd' -> number(time.getDayOfMonth(), 2, '0', flag);
      case 'D', 'x' -> format(meter, time, "%m/%d/%y");
      case 'e' -> number(time.getDayOfMonth(), 2, ' ', flag);
      case 'f' -> number(time.getNano() / 1000, 6, '0', flag);
      case 'F' -> format(meter, time, "%Y-%m-%d");
      case 'g' -> number(time.get(IsoFields.WEEK_BASED_YEAR) % 100, 2, '0', flag);
      case 'G' -> number(time.get(IsoFields.WEEK_BASED_YEAR), 4, '0', flag);
      case 'H' -> number(time.getHour(), 2, '0', flag);
      case 'I' -> number(time.get(ChronoField.CLOCK_HOUR_OF_AMPM), 2, '0', flag);
      case 'j' -> number(time.getDayOfYear(), 3, '0', flag);
      case 'k' -> number(time.getHour(), 2, ' ', flag);
      case 'l' -> number(time.get(ChronoField.CLOCK_HOUR_OF_AMPM), 2, ' ', flag);
      case 'm' -> number(time.getMonthValue(), 2, '0', flag);
      case 'M' -> number(time.getMinute(), 2, '0', flag);
      case 'n' -> "\n";
      case 'p' ->
          flag == '#' ? (time.getHour() < 12 ? "am" : "pm") : time.getHour() < 12 ? "AM" : "PM";
      case 'P' -> time.getHour() < 12 ? "am" : "pm";
      case 'r' -> format(meter, time, "%I:%M:%S %p");
      case 'R' -> format(meter, time, "%H:%M");
      case 's' -> Long.toString(time.atZone(java.time.ZoneId.systemDefault()).toEpochSecond());
      case 'S' -> number(time.getSecond(), 2, '0', flag);
      case 't' -> "\t";
      case 'T', 'X' -> format(meter, time, "%H:%M:%S");
      case 'u' -> number(time.getDayOfWeek().getValue(), 1, '0', flag);
      case 'U' ->
          number((time.getDayOfYear() + 6 - time.getDayOfWeek().getValue() % 7) / 7, 2, '0', flag);
      case 'V' -> number(time.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR), 2, '0', flag);
      case 'w' -> number(time.getDayOfWeek().getValue() % 7, 1, '0', flag);
      case 'W' ->
          number((time.getDayOfYear() + 7 - time.getDayOfWeek().getValue()) / 7, 2, '0', flag);
      case 'y' -> number(Math.floorMod(time.getYear(), 100), 2, '0', flag);
      case 'Y' -> number(time.getYear(), flag == 0 ? 1 : 4, '0', flag);
      case 'z', 'Z' -> ""; // a time without a zone
      case '%' -> "%";
      default -> null;
    };
  }

  private static String name(LocalDateTime time, TextStyle style) {
    return time.getDayOfWeek().getDisplayName(style, Locale.ENGLISH);
  }

  private static String month(LocalDateTime time, TextStyle style) {
    var name = time.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
    return style == TextStyle.SHORT ? name.substring(0, 3) : name;
  }

  private static String cased(String name, char flag) {
    return flag == '^' || flag == '#' ? name.toUpperCase(Locale.ROOT) : name;
  }

  private static String number(int value, int width, char fill, char flag) {
    var digits = Integer.toString(value);
    if (flag == '-') return digits;
    char used = flag == '_' ? ' ' : flag == '0' ? '0' : fill;
    return Character.toString(used).repeat(Math.max(0, width - digits.length())) + digits;
  }
}
