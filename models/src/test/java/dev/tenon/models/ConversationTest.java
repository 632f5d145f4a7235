package dev.tenon.models;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.tenon.Chat;
import dev.tenon.ChatEvent;
import dev.tenon.GenerateOptions;
import dev.tenon.Generation;
import dev.tenon.Model;
import dev.tenon.Session;
import dev.tenon.chat.ChatTemplate;
import dev.tenon.chat.Message;
import dev.tenon.chat.ReplyException;
import dev.tenon.chat.Tool;
import dev.tenon.chat.ToolCall;
import dev.tenon.jinja.TemplateException;
import dev.tenon.sampling.Sampler;
import dev.tenon.sampling.SamplerSettings;
import dev.tenon.tensor.Backend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Conversations with a model of random weights. What it is to say is said by a sampler that does
/// not look at the logits, so that the rest can be seen.
class ConversationTest {
  /// Calls as Hermes and Qwen write them, thoughts between tags.
  private static final String TEMPLATE =
      """
      {%- if tools %}<tools>{% for tool in tools %}{{ tool | tojson }}{% endfor %}</tools>
      {% endif %}
      {%- for message in messages %}<{{ message.role }}>
      {%- if message.reasoning_content %}<think>{{ message.reasoning_content }}</think>{% endif %}
      {{- message.content }}
      {%- for call in message.tool_calls or [] %}<tool_call>
      {"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
      </tool_call>{% endfor %}</{{ message.role }}>
      {% endfor %}
      {%- if add_generation_prompt %}<assistant>{% endif %}
      """;

