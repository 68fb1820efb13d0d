package io.headrace;

/** The type of the elements of a {@link Tensor}. */
public enum TensorType {
  /** 32-bit IEEE 754. */
  FLOAT(4),
  /** 64-bit IEEE 754. */
  DOUBLE(8),
  /** 16-bit IEEE 754: 5 bits of exponent. */
  FLOAT16(2),
  /** The upper half of a {@link #FLOAT}. */
  BFLOAT16(2),
  /** 8-bit, -128 to 127. */
  INT8(1),
  /** 8-bit, 0 to 255. */
  UINT8(1),
  /** 16-bit, signed. */
  INT16(2),
  /** 32-bit, signed. */
  INT32(4),
  /** 64-bit, signed. */
  INT64(8),
  /** A byte that is 0 or 1, which is not checked. */
  BOOL(1);

  private final int sizeBytes;

  TensorType(int sizeBytes) {
    this.sizeBytes = sizeBytes;
  }

  /**
   * The size of an element.
   *
   * @return bytes
   */
  public int sizeBytes() {
    return sizeBytes;
  }
}
