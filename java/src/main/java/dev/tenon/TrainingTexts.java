package dev.tenon;

import dev.tenon.chat.ChatTemplate;
import dev.tenon.chat.Conversations;
import dev.tenon.chat.Message;
import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.jinja.TemplateException;
import dev.tenon.json.Json;
import dev.tenon.tokenizer.Tokenizer;
import dev.tenon.train.Example;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Texts and chats as a model learns from them.
///
/// A text is the tokens of the text between those that the vocabulary begins and ends texts with,
/// and all of them count. Of a chat, written out by the model's template, the answers count, each
/// to the token that ends it: what was asked is read and not learned.
///
/// ```java
/// var texts = TrainingTexts.of(gguf);
/// List<Example> examples = texts.read(Path.of("chats.jsonl"));
/// ```
///
/// Confined to one thread at a time.
public final class TrainingTexts {
  private final Tokenizer tokenizer;
  private final ChatTemplate template;
  private final Conversations conversations;

  private TrainingTexts(Tokenizer tokenizer, ChatTemplate template) {
    this.tokenizer = tokenizer;
    this.template = template;
    this.conversations = Conversations.of(template);
  }

  /// {@return the texts of a model with this vocabulary and template}
  ///
  /// @param gguf an open file; not retained
  /// @throws GgufFormatException if its vocabulary or template is malformed
  /// @throws IllegalArgumentException if it has no vocabulary
  public static TrainingTexts of(Gguf gguf) throws GgufFormatException {
    if (!Tokenizer.present(gguf))
      throw new IllegalArgumentException("training: " + gguf.path() + " has no vocabulary");
    var tokenizer = Tokenizer.of(gguf);
    return new TrainingTexts(tokenizer, ChatTemplate.of(gguf, tokenizer));
  }

  /// Reads a file: of a name that ends in `.jsonl` one text or chat a line, `{"text": "…"}` or
  /// `{"messages": [{"role": "user", "content": "…"}, …]}`, of others one text.
  ///
  /// @param file UTF-8
  /// @return the examples; those of a chat without an answer, and of an empty text, are left out
  /// @throws IOException if the file cannot be read, or a line is neither, or a chat whose answers
  ///     the template does not write as they stand; the message has its number
  public List<Example> read(Path file) throws IOException {
    var name = file.getFileName() == null ? "" : file.getFileName().toString();
    var examples = new ArrayList<Example>();
    if (!name.toLowerCase(Locale.ROOT).endsWith(".jsonl")) {
      try {
        add(examples, text(Files.readString(file)));
      } catch (CharacterCodingException e) {
        throw new IOException(file + ": is not UTF-8", e);
      } catch (OutOfMemoryError e) {
        throw new IOException(file + ": is too large for the memory", e);
      }
      return examples;
    }
    try (var lines = Files.newBufferedReader(file)) {
      readLines(lines, file, examples);
    } catch (CharacterCodingException e) {
      throw new IOException(file + ": is not UTF-8", e);
    }
    return examples;
  }

  private void readLines(BufferedReader lines, Path file, List<Example> examples)
      throws IOException {
    int number = 0;
    for (var line = lines.readLine(); line != null; line = lines.readLine()) {
      number++;
      if (line.isBlank()) continue;
      try {
        add(examples, of(Json.object(line)));
      } catch (IllegalArgumentException e) { // of JSON, of a message, of the template
        var message =
            String.valueOf(e.getMessage()).replace(" at line 1, ", " at "); // of this line
        throw new IOException(file + ", line " + number + ": " + message, e);
      }
    }
  }

  private static void add(List<Example> examples, Example example) {
    if (example != null && example.count() > 0) examples.add(example);
  }

  private Example of(Map<String, Object> line) {
    if (line.get("text") instanceof String text) return text(text);
    if (!(line.get("messages") instanceof List<?> list))
      throw new IllegalArgumentException("neither \"text\" nor \"messages\"");
    var messages = new ArrayList<Message>();
    for (var entry : list) {
      if (!(entry instanceof Map<?, ?> map))
        throw new IllegalArgumentException("a message that is no object");
      @SuppressWarnings("unchecked") // an object of JSON has texts for keys
      var message = (Map<String, Object>) map;
      messages.add(Message.of(message));
    }
    return chat(messages);
  }

