package dev.tenon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MultilineTest {
  private static final String Q = "\"\"\"";

  @Test
  void threeQuotesOpenAndCloseAnInput() {
    assertThat(Multiline.isOpen(Q)).isTrue();
    assertThat(Multiline.isOpen("  " + Q + "a\nb")).isTrue();
    assertThat(Multiline.isOpen(Q + "a " + Q + " b")).isTrue();
    assertThat(Multiline.isOpen(Q + "a" + Q)).isFalse();
    assertThat(Multiline.isOpen(Q + "\na\n" + Q + " \t")).isFalse();
    assertThat(Multiline.isOpen(Q + "a" + Q + "\nmore")).isFalse();
    assertThat(Multiline.isOpen("say " + Q + "a")).isFalse();
    assertThat(Multiline.isOpen("\"\"")).isFalse();
    assertThat(Multiline.isOpen("/system " + Q + "a")).isTrue();
    assertThat(Multiline.isOpen("/set system " + Q)).isTrue();
    assertThat(Multiline.isOpen("/set  system " + Q + "a" + Q)).isFalse();
    assertThat(Multiline.isOpen("/read " + Q)).isFalse();
  }

  @Test
  void theQuotesAreTakenOff() {
    assertThat(Multiline.unquoted(Q + "a" + Q)).isEqualTo("a");
    assertThat(Multiline.unquoted(Q + "\n a\n\nb \n" + Q)).isEqualTo(" a\n\nb ");
    assertThat(Multiline.unquoted(Q + "/exit" + Q)).isEqualTo("/exit");
    assertThat(Multiline.unquoted("/system " + Q + "\na\nb" + Q)).isEqualTo("/system a\nb");
    assertThat(Multiline.unquoted(Q + "a" + Q + "\nb")).isEqualTo("a\nb");
    assertThat(Multiline.unquoted(Q + "\nnever closed")).isEqualTo("never closed");
    assertThat(Multiline.unquoted("a " + Q + "b" + Q)).isEqualTo("a " + Q + "b" + Q);
    assertThat(Multiline.unquoted(Q + Q)).isEmpty();
  }
}
