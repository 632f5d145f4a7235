package dev.tenon.huggingface;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A SentencePiece model (`tokenizer.model`): a protocol buffer of pieces and settings, of which
/// this reads those that a vocabulary needs. Numbers of fields are those of
/// `sentencepiece_model.proto`.
///
/// @param pieces in the order of their ids
/// @param unigram whether it is a unigram model, else byte-pair encoding
/// @param charsmap the table of its normaliser, empty where it has none
/// @param addsSpace whether a space is put in front of a text
/// @param removesSpaces whether spaces at the ends, and all but one of several, are removed
/// @param escapesSpaces whether a space is written as U+2581
/// @param spaceAfter whether the space is put behind a text (`treat_whitespace_as_suffix`)
/// @param unknown the id of the unknown token, or -1
/// @param bos the id of the begin token, or -1
/// @param eos the id of the end token, or -1
/// @param pad the id of the padding token, or -1
record SentencePieceModel(
    List<Piece> pieces,
    boolean unigram,
    byte[] charsmap,
    boolean addsSpace,
    boolean removesSpaces,
    boolean escapesSpaces,
    boolean spaceAfter,
    int unknown,
    int bos,
    int eos,
    int pad) {

  private static final int MOST_BYTES = 1 << 28;
  private static final int MOST_PIECES = 1 << 22;

  /// One piece.
  ///
  /// @param type normal 1, unknown 2, control 3, user-defined 4, unused 5, byte 6: those of GGUF
  record Piece(String text, float score, int type) {}

  static SentencePieceModel open(Path path) throws IOException {
    try (var arena = Arena.ofConfined()) {
      var file = CheckpointFiles.map(path, arena);
      if (file.byteSize() > MOST_BYTES) {
        throw new FormatException(
            path, 0, "at most " + MOST_BYTES + " bytes", file.byteSize() + " bytes");
      }
      return read(path, file);
    }
  }

  private static SentencePieceModel read(Path path, MemorySegment file) throws IOException {
    var pieces = new ArrayList<Piece>();
    int modelType = 1;
    int unknown = 0;
    int bos = 1;
    int eos = 2;
    int pad = -1;
    boolean suffix = false;
    byte[] charsmap = {};
    boolean[] flags = {true, true, true}; // of the normaliser: fields 3, 4, 5
    var model = new Message(path, file, 0, file.byteSize());
    while (model.next()) {
      switch (model.field()) {
        case 1 -> {
          if (pieces.size() >= MOST_PIECES) {
            throw model.malformed("at most " + MOST_PIECES + " pieces", "more");
          }
          pieces.add(piece(model.message()));
        }
        case 2 -> {
          var trainer = model.message();
          while (trainer.next()) {
            switch (trainer.field()) {
              case 3 -> modelType = trainer.integer();
              case 24 -> suffix = trainer.integer() != 0;
              case 40 -> unknown = trainer.integer();
              case 41 -> bos = trainer.integer();
              case 42 -> eos = trainer.integer();
              case 43 -> pad = trainer.integer();
              default -> {}
            }
          }
        }
        case 3 -> {
          var normalizer = model.message();
          while (normalizer.next()) {
            switch (normalizer.field()) {
              case 2 -> charsmap = normalizer.bytes();
              case 3, 4, 5 -> flags[normalizer.field() - 3] = normalizer.integer() != 0;
              default -> {}
            }
          }
        }
        default -> {}
      }
    }
    if (pieces.isEmpty()) {
      throw new FormatException(path, 0, "a SentencePiece model", "no pieces");
    }
    if (modelType != 1 && modelType != 2) {
      throw new UnsupportedOperationException(
          path + ": SentencePiece model of type " + modelType + "; known are 1 unigram, 2 bpe");
    }
    return new SentencePieceModel(
        List.copyOf(pieces),
        modelType == 1,
        charsmap,
        flags[0],
        flags[1],
        flags[2],
        suffix,
        within(unknown, pieces),
        within(bos, pieces),
        within(eos, pieces),
        within(pad, pieces));
  }

  private static int within(int id, List<Piece> pieces) {
    return id >= 0 && id < pieces.size() ? id : -1;
  }

  private static Piece piece(Message message) throws IOException {
    var text = "";
    float score = 0;
    int type = 1;
    while (message.next()) {
      switch (message.field()) {
        case 1 -> text = new String(message.bytes(), StandardCharsets.UTF_8);
        case 2 -> score = message.real();
        case 3 -> type = message.integer();
        default -> {}
      }
    }
    if (type < 1 || type > 6) {
      throw message.malformed("a type of piece from 1 to 6", "" + type);
    }
    return new Piece(text, score, type);
  }

  /// A protocol buffer's message, gone through field by field.
  private static final class Message {
    private static final ValueLayout.OfInt INT =
        ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Path path;
    private final MemorySegment data;
    private final long end;
    private long at;
    private int field;
    private int wire;

    /// The number of a field that has one; else the length of its bytes, and where they are.
    private long value;

    private long start;

    Message(Path path, MemorySegment data, long from, long end) {
      this.path = path;
      this.data = data;
      this.at = from;
      this.end = end;
    }

    /// Goes to the next field.
    ///
    /// @return whether there is one
    boolean next() throws IOException {
      if (at == end) {
        return false;
      }
      long tag = varint();
      field = (int) Math.min(tag >>> 3, Integer.MAX_VALUE);
      wire = (int) tag & 7;
      switch (wire) {
        case 0 -> value = varint();
        case 1 -> skip(8);
        case 2 -> skip(varint());
        case 5 -> skip(4);
        default -> throw malformed("a field of a protocol buffer", "wire type " + wire);
      }
      return true;
    }

    private void skip(long length) throws IOException {
      if (length < 0 || length > end - at) {
        throw malformed(
            "a field within the " + (end - at) + " bytes left", Long.toUnsignedString(length));
      }
      start = at;
      value = length;
      at += length;
    }

    private long varint() throws IOException {
      long number = 0;
      for (int shift = 0; shift < 70; shift += 7) {
        if (at == end) {
          throw malformed("the rest of a number", "the end");
        }
        byte b = data.get(ValueLayout.JAVA_BYTE, at++);
        number |= shift < 64 ? (long) (b & 127) << shift : 0;
        if (b >= 0) {
          return number;
        }
      }
      throw malformed("a number of at most 10 bytes", "a longer one");
    }

    int field() {
      return field;
    }

    int integer() throws IOException {
      need(0, "a number");
      return (int) value;
    }

    float real() throws IOException {
      need(5, "a binary32");
      return Float.intBitsToFloat(data.get(INT, start));
    }

    byte[] bytes() throws IOException {
      need(2, "bytes");
      return data.asSlice(start, value).toArray(ValueLayout.JAVA_BYTE);
    }

    Message message() throws IOException {
      need(2, "a message");
      return new Message(path, data, start, start + value);
    }

    private void need(int expected, String what) throws IOException {
      if (wire != expected) {
        throw malformed(what + " in field " + field, "wire type " + wire);
      }
    }

    FormatException malformed(String expected, String found) {
      return new FormatException(path, at, expected, found);
    }
  }
}
