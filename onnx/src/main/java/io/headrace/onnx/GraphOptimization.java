package io.headrace.onnx;

import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;

/** How far ONNX Runtime rewrites the graph of a model when it loads it. */
public enum GraphOptimization {
  /** Not at all. */
  NONE(OptLevel.NO_OPT),
  /** What keeps the meaning exactly: constants folded, redundant nodes removed. */
  BASIC(OptLevel.BASIC_OPT),
  /** Nodes fused into larger ones of the execution provider, too. */
  EXTENDED(OptLevel.EXTENDED_OPT),
  /** All there is, layouts of memory included. */
  ALL(OptLevel.ALL_OPT);

  final OptLevel level;

  GraphOptimization(OptLevel level) {
    this.level = level;
  }
}
