package dev.tenon.chat;

import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Predicate;

/// Families whose models write otherwise than their templates' renderings show, so that what is
/// read off a template alone would not do. The first that knows a template is taken; their forms
/// and what they are known by are those of llama.cpp's `common/parsers`.
final class ReplyFamilies {
  /// A family.
  ///
  /// @param knows whether a template's source is of it
  /// @param replies the form of the replies
  record Family(Predicate<String> knows, BiFunction<String, Turn, ReplyGrammar> replies) {}

  private static final List<Family> FAMILIES =
      List.of(
          new Family(MinistralReplies::in, MinistralReplies::of),
          new Family(HarmonyReplies::in, HarmonyReplies::of),
          new Family(MuseReplies::in, MuseReplies::of),
          new Family(FunctionaryReplies::in, FunctionaryReplies::of),
          new Family(KimiReplies::in, KimiReplies::of),
          new Family(KimiK3Replies::in, KimiK3Replies::of),
          new Family(LingReplies::in, LingReplies::of),
          new Family(CohereReplies::in, CohereReplies::of),
          new Family(LfmReplies::in, LfmReplies::of),
          new Family(GigaChatReplies::in, GigaChatReplies::of),
          new Family(MiniMaxReplies::in, MiniMaxReplies::of),
          new Family(DeepSeekReplies::in, DeepSeekReplies::of),
          new Family(GemmaReplies::in, GemmaReplies::of),
          new Family(MiniCpmReplies::in, MiniCpmReplies::of),
          new Family(QwenCoderReplies::in, QwenCoderReplies::of));

  private ReplyFamilies() {}

  /// {@return the family of a template, or null}
  static Family of(String source) {
    for (var family : FAMILIES) {
      if (family.knows().test(source)) return family;
    }
    return null;
  }
}
