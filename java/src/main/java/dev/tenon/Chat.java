package dev.tenon;

import dev.tenon.chat.ChatTemplate;
import dev.tenon.chat.Conversations;
import dev.tenon.chat.Message;
import dev.tenon.chat.ReplyEvent;
import dev.tenon.chat.ReplyException;
import dev.tenon.chat.ReplyFormat;
import dev.tenon.chat.ReplyParser;
import dev.tenon.chat.Tool;
import dev.tenon.chat.ToolCall;
import dev.tenon.grammar.GrammarFilter;
import dev.tenon.json.Json;
import dev.tenon.json.JsonException;
import dev.tenon.json.JsonRecords;
import dev.tenon.json.JsonSchema;
import dev.tenon.sampling.Sampler;
import dev.tenon.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Queue;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/// A conversation with a model.
///
/// What was said is rendered by the model's template for each answer, and of that only what the
/// session does not hold yet is evaluated. Replies are taken apart into thoughts, answer and calls
/// of tools; tools that are Java methods are called, and the model answers with their results.
///
/// Confined to the thread of its session. Text of a user in which control tokens stand is encoded
/// as these, as in other programs.
///
/// ```java
/// try (var backend = Backend.best();
///     var model = Model.load(Path.of("model.gguf"), backend);
///     var session = model.newSession(8192)) {
///   var chat = Chat.of(model, session);
///   chat.system("You are terse.");
///   var sampler = SamplerSettings.defaults().sampler();
///   var events = chat.send("Why is the sky blue?", sampler, GenerateOptions.of(-1));
///   events.forEach(event -> { if (event instanceof ChatEvent.Answer(var text)) IO.print(text); });
/// }
/// ```
public final class Chat {
  /// How often the model may call tools before it must answer.
  private static final int MAX_ROUNDS = 16;

  /// The variable by which an answer's form is asked for, as OpenAI has it.
  private static final String FORMAT = "response_format";

  private final Model model;
  private final Session session;
  private final Tokenizer tokenizer;
  private final ChatTemplate template;
  private final Conversations conversations;
  private final ReplyFormat format;
  private final Map<String, Object> variables = new LinkedHashMap<>();

  private List<Message> messages = new ArrayList<>(); // but the system's
  private String system = "";
  private List<Tool> tools = List.of();
  private int forgotten; // messages at the beginning that had no room any more
  private Turn turn; // the answer that is under way, or null
  private String calling; // the tool that runs now, or null

  // What the model has read and written last: as text, and as the tokens it was.
  private String heldText = "";
  private int[] heldTokens = {};

  private Chat(Model model, Session session, ChatTemplate template) {
    this.model = model;
    this.session = session;
    this.tokenizer = model.tokenizer();
    this.template = template;
    this.conversations = Conversations.of(template);
    this.format = ReplyFormat.of(template);
  }

  /// {@return a conversation that begins, with the model's own template}
  ///
  /// @param model what answers
  /// @param session of that model; this object uses it alone
  /// @throws IllegalStateException if the model has no vocabulary
  /// @throws dev.tenon.jinja.TemplateException if the model's template is malformed
  public static Chat of(Model model, Session session) {
    return of(model, session, model.chatTemplate());
  }

  /// {@return a conversation that begins}
  ///
  /// @param model what answers
  /// @param session of that model; this object uses it alone
  /// @param template how messages become a prompt
  /// @throws IllegalArgumentException if the session is another model's
  /// @throws IllegalStateException if the model has no vocabulary
  public static Chat of(Model model, Session session, ChatTemplate template) {
    if (session.model() != model)
      throw new IllegalArgumentException("chat: the session is another model's");
    return new Chat(model, session, Objects.requireNonNull(template));
  }

  /// {@return the session that evaluates}
  public Session session() {
    return session;
  }

  /// {@return how messages become a prompt}
  public ChatTemplate template() {
    return template;
  }

  /// {@return what was said, the system's message first where there is one}
  public List<Message> messages() {
    settle();
    var all = new ArrayList<Message>();
    if (!system.isEmpty()) all.add(Message.system(system));
    all.addAll(messages);
    return List.copyOf(all);
  }

