package io.headrace.examples.digits;

import io.headrace.CallListener;
import io.headrace.server.Response;
import tools.jackson.core.JsonGenerator;

/**
 * Follows one call through the flow and makes its response. The steps come one after another, and
 * the result after them, so nothing here is shared.
 */
final class DigitAnswer implements CallListener {
  private int batchSize;
  private long queueNanos;
  private long handleNanos;

  /** The last step is the model: the size that stays is that of its batch. */
  @Override
  public void onStep(String step, int batchSize, long queueNanos, long handleNanos) {
    this.batchSize = batchSize;
    this.queueNanos += queueNanos;
    this.handleNanos += handleNanos;
  }

  Response response(Digit digit) {
    return Response.json(out -> write(out, digit));
  }

  void write(JsonGenerator out, Digit digit) {
    out.writeStartObject();
    out.writeNumberProperty("digit", digit.digit());
    out.writeNumberProperty("confidence", rounded(digit.confidence()));
    out.writeArrayPropertyStart("probabilities");
    for (float probability : digit.probabilities()) {
      out.writeNumber(rounded(probability));
    }
    out.writeEndArray();
    out.writeNumberProperty("batchSize", batchSize);
    out.writeNumberProperty("queueMillis", millis(queueNanos));
    out.writeNumberProperty("handleMillis", millis(handleNanos));
    out.writeEndObject();
  }

  private static double rounded(float probability) {
    return Math.round(probability * 1e4) / 1e4;
  }

  private static double millis(long nanos) {
    return Math.round(nanos / 1e3) / 1e3;
  }
}