  private static final String CALL =
      "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": 2}}\n</tool_call>";

  private static final GenerateOptions OPTIONS = GenerateOptions.of(400);

  record Numbers(int a, int b) {}

  record Answer(String name, List<Integer> sizes, boolean sure) {}

  @TempDir Path folder;
  private Backend backend;
  private Model model;
  private Session session;
  private Chat chat;

  @BeforeEach
  void open() throws IOException {
    backend = Backend.cpu(1);
    model = Model.load(TinyLlama.DENSE.write(folder.resolve("tiny.gguf")), backend);
    session = model.newSession(4096);
    chat = Chat.of(model, session, ChatTemplate.of(TEMPLATE));
  }

  @AfterEach
  void close() {
    session.close();
    model.close();
    backend.close();
  }

  /// A sampler that gives these replies, each to its end.
  private Sampler says(String... replies) {
    Queue<Integer> script = new ArrayDeque<>();
    for (var reply : replies) {
      // A token for each byte; to encode a text would turn its spaces into other characters.
      for (byte b : reply.getBytes(UTF_8)) script.add(TinyLlama.TOKENS - 256 + (b & 0xff));
      script.add(model.tokenizer().eos());
    }
    return _ -> script.isEmpty() ? model.tokenizer().eos() : script.remove();
  }

  private List<ChatEvent> ask(String text, String... replies) {
    return chat.send(text, says(replies), OPTIONS).toList();
  }

  private static String answer(List<ChatEvent> events) {
    return events.stream()
        .filter(ChatEvent.Answer.class::isInstance)
        .map(event -> ((ChatEvent.Answer) event).text())
        .collect(Collectors.joining());
  }

  private static Generation.Done done(List<ChatEvent> events) {
    return ((ChatEvent.Done) events.getLast()).generation();
  }

  @Test
  void aConversationIsWhatWasSaid() {
    chat.system("Be brief.");
    assertThat(answer(ask("Hi", "Hello!")).strip()).isEqualTo("Hello!");
    ask("And?", "Nothing.");
    assertThat(chat.messages())
        .extracting(Message::role)
        .containsExactly("system", "user", "assistant", "user", "assistant");
    assertThat(chat.messages().getLast().content().strip()).isEqualTo("Nothing.");
  }

  @Test
  void aTurnEvaluatesOnlyWhatIsNew() {
    ask("A first question, of some length", "An answer");
    int held = session.position();
    var second = done(ask("More", "Fine"));
    assertThat(second.reusedTokens()).isBetween(held - 12, held);
    assertThat(second.promptTokens()).isLessThan(60);
    // The same prompt again needs its last token only.
    var again = done(chat.regenerate(says("Fine"), OPTIONS).toList());
    assertThat(again.promptTokens()).isEqualTo(1);
  }

  @Test
  void thoughtsAreNoPartOfTheAnswer() {
    var events = ask("Why?", "<think>Hm.</think>Because.");
    assertThat(answer(events).strip()).isEqualTo("Because.");
    var reply = chat.messages().getLast();
    assertThat(reply.reasoning().strip()).isEqualTo("Hm.");
    assertThat(reply.content().strip()).isEqualTo("Because.");
  }

  @Test
  void aMethodIsCalledAndTheModelAnswers() {
    chat.tools(List.of(Tool.of("add", "Adds", Numbers.class, n -> n.a() + n.b())));
    var events = ask("1 + 2?", CALL, "It is 3.");
    assertThat(events)
        .contains(
            new ChatEvent.Call(new ToolCall("call00001", "add", Map.of("a", 1L, "b", 2L))),
            new ChatEvent.Result(new ToolCall("call00001", "add", Map.of("a", 1L, "b", 2L)), "3"));
    assertThat(answer(events).strip()).isEqualTo("It is 3.");
    assertThat(chat.messages())
        .extracting(Message::role)
        .containsExactly("user", "assistant", "tool", "assistant");
    assertThat(chat.messages().get(2).content()).isEqualTo("3");
  }

  @Test
  void theModelIsToldWhatGoesWrongInAMethod() {
    chat.tools(List.of(Tool.of("add", "Adds", Numbers.class, n -> n.a() / (n.b() - 2))));
    ask("1 + 2?", CALL, "Sorry.");
    assertThat(chat.messages().get(2).content()).startsWith("error: ").contains("zero");
  }

  @Test
  void aToolThatIsNoMethodIsTheCallersToRun() {
    var add = Tool.of("add", "Adds", Numbers.class, n -> 0);
    chat.tools(List.of(Tool.of(add.toMap())));
    var reply = ((ChatEvent.Done) ask("1 + 2?", CALL).getLast()).reply();
    var call = reply.toolCalls().getFirst();
    assertThat(call.argumentMap()).isEqualTo(Map.of("a", 1L, "b", 2L));
    var answered = chat.result(call, "3", says("Three."), OPTIONS).toList();
    assertThat(answer(answered).strip()).isEqualTo("Three.");
  }

  @Test
  void callsWithoutEndAreEnded() {
    chat.tools(List.of(Tool.of("add", "Adds", Numbers.class, n -> n.a() + n.b())));
    var calls = new String[40];
    Arrays.fill(calls, CALL);
    assertThatIllegalStateException()
        .isThrownBy(() -> chat.send("1 + 2?", says(calls), GenerateOptions.of(-1)).toList())
        .withMessageContaining("16 times");
    assertThat(answer(ask("Stop", "Yes")).strip()).isEqualTo("Yes");
  }

  @Test
  void aCallCutOffIsOneErrorAndTheConversationGoesOn() {
    chat.tools(List.of(Tool.of("add", "Adds", Numbers.class, n -> n.a() + n.b())));
    assertThatExceptionOfType(ReplyException.class)
        .isThrownBy(() -> chat.send("1 + 2?", says(CALL), GenerateOptions.of(40)).toList())
        .withMessageContaining("tool call");
    // Nothing of it was told, so nothing of it stays.
    assertThat(chat.messages()).isEmpty();
    assertThatExceptionOfType(ReplyException.class)
        .isThrownBy(
            () ->
                chat.send("1 + 2?", says("Well: " + CALL), GenerateOptions.of(40))
                    .forEach(_ -> {}));
    assertThat(chat.messages()).extracting(Message::role).containsExactly("user", "assistant");
    assertThat(answer(ask("Stop", "Yes")).strip()).isEqualTo("Yes");
  }

  @Test
  void theFormOfACallIsHeldToItsSchema() {
    chat.tools(List.of(Tool.of("add", "Adds", Numbers.class, n -> n.a() + n.b())));
    chat.variable("tool_choice", "required");
    for (int seed = 0; seed < 5; seed++) {
      chat.clear();
      var sampler = SamplerSettings.defaults().withSeed(seed).withTemperature(2).sampler();
      try {
        var events = chat.send("1 + 2?", sampler, GenerateOptions.of(300)).toList();
        for (var event : events) {
          if (!(event instanceof ChatEvent.Call(var call))) continue;
          assertThat(call.name()).isEqualTo("add");
          assertThat(call.argumentMap()).containsOnlyKeys("a", "b");
        }
      } catch (ReplyException | IllegalStateException e) {
        // Numbers of random digits may go on to the limit.
        assertThat(e.getMessage()).containsAnyOf("tool call", "times", "context");
      }
    }
  }

  @Test
  void anAnswerOfAJavaType() {
    int whole = 0;
    for (int seed = 0; seed < 12; seed++) {
      chat.clear();
      var sampler = SamplerSettings.defaults().withSeed(seed).sampler();
      try {
        var answer = chat.ask("Well?", sampler, GenerateOptions.of(400), Answer.class);
        assertThat(answer.sizes()).isNotNull();
        whole++;
      } catch (IllegalStateException e) {
        assertThat(e).hasMessageContaining("before the answer was whole");
      }
    }
    assertThat(whole).isPositive();
    assertThat(chat.variable("response_format")).isNull();
    assertThat(session.generate("x", Sampler.greedy(), 60, boolean.class)).isIn(true, false);
  }

  @Test
  void whatIsNotPulledIsNotSaid() {
    var events = chat.send("Go on", says("One two three four five"), OPTIONS).iterator();
    while (!(events.next() instanceof ChatEvent.Answer(var text) && text.contains("w"))) {}
    assertThat(chat.messages().getLast().content().strip()).isEqualTo("One tw");
    assertThat(events.hasNext()).isFalse();
  }

  @Test
  void anInterruptionEndsTheAnswer() {
    var script = says("One two three");
    Sampler sampler =
        logits -> {
          int token = script.sample(logits);
          if (model.tokenizer().decode(token).equals("w")) Thread.currentThread().interrupt();
          return token;
        };
    var events = chat.send("Go on", sampler, OPTIONS).toList();
    assertThat(Thread.interrupted()).isTrue();
    assertThat(done(events).reason()).isEqualTo(Generation.Reason.INTERRUPTED);
    assertThat(chat.messages().getLast().content().strip()).isEqualTo("One tw");
    assertThat(answer(ask("More", "Yes")).strip()).isEqualTo("Yes");
  }

  @Test
  void whatCannotBeginLeavesTheConversationAsItWas() {
    ask("Hi", "Hello");
    var before = chat.messages();
    assertThatIllegalStateException()
        .isThrownBy(() -> ask("x".repeat(5000), "y"))
        .withMessageContaining("context 4096");
    assertThat(chat.messages()).isEqualTo(before);
    var refuses = "{{ raise_exception('no questions') if messages | length > 2 }}" + TEMPLATE;
    var other = Chat.of(model, session, ChatTemplate.of(refuses));
    other.send("Hi", says("Hello"), OPTIONS).toList();
    assertThatExceptionOfType(TemplateException.class)
        .isThrownBy(() -> other.send("Why?", says("x"), OPTIONS).toList())
        .withMessageContaining("no questions");
    assertThat(other.messages()).hasSize(2);
  }

  @Test
  void aQuestionThatIsRefusedForgetsNothing() {
    var shifting = OPTIONS.withContextShift(0);
    chat.send("First question", says("First answer"), shifting).toList();
    chat.send("Second question", says("Second answer"), shifting).toList();
    int tokens = chat.contextTokens();
    assertThatIllegalStateException()
        .isThrownBy(() -> chat.send("x".repeat(5000), says("y"), shifting).toList());
    assertThat(chat.contextTokens()).isEqualTo(tokens);
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                chat.send(
                        "z",
                        _ -> {
                          throw new IllegalStateException("no token");
                        },
                        OPTIONS)
                    .toList())
        .withMessage("no token");
    assertThat(chat.messages()).hasSize(4);
  }

  @Test
  void theSamplerIsToldEachRoundOnce() {
    chat.tools(List.of(Tool.of("add", "Adds", Numbers.class, n -> n.a() + n.b())));
    var script = says(CALL, "Three.");
    var told = new ArrayList<Integer>();
    var sampler =
        new Sampler() {
          @Override
          public int sample(float[] logits) {
            return script.sample(logits);
          }

          @Override
          public void accept(int token) {
            told.add(token);
          }

          @Override
          public void reset() {
            told.clear();
          }
        };
    chat.send("1 + 2?", sampler, OPTIONS).toList();
    assertThat(told).hasSize(session.position() + 1); // the last token is not evaluated
  }

  @Test
  void anAnswerThatWasStoppedCallsNothing() {
    var called = new int[1];
    chat.tools(List.of(Tool.of("add", "Adds", Numbers.class, n -> called[0]++)));
    var options = GenerateOptions.of(CALL.length());
    var reply = chat.send("1 + 2?", says(CALL), options).toList();
    assertThat(done(reply).reason()).isEqualTo(Generation.Reason.MAX_TOKENS);
    assertThat(called).containsExactly(0);
    // The rounds share the limit.
    var shared = chat.regenerate(says(CALL, "x".repeat(900)), GenerateOptions.of(200)).toList();
    assertThat(called).containsExactly(1);
    assertThat(done(shared).generatedTokens()).isLessThan(200 - CALL.length());
  }

  @Test
  void aToolCannotTouchTheChatThatCallsIt() {
    chat.tools(
        List.of(
            Tool.of(
                "add",
                "Adds",
                Numbers.class,
                _ -> {
                  chat.clear();
                  return 0;
                })));
    var events = ask("1 + 2?", CALL, "Sorry.");
    assertThat(done(events).reason()).isEqualTo(Generation.Reason.END_OF_TEXT);
    assertThat(chat.messages()).hasSize(4);
    assertThat(chat.messages().get(2).content()).contains("add", "in use");
  }

  @Test
  void questionsAreAskedInTheOrderInWhichTheyArePulled() {
    var first = chat.send("one", says("1"), OPTIONS);
    var second = chat.send("two", says("2"), OPTIONS);
    second.toList();
    first.toList();
    assertThat(chat.messages())
        .extracting(Message::content)
        .containsExactly("two", "2", "one", "1");
  }

  @Test
  void controlTokensThatAreNoMarkersAreNotSaid() {
    var script = new ArrayDeque<>(List.of(3 + 'a', 1, 3 + 'b', 2));
    assertThat(answer(chat.send("Hi", _ -> script.remove(), OPTIONS).toList())).isEqualTo("ab");
  }

  @Test
  void undoAndClear() {
    chat.system("Be brief.");
    assertThat(chat.undo()).isFalse();
    ask("a", "b");
    ask("c", "d");
    assertThat(chat.undo()).isTrue();
    assertThat(chat.messages()).hasSize(3);
    chat.clear();
    assertThat(chat.messages()).containsExactly(Message.system("Be brief."));
    assertThatIllegalStateException()
        .isThrownBy(() -> chat.regenerate(says("x"), OPTIONS))
        .withMessageContaining("nothing was asked");
  }

  @Test
  void aFullContextForgetsTheOldestButNotTheSystem() {
    chat.system("Remember me.");
    var shifting = OPTIONS.withContextShift(0);
    for (int i = 0; i < 12; i++)
      chat.send("Question " + i + " " + "x".repeat(400), says("Answer " + i), shifting).toList();
    assertThat(chat.messages()).hasSize(25);
    var held = model.tokenizer().decode(session.tokens(), true);
    assertThat(held).contains("Remember▁me.", "Answer▁10").doesNotContain("Answer▁0<");
    assertThat(chat.contextTokens()).isLessThan(4096);
  }

  @Test
  void aSavedConversationComesBack() throws IOException {
    var file = folder.resolve("saved");
    chat.system("Be brief.");
    ask("a", "b");
    chat.save(file);
    var said = chat.messages();
    var next = done(ask("c", "d"));

    chat.clear();
    chat.system("");
    session.rewind(0);
    chat.load(file);
    assertThat(chat.messages()).isEqualTo(said);
    assertThat(done(ask("c", "d")).promptTokens()).isEqualTo(next.promptTokens());

    session.save(
        file, "{\"messages\":[],\"system\":\"\",\"forgotten\":7,\"held\":\"\",\"held_tokens\":[]}");
    assertThatExceptionOfType(IOException.class).isThrownBy(() -> chat.load(file));
    session.save(file);
    var before = chat.messages();
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(() -> chat.load(file))
        .withMessageContaining("no conversation");
    assertThat(chat.messages()).isEqualTo(before);
    Files.writeString(file, "junk");
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(() -> chat.load(file))
        .withMessageContaining("no saved session");
  }

  @Test
  void aConversationOfAnotherModelIsRefused() throws IOException {
    var file = folder.resolve("saved");
    ask("a", "b");
    chat.save(file);
    var path = TinyLlama.BIASED.write(folder.resolve("other.gguf"));
    try (var other = Model.load(path, backend);
        var elsewhere = other.newSession(2048)) {
      var strange = Chat.of(other, elsewhere);
      assertThatExceptionOfType(IOException.class)
          .isThrownBy(() -> strange.load(file))
          .withMessageContaining("model");
      assertThatIllegalArgumentException().isThrownBy(() -> Chat.of(model, elsewhere));
    }
  }

  @Test
  void toolsOfOneNameAreRefused() {
    var add = Tool.of("add", "Adds", Numbers.class, n -> 0);
    assertThatIllegalArgumentException().isThrownBy(() -> chat.tools(List.of(add, add)));
  }
}
