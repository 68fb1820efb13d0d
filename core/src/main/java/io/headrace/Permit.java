package io.headrace;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
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
  private static final VarHandle GATE;

  static {
    try {
      GATE = MethodHandles.lookup().findVarHandle(Permit.class, "gate", Gate.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /**
   * The permit of all throttles without a limit of tasks at once: there is nothing to give back.
   */
  static final Permit FREE = new Permit(null);

  /** Null once it is closed, and for {@link #FREE}. */
  @SuppressWarnings("UnusedVariable") // written through GATE
  private volatile @Nullable Gate gate;

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
    Waiter.tell(release());
  }

  /** Gives the slot back, and returns who was granted a permit therefore and has to be told. */
  @Nullable Waiter release() {
    Gate gate = this.gate;
    return gate != null && GATE.compareAndSet(this, gate, null) ? gate.release() : null;
  }
}
