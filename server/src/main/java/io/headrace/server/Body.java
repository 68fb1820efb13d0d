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

  /** Returns whether there was memory for the chunk; nothing is kept of one that fails. */
  boolean append(Buffer chunk) {
    int needed = length + chunk.length();
    if (needed > bytes.length) {
      long doubled = Math.max(FIRST_CAPACITY_BYTES, 2L * bytes.length);
      int capacity = (int) Math.max(needed, Math.min(doubled, announcedBytes));
      if (!memory.reserve(capacity - bytes.length)) {
        capacity = needed; // room to grow is not worth a refusal
        if (!memory.reserve(capacity - bytes.length)) {
          return false;
        }
      }
      try {
        bytes = Arrays.copyOf(bytes, capacity);
      } catch (Throwable t) {
        memory.release(capacity - bytes.length);
        throw t;
      }
    }
    chunk.getBytes(bytes, length);
    length = needed;
    return true;
  }

  /** The whole body; what was held for more of it is given back. */
  byte[] toBytes() {
    if (length < bytes.length) {
      byte[] whole = Arrays.copyOf(bytes, length);
      memory.release(bytes.length - length);
      bytes = whole;
    }
    return bytes;
  }

  /** Gives the memory back; the body must not be used anymore. */
  void release() {
    memory.release(bytes.length);
    bytes = EMPTY;
    length = 0;
  }
}
