package io.headrace.process;

import io.headrace.shm.CorruptMemoryException;
import io.headrace.shm.SharedMemoryException;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Memories for results of one process that are larger than its common one: the process says what it
 * wants, and waits until it is granted or denied. Of the thread of its worker.
 */
final class LargeResults {
  private final LargeMemories memories;
  private final Runnable wake;

  /** Those that the process was given for the batch that it executes. */
  private final Map<Integer, Region> granted = new HashMap<>();

  /** How large a memory the process waits for; 0 if for none. */
  private volatile long wantedBytes;

  /** How often room had been looked for when it began to wait. */
  private long wantedSince;

  /**
   * None so far.
   *
   * @param wake wakes the thread of the worker, when there may be room for what is wanted
   */
  LargeResults(Settings settings, Runnable wake) {
    this.wake = wake;
    memories = new LargeMemories(settings.largeBytes, settings.mechanism, this::freed);
  }

  private void freed() {
    if (isWanted()) {
      wake.run();
    }
  }

  /** Whether one is kept by a view, which may be one that cannot be reached anymore. */
  boolean isViewed() {
    return memories.isViewed();
  }

  /** The process wants a memory. */
  void want(long bytes, long looks) {
    if (bytes < 1 || bytes > memories.limitBytes()) {
      throw new CorruptMemoryException("it wants a memory of " + bytes + " bytes");
    }
    wantedSince = looks;
    wantedBytes = bytes;
  }

  /** Any thread. */
  boolean isWanted() {
    return wantedBytes > 0;
  }

  /**
   * What the process is told: that there is a memory, or that there will be none.
   *
   * @param looks how often room was looked for
   * @return null if others have to be given back before
   */
  @Nullable Envelope answer(long looks) {
    Envelope answer;
    long usedBytes = memories.usedBytes(); // before: what is given back after that makes room
    try {
      Region region = memories.create(wantedBytes);
      granted.put(region.number, region);
      answer = Envelope.grant(region.number, wantedBytes, region.memory.path());
    } catch (NoRoomException none) {
      boolean isOverdue = looks - wantedSince >= Pool.LOOKS_BEFORE_REFUSAL;
      if (usedBytes > grantedBytes() && !isOverdue) {
        return null;
      }
      answer =
          Envelope.deny(
              "the results of a batch, or results that are kept, take all: set largeMemoryBytes"
                  + Garbage.remedy());
    } catch (SharedMemoryException failure) {
      answer = Envelope.deny(String.valueOf(failure.getMessage()));
    }
    wantedBytes = 0;
    return answer;
  }

  private long grantedBytes() {
    return granted.values().stream().mapToLong(region -> region.segment().byteSize()).sum();
  }

  /** One that was granted for the batch that is executed, or null. */
  @Nullable Region at(int memory) {
    return granted.get(memory);
  }

  /** The batch is over: they are closed when the results in them are not used anymore. */
  void retire() {
    granted.values().forEach(Region::retire);
    granted.clear();
  }
}
