package io.headrace;

import static java.lang.invoke.ConstantBootstraps.fieldVarHandle;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * An item on its way: the future that its caller holds, the value as the last step left it, and the
 * node of the queue that it waits in. One object for the whole way, whatever the number of steps.
 */
sealed class Ticket extends CompletableFuture<Object> permits SortedTicket {
  /*
   * Who may touch what, and when:
   * 1. value, arrivalNanos, hold, admitted, and what a station sorts it by: whoever carries the
   *    ticket. That is the submitter until it offers the ticket to a queue, then the queue's drain,
   *    then the batch that the ticket is part of. Each hand-over is a release and an acquire: the
   *    link of the queue, the assignment of a batch.
   * 2. next belongs to the queue that the ticket is in.
   * 3. whereabouts is the station in whose queue the ticket waits, or what counts the calls of its
   *    flow while it waits nowhere. The carrier sets it before it offers the ticket; the drain
   *    changes it when it takes or removes the ticket. Any thread reads it, to count a call that
   *    ends on its way, and to tell the station that the ticket is withdrawn; what it reads may be
   *    out of date, and so the drain believes only its own reading. Null for a ticket that is not
   *    counted.
   * 4. waiter is the thread in await(), written by it alone. It writes waiter and then reads the
   *    result; whoever completes the ticket writes the result and then reads waiter. Both are
   *    volatile, so one of them sees the other, and no wake-up is lost.
   * 5. marks are set by anybody, never cleared, and not at all for a call that ends where it is
   *    carried to: only that is counted without a look at them.
   */

  private static final VarHandle NEXT =
      fieldVarHandle(MethodHandles.lookup(), "next", VarHandle.class, Ticket.class, Ticket.class);
  private static final VarHandle WHEREABOUTS =
      fieldVarHandle(
          MethodHandles.lookup(), "whereabouts", VarHandle.class, Ticket.class, Object.class);
  private static final VarHandle MARKS =
      fieldVarHandle(MethodHandles.lookup(), "marks", VarHandle.class, Ticket.class, byte.class);

  /** The service has failed it on its way, or was about to when its caller completed it. */
  private static final byte OVERTAKEN = 1;

  /** It is counted among the calls that have ended. */
  private static final byte COUNTED = 2;

  @Nullable Object value;
  private volatile @Nullable Object whereabouts;
  final @Nullable Terms terms;

  /** The worker that is kept from its next batch until this ticket has found room. */
  @Nullable Slot hold;

  long arrivalNanos;
  final byte priority;

  /** Whether it has found room, in a queue that lets items wait for it. */
  boolean admitted;

  /** Whether it counts as in flight for the admission of its flow; of whoever carries it. */
  boolean isCounted;

  @SuppressWarnings("UnusedVariable") // through MARKS
  private byte marks;

  @SuppressWarnings("UnusedVariable") // read through NEXT
  private @Nullable Ticket next;

  private volatile @Nullable Thread waiter;

  /** The ticket that stands for an empty queue. */
  Ticket() {
    terms = null;
    priority = 0;
  }

  /**
   * A call.
   *
   * @param isTimed whether its terms are to say when it was submitted, whatever its options
   */
  Ticket(Object value, CallOptions options, Observers observers, TimeSource time, boolean isTimed) {
    this.value = value;
    priority = (byte) options.priority;
    terms =
        isTimed
                || options.timeoutNanos != 0
                || options.listener != null
                || observers.isToldOfCalls()
            ? new Terms(this, options, observers, time)
            : null;
  }

  /**
   * Whether the ticket waits at a station; for the drain of that station, which alone may change
   * it.
   */
  boolean waitsAt(Station station) {
    return WHEREABOUTS.getOpaque(this) == station;
  }

  /** Release: a canceller that reads the station sees a ticket that the station may remove. */
  void waitAt(Station station) {
    WHEREABOUTS.setRelease(this, station);
  }

  /**
   * Release, as above.
   *
   * @param calls counts the call if it ends before it waits again
   */
  void waitNowhere(EndedCalls calls) {
    WHEREABOUTS.setRelease(this, calls);
  }

  /** Acquire: whoever sees the link sees what its writer did to the ticket before. */
  @Nullable Ticket next() {
    return (Ticket) NEXT.getAcquire(this);
  }

  /** Release, for {@link #next()}; a plain write could publish a ticket without its value. */
  void linkTo(@Nullable Ticket ticket) {
    NEXT.setRelease(this, ticket);
  }

  /** Plain: nobody else knows this ticket yet, or anymore. */
  void setNext(@Nullable Ticket ticket) {
    NEXT.set(this, ticket);
  }

  /** A ticket of the flow's own: for a branch of the way of another, or to warm it up. */
  Ticket(@Nullable Object value, int priority, Terms terms) {
    this.value = value;
    this.priority = (byte) priority;
    this.terms = terms;
  }

