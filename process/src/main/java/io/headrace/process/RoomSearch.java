package io.headrace.process;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * Looks for room in shared memory when a step finds none. Values that this process does not reach
 * anymore give theirs back when the garbage collector finds them, which has no other reason to look
 * for them. Thread safe.
 */
final class RoomSearch {
  /*
   * A collection stops all threads of this process, and views take less after it. A batch that is
   * under way gives back what no view keeps, in a moment as a rule, and so that is waited for
   * first. But not for long: its handler may take any time, while a collection may find room at
   * once.
   */

  private static final long LOOK_EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
  private static final long GLANCE_EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  /** What is under way is waited for so many times. */
  private static final int GLANCES = (int) (LOOK_EVERY_NANOS / GLANCE_EVERY_NANOS);

  /** What a look has taken that was none. */
  private static final long NOT_NEEDED = -1;

  /** Between two collections is so many times what one takes. */
  private static final int COLLECTION_PAUSES = 2;

  private final CountDownLatch closed;
  private final Runnable whenFreed;
  private final AtomicLong looks = new AtomicLong();
  private final AtomicLong collections = new AtomicLong();
  private final AtomicBoolean isLooking = new AtomicBoolean();

  /**
   * One that has not looked yet.
   *
   * @param closed ends all waits
   * @param whenFreed is told when there may be room
   */
  RoomSearch(CountDownLatch closed, Runnable whenFreed) {
    this.closed = closed;
    this.whenFreed = whenFreed;
  }

  /** Looks for room in the common memory of a process, which has none to give back itself. */
  void begin(Region common) {
    if (common.isViewed()) {
      begin(() -> collect(common::narrowViews));
    } else {
      begin(() -> 0);
    }
  }

  /**
   * Looks for room in memories of their own, for a process that has none to give back itself.
   *
   * @param isViewed whether there are values that a collection may find
   */
  void begin(boolean isViewed) {
    begin(isViewed ? () -> collect(() -> {}) : () -> 0);
  }

  /**
   * Collects garbage for a batch, unless it finds room soon without that.
   *
   * @param isComing whether what others have under way will give room back
   * @param whenCollecting is told of a collection
   */
  void begin(Execution batch, BooleanSupplier isComing, Runnable whenCollecting) {
    begin(() -> findsRoom(batch, isComing) ? NOT_NEEDED : collect(whenCollecting));
  }

  /** Does nothing if somebody looks already. */
  private void begin(LongSupplier look) {
    if (isLooking.compareAndSet(false, true)) {
      Thread.startVirtualThread(
          () -> {
            long tookNanos = look.getAsLong();
            if (tookNanos != NOT_NEEDED) {
              looks.incrementAndGet();
              whenFreed.run();
              // a look that frees nothing is not repeated at once
              var _ = isClosedAfter(Math.max(LOOK_EVERY_NANOS, COLLECTION_PAUSES * tookNanos));
            }
            isLooking.set(false);
            whenFreed.run(); // what found no room in the meantime asks again
          });
    }
  }

  private boolean findsRoom(Execution batch, BooleanSupplier isComing) {
    for (int left = GLANCES; left > 0 && batch.lacksRoom() && isComing.getAsBoolean(); left--) {
      if (isClosedAfter(GLANCE_EVERY_NANOS)) {
        return true;
      }
    }
    return !batch.lacksRoom();
  }

  /** Returns how long that took. */
  private long collect(Runnable whenCollecting) {
    collections.incrementAndGet();
    whenCollecting.run();
    return Garbage.collect();
  }

  private boolean isClosedAfter(long nanos) {
    try {
      return closed.await(nanos, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true;
    }
  }

  /** How often room was looked for because there was none. */
  long looks() {
    return looks.get();
  }

  /** How often garbage was collected for that. */
  long collections() {
    return collections.get();
  }
}
