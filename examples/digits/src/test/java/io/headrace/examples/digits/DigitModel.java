package io.headrace.examples.digits;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.util.Map;

/** Runs a model of this example with ONNX Runtime alone. */
final class DigitModel implements AutoCloseable {
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;

  DigitModel(byte[] file) throws OrtException {
    session = environment.createSession(file);
  }

  Digit recognise(float[] counts) throws OrtException {
    return Digit.of(probabilities(new float[][] {counts})[0]);
  }

  float[][] probabilities(float[][] batch) throws OrtException {
    try (var input = OnnxTensor.createTensor(environment, batch);
        var result = session.run(Map.of("pixels", input))) {
      return (float[][]) result.get(0).getValue();
    }
  }

  @Override
  public void close() throws OrtException {
    session.close();
  }
}
