package io.headrace.server;

import io.vertx.core.buffer.Buffer;
import java.util.Arrays;

/**
 * Collects the body of one request. Grows as bytes arrive, not as a client announces. Not thread
 * safe.
 */
final class Body {
  private static final int FIRST_CAPACITY_BYTES = 16 * 1024;
  private static final byte[] EMPTY = new byte[0];

  private final BodyMemory memory;
  private final int limitBytes;

  /** What is still to come as far as the client announced it; the limit if it did not. */
  private final int announcedBytes;

  private byte[] bytes = EMPTY;
  private int length;

  /** Announced lengths above the limit are refused before. */
  Body(BodyMemory memory, int limitBytes, long announcedBytes) {
    this.memory = memory;
    this.limitBytes = limitBytes;
    this.announcedBytes = announcedBytes < 0 ? limitBytes : (int) announcedBytes;
  }

  boolean exceedsLimit(Buffer chunk) {
    return (long) length + chunk.length() > limitBytes;
  }

  /** Returns whether there was memory for the chunk. */
  boolean append(Buffer chunk) {
    int needed = length + chunk.length();
    if (needed > bytes.length) {
      long doubled = Math.max(FIRST_CAPACITY_BYTES, 2L * bytes.length);
      int capacity = (int) Math.max(needed, Math.min(doubled, announcedBytes));
      if (!memory.reserve(capacity - bytes.length)) {
        return false;
      }
      bytes = Arrays.copyOf(bytes, capacity);
    }
    chunk.getBytes(bytes, length);
    length = needed;
    return true;
  }

  byte[] toBytes() {
    return length == bytes.length ? bytes : Arrays.copyOf(bytes, length);
  }

  /** Gives the memory back; the body must not be used any more. */
  void release() {
    memory.release(bytes.length);
    bytes = EMPTY;
    length = 0;
  }
}
