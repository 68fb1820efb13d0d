package io.headrace.onnx;

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

  /** The size of a value of this shape, or {@link Long#MAX_VALUE} if it is beyond all limits. */
  long bytes(long[] shape) {
    long bytes = port.type.sizeBytes();
    for (long dimension : shape) {
      if (Math.multiplyHigh(bytes, dimension) != 0 || bytes * dimension < 0) {
        return Long.MAX_VALUE;
      }
      bytes *= dimension;
    }
    return bytes;
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

  @Override
  public void close() {
    arena.close();
  }
}
