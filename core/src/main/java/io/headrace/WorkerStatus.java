package io.headrace;

import java.time.Duration;

/**
 * A worker of a step that is not a thread of this JVM, as it is at one moment.
 *
 * @param name what it is called in messages and logs
 * @param pid the identifier of its process; 0 if it has none now
 * @param state what it does
 * @param restarts how often it was started again
 * @param residentBytes how much memory its process holds, shared memory included; 0 if unknown
 * @param cpu the processor time that its process has used; zero if unknown
 */
public record WorkerStatus(
    String name, long pid, State state, int restarts, long residentBytes, Duration cpu) {
  /** What a worker does. */
  public enum State {
    /** Its process starts, or prepares its handler. */
    STARTING,
    /** It waits for a batch. */
    IDLE,
    /** It executes one. */
    BUSY,
    /** Its process has ended, and another is going to be started. */
    DEAD,
    /** It has ended, and is not started again. */
    STOPPED
  }
}
