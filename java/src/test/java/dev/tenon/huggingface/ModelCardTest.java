package dev.tenon.huggingface;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ModelCardTest {
  @Test
  void fieldsAreTextsListsAndMaps() {
    var card =
        ModelCard.parse(
            """
            ---
            license: mit
            version: 1.10
            language: [en, no]
            base_model:
            - name: a
              author: b
            \tdatasets: x
            empty:
            none: ~
            quoted: "null"
            ---
            # Text
            license: other
            """);
    assertThat(card.text("license")).isEqualTo("mit");
    assertThat(card.text("version")).isEqualTo("1.10");
    assertThat(card.list("language")).containsExactly("en", "no");
    assertThat(card.text("language")).isEqualTo("en,no");
    assertThat(card.text("empty")).isNull();
    assertThat(card.has("empty")).isTrue();
    assertThat(card.text("none")).isNull();
    assertThat(card.text("quoted")).isEqualTo("null");
    assertThat(card.text("absent")).isNull();
    assertThat(card.list("base_model"))
        .singleElement()
        .isEqualTo(Map.of("name", "a", "author", "b", "datasets", "x"));
  }

  @Test
  void anAliasIsWhatItNames() {
    var card = ModelCard.parse("---\na: &x [1, 2]\nb: *x\n---\n");
    assertThat(card.list("b")).isEqualTo(List.of("1", "2"));
  }

  @Test
  void whatIsNoYamlHasNoFields() {
    assertThat(ModelCard.parse("").values()).isEmpty();
    assertThat(ModelCard.parse("# Title\n---\na: b\n").values()).isEmpty();
    assertThat(ModelCard.parse("---\na: [b\n---\n").values()).isEmpty();
    assertThat(ModelCard.parse("---\n- a\n---\n").values()).isEmpty();
    assertThat(ModelCard.parse("---\na: " + "[".repeat(100_000) + "\n---\n").values()).isEmpty();
    assertThat(ModelCard.parse("---\na: *b\n---\n").text("a")).isNull();
  }

  @Test
  void aBombOfAliasesIsSmall() {
    var text = new StringBuilder("---\na0: &a0 [x, x]\n");
    for (int i = 1; i < 40; i++)
      text.append("a%d: &a%d [*a%d, *a%d]\n".formatted(i, i, i - 1, i - 1));
    assertThat(ModelCard.parse(text + "---\n").list("a39")).hasSize(2);
  }
}