  /// Tells the model what it is; heeded from the next answer on.
  ///
  /// @param text the instructions; empty for none
  public void system(String text) {
    settle();
    system = Objects.requireNonNull(text);
  }

  /// {@return the instructions, empty where there are none}
  public String system() {
    return system;
  }

  /// Says whether the model is to think before it answers, where its template lets one choose.
  ///
  /// @param on null for the default, which is to think, as in llama.cpp
  public void think(Boolean on) {
    variable("enable_thinking", on);
  }

  /// Sets a variable of the template, such as `reasoning_effort`. Beside those, `response_format`
  /// (OpenAI's: `{"type": "json_schema", "json_schema": {"schema": …}}`) holds answers to a schema,
  /// and `tool_choice` (`none`, `auto`, `required`) says whether tools may or must be called.
  ///
  /// @param name of the variable
  /// @param value JSON's values as Java has them; null takes the variable away
  /// @throws IllegalArgumentException if the value is none of JSON's
  public void variable(String name, Object value) {
    Objects.requireNonNull(name);
    Json.write(value);
    if (value == null) variables.remove(name);
    else variables.put(name, value);
  }

  /// {@return the value of a variable that was set, else null}
  ///
  /// @param name of the variable
  public Object variable(String name) {
    return variables.get(Objects.requireNonNull(name));
  }

  /// Gives the model tools; heeded from the next answer on. Those that are Java methods are called
  /// by this object; a call of another ends the answer, and its result is given by [#result].
  ///
  /// @param given their names differ
  /// @throws IllegalArgumentException if two have one name
  public void tools(List<Tool> given) {
    settle();
    var names = given.stream().map(Tool::name).toList();
    if (names.stream().distinct().count() < names.size())
      throw new IllegalArgumentException("tools: a name stands twice in " + names);
    tools = List.copyOf(given);
  }

  /// Asks, and streams the answer.
  ///
  /// Nothing is said before the first event is pulled; not pulling further leaves what has been
  /// said so far as the answer. So does interrupting the thread: the last event is then a
  /// [ChatEvent.Done] that says so. Where the first event fails, the conversation is as before.
  ///
  /// @param text what the user says
  /// @param sampler picks each token; it is told the whole conversation
  /// @param options when the answer ends. Where the context may shift, a conversation that does not
  ///     fit forgets its oldest messages, but not the system's
  /// @return events, then exactly one [ChatEvent.Done]; sequential, single use, for this thread.
  ///     Pulling throws [dev.tenon.jinja.TemplateException] if the template refuses the
  ///     conversation, [IllegalStateException] if it does not fit the context, and
  ///     [ReplyException] if the model ends in the middle of a tool call
  public Stream<ChatEvent> send(String text, Sampler sampler, GenerateOptions options) {
    return say(Message.user(text), sampler, options);
  }

  /// Asks, and gives the answer as a Java type: a grammar made of the type holds the model to JSON
  /// of its form.
  ///
  /// ```java
  /// record City(String name, int inhabitants) {}
  /// var city = chat.ask("The largest city of Japan?", sampler, options, City.class);
  /// ```
  ///
  /// @param <T> the type
  /// @param text what the user says
  /// @param sampler picks each token among those that the form allows
  /// @param options when the answer ends
  /// @param type a record, an enum, or what else [JsonSchema#of] takes
  /// @return the answer, which is in the conversation as well
  /// @throws IllegalArgumentException if JSON has nothing for the type, or the type itself refuses
  ///     the answer, as a record's constructor may
  /// @throws IllegalStateException if the conversation does not fit the context, or a limit or an
  ///     interruption cut the answer off
  /// @throws dev.tenon.jinja.TemplateException if the template refuses the conversation
  public <T> T ask(String text, Sampler sampler, GenerateOptions options, Class<T> type) {
    var before = variables.get(FORMAT);
    variables.put(
        FORMAT,
        Map.of("type", "json_schema", "json_schema", Map.of("schema", JsonSchema.of(type))));
    try {
      for (var events = send(text, sampler, options).iterator(); ; ) {
        if (!(events.next() instanceof ChatEvent.Done(var reply, var done))) continue;
        try {
          return JsonRecords.read(reply.content(), type);
        } catch (JsonException e) {
          if (done.reason() == Generation.Reason.END_OF_TEXT) throw e; // the type has more to ask
          throw new IllegalStateException(
              "ask: " + done.reason() + " before the answer was whole: " + reply.content(), e);
        }
      }
    } finally {
      variable(FORMAT, before);
    }
  }

