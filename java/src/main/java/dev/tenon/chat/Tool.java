package dev.tenon.chat;

import dev.tenon.json.Json;
import dev.tenon.json.JsonException;
import dev.tenon.json.JsonRecords;
import dev.tenon.json.JsonSchema;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// Something that a model may call: what it is told of it, and what runs.
///
/// ```java
/// final class Weather {
///   @Description("The weather of a day")
///   String weather(String city, Optional<Integer> days) { … }
/// }
/// var tool = Tool.of(new Weather(), "weather");
///
/// record Sum(int a, int b) {}
/// var add = Tool.of("add", "Adds two numbers", Sum.class, sum -> sum.a() + sum.b());
/// ```
///
/// @param name what the model calls it by: letters, digits, `_`, `-` and `.`, at most 64
/// @param description what it is for, in words; may be empty
/// @param parameters the JSON Schema of the arguments, an object's
/// @param function what runs, or null where somebody else runs it
public record Tool(
    String name, String description, Map<String, Object> parameters, Function function) {

  /// What a tool does.
  @FunctionalInterface
  public interface Function {
    /// Does it.
    ///
    /// @param arguments values by name, as [Json#parse] gives them; not checked against the schema
    /// @return a text, or what [JsonRecords#toJson(Object)] takes
    /// @throws Exception what goes wrong; the model is told
    Object call(Map<String, Object> arguments) throws Exception;
  }

  /// Makes one.
  ///
  /// @throws IllegalArgumentException if the name has other characters or the parameters cannot be
  ///     JSON
  public Tool {
    if (!name.matches("[A-Za-z0-9_.-]{1,64}")) {
      throw new IllegalArgumentException(
          "tool \"" + name + "\": a name has 1 to 64 letters, digits, '_', '-' and '.'");
    }
    Objects.requireNonNull(description, "description");
    parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
    Json.write(parameters); // refuses what is no JSON
  }

  /// {@return a tool whose arguments are a record}
  ///
  /// @param <A> the record
  /// @param name what the model calls it by
  /// @param description what it is for
  /// @param type the record: its components are the parameters; those that are [Optional] may be
  ///     left out
  /// @param function takes the arguments and gives a text or what can be JSON
  /// @throws IllegalArgumentException if the type is no record, or JSON has nothing for a component
  public static <A extends Record> Tool of(
      String name,
      String description,
      Class<A> type,
      java.util.function.Function<? super A, ?> function) {
    Objects.requireNonNull(function, "function");
    return new Tool(
        name,
        description,
        JsonSchema.of(type),
        arguments -> function.apply(type.cast(JsonRecords.of(arguments, type))));
  }

  /// {@return a method as a tool}
  ///
  /// The parameters of the method become those of the tool, by their names: its class must be
  /// compiled with `-parameters`. One parameter that is a record gives its components instead. What
  /// is [Optional] may be left out. [Description] says what method and parameters are for.
  ///
  /// @param target the object, or a class for a static method
  /// @param method the method's name
  /// @throws IllegalArgumentException if there is not one method of that name, its parameters have
  ///     no names, JSON has nothing for one of them, or it cannot be reached
  public static Tool of(Object target, String method) {
    var type = target instanceof Class<?> itself ? itself : target.getClass();
    var found =
        Arrays.stream(type.getMethods())
            .filter(one -> one.getName().equals(method) && !one.isBridge())
            .toList();
    if (found.isEmpty()) {
      found =
          Arrays.stream(type.getDeclaredMethods())
              .filter(one -> one.getName().equals(method) && !one.isSynthetic())
              .toList();
    }
    if (found.size() != 1) {
      throw new IllegalArgumentException(
          type.getName() + " has " + found.size() + " methods named " + method);
    }
    return of(target, found.getFirst());
  }

  /// {@return a method as a tool}
  ///
  /// @param target the object; not used for a static method
  /// @param method the method
  /// @throws IllegalArgumentException as [#of(Object, String)] does
  public static Tool of(Object target, Method method) {
    boolean isStatic = Modifier.isStatic(method.getModifiers());
    if (!isStatic && !method.getDeclaringClass().isInstance(target)) {
      throw new IllegalArgumentException(method + " is no method of " + target);
    }
    try {
      method.setAccessible(true);
    } catch (InaccessibleObjectException e) {
      throw new IllegalArgumentException(
          method + " cannot be reached: open its package to dev.tenon, or export it", e);
    }
    var described = method.getAnnotation(Description.class);
    var description = described == null ? "" : described.value();
    var parameters = method.getParameters();
    if (parameters.length == 1 && parameters[0].getType().isRecord()) {
      var type = parameters[0].getType();
      return new Tool(
          method.getName(),
          description,
          JsonSchema.of(type),
          arguments -> invoke(method, target, JsonRecords.of(arguments, type)));
    }
    return new Tool(
        method.getName(),
        description,
        schema(method, parameters),
        arguments -> invoke(method, target, values(method.getName(), parameters, arguments)));
  }

  private static Map<String, Object> schema(Method method, Parameter[] parameters) {
    var types = new LinkedHashMap<String, Type>();
    for (var parameter : parameters) {
      if (!parameter.isNamePresent()) {
        throw new IllegalArgumentException(
            method + ": its parameters have no names; compile its class with -parameters");
      }
      types.put(parameter.getName(), parameter.getParameterizedType());
    }
    var schema = new LinkedHashMap<>(JsonSchema.ofMembers(types));
    if (schema.get("properties") instanceof Map<?, ?> properties) {
      var described = new LinkedHashMap<Object, Object>(properties);
      for (var parameter : parameters) {
        var description = parameter.getAnnotation(Description.class);
        if (description != null && properties.get(parameter.getName()) instanceof Map<?, ?> one) {
          var copy = new LinkedHashMap<Object, Object>(one);
          copy.put("description", description.value());
          described.put(parameter.getName(), copy);
        }
      }
      schema.put("properties", described);
    }
    return schema;
  }

  private static Object[] values(
      String name, Parameter[] parameters, Map<String, Object> arguments) {
    var values = new Object[parameters.length];
    for (int i = 0; i < values.length; i++) {
      var parameter = parameters[i];
      var given = arguments.get(parameter.getName());
      if (given == null && parameter.getType() == Optional.class) {
        values[i] = Optional.empty();
      } else if (given == null && !arguments.containsKey(parameter.getName())) {
        throw new IllegalArgumentException(
            name + ": the argument '" + parameter.getName() + "' is missing");
      } else {
        try {
          values[i] = JsonRecords.of(given, parameter.getParameterizedType());
        } catch (JsonException e) {
          throw new IllegalArgumentException(
              name + ": the argument '" + parameter.getName() + "': " + e.getMessage(), e);
        }
      }
    }
    return values;
  }

  private static Object invoke(Method method, Object target, Object... values) throws Exception {
    try {
      return method.invoke(target, values);
    } catch (InvocationTargetException e) {
      switch (e.getCause()) {
        case Exception cause -> throw cause;
        case Error cause -> throw cause;
        default -> throw e;
      }
    }
  }

  /// Reads OpenAI's object of a tool.
  ///
  /// @param tool `{"type": "function", "function": {"name": …, "description": …, "parameters": …}}`
  /// @return the tool, which nothing runs
  /// @throws IllegalArgumentException if it is no function or has no name
  public static Tool of(Map<String, ?> tool) {
    if (!(tool.get("function") instanceof Map<?, ?> function)) {
      throw new IllegalArgumentException("tool: 'function' is missing or no object");
    }
    if (!(function.get("name") instanceof String name)) {
      throw new IllegalArgumentException("tool: its function has no name");
    }
    var parameters = new LinkedHashMap<String, Object>();
    switch (function.get("parameters")) {
      case null -> {
        parameters.put("type", "object");
        parameters.put("properties", Map.of());
      }
      case Map<?, ?> map -> map.forEach((key, value) -> parameters.put((String) key, value));
      default -> throw new IllegalArgumentException("tool " + name + ": 'parameters' is no object");
    }
    return new Tool(
        name, function.get("description") instanceof String text ? text : "", parameters, null);
  }

  /// {@return the tool as templates and OpenAI have it}
  public Map<String, Object> toMap() {
    var function = new LinkedHashMap<String, Object>();
    function.put("name", name);
    function.put("description", description);
    function.put("parameters", parameters);
    var tool = new LinkedHashMap<String, Object>();
    tool.put("type", "function");
    tool.put("function", function);
    return tool;
  }

  /// Runs it.
  ///
  /// @param arguments values by name
  /// @return what the function gives
  /// @throws IllegalStateException if nothing runs it
  /// @throws Exception what the function throws; of a method [IllegalArgumentException] for
  ///     arguments that it does not take
  public Object call(Map<String, Object> arguments) throws Exception {
    if (function == null) throw new IllegalStateException("tool " + name + ": nothing runs it");
    return function.call(Objects.requireNonNull(arguments, "arguments"));
  }

  /// Runs a call and says what came of it, to be given to the model: the result as a text, JSON
  /// where it is none, or `error:` and what went wrong, for the model to do it better.
  ///
  /// @param tools the tools that there are
  /// @param call the call
  /// @return the message to add to the conversation
  public static Message answer(List<Tool> tools, ToolCall call) {
    var tool = tools.stream().filter(one -> one.name().equals(call.name())).findFirst();
    String text;
    try {
      if (tool.isEmpty()) {
        throw new IllegalArgumentException(
            "there is no tool "
                + call.name()
                + "; there are "
                + tools.stream().map(Tool::name).toList());
      }
      var result = tool.get().call(call.argumentMap());
      text = result instanceof String words ? words : Json.write(JsonRecords.toJson(result));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      text = "error: interrupted";
    } catch (Exception e) {
      text = "error: " + (e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage());
    }
    return Message.tool(call.id(), call.name(), text);
  }
}
