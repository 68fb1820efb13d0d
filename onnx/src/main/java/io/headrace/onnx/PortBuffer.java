package io.headrace.onnx;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The memory of an input or output outside the heap: reused from batch to batch and replaced by a
 * larger one when a batch needs more. Not thread safe.
 */
final class PortBuffer implements AutoCloseable {
  /** What ONNX Runtime can address through a byte buffer. */
  static final long MAX_BYTES = Integer.MAX_VALUE - 64L;

  private static final long ONES = 0x0101_0101_0101_0101L;
  private static final long LOW_SEVEN_BITS = 0x7f * ONES;

  private static final long MIN_BYTES = 64;
  private static final long ALIGNMENT_BYTES = 64;

  final Port port;
  private Arena arena = Arena.ofShared();
  private MemorySegment segment = arena.allocate(MIN_BYTES, ALIGNMENT_BYTES);

  PortBuffer(Port port) {
    this.port = port;
  }

  MemorySegment segment() {
    return segment;
  }

  /** The size of a value of this shape. See {@link Port#bytes}. */
  long bytes(long[] shape) {
    return port.bytes(shape);
  }

  boolean holds(long[] shape) {
    return bytes(shape) <= segment.byteSize();
  }

  /** Gets memory for a value of this shape; the earlier memory, and all that wraps it, is gone. */
  void grow(long[] shape) {
    long capacity = Math.min(MAX_BYTES, Long.highestOneBit(bytes(shape) - 1) << 1);
    Arena larger = Arena.ofShared();
    try {
      segment = larger.allocate(capacity, ALIGNMENT_BYTES);
    } catch (Throwable e) {
      larger.close();
      throw e;
    }
    arena.close();
    arena = larger;
  }

  /** The start of the memory as a value of this shape. */
  OnnxTensor wrap(OrtEnvironment environment, long[] shape) throws OrtException {
    var buffer = segment.asSlice(0, bytes(shape)).asByteBuffer();
    return OnnxTensor.createTensor(environment, buffer, shape, port.ortType);
  }

  /**
   * Makes a 1 of every byte of the first ones that is neither 0 nor 1: ONNX Runtime is compiled for
   * these two, and what it does with another one depends on the operation.
   */
  void makeBooleans(long bytes) {
    long i = 0;
    for (; i <= bytes - Long.BYTES; i += Long.BYTES) {
      long eight = segment.get(JAVA_LONG, i);
      long highBits = ((eight & LOW_SEVEN_BITS) + LOW_SEVEN_BITS) | eight;
      segment.set(JAVA_LONG, i, (highBits >>> 7) & ONES);
    }
    for (; i < bytes; i++) {
      segment.set(JAVA_BYTE, i, (byte) (segment.get(JAVA_BYTE, i) == 0 ? 0 : 1));
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