  /// Says what came of a call of a tool that is no Java method, and streams the answer to that.
  ///
  /// @param call from the last answer
  /// @param text the result
  /// @param sampler picks each token
  /// @param options when the answer ends
  /// @return events as of [#send]
  public Stream<ChatEvent> result(
      ToolCall call, String text, Sampler sampler, GenerateOptions options) {
    return say(Message.tool(call.id(), call.name(), text), sampler, options);
  }

  private Stream<ChatEvent> say(Message message, Sampler sampler, GenerateOptions options) {
    settle();
    return stream(new Turn(message, sampler, options));
  }

  /// Answers the last question anew, and streams the answer.
  ///
  /// @param sampler picks each token
  /// @param options when the answer ends
  /// @return events as of [#send]
  /// @throws IllegalStateException if nothing was asked yet
  public Stream<ChatEvent> regenerate(Sampler sampler, GenerateOptions options) {
    settle();
    if (lastQuestion() < 0) throw new IllegalStateException("nothing was asked yet");
    return stream(new Turn(null, sampler, options));
  }

  private Stream<ChatEvent> stream(Turn next) {
    return StreamSupport.stream(
        Spliterators.spliteratorUnknownSize(next, Spliterator.ORDERED | Spliterator.NONNULL),
        false);
  }

  /// Forgets the last question and what came after it.
  ///
  /// @return false where nothing was asked
  public boolean undo() {
    settle();
    int question = lastQuestion();
    if (question < 0) return false;
    messages = new ArrayList<>(messages.subList(0, question));
    forgotten = Math.min(forgotten, question);
    return true;
  }

  /// Forgets all but the instructions.
  public void clear() {
    settle();
    messages = new ArrayList<>();
    forgotten = 0;
  }

  private int lastQuestion() {
    for (int i = messages.size() - 1; i >= 0; i--) {
      if (messages.get(i).role().equals("user")) return i;
    }
    return -1;
  }

  /// {@return tokens of the conversation as the context would hold it now}
  ///
  /// @throws dev.tenon.jinja.TemplateException if the template refuses the conversation
  public int contextTokens() {
    settle();
    return messages.isEmpty() && system.isEmpty() ? 0 : encode(render(messages, false)).length;
  }

  // What the model reads.

  private Map<String, Object> conversation(List<Message> said, boolean answer) {
    var all = new ArrayList<Message>();
    if (!system.isEmpty()) all.add(Message.system(system));
    all.addAll(said.subList(Math.min(forgotten, said.size()), said.size()));
    var given = conversations.variables(all, tools, variables);
    given.put("add_generation_prompt", answer);
    return given;
  }

  private String render(List<Message> said, boolean answer) {
    return template.render(conversation(said, answer));
  }

  /// The tokens of a prompt. Where it goes on from what the session holds, they go on from the
  /// tokens there: the model may have written others than its text would be encoded to.
  private int[] encode(String prompt) {
    var whole = withBegin(tokenizer.encode(prompt, false, true));
    if (heldText.isEmpty() || !prompt.startsWith(heldText)) return whole;
    var rest = tokenizer.encode(prompt.substring(heldText.length()), false, true);
    var joined = Arrays.copyOf(heldTokens, heldTokens.length + rest.length);
    System.arraycopy(rest, 0, joined, heldTokens.length, rest.length);
    // SentencePiece puts a space in front of a text that is encoded alone.
    boolean same = tokenizer.decode(joined, true).equals(tokenizer.decode(whole, true));
    return same ? joined : whole;
  }

  private int[] withBegin(int[] tokens) {
    int bos = tokenizer.bos();
    if (!tokenizer.addsBos() || bos < 0 || tokens.length > 0 && tokens[0] == bos) return tokens;
    var all = new int[tokens.length + 1];
    all[0] = bos;
    System.arraycopy(tokens, 0, all, 1, tokens.length);
    return all;
  }