  /** It leaves, and its caller may keep it for long. */
  void forget() {
    value = null;
  }

  /** Whether it needs no result anymore: it has one, or its timeout is over. */
  boolean isOver(long nowNanos) {
    return isDone() || (terms != null && terms.isExpired(nowNanos));
  }

  /** Whether this is a call, which is counted when it leaves. */
  boolean isCall() {
    return terms == null || terms.isCall();
  }

  /** Returns whether the ticket was not complete before. */
  boolean succeed(@Nullable Object result) {
    Terms terms = this.terms;
    long nowNanos = terms == null ? 0 : terms.time.nanoTime();
    boolean first = super.complete(result);
    if (first) {
      ended(Observer.Outcome.COMPLETED, nowNanos);
    }
    return first;
  }

  /** Returns whether the ticket was not complete before. */
  boolean fail(Throwable failure, Observer.Outcome outcome) {
    Terms terms = this.terms;
    long nowNanos = terms == null ? 0 : terms.time.nanoTime();
    boolean first = super.completeExceptionally(failure);
    if (first) {
      ended(outcome, nowNanos);
    }
    return first;
  }

  /**
   * Fails the ticket while it is on its way. It is marked before: who sees the failure sees why.
   */
  void overtake(HeadraceException failure, Observer.Outcome outcome) {
    MARKS.getAndBitwiseOr(this, OVERTAKEN);
    if (fail(failure, outcome)) {
      endedOnItsWay(outcome);
    }
  }

  /** Whether it was failed on its way, and not completed by its caller. */
  boolean isOvertaken() {
    return ((byte) MARKS.getVolatile(this) & OVERTAKEN) != 0
        && state() == State.FAILED
        && exceptionNow() instanceof HeadraceException;
  }

  private void endedOnItsWay(Observer.Outcome outcome) {
    Object at = whereabouts;
    if (at instanceof Station station) {
      station.flow.tally.calls.addOnce(this, outcome);
    } else if (at instanceof EndedCalls calls) {
      calls.addOnce(this, outcome);
    }
  }

  /** Whether nobody has asked before: one counts it. */
  boolean isFirstToCount() {
    return ((byte) MARKS.getAndBitwiseOr(this, COUNTED) & COUNTED) == 0;
  }

  /** The timeout is over: the caller is told, and the ticket leaves the queue it waits in. */
  void expire(DeadlineExceededException expiry) {
    overtake(expiry, Observer.Outcome.TIMED_OUT);
    withdraw();
  }

  @Override
  public boolean complete(@Nullable Object result) {
    StackRoom.requireSome();
    boolean first = super.complete(result);
    if (first) {
      abandoned();
    }
    return first;
  }

  @Override
  public boolean completeExceptionally(Throwable failure) {
    StackRoom.requireSome();
    boolean first = super.completeExceptionally(failure);
    if (first) {
      abandoned();
    }
    return first;
  }

  @Override
  public CompletableFuture<Object> completeAsync(
      Supplier<? extends @Nullable Object> supplier, Executor executor) {
    Completions.completeAsync(this, supplier, executor);
    return this;
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    StackRoom.requireSome();
    boolean first = super.completeExceptionally(new CancellationException());
    if (first) {
      abandoned();
    }
    return isCancelled();
  }

  /** Its caller needs no result anymore. */
  private void abandoned() {
    Terms terms = this.terms;
    ended(Observer.Outcome.CANCELLED, terms == null ? 0 : terms.time.nanoTime());
    endedOnItsWay(Observer.Outcome.CANCELLED);
    withdraw();
  }

  private void withdraw() {
    if (whereabouts instanceof Station station) {
      station.withdraw(this);
    }
  }

  private void ended(Observer.Outcome outcome, long nowNanos) {
    Thread thread = waiter;
    if (thread != null) {
      LockSupport.unpark(thread);
    }
    if (terms != null) {
      terms.ended(outcome, nowNanos);
    }
  }

  /** Blocks until there is a result; withdraws the item if the thread is interrupted before. */
  @Nullable Object await() throws InterruptedException {
    if (!isDone()) {
      waiter = Thread.currentThread();
      while (!isDone()) {
        LockSupport.park(this);
        if (Thread.interrupted()) {
          if (cancel(true)) {
            throw new InterruptedException();
          }
          Thread.currentThread().interrupt();
        }
      }
      waiter = null;
    }
    if (!isCompletedExceptionally()) {
      return join();
    }
    try {
      return join();
    } catch (CancellationException e) {
      throw e;
    } catch (CompletionException e) {
      Throwable cause = e.getCause();
      if (cause instanceof InterruptedException && Thread.interrupted()) {
        throw (InterruptedException) new InterruptedException().initCause(cause); // of this thread
      }
      throw Failures.unchecked(cause == null ? e : cause);
    }
  }
}
