package io.headrace.examples.digits;

/** What a caller sends: an image, or the counts that would be read from it. */
public sealed interface DigitInput {
  /**
   * An image that is still encoded.
   *
   * @param file a PNG or JPEG file; not copied, not to be changed
   */
  @SuppressWarnings("ArrayRecordComponent") // inputs are not compared
  record Image(byte[] file) implements DigitInput {}

  /**
   * What the model takes.
   *
   * @param counts 64 counts of 0 to 16, checked; not copied, not to be changed
   */
  @SuppressWarnings("ArrayRecordComponent") // inputs are not compared
  record Counts(float[] counts) implements DigitInput {}
}
