package dev.tenon.cli;

import dev.tenon.chat.ChatTemplate;
import dev.tenon.gguf.PendingFile;
import dev.tenon.json.Json;
import dev.tenon.json.JsonException;
import dev.tenon.tokenizer.BpeTrainer;
import dev.tenon.tokenizer.LearnedVocabulary;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/// Learns a vocabulary from texts.
final class TrainTokenizer extends Command {
  private static final String END_OF_TEXT = "<|endoftext|>";

  private final Value<List<String>> files;
  private final Value<Integer> vocabSize;
  private final Value<Integer> minFrequency;
  private final Value<String> pre;
  private final Value<List<String>> special;
  private final Value<String> bos;
  private final Value<String> eos;
  private final Value<String> pad;
  private final Value<Boolean> addBos;
  private final Value<String> chatTemplate;
  private final Value<String> output;

  TrainTokenizer(Streams streams) {
    super(
        streams,
        "train-tokenizer",
        "Learn a byte-level BPE vocabulary from texts, as Hugging Face's tokenizers does.",
        "Each line of a file is a text, with the line feed that ends it. A .jsonl file has a"
            + " {\"text\"} a line, or {\"messages\": [{\"content\"}, …]}, each a text. What looks"
            + " like a special token in a text is text.");
    files = texts("FILE", "A file of texts; '-' for stdin. May be repeated.", "-f", "--file");
    vocabSize = integer(null, "Tokens to have, the 256 bytes among them.", "--vocab-size");
    minFrequency =
        integer(
            "2",
            "How often two tokens must stand together to become one (default: 2).",
            "--min-frequency");
    pre =
        text(
            "NAME",
            "How texts are split into words, by llama.cpp's name, such as llama-bpe or qwen2"
                + " (default: gpt-2).",
            "--pre");
    special =
        texts(
            "TOKEN",
            "A special token, such as '<|im_start|>'; the first one given is token 0. May be"
                + " repeated.",
            "--special",
            "--special-token");
    bos =
        text(
            "TOKEN",
            "The token that begins a text (default: a special one named so, or the one that ends"
                + " it).",
            "--bos");
    eos =
        text(
            "TOKEN",
            "The token that ends a text (default: the first special one named so, such as </s> or"
                + " <|im_end|>, else "
                + END_OF_TEXT
                + ", which is added).",
            "--eos");
    pad = text("TOKEN", "The token that fills up a text.", "--pad");
    addBos = flag("Have the begin token put before each text that is tokenized.", "--add-bos");
    chatTemplate =
        text("FILE", "The chat template to go with it, in Jinja.", "--chat-template-file");
    output =
        text(
            "FILE",
            "The file to write: GGUF, or a tokenizer.json where the name ends in .json.",
            "-o",
            "--output");
  }

  @Override
  int call() throws Exception {
    if (files.get().isEmpty()) {
      throw usage("which texts? Give -f FILE");
    }
    if (vocabSize.get() == null) {
      throw usage("how many tokens? Give --vocab-size N");
    }
    if (output.get() == null) {
      throw usage("where to? Give -o FILE.gguf or FILE.json");
    }
    var out = Path.of(output.get());
    boolean json = output.get().toLowerCase(Locale.ROOT).endsWith(".json");
    if (json && chatTemplate.get() != null) {
      throw usage("--chat-template-file: a tokenizer.json has no place for it; write a .gguf file");
    }
    var options = options();
    checkOther(out, files.get().stream().filter(name -> !name.equals("-")).toArray(String[]::new));
    checkOther(out, chatTemplate.get());
    if (json) {
      LearnedVocabulary.checkJson(options.preTokenizer());
    }
    PendingFile.check(out);
    var template = template();

    var start = System.nanoTime();
    var trainer = new BpeTrainer(options);
    read(trainer);
    LearnedVocabulary learned;
    try (var progress = new FileProgress(streams, "learning", "tokens")) {
      progress.begin(options.vocabularySize() - (long) merges(options));
      learned = roles(trainer.train(progress::at)).withChatTemplate(template);
    }
    if (json) {
      write(out, learned.json());
    } else {
      learned.gguf().write(out);
    }
    report(out, options, learned, (System.nanoTime() - start) / 1e9);
    return 0;
  }

  private BpeTrainer.Options options() {
    var tokens = new ArrayList<>(special.get());
    var roles = new LinkedHashSet<String>();
    for (var role : List.of(bos, eos, pad)) {
      if (role.get() != null) {
        roles.add(role.get());
      }
    }
    roles.removeAll(tokens);
    tokens.addAll(roles);
    if (eos.get() == null && tokens.stream().noneMatch(LearnedVocabulary::endsText)) {
      tokens.add(END_OF_TEXT);
    }
    try {
      return new BpeTrainer.Options(
          vocabSize.get(), minFrequency.get(), tokens, pre.get() == null ? "gpt-2" : pre.get());
    } catch (IllegalArgumentException e) {
      throw usage(e.getMessage());
    }
  }

  private static int merges(BpeTrainer.Options options) {
    return options.vocabularySize() - options.specialTokens().size() - 256;
  }