  /// So many tokens at the beginning do not depend on what was asked: the instructions.
  private int instructionTokens(List<Message> said, int[] prompt) {
    var other = new ArrayList<Message>();
    for (var message : said) {
      boolean asked = message.role().equals("user");
      other.add(asked ? Message.user("\u0001" + message.content()) : message);
    }
    return Math.max(0, Arrays.mismatch(prompt, encode(render(other, true))));
  }

  /// Whether a control token is part of how replies are written: the template has its text.
  private boolean isMarker(int token) {
    return token != tokenizer.bos()
        && token != tokenizer.eos()
        && (template.source().contains(tokenizer.piece(token))
            || template.toolSource().contains(tokenizer.piece(token)));
  }

  /// What holds calls of tools to the form of the template and to the tools' parameters, and an
  /// answer to its schema; null where there is neither.
  private GrammarFilter calls(Map<String, Object> conversation) {
    if (tools.isEmpty() && !conversation.containsKey(FORMAT)) return null;
    var form = format.toolGrammar(conversation);
    if (form == null) return null;
    var trie = model.vocabularyTrie(true);
    var filter =
        form.lazy()
            ? GrammarFilter.lazy(form.grammar(), trie, form.triggers())
            : new GrammarFilter(form.grammar(), trie);
    if (!form.lazy() && !form.opening().isEmpty()) filter.feed(form.opening());
    return filter;
  }

  // Saving.

  /// Writes the conversation, and what the session holds of it, to a file that appears when it is
  /// complete.
  ///
  /// @param file replaced where it exists
  /// @throws IOException if it cannot be written
  public void save(Path file) throws IOException {
    settle();
    var note = new LinkedHashMap<String, Object>();
    note.put("system", system);
    note.put("messages", messages.stream().map(Message::toOpenAi).toList());
    note.put("forgotten", forgotten);
    note.put("held", heldText);
    note.put("held_tokens", Arrays.stream(heldTokens).boxed().toList());
    session.save(file, Json.write(note));
  }

  /// Reads back what [#save] has written.
  ///
  /// @param file of the same model and the same build
  /// @throws IOException if it cannot be read, is another model's or another build's, or does not
  ///     fit the context; the conversation does not change then
  public void load(Path file) throws IOException {
    settle();
    try {
      var saved = Json.object(session.restore(file));
      var said = new ArrayList<Message>();
      for (var message : (List<?>) saved.get("messages")) said.add(Message.of(object(message)));
      var instructions = (String) saved.get("system");
      int gone = Math.toIntExact((Long) saved.get("forgotten"));
      var tokens = ((List<?>) saved.get("held_tokens")).stream().mapToInt(Chat::id).toArray();
      var text = (String) saved.get("held");
      Objects.checkFromToIndex(0, gone, said.size());
      for (int token : tokens) Objects.checkIndex(token, tokenizer.vocabularySize());
      system = Objects.requireNonNull(instructions);
      messages = said;
      forgotten = gone;
      hold(Objects.requireNonNull(text), tokens);
    } catch (IllegalArgumentException
        | ClassCastException
        | NullPointerException
        | IndexOutOfBoundsException
        | ArithmeticException e) {
      session.rewind(0);
      hold("", new int[0]);
      throw new IOException(file + " is a saved session, but holds no conversation", e);
    }
  }

  private static Map<String, Object> object(Object json) {
    var members = new LinkedHashMap<String, Object>();
    ((Map<?, ?>) json).forEach((name, value) -> members.put((String) name, value));
    return members;
  }

  private static int id(Object json) {
    return Math.toIntExact((Long) json);
  }

  private void hold(String text, int[] tokens) {
    heldText = text;
    heldTokens = tokens;
  }

  // The answer.

  /// Makes an answer that was not pulled to its end the answer that it is.
  private void settle() {
    if (calling != null)
      throw new IllegalStateException("the chat waits for its tool " + calling + " and is in use");
    if (turn != null) turn.abandon();
  }

  /// A prompt, and what it is in tokens.
  private record Prompt(String text, int[] tokens) {}

