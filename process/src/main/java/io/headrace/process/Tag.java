package io.headrace.process;

/**
 * What stands before a value in a message. The bytes of tensors, arrays, segments and buffers
 * follow as:
 *
 * <pre>
 *  +--------+---------+-----------------+
 *  | INLINE | length  | bytes, at 16 i  |      of less than the threshold
 *  +--------+---------+-----------------+
 *  | SHARED | handle  | offset | length |      where they are in shared memory
 *  +--------+---------+-----------------+
 * </pre>
 */
final class Tag {
  static final byte NULL = 0;
  static final byte STRING = 1;
  static final byte BOOLEAN = 2;
  static final byte BYTE = 3;
  static final byte SHORT = 4;
  static final byte CHAR = 5;
  static final byte INT = 6;
  static final byte LONG = 7;
  static final byte FLOAT = 8;
  static final byte DOUBLE = 9;
  static final byte TENSOR = 10;
  static final byte SEGMENT = 11;
  static final byte BUFFER = 12;
  static final byte LIST = 13;
  static final byte SET = 14;
  static final byte MAP = 15;

  /** Of a class that was registered; behind a part of its own, if the codec is not ours. */
  static final byte REGISTERED = 16;

  /** And the tag of the elements: an array of these. */
  static final byte ARRAY = 32;

  static final byte INLINE = 0;
  static final byte SHARED = 1;

  /** Inline bytes are at multiples of this, so that native code can read numbers from them. */
  static final int ALIGNMENT = 16;

  private Tag() {}
}
