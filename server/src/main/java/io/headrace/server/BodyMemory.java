package io.headrace.server;

import java.util.concurrent.atomic.AtomicLong;

/** Bounds the memory of all bodies that are read or being answered. Thread safe. */
final class BodyMemory {
  private final long limitBytes;
  private final AtomicLong usedBytes = new AtomicLong();

  BodyMemory(long limitBytes) {
    this.limitBytes = limitBytes;
  }

  boolean reserve(int bytes) {
    if (usedBytes.addAndGet(bytes) <= limitBytes) {
      return true;
    }
    usedBytes.addAndGet(-bytes);
    return false;
  }

  void release(int bytes) {
    usedBytes.addAndGet(-bytes);
  }

  long usedBytes() {
    return usedBytes.get();
  }
}
