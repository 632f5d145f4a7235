package dev.tenon.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TemplateTest {
  private static String render(String source) {
    return Template.of(source).render(Map.of());
  }

  @Test
  void rendersManyTimes() {
    var template =
        Template.of("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}");
    var hi = Map.of("messages", List.of(Map.of("role", "user", "content", "Hi")));
    assertThat(template.render(hi)).isEqualTo("user: Hi\n");
    assertThat(template.render(hi)).isEqualTo("user: Hi\n");
    assertThat(template.render(Map.of())).isEmpty();
    assertThat(template.source()).startsWith("{% for m");
  }

  @Test
  void takesJavasValues() {
    var variables = new HashMap<String, Object>();
    variables.put("none", null);
    variables.put("byte", (byte) 1);
    variables.put("float", 1.5f);
    variables.put("big", BigInteger.TWO.pow(70));
    variables.put("small", BigInteger.TEN);
    variables.put("builder", new StringBuilder("text"));
    variables.put("list", Arrays.asList(1, null, "a"));
    variables.put("map", new LinkedHashMap<>(Map.of(1, "one")));
    assertThat(
            Template.of("{{ [none, byte, float, big, small, builder, list, map, map[true]] }}")
                .render(variables))
        .isEqualTo(
            "[None, 1, 1.5, 1180591620717411303424, 10, 'text', [1, None, 'a'], {1: 'one'},"
                + " 'one']");
    assertThatThrownBy(() -> Template.of("").render(Map.of("x", new Object())))
        .hasMessageContaining("java.lang.Object");
    var cycle = new ArrayList<>();
    cycle.add(cycle);
    assertThatThrownBy(() -> Template.of("").render(Map.of("x", cycle)))
        .isInstanceOf(TemplateException.class);
  }

  @Test
  void changesNothingThatItIsGiven() {
    var list = new ArrayList<>(List.of(1, 2));
    assertThatThrownBy(() -> Template.of("{{ l.append(3) }}").render(Map.of("l", list)))
        .hasMessageContaining("unsafe");
    Template.of("{% set l = l + [3] %}").render(Map.of("l", list));
    assertThat(list).containsExactly(1, 2);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      value = {
        "{% include 'x' %} ; 1 ; 4 ; 'include'",
        "{% extends 'x' %} ; 1 ; 4 ; 'extends'",
        "{% import 'x' as y %} ; 1 ; 4 ; 'import'",
        "{% from 'x' import y %} ; 1 ; 4 ; 'from'",
        "{{ 1 }}{{ a|nope }} ; 1 ; 13 ; No filter named 'nope'",
        "{{ a is nope }} ; 1 ; 9 ; No test named 'nope'",
        "{% nope %} ; 1 ; 4 ; unknown tag 'nope'",
        "{% if a %} ; 1 ; 11 ; 'if'",
        "{{ a b }} ; 1 ; 6 ; 'b'",
        "{{ nope.x }} ; 1 ; 8 ; 'nope' is undefined",
        "{{ 1 + 'a' }} ; 1 ; 6 ; unsupported operand",
        "{{ raise_exception('no way') }} ; 1 ; 19 ; no way",
      })
  void saysWhatIsWrongAndWhere(String source, int line, int column, String hint) {
    assertThatThrownBy(() -> render("\n" + source))
        .isInstanceOfSatisfying(
            TemplateException.class,
            e -> {
              assertThat(e.line()).isEqualTo(line + 1);
              assertThat(e.column()).isEqualTo(column);
              assertThat(e.reason()).contains(hint);
              assertThat(e)
                  .hasMessage("line " + (line + 1) + ", column " + column + ": " + e.reason());
            });
  }

  @Test
  void whatIsNotRunIsNotRefused() {
    assertThat(render("{% if false %}{% include 'x' %}{{ a|nope }}{% endif %}ok")).isEqualTo("ok");
    assertThat(render("{{ a|nope if false else 'ok' }}")).isEqualTo("ok");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      value = {
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %} ; steps",
        "{% for i in range(10000) %}{{ range(100000)|sum }}{% endfor %} ; steps",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }} ; recurse",
        "{% macro m(x=m()) %}{% endmacro %}{{ m() }} ; recurse",
        "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %} ; recurse",
        "{% block b %}{{ self.b() }}{% endblock %} ; recurse",
        "{{ range(10**9) }} ; Range too big",
        "{{ 'a' * 10**9 }} ; characters",
        "{{ [1] * 10**9 }} ; characters",
        "{{ ('a' * 10**6)|replace('a', 'b' * 10**6) }} ; characters",
        "{{ 'a'|center(10**9) }} ; characters",
        "{{ '%*d' % (10**9, 1) }} ; characters",
        "{{ '{:099999999,d}'.format(1) }} ; characters",
        "{{ [[1]]|tojson(indent=10**9) }} ; characters",
        "{{ [1]|batch(10**9, 'x')|list }} ; characters",
        "{{ 3 ** (10**9) }} ; bits",
        "{% for i in range(100000) %}{{ 'a' * 1000 }}{% endfor %} ; prints more than",
      })
  void stopsAtItsLimits(String source, String hint) {
    assertThatThrownBy(() -> render(source))
        .isInstanceOf(TemplateException.class)
        .hasMessageContaining(hint);
  }

  @Test
  void valuesInsideThemselvesEnd() {
    var nested =
        "{% set n = namespace(x=[], y=[]) %}{% for i in range(60) %}"
            + "{% set n.x = [n.x, n.x] %}{% set n.y = [n.y, n.y] %}{% endfor %}";
    for (var use : List.of("{{ n.x }}", "{{ n.x|tojson }}", "{{ n.x|pprint }}", "{{ n.x == n.y }}"))
      assertThatThrownBy(
              () ->
                  Template.of(nested + use)
                      .render(
                          Map.of(), LocalDateTime::now, new Limits(100_000, 500, 10_000, 100_000)))
          .isInstanceOf(TemplateException.class);
    assertThatThrownBy(() -> render("{% set n = namespace() %}{% set n.n = n %}{{ n }}"))
        .hasMessageContaining("nested too deeply");
  }

  @Test
  void deepSourcesAreOneClearError() {
    for (var source :
        List.of(
            "{{ " + "(".repeat(100_000) + "1" + ")".repeat(100_000) + " }}",
            "{{ " + "not ".repeat(100_000) + "1 }}",
            "{{ " + "-".repeat(100_000) + "1 }}",
            "{{ 1" + "+1".repeat(100_000) + " }}",
            "{{ a" + ".a".repeat(100_000) + " }}",
            "{{ 1" + " if 0 else 1".repeat(100_000) + " }}",
            "{% if 1 %}".repeat(100_000),
            "{% macro m() %}".repeat(10_000)))
      assertThatThrownBy(() -> render(source))
          .isInstanceOf(TemplateException.class)
          .hasMessageContaining("nested");
    assertThat(render("{{ " + "(".repeat(60) + "1" + ")".repeat(60) + " }}")).isEqualTo("1");
    assertThat(render("{{ 1" + "+1".repeat(300) + " }}")).isEqualTo("301");
  }

  @Test
  void asksTheClockOnlyWhenTheTemplateDoes() {
    var asked = new int[1];
    var template = Template.of("{{ strftime_now('%d %b %Y') if a }}");
    java.util.function.Supplier<LocalDateTime> clock =
        () -> {
          asked[0]++;
          return LocalDateTime.of(2024, 7, 6, 1, 2, 3);
        };
    assertThat(template.render(Map.of(), clock, Limits.DEFAULT)).isEmpty();
    assertThat(asked[0]).isZero();
    assertThat(template.render(Map.of("a", 1), clock, Limits.DEFAULT)).isEqualTo("06 Jul 2024");
  }

  @Test
  void longConversationsAreQuick() {
    var messages =
        IntStream.range(0, 200)
            .mapToObj(
                i ->
                    Map.of(
                        "role", i % 2 == 0 ? "user" : "assistant", "content", "word ".repeat(100)))
            .toList();
    var template =
        Template.of(
            "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content']|trim }}{% endfor %}");
    for (int i = 0; i < 20; i++) template.render(Map.of("messages", messages));
    long start = System.nanoTime();
    var text = template.render(Map.of("messages", messages));
    assertThat(text).hasSizeGreaterThan(100_000);
    assertThat((System.nanoTime() - start) / 1e6).as("milliseconds").isLessThan(500);
  }

  @Test
  void threadsShareATemplate() {
    var template =
        Template.of(
            "{% set n = namespace(x=0) %}{% for i in l %}{% set n.x = n.x + i %}{% endfor %}{{ n.x"
                + " }}");
    var variables = Map.of("l", IntStream.range(0, 100).boxed().toList());
    assertThat(IntStream.range(0, 200).parallel().mapToObj(_ -> template.render(variables)))
        .containsOnly("4950");
  }

  @Test
  void limitsMustBePositive() {
    assertThatThrownBy(() -> new Limits(0, 1, 1, 1)).hasMessageContaining("steps 0");
  }
}
