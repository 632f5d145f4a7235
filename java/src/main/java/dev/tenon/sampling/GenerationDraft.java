package dev.tenon.sampling;

import java.util.List;
import java.util.Map;

/// A copy of the settings while it is changed.
final class GenerationDraft {
  int maxLength;
  int maxNewTokens;
  int minLength;
  int minNewTokens;
  int numBeams;
  int numReturnSequences;
  double lengthPenalty;
  EarlyStopping earlyStopping;
  int noRepeatNgramSize;
  int encoderNoRepeatNgramSize;
  double repetitionPenalty;
  double encoderRepetitionPenalty;
  List<List<Integer>> badWordsIds;
  Map<List<Integer>, Double> sequenceBias;
  int forcedBos;
  List<Integer> forcedEos;
  List<Integer> suppressTokens;
  List<Integer> beginSuppressTokens;
  int decayStart;
  double decayFactor;
  boolean removeInvalidValues;
  boolean renormalizeLogits;
  boolean doSample;
  double temperature;
  int topK;
  double topP;
  double minP;
  double typicalP;
  double epsilonCutoff;
  double etaCutoff;
  int bos;
  List<Integer> eos;
  int pad;
  int decoderStart;

  GenerationDraft(GenerationSettings from) {
    maxLength = from.maxLength();
    maxNewTokens = from.maxNewTokens();
    minLength = from.minLength();
    minNewTokens = from.minNewTokens();
    numBeams = from.numBeams();
    numReturnSequences = from.numReturnSequences();
    lengthPenalty = from.lengthPenalty();
    earlyStopping = from.earlyStopping();
    noRepeatNgramSize = from.noRepeatNgramSize();
    encoderNoRepeatNgramSize = from.encoderNoRepeatNgramSize();
    repetitionPenalty = from.repetitionPenalty();
    encoderRepetitionPenalty = from.encoderRepetitionPenalty();
    badWordsIds = from.badWordsIds();
    sequenceBias = from.sequenceBias();
    forcedBos = from.forcedBos();
    forcedEos = from.forcedEos();
    suppressTokens = from.suppressTokens();
    beginSuppressTokens = from.beginSuppressTokens();
    decayStart = from.decayStart();
    decayFactor = from.decayFactor();
    removeInvalidValues = from.removeInvalidValues();
    renormalizeLogits = from.renormalizeLogits();
    doSample = from.doSample();
    temperature = from.temperature();
    topK = from.topK();
    topP = from.topP();
    minP = from.minP();
    typicalP = from.typicalP();
    epsilonCutoff = from.epsilonCutoff();
    etaCutoff = from.etaCutoff();
    bos = from.bos();
    eos = from.eos();
    pad = from.pad();
    decoderStart = from.decoderStart();
  }

  GenerationSettings finish() {
    return new GenerationSettings(
        maxLength,
        maxNewTokens,
        minLength,
        minNewTokens,
        numBeams,
        numReturnSequences,
        lengthPenalty,
        earlyStopping,
        noRepeatNgramSize,
        encoderNoRepeatNgramSize,
        repetitionPenalty,
        encoderRepetitionPenalty,
        badWordsIds,
        sequenceBias,
        forcedBos,
        forcedEos,
        suppressTokens,
        beginSuppressTokens,
        decayStart,
        decayFactor,
        removeInvalidValues,
        renormalizeLogits,
        doSample,
        temperature,
        topK,
        topP,
        minP,
        typicalP,
        epsilonCutoff,
        etaCutoff,
        bos,
        eos,
        pad,
        decoderStart);
  }
}
