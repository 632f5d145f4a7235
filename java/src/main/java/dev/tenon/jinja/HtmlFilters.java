package dev.tenon.jinja;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;

/// Filters that make HTML and addresses.
final class HtmlFilters {
  private static final Pattern ATTRIBUTE_END = Pattern.compile("[ \\t\\n\\r\\f\\x0b/>=]");
  private static final Pattern SCHEME = Pattern.compile("[\\p{L}\\p{N}_.+-]{2,}:/{0,2}");

  static final List<Builtin> ALL =
      List.of(
          new Builtin("escape", "s, /", (in, a) -> Markup.escape(in.meter(), a[0])),
          new Builtin(
              "forceescape", "value", (in, a) -> new Markup(Markup.escape(Filters.soft(in, a[0])))),
          new Builtin(
              "safe",
              "value",
              (in, a) -> a[0] instanceof Markup ? a[0] : new Markup(Filters.soft(in, a[0]))),
          new Builtin("striptags", "value", (in, a) -> Html.stripTags(Filters.soft(in, a[0]))),
          new Builtin("xmlattr", "d, autospace=True", HtmlFilters::attributes),
          new Builtin("urlencode", "value", HtmlFilters::encode),
          new Builtin(
              "urlize",
              "value, trim_url_limit=None, nofollow=False, target=None, rel=None,"
                  + " extra_schemes=None",
              HtmlFilters::urlize));

  private HtmlFilters() {}

  private static Object attributes(Interpreter in, Object[] a) {
    if (a[0] instanceof Undefined undefined) throw undefined.error();
    if (!(a[0] instanceof Dict dict))
      throw new TemplateException("xmlattr: '" + Types.name(a[0]) + "' object has no items");
    var out = new Output(in.meter());
    for (var items = dict.items(); items.hasNext(); ) {
      in.meter().step();
      var item = ((Tuple) items.next()).items();
      var value = item.get(1);
      if (value == null || value instanceof Undefined) continue;
      if (ATTRIBUTE_END.matcher(StringMethods.text(item.get(0))).find())
        throw new TemplateException(
            "Invalid character in attribute name: " + Repr.of(in.meter(), item.get(0)));
      if (out.length() > 0 || Values.truth(a[1])) out.append(" ");
      out.append(Markup.escape(in.meter(), item.get(0)).text())
          .append("=\"")
          .append(Markup.escape(in.meter(), value).text())
          .append("\"");
    }
    return in.autoescape() ? new Markup(out.toString()) : out.toString();
  }

  private static Object encode(Interpreter in, Object[] a) {
    var meter = in.meter();
    if (Values.isText(a[0]) || !Values.isIterable(a[0])) return quote(in, a[0], false);
    var out = new Output(meter);
    var pairs = a[0] instanceof Dict dict ? new DictView(dict, DictView.Kind.ITEMS) : a[0];
    for (var items = Values.iterate(meter, pairs); items.hasNext(); ) {
      var pair = Values.list(meter, items.next());
      if (pair.size() != 2)
        throw new TemplateException("urlencode: expected pairs, got " + pair.size() + " values");
      if (out.length() > 0) out.append("&");
      out.append(quote(in, pair.get(0), true)).append("=").append(quote(in, pair.get(1), true));
    }
    return out.toString();
  }

  private static String quote(Interpreter in, Object value, boolean query) {
    var bytes =
        value instanceof Bytes given
            ? bytes(given)
            : Filters.soft(in, value).getBytes(StandardCharsets.UTF_8);
    var out = new Output(in.meter());
    for (byte b : bytes) {
      char c = (char) (b & 0xff);
      boolean plain =
          c >= 'a' && c <= 'z'
              || c >= 'A' && c <= 'Z'
              || c >= '0' && c <= '9'
              || "_.-~".indexOf(c) >= 0
              || c == '/' && !query;
      if (plain) out.append(c);
      else if (c == ' ' && query) out.append('+');
      else out.append("%%%02X".formatted((int) c));
    }
    return out.toString();
  }

  private static byte[] bytes(Bytes values) {
    var bytes = new byte[values.values().size()];
    for (int i = 0; i < bytes.length; i++) bytes[i] = ((Long) values.values().get(i)).byteValue();
    return bytes;
  }

  private static Object urlize(Interpreter in, Object[] a) {
    var relations = new TreeSet<String>(Strings::compare);
    if (Values.truth(a[4])) relations.addAll(Strings.split(StringMethods.text(a[4]), null, -1));
    if (Values.truth(a[2])) relations.add("nofollow");
    relations.add("noopener");
    var schemes = new ArrayList<String>();
    if (a[5] != null) {
      for (var scheme : Values.list(in.meter(), a[5])) {
        var text = StringMethods.text(scheme);
        if (!SCHEME.matcher(text).matches())
          throw new TemplateException(Repr.of(text) + " is not a valid URI scheme prefix.");
        schemes.add(text);
      }
    }
    var links =
        new Urls(
            in.meter(),
            a[1] == null ? -1 : Numbers.clamped("urlize", a[1]),
            String.join(" ", relations),
            Values.truth(a[3]) ? Filters.soft(in, a[3]) : "",
            schemes);
    var html = links.link(Markup.escape(in.meter(), a[0]).text());
    return in.autoescape() ? new Markup(html) : html;
  }
}