  private String template() throws IOException {
    if (chatTemplate.get() == null) {
      return null;
    }
    var template = InputFile.text(Path.of(chatTemplate.get()));
    ChatTemplate.of(template); // that it is one is better known before
    return template;
  }

  private LearnedVocabulary roles(LearnedVocabulary learned) {
    learned = bos.get() == null ? learned : learned.withBos(bos.get());
    learned = eos.get() == null ? learned : learned.withEos(eos.get());
    learned = pad.get() == null ? learned : learned.withPad(pad.get());
    return learned.withAddBos(addBos.get());
  }

  private void write(Path out, String text) throws IOException {
    try (var file = PendingFile.of(out)) {
      var bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) {
        file.channel().write(bytes);
      }
      file.complete();
    }
  }

  private void report(
      Path out, BpeTrainer.Options options, LearnedVocabulary learned, double seconds)
      throws IOException {
    streams
        .out()
        .println(
            Text.visible(out.toString())
                + String.format(
                    Locale.ROOT,
                    ": %d tokens (%d special, 256 bytes, %d merges), %.2f bytes per token, in"
                        + " %.1f s",
                    learned.tokens().size(),
                    options.specialTokens().size(),
                    learned.merges().size(),
                    learned.corpusBytes() / (double) learned.corpusTokens(),
                    seconds));
  }

  // Reading, file by file and line by line.

  private void read(BpeTrainer trainer) throws IOException {
    long total = 0;
    for (var name : files.get()) {
      total += name.equals("-") ? 0 : size(Path.of(name));
    }
    try (var progress = new FileProgress(streams, "reading")) {
      var read = new long[1];
      for (var name : files.get()) {
        long all = total;
        readTexts(
            name,
            streams,
            bytes -> progress.at(read[0] += bytes, Math.max(all, read[0])),
            trainer::accept);
      }
    }
  }

  /// {@return the bytes of a file; none of a pipe, which has a size when it has been read}
  private static long size(Path file) throws IOException {
    if (Files.isDirectory(file)) {
      throw wrong(file.toString(), "it is a folder");
    }
    return Files.size(file);
  }

  /// Reads the texts of a file.
  ///
  /// @param name the file, or `-` for stdin
  /// @param bytes hears how many were read each time
  /// @param texts hears each text
  private static void readTexts(
      String name, Streams streams, LongConsumer bytes, Consumer<String> texts) throws IOException {
    boolean jsonLines = name.toLowerCase(Locale.ROOT).endsWith(".jsonl");
    try (var in = name.equals("-") ? streams.in() : Files.newInputStream(Path.of(name));
        var reader =
            new InputStreamReader(counted(in, bytes), StandardCharsets.UTF_8.newDecoder())) {
      var buffer = new char[1 << 16];
      var line = new StringBuilder();
      long number = 1;
      for (int count = reader.read(buffer); count >= 0; count = reader.read(buffer)) {
        int from = 0;
        for (int i = 0; i < count; i++) {
          if (buffer[i] == '\n') {
            accept(line.append(buffer, from, i + 1 - from), name, number++, jsonLines, texts);
            from = i + 1;
          }
        }
        line.append(buffer, from, count - from);
      }
      accept(line, name, number, jsonLines, texts);
    } catch (CharacterCodingException _) {
      throw wrong(name, "not a text: it is not UTF-8");
    } catch (FileSystemException e) {
      throw e;
    } catch (IOException e) {
      throw wrong(name, "cannot be read: " + e.getMessage());
    }
  }

  private static IOException wrong(String name, String what) {
    return new FileSystemException(InputFile.name(name), null, what);
  }

  private static InputStream counted(InputStream in, LongConsumer bytes) {
    return new FilterInputStream(in) {
      @Override
      public int read(byte[] to, int from, int most) throws IOException {
        int count = super.read(to, from, most);
        bytes.accept(Math.max(0, count));
        return count;
      }
    };
  }

  private static void accept(
      StringBuilder line, String name, long number, boolean jsonLines, Consumer<String> texts)
      throws IOException {
    var text = line.toString();
    line.setLength(0);
    if (!jsonLines) {
      texts.accept(text);
    } else if (!text.isBlank()) {
      try {
        textsOf(Json.object(text)).forEach(texts);
      } catch (JsonException e) {
        throw wrong(name, "line " + number + ": " + e.getMessage());
      }
    }
  }

  /// {@return the texts of a line of JSON}
  private static List<String> textsOf(Map<String, Object> line) {
    if (line.get("text") instanceof String text) {
      return List.of(text);
    }
    if (!(line.get("messages") instanceof List<?> messages)) {
      throw new JsonException("expected {\"text\": \"…\"} or {\"messages\": […]}");
    }
    var texts = new ArrayList<String>();
    for (var message : messages) {
      if (!(message instanceof Map<?, ?> members)
          || members.get("content") != null && !(members.get("content") instanceof String)) {
        throw new JsonException("expected {\"role\": \"…\", \"content\": \"…\"} in messages");
      }
      if (members.get("content") instanceof String content) { // a call of a tool has none
        texts.add(content);
      }
    }
    return texts;
  }
}
