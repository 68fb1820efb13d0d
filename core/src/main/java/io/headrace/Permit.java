package io.headrace;

import org.jspecify.annotations.Nullable;

/**
 * The right to start one task, taken from a {@link Throttle}. Whoever holds it closes it when the
 * task has ended:
 *
 * {@snippet class="io.headrace.ThrottleSnippetsTest" region="permit"}
 *
 * <p>Thread safe: any thread may close it.
 */
public final class Permit implements AutoCloseable {
  /*
   * A monitor, and not a compare-and-set, lets the first close win: of a permit that is closed by
   * the method that took it the compiler makes no object and no lock, so that a slot costs what its
   * two counts cost.
   */

  /**
   * The permit of all throttles without a limit of tasks at once: there is nothing to give back.
   */
  static final Permit FREE = new Permit(null);

  /** Null once it is closed, and for {@link #FREE}. Guarded by this. */
  private @Nullable Gate gate;

  /**
   * A permit that was granted.
   *
   * @param gate where its slot goes back to
   */
  Permit(@Nullable Gate gate) {
    this.gate = gate;
  }

  /**
   * Gives the slot back, so that another task can start. Only the first call does so. It does
   * nothing where the throttle limits the rate alone: what has started has started.
   *
   * <p>The waiter that gets the slot is told on this thread: continuations of its future run here,
   * unless this call comes from such a continuation. In that case they run when that continuation
   * has returned.
   */
  @Override
  public void close() {
    StackRoom.requireSome();
    Waiter.tell(release());
  }

  /** Gives the slot back, and returns who was granted a permit therefore and has to be told. */
  @Nullable Waiter release() {
    if (this == FREE) {
      return null; // all threads share it
    }
    Gate held;
    synchronized (this) {
      held = gate;
      gate = null;
    }
    return held == null ? null : held.release();
  }
}
