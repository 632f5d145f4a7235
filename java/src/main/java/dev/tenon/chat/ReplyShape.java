package dev.tenon.chat;

import java.util.List;

/// How a template's replies are marked up, as read off its renderings by [TemplateAnalysis]. An
/// empty marker is one that the template does not have.
///
/// @param thinking where thoughts stand
/// @param content where the answer stands
/// @param tools how calls are written
/// @param stops texts that end a turn
record ReplyShape(Thinking thinking, Content content, Tools tools, List<String> stops) {

  /// Where thoughts stand. Without a start they begin with the reply.
  ///
  /// @param present whether the template knows thoughts
  /// @param start for example `<think>`
  /// @param end for example `</think>`
  record Thinking(boolean present, String start, String end) {
    static final Thinking NONE = new Thinking(false, "", "");
  }

  /// Where the answer stands.
  ///
  /// @param start what it is wrapped in, for example `<response>`
  /// @param end for example `</response>`
  record Content(String start, String end) {
    static final Content PLAIN = new Content("", "");

    boolean wrapped() {
      return !start.isEmpty() && !end.isEmpty();
    }
  }

  /// Ways to write a call.
  enum Form {
    /// The template has no calls.
    NONE,
    /// `{"name": "f", "arguments": {…}}`
    JSON,
    /// `<function=f>{…}</function>`
    TAG_WITH_JSON,
    /// `<function=f><parameter=x>…</parameter></function>`
    TAGS
  }

  /// How calls are written.
  ///
  /// @param form the way
  /// @param sectionStart what begins all calls together
  /// @param sectionEnd what ends them
  /// @param callStart what begins each
  /// @param callEnd what ends each
  /// @param json the object, where the form is JSON
  /// @param function the name, where it is in tags
  /// @param arguments the arguments, where they are in tags
  /// @param idStart what begins the id, where it stands between name and arguments
  /// @param idEnd what ends the id
  record Tools(
      Form form,
      String sectionStart,
      String sectionEnd,
      String callStart,
      String callEnd,
      JsonCall json,
      Function function,
      Arguments arguments,
      String idStart,
      String idEnd) {
    static final Tools NONE =
        new Tools(Form.NONE, "", "", "", "", JsonCall.USUAL, Function.NONE, Arguments.NONE, "", "");

    /// {@return what shows first that there is a call; empty where nothing but its own form does}
    String trigger() {
      return sectionStart.isEmpty() ? callStart : sectionStart;
    }

    Tools withSection(String start, String end) {
      return new Tools(
          form, start, end, callStart, callEnd, json, function, arguments, idStart, idEnd);
    }

    Tools withCall(String start, String end) {
      return new Tools(
          form, sectionStart, sectionEnd, start, end, json, function, arguments, idStart, idEnd);
    }

    Tools withForm(Form form) {
      return new Tools(
          form,
          sectionStart,
          sectionEnd,
          callStart,
          callEnd,
          json,
          function,
          arguments,
          idStart,
          idEnd);
    }

    Tools withJson(JsonCall json) {
      return new Tools(
          form,
          sectionStart,
          sectionEnd,
          callStart,
          callEnd,
          json,
          function,
          arguments,
          idStart,
          idEnd);
    }

    Tools withFunction(Function function) {
      return new Tools(
          form,
          sectionStart,
          sectionEnd,
          callStart,
          callEnd,
          json,
          function,
          arguments,
          idStart,
          idEnd);
    }

    Tools withArguments(Arguments arguments) {
      return new Tools(
          form,
          sectionStart,
          sectionEnd,
          callStart,
          callEnd,
          json,
          function,
          arguments,
          idStart,
          idEnd);
    }

    Tools withId(String start, String end) {
      return new Tools(
          form,
          sectionStart,
          sectionEnd,
          callStart,
          callEnd,
          json,
          function,
          arguments,
          start,
          end);
    }
  }

  /// A call as a JSON object.
  ///
  /// @param inArray whether calls are the elements of an array
  /// @param nameIsKey `{"f": {…}}`
  /// @param wrapper the object that name and arguments are in, for example `function`, or empty
  /// @param name the name's key
  /// @param arguments the arguments' key, or empty where the name is the key
  /// @param id the id's key, or empty
  /// @param generatedId the key of an id that is the model's own count, or empty
  /// @param order the keys in the order they are written
  /// @param openAi whether models are known to write OpenAI's `"type": "function"` first
  record JsonCall(
      boolean inArray,
      boolean nameIsKey,
      String wrapper,
      String name,
      String arguments,
      String id,
      String generatedId,
      List<String> order,
      boolean openAi) {
    static final JsonCall USUAL =
        new JsonCall(false, false, "", "name", "arguments", "", "", List.of(), false);

    JsonCall withOpenAi() {
      return new JsonCall(
          inArray, nameIsKey, wrapper, name, arguments, id, generatedId, order, true);
    }

    JsonCall inArrays() {
      return new JsonCall(
          true, nameIsKey, wrapper, name, arguments, id, generatedId, order, openAi);
    }
  }

  /// A call's name in tags.
  ///
  /// @param nameStart what is before the name, for example `<function=`
  /// @param nameEnd what is after it, for example `>`
  /// @param separator what stands between the name and the arguments
  /// @param close what ends the call, for example `</function>`
  /// @param idStart what is before an id that stands before `nameStart`; null where none does
  record Function(
      String nameStart, String nameEnd, String separator, String close, String idStart) {
    static final Function NONE = new Function("", "", "", "");

    Function(String nameStart, String nameEnd, String separator, String close) {
      this(nameStart, nameEnd, separator, close, null);
    }

    /// {@return the same, with an id out of what is before the name}
    ///
    /// @param id the id that the template was given
    Function withIdOutside(String id) {
      int at = nameStart.lastIndexOf(id);
      var rest = at < 0 ? "" : nameStart.substring(at + id.length());
      return rest.isEmpty()
          ? this // nothing would show where the id ends and the name begins
          : new Function(rest, nameEnd, separator, close, nameStart.substring(0, at));
    }
  }

  /// Arguments in tags.
  ///
  /// @param nameStart what is before a name, for example `<parameter=`
  /// @param nameEnd what is after it, for example `>`
  /// @param valueStart what is before a value
  /// @param valueEnd what is after it, for example `</parameter>`
  /// @param spaced whether models put white space where the template has none
  record Arguments(
      String nameStart, String nameEnd, String valueStart, String valueEnd, boolean spaced) {
    static final Arguments NONE = new Arguments("", "", "", "", false);
  }
}
