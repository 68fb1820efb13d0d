package io.headrace.shm;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Tells a process at once that a thread of another one has ended, as all do when that is killed.
 * The end of a process is seen otherwise when the system has taken its memory apart, which takes
 * milliseconds and comes before its sockets are closed and its parent is told.
 *
 * {@snippet class="io.headrace.shm.LifelineTest" region="lifeline"}
 *
 * <p>One thread at a time holds it. On Linux only. Where its functions are missing, nobody learns
 * of anything, and the end of the process has to be seen in another way.
 *
 * <p><b>Thread safety.</b> Safe for all threads.
 */
public final class Lifeline {
  /*
   * It is a robust mutex between processes (pthread_mutexattr_setrobust): at the end of a thread
   * the kernel gives those up that it holds, marks them, and wakes who waits, before it lets go of
   * the thread's memory.
   */

  /** How much memory it takes, in bytes. */
  public static final int BYTES = 128;

  private static final int CREATED_OFFSET = BYTES - Integer.BYTES;

  /** So long after it was {@link #cut} a wait ends at most. */
  private static final long LOOK_EVERY_MILLIS = 1_000;

  private final MemorySegment memory;
  private volatile boolean isCut;

  private Lifeline(MemorySegment memory) {
    this.memory = memory;
  }

  /**
   * Makes one that nobody holds.
   *
   * @param memory {@value #BYTES} bytes of shared memory that are zero
   * @return the lifeline
   */
  public static Lifeline create(MemorySegment memory) {
    if (Linux.createRobustMutex(memory.asSlice(0, CREATED_OFFSET))) {
      memory.set(java.lang.foreign.ValueLayout.JAVA_INT, CREATED_OFFSET, 1);
    }
    return new Lifeline(memory);
  }

  /**
   * Opens one that another process has made.
   *
   * @param memory where it was made
   * @return the lifeline
   */
  public static Lifeline open(MemorySegment memory) {
    return new Lifeline(memory);
  }

  /**
   * Ends the waits for a process that is known to have ended, within a second, if its end was not
   * told because it had written nonsense here.
   */
  public void cut() {
    isCut = true;
  }

  private boolean isUsable() {
    return memory.get(java.lang.foreign.ValueLayout.JAVA_INT, CREATED_OFFSET) == 1;
  }

  /** The calling thread holds it until it ends or {@link #letGo lets go}. It has to be free. */
  public void hold() {
    if (isUsable()) {
      Linux.lockMutex(memory);
    }
  }

  /** The thread that holds it does so no longer: nobody is to learn of its end. */
  public void letGo() {
    if (isUsable()) {
      Linux.unlockMutex(memory);
    }
  }

  /**
   * Blocks while a thread holds it, and cannot be interrupted. To be called by platform threads: it
   * would hold a virtual one's carrier.
   *
   * @return true if that thread has ended; false if it has let go, or nobody held it, or this was
   *     cut
   */
  public boolean awaitEnd() {
    if (!isUsable()) {
      return false;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment timeout = Linux.newTimeout(arena);
      Linux.Locked locked;
      do {
        long untilMillis = System.currentTimeMillis() + LOOK_EVERY_MILLIS;
        locked = Linux.lockMutex(memory, timeout, untilMillis);
      } while (locked == Linux.Locked.NOT_YET && !isCut);
      if (locked == Linux.Locked.YES || locked == Linux.Locked.OWNER_DIED) {
        Linux.unlockMutex(memory);
      }
      return locked == Linux.Locked.OWNER_DIED;
    }
  }
}
