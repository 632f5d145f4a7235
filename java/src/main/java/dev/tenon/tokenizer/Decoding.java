package dev.tenon.tokenizer;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/// How tokens become text, as the `decoder` of a `tokenizer.json` says.
///
/// @param bytes whether a token is written as bytes are
/// @param space what stands for a space in a token, or null
/// @param suffix what ends a word, or null
/// @param strips whether the first space is taken off
/// @param pieces how WordPiece joins tokens, or null
record Decoding(boolean bytes, String space, String suffix, boolean strips, Pieces pieces) {
  private static final Decoding NOTHING = new Decoding(false, null, null, false, null);

  /// How WordPiece joins tokens: with a space before each that has not the prefix.
  ///
  /// @param prefix of tokens that go on with a word
  /// @param cleanup whether the space before punctuation is left out
  record Pieces(String prefix, boolean cleanup) {
    private static final List<Map.Entry<String, String>> CLEANUP =
        List.of(
            Map.entry(" .", "."),
            Map.entry(" ?", "?"),
            Map.entry(" !", "!"),
            Map.entry(" ,", ","),
            Map.entry(" ' ", "'"),
            Map.entry(" n't", "n't"),
            Map.entry(" 'm", "'m"),
            Map.entry(" do not", " don't"),
            Map.entry(" 's", "'s"),
            Map.entry(" 've", "'ve"),
            Map.entry(" 're", "'re"));

    /// {@return what a token adds to a text}
    ///
    /// @param token as the vocabulary has it
    /// @param first whether nothing is before it
    String text(String token, boolean first) {
      var text =
          first ? token : token.startsWith(prefix) ? token.substring(prefix.length()) : " " + token;
      if (cleanup) {
        for (var entry : CLEANUP) {
          text = text.replace(entry.getKey(), entry.getValue());
        }
      }
      return text;
    }
  }

  /// {@return the text that tokens make together}
  ///
  /// @param tokens as the vocabulary has them; what is none is taken as it is
  String join(List<String> tokens) {
    if (equals(NOTHING)) {
      return String.join(" ", tokens);
    }
    var text = new ByteArrayOutputStream();
    for (int i = 0; i < tokens.size(); i++) {
      text.writeBytes(bytes(tokens.get(i), i == 0));
    }
    return text.toString(StandardCharsets.UTF_8);
  }

  private byte[] bytes(String token, boolean first) {
    if (pieces != null) {
      return Normalizer.utf8(pieces.text(token, first));
    }
    if (bytes) {
      boolean written = token.codePoints().allMatch(Decoding::isByte);
      return written ? ByteLevelBpe.bytes(token) : Normalizer.utf8(token);
    }
    var text = token;
    if (space != null) {
      // Of the first token the space is one that was put there.
      text = first && strips ? text.replace(space, "") : text.replace(space, " ");
    }
    return Normalizer.utf8(suffix == null ? text : text.replace(suffix, " "));
  }

  /// Whether a byte is written as this character.
  private static boolean isByte(int c) {
    return c > ' ' && c < '\u007f' || c > '\u00a0' && c < '\u0144' && c != '\u00ad';
  }

  /// {@return what a `decoder` does}
  ///
  /// @throws UnsupportedOperationException if its type is unknown; the message has it
  static Decoding of(Object json) {
    if (json == null) {
      return NOTHING;
    }
    var step = new Normalizer.Step("decoder", json);
    return switch (step.type()) {
      case "Sequence" -> {
        var all = NOTHING;
        for (var decoder : step.list("decoders")) {
          all = all.and(of(decoder));
        }
        yield all;
      }
      case "ByteLevel" -> new Decoding(true, null, null, false, null);
      case "Replace" -> new Decoding(false, replaced(step), null, false, null);
      case "ByteFallback", "Fuse" -> NOTHING;
      case "Strip" -> new Decoding(false, null, null, strips(step), null);
      case "Metaspace" ->
          new Decoding(
              false,
              step.text("replacement", "\u2581"),
              null,
              !step.text("prepend_scheme", step.flag("add_prefix_space", true) ? "always" : "never")
                  .equals("never"),
              null);
      case "BPEDecoder" -> new Decoding(false, null, step.text("suffix", "</w>"), false, null);
      case "SentencePiece" -> new Decoding(false, "\u2581", null, false, null);
      case "WordPiece" ->
          new Decoding(
              false,
              null,
              null,
              false,
              new Pieces(step.text("prefix", "##"), step.flag("cleanup", true)));
      default ->
          throw step.unknown(
              "BPEDecoder, ByteFallback, ByteLevel, Fuse, Metaspace, Replace, SentencePiece,"
                  + " Sequence, Strip, WordPiece");
    };
  }

  /// {@return whether one space is taken from the start}
  private static boolean strips(Normalizer.Step step) {
    boolean start = Long.valueOf(1).equals(step.get("start"));
    boolean nothing = Long.valueOf(0).equals(step.get("start"));
    if (step.text("content").equals(" ")
        && (start || nothing)
        && Long.valueOf(0).equals(step.get("stop"))) {
      return start;
    }
    throw new UnsupportedOperationException(
        "decoder \"Strip\" of anything but one space at the start is not supported");
  }

  private static String replaced(Normalizer.Step step) {
    boolean isSpace = step.text("content").equals(" ");
    if (isSpace
        && step.get("pattern") instanceof Map<?, ?> map
        && map.get("String") instanceof String text) {
      return text;
    }
    throw new UnsupportedOperationException(
        "decoder \"Replace\" of anything but a text by a space is not supported");
  }

  private Decoding and(Decoding other) {
    return new Decoding(
        bytes || other.bytes,
        space == null ? other.space : space,
        suffix == null ? other.suffix : suffix,
        strips || other.strips,
        pieces == null ? other.pieces : pieces);
  }
}
