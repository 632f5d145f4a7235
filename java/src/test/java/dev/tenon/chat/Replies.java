package dev.tenon.chat;

import dev.tenon.json.Json;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Templates and conversations that tests of replies share.
final class Replies {
  /// JSON in tags, as Hermes and Qwen have it; the prompt may close the thoughts.
  static final String HERMES =
      """
      {%- if tools %}{{ '<|im_start|>system\\n' }}
      {%- for tool in tools %}{{ tool | tojson }}{{ '\\n' }}{% endfor %}{{ '<|im_end|>\\n' }}
      {%- endif %}
      {%- for message in messages %}
      {{- '<|im_start|>' + message.role + '\\n' }}
      {%- if message.reasoning_content %}
      {{- '<think>\\n' + message.reasoning_content + '\\n</think>\\n\\n' }}{% endif %}
      {{- message.content }}
      {%- for call in message.tool_calls or [] %}
      {{- '\\n<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' }}
      {{- call.function.arguments | tojson }}{{ '}\\n</tool_call>' }}
      {%- endfor %}
      {{- '<|im_end|>\\n' }}
      {%- endfor %}
      {%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}
      {%- if enable_thinking is defined and not enable_thinking %}
      {{- '<think>\\n\\n</think>\\n\\n' }}{% endif %}{% endif %}\
      """;

  /// One that nobody has: its own markers, arguments in tags, thoughts opened by the prompt.
  static final String OWN =
      """
      {%- for tool in tools or [] %}{{ tool.function.name + ';' }}{% endfor %}
      {%- for message in messages %}
      {{- '<<' + message.role + '>>' }}
      {%- if message.reasoning_content %}
      {{- '<musing>' + message.reasoning_content + '</musing>' }}{% endif %}
      {{- message.content }}
      {%- for call in message.tool_calls or [] %}
      {{- '<do><act ' + call.function.name + '>' }}
      {%- for name, value in call.function.arguments.items() %}
      {{- '<with ' + name + '>' }}
      {{- value if value is string else value | tojson }}{{ '</with>' }}
      {%- endfor %}{{ '</act></do>' }}
      {%- endfor %}
      {{- '<over>' }}
      {%- endfor %}
      {%- if add_generation_prompt %}{{ '<<assistant>><musing>' }}{% endif %}\
      """;

  private static final String TOOLS =
      """
      [{"type": "function", "function": {"name": "weather", "description": "",
        "parameters": {"type": "object", "properties":
          {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]}}},
       {"type": "function", "function": {"name": "ping", "description": "",
        "parameters": {"type": "object", "properties": {}}}}]\
      """;

  private Replies() {}

  static ReplyFormat format(String template) {
    return ReplyFormat.of(ChatTemplate.of(template));
  }

  static Map<String, Object> conversation() {
    var conversation = new LinkedHashMap<String, Object>();
    conversation.put("messages", List.of(Map.of("role", "user", "content", "Hi")));
    conversation.put("add_generation_prompt", true);
    return conversation;
  }

  static Map<String, Object> withTools() {
    var conversation = conversation();
    conversation.put("tools", Json.parse(TOOLS));
    return conversation;
  }

  static Map<String, Object> with(Map<String, Object> conversation, String name, Object value) {
    conversation.put(name, value);
    return conversation;
  }
}