  /// {@return the example of a text; null where it has no token}
  ///
  /// @param text the text
  public Example text(String text) {
    var ids = tokenizer.encode(text, false, false);
    if (ids.length == 0) return null;
    var tokens = new Tokens();
    if (withBegin(ids).length > ids.length) tokens.add(false, tokenizer.bos());
    tokens.add(true, ids);
    if (tokenizer.eos() >= 0) tokens.add(true, tokenizer.eos());
    return tokens.example();
  }

  /// {@return the example of a chat; null where it has no answer}
  ///
  /// @param messages in their order
  /// @throws TemplateException if the template refuses them
  public Example chat(List<Message> messages) {
    var tokens = new Tokens();
    String before = "";
    for (int i = 0; i < messages.size(); i++) {
      if (!messages.get(i).role().equals("assistant")) continue;
      var asked = render(messages.subList(0, i), true);
      var answered = render(messages.subList(0, i + 1), false);
      // A template that writes an answer otherwise once it has been given, for example without its
      // thoughts, has no text to learn from as it stands.
      if (!asked.startsWith(before) || !answered.startsWith(asked))
        throw new IllegalArgumentException(
            "the template does not continue what was asked with the answer of message " + i);
      encode(tokens, before, asked.substring(before.length()), false);
      encode(tokens, asked, answered.substring(asked.length()), true);
      before = answered;
    }
    return tokens.size == 0 || before.isEmpty() ? null : tokens.example();
  }

  private String render(List<Message> messages, boolean answer) {
    var variables = conversations.variables(messages, List.of(), Map.of());
    variables.put("add_generation_prompt", answer);
    return template.render(variables);
  }

  /// Appends a part of a chat to what stands before it. Of an answer what follows its end does not
  /// count: nobody waits for it.
  private void encode(Tokens tokens, String before, String part, boolean answer) {
    var ids = tokenizer.encode(part, false, true);
    var whole = withBegin(tokenizer.encode(before + part, false, true));
    int from = tokens.size;
    // SentencePiece puts a space in front of a text that is encoded alone.
    if (!tokenizer.decode(tokens.joined(ids), true).equals(tokenizer.decode(whole, true))) {
      int same = Arrays.mismatch(tokens.joined(), whole);
      from = same < 0 ? tokens.size : Math.min(same, tokens.size);
      ids = Arrays.copyOfRange(whole, from, whole.length);
    }
    int end = ids.length;
    for (int i = ids.length - 1; answer && i >= 0; i--)
      if (tokenizer.endsGeneration(ids[i])) end = i + 1;
    tokens.size = from;
    tokens.add(answer, Arrays.copyOf(ids, end));
    tokens.add(false, Arrays.copyOfRange(ids, end, ids.length));
  }

  /// Puts the begin token in front where the vocabulary wants one and the template has not put it.
  private int[] withBegin(int[] ids) {
    int bos = tokenizer.bos();
    if (bos < 0 || !tokenizer.addsBos() || ids.length > 0 && ids[0] == bos) return ids;
    var all = new int[ids.length + 1];
    all[0] = bos;
    System.arraycopy(ids, 0, all, 1, ids.length);
    return all;
  }

  /// Tokens in the making.
  private static final class Tokens {
    int[] ids = new int[64];
    boolean[] wanted = new boolean[64];
    int size;

    void add(boolean counts, int... more) {
      if (size + more.length > ids.length) {
        int room = Math.max(2 * ids.length, size + more.length);
        ids = Arrays.copyOf(ids, room);
        wanted = Arrays.copyOf(wanted, room);
      }
      System.arraycopy(more, 0, ids, size, more.length);
      Arrays.fill(wanted, size, size + more.length, counts);
      size += more.length;
    }

    int[] joined(int... more) {
      var all = Arrays.copyOf(ids, size + more.length);
      System.arraycopy(more, 0, all, size, more.length);
      return all;
    }

    Example example() {
      return size < 2 ? null : new Example(Arrays.copyOf(ids, size), Arrays.copyOf(wanted, size));
    }
  }
}
