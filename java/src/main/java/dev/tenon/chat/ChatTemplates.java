package dev.tenon.chat;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// The templates that come with Tenon: those of llama.cpp's `--chat-template`, by its names, each
/// with the text that llama.cpp gives (src/llama-chat.cpp).
final class ChatTemplates {
  static final List<String> NAMES =
      List.of(
          ("bailing bailing-think bailing2 chatglm3 chatglm4 chatml command-r"
                  + " deepseek deepseek-ocr deepseek2 deepseek3 exaone-moe exaone3 exaone4"
                  + " falcon3 gemma gigachat glmedge gpt-oss granite granite-4.0 granite-4.1"
                  + " grok-2 hunyuan-dense hunyuan-moe hunyuan-vl kimi-k2 llama2 llama2-sys"
                  + " llama2-sys-bos llama2-sys-strip llama3 llama4 megrez minicpm"
                  + " mistral-v1 mistral-v3 mistral-v3-tekken mistral-v7 mistral-v7-tekken"
                  + " monarch openchat orion pangu-embedded phi3 phi4 rwkv-world seed_oss"
                  + " smolvlm solar-open vicuna vicuna-orca yandex zephyr")
              .split(" "));

  /// What a model writes in, where its vocabulary has certain tokens; the first that fits counts.
  private static final List<Sign> SIGNS =
      List.of(
          new Sign("phi4", "<|im_start|>", "<|im_sep|>"),
          new Sign("smolvlm", "<|im_start|>", "<end_of_utterance>"),
          new Sign("chatml", "<|im_start|>", "<|im_end|>"),
          new Sign("kimi-k2", "<|im_assistant|>", "<|im_middle|>"),
          new Sign("llama3", "<|start_header_id|>", "<|eot_id|>"),
          new Sign("llama4", "<|header_start|>", "<|eot|>"),
          new Sign("gemma", "<start_of_turn>", "<end_of_turn>"),
          new Sign("gpt-oss", "<|start|>", "<|channel|>", "<|message|>"),
          new Sign("command-r", "<|START_OF_TURN_TOKEN|>", "<|CHATBOT_TOKEN|>"),
          new Sign("granite", "<|start_of_role|>", "<|end_of_role|>"),
          new Sign("deepseek3", "<｜User｜>", "<｜Assistant｜>"),
          new Sign("gigachat", "<|role_sep|>", "<|message_sep|>"),
          new Sign("megrez", "<|role_start|>", "<|turn_end|>"),
          new Sign("seed_oss", "<seed:bos>", "<seed:eos>"),
          new Sign("exaone4", "[|endofturn|]", "[|assistant|]", "[|tool|]"),
          new Sign("exaone3", "[|endofturn|]", "[|assistant|]"),
          new Sign("hunyuan-dense", "<｜hy_User｜>", "<｜hy_place▁holder▁no▁3｜>"),
          new Sign("solar-open", "<|begin|>", "<|content|>"),
          new Sign("chatglm4", "[gMASK]", "<sop>", "<|assistant|>"),
          new Sign("chatglm3", "[gMASK]", "sop", "<|assistant|>"),
          new Sign("mistral-v7", "[INST]", "[SYSTEM_PROMPT]"),
          new Sign("mistral-v3", "[INST]", "[/INST]"),
          new Sign("phi3", "<|user|>", "<|assistant|>", "<|end|>"),
          new Sign("zephyr", "<|user|>", "<|assistant|>", "<|endoftext|>"));

  private record Sign(String name, String... tokens) {}

  private ChatTemplates() {}

  /// {@return a template's source}
  ///
  /// @throws IllegalArgumentException if there is none of that name
  static String source(String name) {
    if (!NAMES.contains(name))
      throw new IllegalArgumentException(
          "no built-in chat template \"" + name + "\"; there are " + String.join(", ", NAMES));
    try (var in = ChatTemplates.class.getResourceAsStream("templates/" + name + ".jinja")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// {@return the name of the template that fits a file's vocabulary}
  static String fitting(Gguf gguf) throws GgufFormatException {
    var tokens =
        gguf.has("tokenizer.ggml.tokens")
            ? new HashSet<>(gguf.strings("tokenizer.ggml.tokens"))
            : Set.<String>of();
    for (var sign : SIGNS) {
      if (!tokens.containsAll(List.of(sign.tokens))) continue;
      // Mistral's later tokenizer goes with texts that have no spaces between the tags.
      boolean tekken =
          sign.name.startsWith("mistral") && gguf.text("tokenizer.ggml.pre", "").equals("tekken");
      return tekken ? sign.name + "-tekken" : sign.name;
    }
    return "chatml";
  }
}
