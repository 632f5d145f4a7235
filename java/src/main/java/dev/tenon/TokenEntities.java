package dev.tenon;

import dev.tenon.TokenClassifier.Aggregation;
import dev.tenon.TokenClassifier.Entity;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;

/// Makes entities of the scores of tokens, as transformers' token-classification pipeline does.
///
/// @param labels name of each class
/// @param join makes a text of the pieces of tokens
record TokenEntities(List<String> labels, Function<List<String>, String> join) {
  /// A token with what it was found to be.
  ///
  /// @param word its piece, as the vocabulary has it
  /// @param scores of each class
  /// @param start where it begins, in code points
  /// @param end where it ends
  /// @param index its place among the tokens
  /// @param subword whether it goes on with the word before it
  record Token(String word, float[] scores, int start, int end, int index, boolean subword) {}

  /// {@return what the tokens are, those with ignored labels left out}
  List<Entity> of(List<Token> tokens, Aggregation aggregation, List<String> ignored) {
    var entities =
        switch (aggregation) {
          case NONE, SIMPLE -> tokens.stream().map(this::entity).toList();
          case FIRST, AVERAGE, MAX -> words(tokens, aggregation);
        };
    var result = aggregation == Aggregation.NONE ? entities : groups(entities);
    return result.stream().filter(entity -> !ignored.contains(entity.label())).toList();
  }

  private Entity entity(Token token) {
    int best = Scores.best(token.scores);
    return new Entity(
        labels.get(best), token.scores[best], token.index, token.word, token.start, token.end);
  }

  /// Tokens of one word are one thing.
  private List<Entity> words(List<Token> tokens, Aggregation aggregation) {
    var words = new ArrayList<Entity>();
    for (int from = 0; from < tokens.size(); ) {
      int to = from + 1;
      while (to < tokens.size() && tokens.get(to).subword) to++;
      words.add(word(tokens.subList(from, to), aggregation));
      from = to;
    }
    return words;
  }

  private Entity word(List<Token> tokens, Aggregation aggregation) {
    var scores =
        switch (aggregation) {
          case FIRST -> tokens.getFirst().scores;
          case MAX -> surest(tokens).scores;
          default -> average(tokens);
        };
    int best = Scores.best(scores);
    return new Entity(
        labels.get(best),
        scores[best],
        -1,
        join.apply(tokens.stream().map(Token::word).toList()),
        tokens.getFirst().start,
        tokens.getLast().end);
  }

  /// The token with the greatest score of all, the first of several.
  private static Token surest(List<Token> tokens) {
    var surest = tokens.getFirst();
    for (var token : tokens) {
      if (token.scores[Scores.best(token.scores)] > surest.scores[Scores.best(surest.scores)])
        surest = token;
    }
    return surest;
  }

  private static float[] average(List<Token> tokens) {
    var mean = new float[tokens.getFirst().scores.length];
    for (int i = 0; i < mean.length; i++) {
      double sum = 0;
      for (var token : tokens) sum += token.scores[i];
      mean[i] = (float) (sum / tokens.size());
    }
    return mean;
  }

  /// Neighbours with one tag are one thing, until one begins anew.
  private List<Entity> groups(List<Entity> entities) {
    var groups = new ArrayList<Entity>();
    for (int from = 0; from < entities.size(); ) {
      int to = from + 1;
      while (to < entities.size() && continues(entities.get(to - 1), entities.get(to))) to++;
      groups.add(group(entities.subList(from, to)));
      from = to;
    }
    return groups;
  }

  private static boolean continues(Entity before, Entity entity) {
    return tag(entity.label()).equals(tag(before.label())) && !entity.label().startsWith("B-");
  }

  private static String tag(String label) {
    return label.startsWith("B-") || label.startsWith("I-") ? label.substring(2) : label;
  }

  private Entity group(List<Entity> entities) {
    var first = entities.getFirst();
    var scores = new float[entities.size()];
    for (int i = 0; i < scores.length; i++) scores[i] = entities.get(i).score();
    return new Entity(
        first.label().substring(first.label().indexOf('-') + 1), // all of it without a dash
        Scores.mean(scores),
        -1,
        join.apply(entities.stream().map(Entity::word).toList()),
        first.start(),
        entities.getLast().end());
  }

  /// {@return entities of several windows over a text, of those that overlap the longest}
  static List<Entity> merged(List<Entity> entities) {
    var sorted =
        entities.stream().sorted(Comparator.comparingInt(Entity::start)).toList(); // stable
    var merged = new ArrayList<Entity>();
    for (var entity : sorted) {
      var last = merged.isEmpty() ? null : merged.getLast();
      if (last == null || entity.start() < last.start() || entity.start() >= last.end()) {
        merged.add(entity);
        continue;
      }
      int longer = entity.end() - entity.start() - (last.end() - last.start());
      if (longer > 0 || longer == 0 && entity.score() > last.score())
        merged.set(merged.size() - 1, entity);
    }
    return merged;
  }
}