  /// One question and its answer, with the calls of tools between, one event at a time.
  private final class Turn implements Iterator<ChatEvent> {
    private final Sampler sampler;
    private final GenerateOptions options;
    private final Message question; // null for the last one anew
    private final Queue<ChatEvent> ready = new ArrayDeque<>();

    // The conversation, should the answer not begin.
    private List<Message> original;
    private int originalForgotten;
    private boolean told; // an event was handed out

    // This round: what comes before the next result of a tool, or is the answer.
    private Iterator<Generation> pieces; // null before it
    private ReplyParser parser;
    private StringBuilder read; // the prompt, and the reply as it was written
    private int[] tokens; // of that
    private int count; // of them
    private final StringBuilder thinking = new StringBuilder();
    private final StringBuilder answer = new StringBuilder();

    private int rounds;
    private int calls; // that have been given ids
    private int generated; // tokens in the rounds before
    private long started;
    private boolean over;

    Turn(Message question, Sampler sampler, GenerateOptions options) {
      this.question = question;
      this.sampler = Objects.requireNonNull(sampler);
      this.options = Objects.requireNonNull(options);
    }

    @Override
    public boolean hasNext() {
      return !over || !ready.isEmpty();
    }

    @Override
    public ChatEvent next() {
      if (!hasNext()) throw new NoSuchElementException("the answer is over");
      try {
        while (ready.isEmpty()) advance();
      } catch (Throwable e) {
        over = true;
        if (turn == this && !told && rounds == 0) restore();
        else abandon();
        throw e;
      }
      told = true;
      return ready.remove();
    }

    private void restore() {
      messages = original;
      forgotten = originalForgotten;
      turn = null;
    }

    private void advance() {
      if (pieces == null) begin();
      switch (pieces.next()) {
        case Generation.Piece piece -> take(piece);
        case Generation.Done done -> end(done);
      }
    }

    /// Renders the conversation and begins to generate.
    private void begin() {
      if (rounds == 0) {
        settle();
        turn = this;
        started = System.nanoTime();
        original = messages;
        originalForgotten = forgotten;
        messages = asked();
        calls = messages.stream().mapToInt(message -> message.toolCalls().size()).sum();
      }
      var prompt = fitting();
      read = new StringBuilder(prompt.text());
      tokens = prompt.tokens();
      count = tokens.length;
      thinking.setLength(0);
      answer.setLength(0);
      var conversation = conversation(messages, true);
      parser = format.parser(conversation);
      sampler.reset();
      var form = calls(conversation);
      var held = form == null ? sampler : sampler.within(form);
      pieces = session.complete(tokens, held, limits()).iterator();
    }

    /// The conversation up to the question.
    private List<Message> asked() {
      if (question == null) return new ArrayList<>(messages.subList(0, lastQuestion() + 1));
      var said = new ArrayList<>(messages);
      said.add(question);
      return said;
    }

    /// What is left of the limits, and what the template adds to them.
    private GenerateOptions limits() {
      var left = options.withSpecial(token -> options.special().test(token) || isMarker(token));
      if (options.maxTokens() >= 0)
        left = left.withMaxTokens(Math.max(0, options.maxTokens() - generated));
      if (options.maxTime() != null) {
        var spent = Duration.ofNanos(System.nanoTime() - started);
        var rest = options.maxTime().minus(spent);
        left = left.withMaxTime(rest.isNegative() ? Duration.ZERO : rest);
      }
      if (options.keep() >= 0) {
        int instructions = instructionTokens(messages, tokens);
        left = left.withContextShift(Math.max(options.keep(), instructions));
      }
      var stops = new ArrayList<>(options.stops().strings());
      stops.addAll(format.stops());
      return left.withStopStrings(stops.toArray(String[]::new));
    }

    /// The prompt; where the context may shift, without the oldest messages that do not fit.
    private Prompt fitting() {
      var prompt = prompt();
      if (prompt.tokens().length < session.contextLength()) return prompt;
      // Half of the context is left to go on in, or the next turn would have to forget again.
      while (options.keep() >= 0
          && prompt.tokens().length > session.contextLength() / 2
          && forgetOne()) prompt = prompt();
      if (prompt.tokens().length < session.contextLength()) return prompt;
      throw new IllegalStateException(
          "the conversation has "
              + prompt.tokens().length
              + " tokens, and the context "
              + session.contextLength());
    }

