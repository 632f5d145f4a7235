package dev.tenon.metrics;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/// A hypothesis and what it is compared with.
///
/// @param hypothesis one text, mostly a sentence
/// @param references at least one, none of them null
record Segment(String hypothesis, List<String> references) {
  /// Leaves out the references that are missing.
  Segment {
    Objects.requireNonNull(hypothesis, "hypothesis");
    references = references.stream().filter(Objects::nonNull).toList();
    if (references.isEmpty()) {
      throw new IllegalArgumentException("no reference to compare the hypothesis with");
    }
  }

  /// {@return hypotheses beside their references}
  ///
  /// @throws IllegalArgumentException if there are none, or streams are of another length
  static List<Segment> corpus(List<String> hypotheses, List<? extends List<String>> references) {
    if (hypotheses.isEmpty()) {
      throw new IllegalArgumentException("no hypothesis to score");
    }
    if (references.isEmpty()) {
      throw new IllegalArgumentException("no references to compare with");
    }
    for (int i = 0; i < references.size(); i++) {
      if (references.get(i).size() != hypotheses.size()) {
        throw new IllegalArgumentException(
            "%d hypotheses, but %d references in stream %d"
                .formatted(hypotheses.size(), references.get(i).size(), i + 1));
      }
    }
    var segments = new ArrayList<Segment>(hypotheses.size());
    for (int i = 0; i < hypotheses.size(); i++) {
      var own = new ArrayList<String>();
      for (var stream : references) own.add(stream.get(i));
      if (own.stream().allMatch(Objects::isNull)) {
        throw new IllegalArgumentException("hypothesis " + (i + 1) + " has no reference");
      }
      segments.add(new Segment(hypotheses.get(i), own));
    }
    return segments;
  }

  /// {@return how many references each has, or `var` where that differs}
  static String referenceCount(List<Segment> segments) {
    int first = segments.getFirst().references.size();
    boolean same = segments.stream().allMatch(segment -> segment.references.size() == first);
    return same ? Integer.toString(first) : "var";
  }
}
