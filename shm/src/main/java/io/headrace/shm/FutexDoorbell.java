package io.headrace.shm;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/** A doorbell whose word is a futex. */
final class FutexDoorbell extends Doorbell {
  private final Arena arena = Arena.ofShared();
  private final MemorySegment timeout = Linux.newTimeout(arena);
  private final MemorySegment ownWord;
  private final MemorySegment otherWord;

  FutexDoorbell(MemorySegment own, MemorySegment other) {
    super(own, other);
    ownWord = own.asSlice(WORD_OFFSET, Integer.BYTES);
    otherWord = other.asSlice(WORD_OFFSET, Integer.BYTES);
  }

  @Override
  void block(int word, long timeoutNanos) {
    if (timeoutNanos == NO_LIMIT) {
      Linux.await(ownWord, word);
    } else {
      Linux.await(ownWord, word, timeout, timeoutNanos);
    }
  }

  @Override
  void wakeOther() {
    wake(other, otherWord);
  }

  @Override
  void wakeOwn() {
    wake(own, ownWord);
  }

  /** The word changes first: a wait that has not reached the kernel yet ends there. */
  private static void wake(ByteBuffer doorbell, MemorySegment word) {
    INT.getAndAdd(doorbell, WORD_OFFSET, 1);
    Linux.wake(word);
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
