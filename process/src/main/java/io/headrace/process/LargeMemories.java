package io.headrace.process;

import io.headrace.shm.Handle;
import io.headrace.shm.Mechanism;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Memories for values that are larger than the common one: each has one of its own, as long as it
 * is used, up to a limit for all together. Thread safe.
 */
final class LargeMemories {
  private final long limitBytes;
  private final Mechanism mechanism;
  private final Runnable whenFree;
  private final AtomicLong usedBytes = new AtomicLong();
  private final Set<Region> regions = ConcurrentHashMap.newKeySet();

  /**
   * None so far.
   *
   * @param whenFree is told when one is not used anymore
   */
  LargeMemories(long limitBytes, Mechanism mechanism, Runnable whenFree) {
    this.limitBytes = limitBytes;
    this.mechanism = mechanism;
    this.whenFree = whenFree;
  }

  long limitBytes() {
    return limitBytes;
  }

  long usedBytes() {
    return usedBytes.get();
  }

  /** Whether one is kept by a view, which may be one that cannot be reached anymore. */
  boolean isViewed() {
    return regions.stream().anyMatch(Region::hasViews);
  }

  /** Whether one is kept by batches alone, and so is free when they have ended. */
  boolean isSent() {
    return regions.stream().anyMatch(region -> !region.hasViews());
  }

  /**
   * A memory for one value. Whoever has made it retires it when the value has its block.
   *
   * @throws NoRoomException if others have to be given back before
   * @throws IllegalArgumentException if it is above the limit
   * @throws io.headrace.shm.SharedMemoryException if there is not as much memory
   */
  Region create(long bytes) {
    if (bytes > limitBytes) {
      throw new IllegalArgumentException(
          bytes
              + " bytes find no room in the common shared memory, and are above the limit of "
              + limitBytes
              + " for memory of their own: set inputMemoryBytes or largeMemoryBytes");
    }
    long before = usedBytes.getAndUpdate(used -> used + bytes > limitBytes ? used : used + bytes);
    if (before + bytes > limitBytes) {
      throw new NoRoomException();
    }
    try {
      Region region = Memories.ALL.single(bytes, mechanism, closed -> giveBack(closed, bytes));
      regions.add(region);
      return region;
    } catch (RuntimeException none) {
      usedBytes.addAndGet(-bytes);
      throw none;
    }
  }

  /** The block that takes all of a new memory, with one user. */
  Block allocate(long bytes) {
    Region region = create(bytes);
    Block block = region.named(whole(region));
    region.retire();
    return block;
  }

  /** All of a memory. */
  static Handle whole(Region region) {
    return whole(region.number, region.segment().byteSize());
  }

  static Handle whole(int memory, long bytes) {
    return new Handle(memory, 1, 0, bytes);
  }

  private void giveBack(Region closed, long bytes) {
    regions.remove(closed);
    usedBytes.addAndGet(-bytes);
    whenFree.run();
  }
}
