package dev.tenon.huggingface;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.common.Anchor;
import org.snakeyaml.engine.v2.common.ScalarStyle;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.MappingStartEvent;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.events.SequenceStartEvent;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.parser.ParserImpl;
import org.snakeyaml.engine.v2.scanner.StreamReader;

/// What a model card says in fields: the YAML between the first lines `---` of `README.md`.
///
/// A value is a text, a list or a map of them; numbers, dates and flags stay the texts that they
/// are, so that version `1.10` is no number and Norwegian (`no`) no flag. Immutable.
public final class ModelCard {
  private static final long MOST_BYTES = 1 << 24;
  private static final int MOST_DEPTH = 64;

  private final Map<String, Object> values;

  private ModelCard(Map<String, Object> values) {
    this.values = Collections.unmodifiableMap(values);
  }

  /// {@return the fields of a folder's card; none where it has no card, or one without fields or
  /// with fields that are no YAML: nobody reads a model for its card}
  ///
  /// @param folder of a model
  /// @throws IOException if the card cannot be read
  public static ModelCard of(Path folder) throws IOException {
    var path = folder.resolve("README.md");
    if (!Files.isRegularFile(path) || Files.size(path) > MOST_BYTES) {
      return new ModelCard(Map.of());
    }
    return parse(CheckpointFiles.text(path, MOST_BYTES));
  }

  /// {@return the fields of a card}
  ///
  /// @param text of the card
  public static ModelCard parse(String text) {
    var lines = text.lines().toList();
    if (lines.isEmpty() || !lines.getFirst().equals("---")) {
      return new ModelCard(Map.of());
    }
    var yaml = new StringBuilder();
    for (var line : lines.subList(1, lines.size())) {
      if (line.equals("---")) break;
      yaml.append(line.replace("\t", "  ")).append('\n');
    }
    try {
      var settings = LoadSettings.builder().build();
      var events = new ParserImpl(settings, new StreamReader(settings, yaml.toString()));
      return new ModelCard(new Reader(events).root());
    } catch (YamlEngineException e) {
      return new ModelCard(Map.of());
    }
  }

  /// Builds values from events, to a bounded depth. An alias is the value that it names.
  private static final class Reader {
    private final Iterator<Event> events;
    private final Map<Anchor, Object> anchors = new HashMap<>();

    Reader(Iterator<Event> events) {
      this.events = events;
    }

    Map<String, Object> root() {
      var event = events.next();
      while (event.getEventId() == Event.ID.StreamStart
          || event.getEventId() == Event.ID.DocumentStart) event = events.next();
      return event instanceof MappingStartEvent ? map(0) : Map.of();
    }

    private Object value(Event event, int depth) {
      if (depth > MOST_DEPTH) throw new YamlEngineException("nested deeper than " + MOST_DEPTH);
      if (event instanceof AliasEvent alias) return anchors.get(alias.getAlias());
      var value =
          switch (event) {
            case ScalarEvent scalar -> isNull(scalar) ? null : scalar.getValue();
            case SequenceStartEvent _ -> list(depth);
            case MappingStartEvent _ -> map(depth);
            default -> throw new YamlEngineException("no value: " + event);
          };
      ((NodeEvent) event).getAnchor().ifPresent(anchor -> anchors.put(anchor, value));
      return value;
    }

    private List<Object> list(int depth) {
      var list = new ArrayList<Object>();
      for (var event = events.next();
          event.getEventId() != Event.ID.SequenceEnd;
          event = events.next()) {
        var value = value(event, depth + 1);
        if (value != null) list.add(value);
      }
      return Collections.unmodifiableList(list);
    }

    private Map<String, Object> map(int depth) {
      var map = new LinkedHashMap<String, Object>();
      for (var event = events.next();
          event.getEventId() != Event.ID.MappingEnd;
          event = events.next()) {
        var key = event instanceof ScalarEvent scalar ? scalar.getValue() : null;
        if (key == null) value(event, depth + 1);
        var value = value(events.next(), depth + 1);
        if (key != null) map.put(key, value);
      }
      return Collections.unmodifiableMap(map);
    }

    private static boolean isNull(ScalarEvent scalar) {
      return scalar.getScalarStyle() == ScalarStyle.PLAIN
          && switch (scalar.getValue()) {
            case "", "~", "null", "Null", "NULL" -> true;
            default -> false;
          };
    }
  }

  /// {@return all fields: texts, lists and maps; null where one has no value}
  public Map<String, Object> values() {
    return values;
  }

  /// {@return whether there is a field, with a value or without}
  ///
  /// @param field its name
  public boolean has(String field) {
    return values.containsKey(field);
  }

  /// {@return the text of a field, or null where it has none; texts of a list with commas between}
  ///
  /// @param field its name
  public String text(String field) {
    return switch (values.get(field)) {
      case String text -> text;
      case List<?> list when list.stream().allMatch(String.class::isInstance) ->
          String.join(",", list.stream().map(String.class::cast).toList());
      case null, default -> null;
    };
  }

  /// {@return the items of a field: one where it is a text or map, none where it has no value}
  ///
  /// @param field its name
  public List<Object> list(String field) {
    return switch (values.get(field)) {
      case null -> List.of();
      case List<?> list -> Collections.unmodifiableList(new ArrayList<>(list));
      case Object one -> List.of(one);
    };
  }

  @Override
  public String toString() {
    return "model card of " + values.keySet();
  }
}
