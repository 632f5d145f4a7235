package dev.tenon.grammar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.tenon.grammar.Earley.Verdict;
import dev.tenon.sampling.Candidates;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class GrammarFilterTest {
  // 0 to 3 are no text: </s>, </t>, nothing, the byte 0.
  private static final List<String> WORDS =
      List.of("a", "b", "c", "ab", "abc", " ", "\"", "\":", "é", "日", "日本", "{", "}", "<t>", "7");

  private static final VocabularyTrie TRIE = trie(WORDS);

  private static VocabularyTrie trie(List<String> words) {
    var pieces = new byte[words.size() + 4][];
    pieces[0] = "</s>".getBytes(StandardCharsets.UTF_8);
    pieces[1] = "</t>".getBytes(StandardCharsets.UTF_8);
    pieces[2] = new byte[0];
    pieces[3] = new byte[] {0};
    for (int i = 0; i < words.size(); i++) {
      pieces[i + 4] = words.get(i).getBytes(StandardCharsets.UTF_8);
    }
    return VocabularyTrie.of(pieces, 0, 1);
  }

  private static int id(String word) {
    return WORDS.indexOf(word) + 4;
  }

  private static Set<String> allowed(GrammarFilter filter) {
    var candidates = Candidates.of(new float[TRIE.vocabularySize()]);
    filter.apply(candidates);
    var words = new TreeSet<String>();
    for (int i = 0; i < candidates.size(); i++) {
      int id = candidates.id(i);
      words.add(id < 4 ? new String[] {"</s>", "</t>", "none", "zero"}[id] : WORDS.get(id - 4));
    }
    return words;
  }

  @Test
  void keepsWhatCanFollow() {
    var filter = new GrammarFilter(Grammar.parse("root ::= \"a\" [b-é]* \"c\"?"), TRIE);
    assertThat(allowed(filter)).containsExactlyInAnyOrder("a", "ab", "abc");
    filter.accept(id("a"));
    assertThat(filter.mayEnd()).isTrue();
    assertThat(allowed(filter)).containsExactlyInAnyOrder("b", "c", "é", "{", "}", "</s>", "</t>");
    filter.accept(id("é"));
    filter.accept(id("7")); // not asked for, so not part of the text
    assertThat(allowed(filter)).contains("b", "</s>").doesNotContain("a");
    filter.accept(0);
    filter.reset();
    assertThat(allowed(filter)).containsExactlyInAnyOrder("a", "ab", "abc");
  }

  @Test
  void aTokenThatDoesNotFitIsRefused() {
    var filter = new GrammarFilter(Grammar.parse("root ::= \"abc\""), TRIE);
    allowed(filter);
    assertThatIllegalStateException()
        .isThrownBy(() -> filter.accept(id("b")))
        .withMessageContainingAll("accept(" + id("b") + ")", "\"b\"");
    allowed(filter);
    assertThatIllegalStateException()
        .isThrownBy(() -> filter.accept(0))
        .withMessageContaining("ends the text");
    allowed(filter);
    assertThatIllegalStateException().isThrownBy(() -> filter.accept(-1));
    allowed(filter);
    assertThatIllegalStateException().isThrownBy(() -> filter.accept(1000));
    assertThat(allowed(filter)).containsExactlyInAnyOrder("a", "ab", "abc");
    filter.accept(id("ab"));
    assertThat(allowed(filter)).containsExactly("c");
  }

  @Test
  void whereNothingFitsItSaysSo() {
    var filter = new GrammarFilter(Grammar.parse("root ::= \"a\" \"x\""), TRIE);
    allowed(filter);
    filter.accept(id("a"));
    assertThatIllegalStateException()
        .isThrownBy(() -> allowed(filter))
        .withMessageContaining("no token");
    var candidates = Candidates.of(new float[TRIE.vocabularySize()]);
    candidates.keep(5, 6);
    assertThatIllegalStateException()
        .isThrownBy(
            () -> new GrammarFilter(Grammar.parse("root ::= \"a\""), TRIE).apply(candidates));
    assertThat(candidates.size()).isEqualTo(1);
  }

  @Test
  void thePromptIsPassedOver() {
    var filter = new GrammarFilter(Grammar.parse("root ::= \"ab\""), TRIE);
    filter.accept(id("7"));
    filter.accept(id("a"));
    assertThat(allowed(filter)).containsExactlyInAnyOrder("a", "ab");
    filter.accept(id("a"));
    filter.accept(id("a")); // the prompt of the next call goes on where the last ended
    assertThat(allowed(filter)).containsExactly("b");
  }

  @Test
  void aTextMayBeThereAlready() {
    var filter = new GrammarFilter(Grammar.parse("root ::= \"<t>\" \"日本\" \"7\""), TRIE);
    filter.feed("<t>日");
    assertThatIllegalStateException().isThrownBy(() -> filter.feed("x"));
    filter.feed("本");
    assertThat(allowed(filter)).containsExactly("7");
  }

  @Test
  void tokensCanBeNamed() {
    var grammar = Grammar.parse("root ::= <[17]> (!<[5]>)* <[0]> | \"b\" <[2]>");
    assertThat(WORDS.get(17 - 4)).isEqualTo("<t>");
    var filter = new GrammarFilter(grammar, TRIE);
    // An end token ends the text and is no part of it.
    assertThat(allowed(filter)).containsExactlyInAnyOrder("<t>", "b");
    filter.accept(17);
    var most = new TreeSet<>(WORDS);
    most.remove("b");
    assertThat(allowed(filter)).isEqualTo(most);
    filter.accept(id("日"));
    assertThat(allowed(filter)).isEqualTo(most);
    filter.reset();
    allowed(filter);
    filter.accept(id("b"));
    assertThat(allowed(filter)).containsExactly("none");
    filter.accept(2);
    assertThat(allowed(filter)).containsExactlyInAnyOrder("</s>", "</t>");
    var outside = new GrammarFilter(Grammar.parse("root ::= \"a\" | <[999]>"), TRIE);
    assertThat(allowed(outside)).containsExactly("a");
  }

  @Test
  void aLazyGrammarWaitsForAWord() {
    var grammar = Grammar.parse("root ::= \"<t>\" \"{\" \"}\"");
    var filter = GrammarFilter.lazy(grammar, TRIE, List.of(Trigger.word("<t>")));
    for (int n = 0; n < 2; n++) {
      assertThat(filter.active()).isFalse();
      assertThat(filter.mayEnd()).isTrue();
      assertThat(allowed(filter)).hasSize(TRIE.vocabularySize());
      filter.accept(id("日"));
      allowed(filter);
      filter.accept(id("<t>"));
      assertThat(filter.active()).isTrue();
      assertThat(allowed(filter)).containsExactly("{");
      filter.accept(id("{"));
      allowed(filter);
      filter.accept(id("}"));
      assertThat(allowed(filter)).containsExactlyInAnyOrder("</s>", "</t>");
      filter.reset();
    }
  }

  @Test
  void aTriggerMayBeginAndEndWithinTokens() {
    // "bc" of "ab", "c" and what follows.
    var filter =
        GrammarFilter.lazy(
            Grammar.parse("root ::= \"bc\" [0-9]"), TRIE, List.of(Trigger.word("bc")));
    for (var word : new String[] {"a", "ab", "c"}) {
      assertThat(filter.active()).isFalse();
      allowed(filter);
      filter.accept(id(word));
    }
    assertThat(filter.active()).isTrue();
    assertThat(allowed(filter)).containsExactly("7");
  }

  @Test
  void triggersAreExpressionsAndTokensToo() {
    var grammar = Grammar.parse("root ::= \"日\" \"{\"");
    var grouped = List.of(Trigger.regex("a+(日)"));
    assertThat(after(GrammarFilter.lazy(grammar, TRIE, grouped), "b", "a", "日"))
        .containsExactly("{");
    var whole = List.of(Trigger.regex("^[\\s\\S]*?(日)$"));
    assertThat(after(GrammarFilter.lazy(grammar, TRIE, whole), "b", "a", "日")).containsExactly("{");
    var token = List.of(Trigger.word("nothing"), Trigger.token(id("日")));
    assertThat(after(GrammarFilter.lazy(grammar, TRIE, token), "b", "a", "日")).containsExactly("{");
    assertThatIllegalStateException()
        .isThrownBy(
            () -> after(GrammarFilter.lazy(grammar, TRIE, List.of(Trigger.word("a"))), "b", "a"))
        .withMessageContaining("does not allow");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GrammarFilter.lazy(grammar, TRIE, List.of()));
    assertThatIllegalArgumentException().isThrownBy(() -> Trigger.word(""));
    assertThatIllegalArgumentException().isThrownBy(() -> Trigger.regex("("));
  }

  private static Set<String> after(GrammarFilter filter, String... words) {
    for (var word : words) {
      allowed(filter);
      filter.accept(id(word));
    }
    return allowed(filter);
  }

  @Test
  void anExpressionThatTriesTooMuchIsAnError() {
    for (var regex : List.of("(a+)+(a+)+(a+)+(a+)+x", "(?:a|ab|abc)*x")) {
      var watch = new TriggerWatch(List.of(Trigger.regex(regex)));
      assertThatIllegalStateException()
          .isThrownBy(() -> watch.accept(1, "a".repeat(30_000).getBytes(StandardCharsets.UTF_8)))
          .withMessageContaining("regular expression");
    }
  }

  @Test
  void theMaskIsWhatEarleySaysOfEachToken() {
    var random = new Random(3);
    int masks = 0;
    int texts = 0;
    for (int n = 0; n < 250; n++) {
      var gbnf = RandomGrammars.grammar(random);
      Grammar grammar;
      Earley earley;
      try {
        grammar = Grammar.parse(gbnf);
        earley = new Earley(gbnf);
      } catch (GrammarException _) {
        continue;
      }
      var pieces = pieces(random);
      var trie = VocabularyTrie.of(pieces, 0);
      var filter = new GrammarFilter(grammar, trie);
      byte[] text = {};
      for (int step = 0; step < 6; step++) {
        var candidates = Candidates.of(new float[pieces.length]);
        var expected = new ArrayList<Integer>();
        for (int id = 0; id < pieces.length; id++) {
          var more = id == 0 ? text : join(text, pieces[id]);
          if (id == 0
              ? isWhole(text) && earley.read(string(text)) == Verdict.ACCEPTED
              : canGoOn(earley, more)) {
            expected.add(id);
          }
        }
        if (expected.isEmpty()) {
          break;
        }
        filter.apply(candidates);
        var found = new ArrayList<Integer>();
        for (int i = 0; i < candidates.size(); i++) {
          found.add(candidates.id(i));
        }
        assertThat(found).as(gbnf + "\n" + Arrays.toString(text)).isEqualTo(expected);
        masks++;
        int token = found.get(random.nextInt(found.size()));
        filter.accept(token);
        if (token == 0) {
          texts++;
          break;
        }
        text = join(text, pieces[token]);
      }
    }
    assertThat(masks).isGreaterThan(300);
    assertThat(texts).isGreaterThan(20);
  }

  private static byte[][] pieces(Random random) {
    var pieces = new byte[60][];
    pieces[0] = new byte[0];
    for (int id = 1; id < pieces.length; id++) {
      var text = RandomGrammars.text(random) + "abcé日😀".substring(random.nextInt(5));
      var bytes = text.getBytes(StandardCharsets.UTF_8);
      int from = random.nextInt(bytes.length);
      pieces[id] =
          Arrays.copyOfRange(
              bytes, from, from + 1 + random.nextInt(Math.min(5, bytes.length - from)));
    }
    return pieces;
  }

  /// Whether the bytes begin some text that is accepted; the last character may be cut off.
  private static boolean canGoOn(Earley earley, byte[] bytes) {
    int whole = bytes.length;
    while (whole > 0 && (bytes[whole - 1] & 0xc0) == 0x80) {
      whole--;
    }
    if (whole > 0 && bytes[whole - 1] < 0) {
      int size = Integer.numberOfLeadingZeros(~(bytes[whole - 1] << 24));
      whole = whole - 1 + size <= bytes.length ? whole - 1 + size : whole - 1;
    }
    var start = Arrays.copyOf(bytes, whole);
    if (!isWhole(start)) {
      return false;
    }
    if (whole == bytes.length) {
      return earley.read(string(start)) != Verdict.REJECTED;
    }
    // The characters that begin so are a range, and the grammars tell no others in it apart than
    // these letters and what lies between them.
    int lead = bytes[whole] & 0xff;
    int size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    int bits = lead & 0x7f >> size;
    for (int i = 1; i < size; i++) {
      bits = bits << 6 | (whole + i < bytes.length ? bytes[whole + i] & 0x3f : 0);
    }
    int missing = size - (bytes.length - whole);
    int first = Math.max(bits, new int[] {0x80, 0x800, 0x10000}[size - 2]);
    int last = Math.min(bits | (1 << 6 * missing) - 1, Character.MAX_CODE_POINT);
    if (lead < 0xc2 || lead > 0xf4 || !follows(bytes, whole) || first > last) {
      return false;
    }
    var some = new ArrayList<>(List.of(first, last));
    "aé日😀\ud7ff\ue000".codePoints().forEach(c -> some.addAll(List.of(c - 1, c, c + 1)));
    for (int c : some) {
      if (c >= first
          && c <= last
          && (c < 0xd800 || c > 0xdfff)
          && earley.read(string(start) + Character.toString(c)) != Verdict.REJECTED) {
        return true;
      }
    }
    return false;
  }

  private static boolean follows(byte[] bytes, int lead) {
    for (int i = lead + 1; i < bytes.length; i++) {
      if ((bytes[i] & 0xc0) != 0x80) {
        return false;
      }
    }
    return true;
  }

  private static boolean isWhole(byte[] bytes) {
    return Arrays.equals(string(bytes).getBytes(StandardCharsets.UTF_8), bytes);
  }

  private static String string(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static byte[] join(byte[] a, byte[] b) {
    var joined = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, joined, a.length, b.length);
    return joined;
  }

  @Test
  void whatItLeavesIsAccepted() {
    var random = new Random(11);
    var trie = Walks.bytes();
    int texts = 0;
    for (int n = 0; n < 400; n++) {
      var gbnf = RandomGrammars.grammar(random);
      try {
        var text = Walks.text(Grammar.parse(gbnf), trie, random, 40, 3);
        if (text != null) {
          assertThat(new Earley(gbnf).read(string(text))).as(gbnf).isEqualTo(Verdict.ACCEPTED);
          assertThat(isWhole(text)).isTrue();
          texts++;
        }
      } catch (GrammarException _) {
        // no grammar
      } catch (IllegalStateException e) {
        assertThat(e).hasMessageContaining("no token"); // it accepts nothing
      }
    }
    assertThat(texts).isGreaterThan(60);
  }
}