    private Prompt prompt() {
      var text = render(messages, true);
      return new Prompt(text, encode(text));
    }

    /// Forgets the oldest question and all up to the next; not the last one.
    private boolean forgetOne() {
      for (int i = forgotten + 1; i < messages.size(); i++) {
        if (messages.get(i).role().equals("user")) {
          forgotten = i;
          return true;
        }
      }
      return false;
    }

    private void take(Generation.Piece piece) {
      if (piece.token() >= 0) {
        if (count == tokens.length) tokens = Arrays.copyOf(tokens, count + count / 2 + 16);
        tokens[count++] = piece.token();
      }
      read.append(piece.text());
      parser.accept(piece.text()).forEach(this::tell);
    }

    private void tell(ReplyEvent event) {
      switch (event) {
        case ReplyEvent.Thinking(var text) -> {
          thinking.append(text);
          ready.add(new ChatEvent.Thinking(text));
        }
        case ReplyEvent.Content(var text) -> {
          answer.append(text);
          ready.add(new ChatEvent.Answer(text));
        }
        case ReplyEvent.CallStarted _ -> {}
        case ReplyEvent.Call(int index, var call) ->
            ready.add(new ChatEvent.Call(identified(call, index)));
      }
    }

    /// A call with an id: some templates ask for one where their models write none. Mistral's want
    /// nine letters and digits.
    private ToolCall identified(ToolCall call, int index) {
      return call.id() != null ? call : call.withId("call%05d".formatted(calls + index + 1));
    }

    private void end(Generation.Done done) {
      hold();
      var reply = reply(done);
      boolean ended =
          done.reason() == Generation.Reason.END_OF_TEXT
              || done.reason() == Generation.Reason.STOP_STRING;
      boolean runs =
          ended
              && !reply.toolCalls().isEmpty()
              && reply.toolCalls().stream().noneMatch(this::isForCaller);
      if (runs && rounds == MAX_ROUNDS)
        throw new IllegalStateException(
            "the model called tools " + MAX_ROUNDS + " times and gave no answer");
      messages.add(reply);
      if (!runs) {
        ready.add(new ChatEvent.Done(reply, done));
        over = true;
        turn = null;
        return;
      }
      for (var call : reply.toolCalls()) {
        var result = answerOf(call);
        messages.add(result);
        ready.add(new ChatEvent.Result(call, result.content()));
      }
      calls += reply.toolCalls().size();
      generated += done.generatedTokens();
      pieces = null;
      rounds++;
    }

    private Message answerOf(ToolCall call) {
      calling = call.name();
      try {
        return Tool.answer(tools, call);
      } finally {
        calling = null;
      }
    }

    private Message reply(Generation.Done done) {
      try {
        var reply = parser.finish();
        parser.remaining().forEach(this::tell);
        var identified = new ArrayList<ToolCall>();
        for (var call : reply.toolCalls()) identified.add(identified(call, identified.size()));
        return Message.assistant(reply.content(), reply.reasoning(), identified);
      } catch (ReplyException e) {
        // Who stops an answer knows that it is cut off.
        if (done.reason() != Generation.Reason.INTERRUPTED) throw e;
        return soFar();
      }
    }

    private boolean isForCaller(ToolCall call) {
      return tools.stream()
          .anyMatch(tool -> tool.name().equals(call.name()) && tool.function() == null);
    }

    /// What the model has read and written becomes what the next prompt may go on from.
    private void hold() {
      int last = tokens[count - 1];
      var end = tokenizer.endsGeneration(last) ? tokenizer.decode(new int[] {last}, true) : "";
      Chat.this.hold(read + end, Arrays.copyOf(tokens, count));
    }

    private Message soFar() {
      var thoughts = thinking.isEmpty() ? null : thinking.toString();
      return Message.assistant(answer.toString(), thoughts, List.of());
    }

    /// Ends here: what was said so far is the answer.
    void abandon() {
      if (turn != this) return;
      over = true;
      turn = null;
      ready.clear();
      if (pieces == null) return;
      hold();
      messages.add(soFar());
    }
  }
}
