package io.headrace;

import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Flow.Publisher;
import java.util.function.ToIntFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Limits how many tasks run at once, how many start in a period, or both. One throttle can be
 * shared by any number of calls, services and threads, which obey it together.
 *
 * {@snippet class="io.headrace.ThrottleSnippetsTest" region="throttle"}
 *
 * <p><b>Permits.</b> A task needs a {@link Permit} to start, and closes it when it has ended. There
 * are three ways to take one, each with and without a timeout:
 *
 * <table>
 * <caption>Ways to take a permit</caption>
 * <tr><th></th><th>no timeout</th><th>timeout</th></tr>
 * <tr><td>try</td><td>{@link #tryAcquire()}</td><td>{@link #tryAcquire(Duration)}</td></tr>
 * <tr><td>block</td><td>{@link #acquire()}</td><td>{@link #acquire(Duration)}</td></tr>
 * <tr><td>future</td><td>{@link #acquireAsync()}</td><td>{@link #acquireAsync(Duration)}</td></tr>
 * </table>
 *
 * <p>{@link #around} takes and closes them for each call of a service.
 *
 * <p><b>Order.</b> Permits are granted first come, first served, whatever the way. Nobody
 * overtakes, not even a try: while somebody waits it finds no permit. A waiter needs a slot first,
 * if the number at once is limited, and then has to be due by the rate. One that gives up, by
 * timeout, interrupt or cancellation, leaves no hole: the next gets what it would have had.
 *
 * <p><b>Rate.</b> Permits are spaced evenly, unless an idle throttle may save up a {@link
 * ThrottleBuilder#burst burst}. One that is granted late because a thread was woken late does not
 * shift those after it, up to the bound of {@link ThrottleBuilder#catchUp}. In no window are more
 * granted than window x rate + burst + bound x rate. The schedule is that of the generic cell rate
 * algorithm, virtual scheduling, of ITU-T I.371.
 *
 * <p><b>Changes.</b> The limits that it was built with can be changed at any time, by {@link
 * #setAtOnce} and {@link #setRate}, and hold for all who share it.
 *
 * <p><b>Thread safety.</b> Any thread may call any method at any time. There is nothing to close: a
 * throttle holds no thread, and sets an alarm only while somebody waits for the rate or has a
 * timeout.
 *
 * <p><b>Memory consistency.</b> What a thread did before it closed a permit of a throttle that
 * limits how many run at once happens-before another is granted the permit that was freed.
 */
public final class Throttle {
  private final Gate gate;
  private final TimeSource time;

  /** For how many its permits count by the rate. */
  private final int cost;

  Throttle(Gate gate, TimeSource time) {
    this(gate, time, 1);
  }

  private Throttle(Gate gate, TimeSource time, int cost) {
    this.gate = gate;
    this.time = time;
    this.cost = cost;
  }

  /**
   * A throttle that limits how many run at once.
   *
   * @param atOnce the number of permits, 1 or above
   * @return a throttle
   * @throws IllegalArgumentException if it is below 1
   */
  public static Throttle atMost(int atOnce) {
    return builder().atOnce(atOnce).build();
  }

  /**
   * A throttle that limits how many start in a second, evenly spaced.
   *
   * @param rate how many permits in a second; 0.2 is one every 5 seconds
   * @return a throttle
   * @throws IllegalArgumentException if the rate is no number above zero, or is beyond one in a
   *     nanosecond or one in 3650 days
   */
  public static Throttle perSecond(double rate) {
    return builder().perSecond(rate).build();
  }

  /**
   * A throttle without limits, for collections of tasks that need none.
   *
   * @return a throttle that grants every permit at once
   */
  public static Throttle unlimited() {
    TimeSource time = TimeSource.system();
    return new Throttle(new Gate(null, 0, null, time), time);
  }

  /**
   * This throttle, with permits that count for several by its rate: for a limit of tokens, rows or
   * bytes in a period. Each is granted when as many have been saved up, so the bound of any window
   * holds for the sum; nobody overtakes one that waits for many. It takes one slot, whatever it
   * costs.
   *
   * {@snippet class="io.headrace.ThrottleSnippetsTest" region="cost"}
   *
   * @param cost for how many a permit counts, from 1 to the {@link ThrottleBuilder#burst burst}
   * @return the same throttle seen so: the limits and the queue are shared
   * @throws IllegalArgumentException if the cost is below 1 or above the burst, or there is no rate
   */
  public Throttle withCost(int cost) {
    return new Throttle(gate, time, checkCost(cost));
  }

  int cost() {
    return cost;
  }

  int checkCost(int cost) {
    int most = gate.maxCost();
    if (most == 0 && cost != 1) {
      throw new IllegalArgumentException(
          "cost is " + cost + ", it has a meaning only beside a rate, and this is " + this);
    }
    if (cost < 1 || (most > 0 && cost > most)) {
      String message = "cost is " + cost + ", it has to be from 1 to the burst of " + this;
      throw cost < 1
          ? new IllegalArgumentException(message)
          : new InvalidInputException(message); // of a caller who asks for too much at once
    }
    return cost;
  }

  /**
   * Changes how many permits are out at once, for all who share this throttle. If there are more,
   * waiters are granted theirs at once, in their order. If there are fewer, none that is out is
   * taken away: no more are granted until so many are closed that the rest is below the new limit.
   * Does not block.
   *
   * @param atOnce the number of permits, 1 or above
   * @throws IllegalArgumentException if it is below 1
   * @throws IllegalStateException if this throttle was built without such a limit: then nobody
   *     counts which permits are out
   */
  public void setAtOnce(int atOnce) {
    gate.setAtOnce(Checks.atLeast(1, atOnce, "atOnce"));
  }

  /**
   * Changes the rate, for all who share this throttle, from the next permit on. What was saved up
   * stays so: of a permit of which a third was missing a third is still missing, and is saved up at
   * the new rate. Waiters keep their order, and are due earlier or later accordingly. {@link
   * ThrottleBuilder#burst burst} and {@link ThrottleBuilder#catchUp catchUp} stay as they were
   * built. Does not block.
   *
   * {@snippet class="io.headrace.ThrottleSnippetsTest" region="setRate"}
   *
   * <p>Whether a permit can be had within a timeout is judged by the rate at the moment of the
   * request; a wait that has begun goes on until its timeout.
   *
   * <p>In no window across the change are more granted than its time before x the rate before, its
   * time after x the rate after, the burst, and the bound of {@code catchUp} x the rate at its
   * beginning.
   *
   * @param permits how many permits in a period; fractions are allowed
   * @param period the period
   * @throws IllegalArgumentException if the number of permits is no number above zero, or the
   *     period is not above zero, or the interval between two permits is not from a nanosecond to
   *     3650 days, or an idle throttle would need more than 36 years to save up the burst; then the
   *     rate is as before
   * @throws IllegalStateException if this throttle was built without a rate
   */
  public void setRate(double permits, Duration period) {
    gate.setRate(new Rate(permits, period));
  }

  /**
   * A builder for everything else.
   *
   * @return a builder
   */
  public static ThrottleBuilder builder() {
    return new ThrottleBuilder();
  }

  /**
   * Takes a permit if one can be had now. Does not block. Nothing is allocated for a throttle that
   * limits the rate alone, but by the first that loses a race for a permit of that rate.
   *
   * @return a permit, or null if none is there, or somebody waits or is about to
   */
  public @Nullable Permit tryAcquire() {
    return gate.tryTake(cost) ? gate.permit() : null;
  }

  /**
   * Takes a permit if one can be had within some time. Blocks until then. Returns at once if the
   * schedule of the rate shows that none can be had within that time.
   *
   * @param wait how long to wait at most, zero or above
   * @return a permit, or null if none could be had
   * @throws InterruptedException if the calling thread is interrupted
   * @throws IllegalArgumentException if the time is negative
   */
  public @Nullable Permit tryAcquire(Duration wait) throws InterruptedException {
    long waitNanos = Checks.nanosNotNegative(wait, "wait");
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
    boolean isGranted =
        gate.tryTake(cost)
            || (waitNanos != 0 && !gate.isOutOfReach(waitNanos, cost) && await(cost, waitNanos));
    return isGranted ? gate.permit() : null;
  }

  /**
   * Takes a permit. Blocks until there is one; made for virtual threads.
   *
   * @return a permit
   * @throws InterruptedException if the calling thread is interrupted
   */
  public Permit acquire() throws InterruptedException {
    take(cost);
    return gate.permit();
  }

  /** The same without the object. Whoever calls it releases the gate once. */
  void take(int cost) throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
    if (!gate.tryTake(cost) && !await(cost, 0)) {
      throw new IllegalStateException("no permit without a timeout");
    }
  }

  /**
   * Takes a permit. Blocks until there is one or the time is over. Fails at once if the schedule of
   * the rate shows that none can be had in time.
   *
   * @param timeout how long to wait at most, above zero
   * @return a permit
   * @throws InterruptedException if the calling thread is interrupted
   * @throws DeadlineExceededException if there was no permit in time
   * @throws IllegalArgumentException if the timeout is zero or negative
   */
  public Permit acquire(Duration timeout) throws InterruptedException {
    long timeoutNanos = Checks.positiveNanos(timeout, "timeout");
    Permit permit = tryAcquire(timeout);
    if (permit == null) {
      throw gate.tooLate(timeoutNanos);
    }
    return permit;
  }

  /**
   * Takes a permit when there is one. Does not block.
   *
   * <p>Cancelling the future, or completing it otherwise, withdraws the request. If a permit was
   * granted before, that comes too late: {@code cancel} returns false, and the future completes
   * with the permit. Continuations run on the thread that closes a permit, on the one that
   * completes the result of a call of {@link #around}, or on a virtual thread. They must not block:
   * others that get their permits at the same moment, and that result, wait for them.
   *
   * @return a future that completes with a permit
   */
  public CompletableFuture<Permit> acquireAsync() {
    return gate.tryTake(cost)
        ? CompletableFuture.completedFuture(gate.permit())
        : PermitFuture.enqueued(gate, cost, 0);
  }

  /**
   * Takes a permit when there is one, as {@link #acquireAsync()} does, until the time is over.
   * Fails at once if the schedule of the rate shows that none can be had in time.
   *
   * @param timeout how long to wait at most, above zero
   * @return a future that completes with a permit, or fails with {@link DeadlineExceededException}
   * @throws IllegalArgumentException if the timeout is zero or negative
   */
  public CompletableFuture<Permit> acquireAsync(Duration timeout) {
    long timeoutNanos = Checks.positiveNanos(timeout, "timeout");
    if (gate.tryTake(cost)) {
      return CompletableFuture.completedFuture(gate.permit());
    }
    return gate.isOutOfReach(timeoutNanos, cost)
        ? CompletableFuture.failedFuture(gate.tooLate(timeoutNanos))
        : PermitFuture.enqueued(gate, cost, timeoutNanos);
  }

  /**
   * A service that takes a permit before each call of another, and closes it when the future of
   * that call has completed. {@code submit} does not block; calls that find no permit wait in the
   * queue of this throttle.
   *
   * <p>The timeout of a call covers the wait, and what is left of it goes on to the other service.
   * A call whose timeout is over fails with {@link DeadlineExceededException}, whatever the other
   * service makes of it; one that cannot be due by the rate in time does so at once. The timeout,
   * and cancelling the future, withdraw a call that waits; of one that was made they cancel the
   * future of the other service, and the permit is out until that future has completed.
   *
   * <p>A call that waited is made before the caller whose permit it gets knows its result, on the
   * thread that completes that or closes the permit. If the other service answers before it
   * returns, as one with inline workers does, those behind it are called on virtual threads: no
   * caller executes the items of others, but for one that closes a permit of its own.
   *
   * @param service the service that is called
   * @return a service whose calls obey this throttle
   * @param <I> the type of an item
   * @param <O> the type of a result
   */
  public <I, O extends @Nullable Object> Service<I, O> around(Service<I, O> service) {
    return around(service, item -> cost);
  }

  /**
   * As {@link #around(Service)}, with calls that count for several by the rate, as those of {@link
   * #withCost} do. A call whose cost is above the burst fails with {@link InvalidInputException},
   * one whose cost is below 1 with {@link IllegalArgumentException}, and one whose cost the
   * function cannot tell with what it throws.
   *
   * @param service the service that is called
   * @param cost says for how many the call of an item counts; called by the thread that submits
   * @return a service whose calls obey this throttle
   * @param <I> the type of an item
   * @param <O> the type of a result
   */
  public <I, O extends @Nullable Object> Service<I, O> around(
      Service<I, O> service, ToIntFunction<? super I> cost) {
    return new ThrottledService<>(service, this, cost);
  }

  /**
   * Executes a task for each input under this throttle, and blocks until all have ended: {@link
   * Run#runOnEach} without options.
   *
   * @param inputs the inputs
   * @param task the task; its results are dropped
   * @param <I> the type of an input
   * @throws InterruptedException if the calling thread is interrupted; the run is stopped
   * @throws CompletionException if a task failed with a checked exception
   */
  public <I extends @Nullable Object> void runOnEach(
      Iterable<? extends I> inputs, Task<? super I, ?> task) throws InterruptedException {
    this.<I>over(inputs).runOnEach(task);
  }

  /**
   * Executes tasks that block under this throttle, and blocks until all results are there: {@link
   * Run#runAll} without options.
   *
   * @param tasks the tasks
   * @return the results in the order of the tasks, unmodifiable
   * @param <O> the type of a result
   * @throws InterruptedException if the calling thread is interrupted; the run is stopped
   * @throws CompletionException if a task failed with a checked exception
   */
  public <O extends @Nullable Object> List<O> runAll(
      Iterable<? extends Callable<? extends O>> tasks) throws InterruptedException {
    return over(tasks).runAll(Callable::call);
  }

  /**
   * Executes a task for each input under this throttle, and returns at once what gives the results
   * as they become available: {@link Run#map} without options. To be closed.
   *
   * @param inputs the inputs
   * @param task the task
   * @return the results
   * @param <I> the type of an input
   * @param <O> the type of a result
   */
  public <I extends @Nullable Object, O extends @Nullable Object> Results<O> map(
      Iterable<? extends I> inputs, Task<? super I, ? extends O> task) {
    return this.<I>over(inputs).map(task);
  }

  /**
   * Executes tasks that block under this throttle until the first succeeds, and returns its result:
   * {@link Run#runAny} without options.
   *
   * @param tasks the tasks
   * @return the first result
   * @param <O> the type of a result
   * @throws InterruptedException if the calling thread is interrupted; the run is stopped
   * @throws NoSuchElementException if there is no task
   * @throws CompletionException if all tasks failed, the first of them with a checked exception
   */
  public <O extends @Nullable Object> O runAny(Iterable<? extends Callable<? extends O>> tasks)
      throws InterruptedException {
    return over(tasks).runAny(Callable::call);
  }

  /**
   * Inputs for tasks under this throttle, with options and further verbs.
   *
   * @param inputs the inputs; each run iterates over them anew
   * @return a run
   * @param <I> the type of an input
   */
  public <I extends @Nullable Object> Run<I> over(Iterable<? extends I> inputs) {
    return new Run<>(this, RunSource.of(inputs), RunOptions.DEFAULT);
  }

  /**
   * Inputs for tasks under this throttle, with options and further verbs.
   *
   * @param inputs the inputs, for one run
   * @return a run
   * @param <I> the type of an input
   */
  public <I extends @Nullable Object> Run<I> over(Iterator<? extends I> inputs) {
    return new Run<>(this, RunSource.of(inputs), RunOptions.DEFAULT);
  }

  /**
   * Inputs for tasks under this throttle, with options and further verbs.
   *
   * @param inputs the inputs, for one run; the caller closes the stream
   * @return a run
   * @param <I> the type of an input
   */
  public <I extends @Nullable Object> Run<I> over(Stream<? extends I> inputs) {
    return new Run<>(this, RunSource.of(inputs), RunOptions.DEFAULT);
  }

  /**
   * Inputs for tasks under this throttle, with options and further verbs.
   *
   * @param inputs the inputs; each run subscribes anew
   * @return a run
   * @param <I> the type of an input
   */
  public <I> Run<I> over(Publisher<? extends I> inputs) {
    return new Run<>(this, RunSource.of(inputs), RunOptions.DEFAULT);
  }

  /** How many tasks can run at once; the maximum of an int for no limit. */
  int maxAtOnce() {
    return gate.maxAtOnce();
  }

  Gate gate() {
    return gate;
  }

  TimeSource timeSource() {
    return time;
  }

  /**
   * How many wait for a permit.
   *
   * @return the number of threads and futures at this moment
   */
  public int waiting() {
    return gate.waiting();
  }

  /**
   * How many permits are out.
   *
   * @return the number of permits at this moment; 0 if this throttle does not limit how many run at
   *     once
   */
  public int running() {
    return gate.running();
  }

  @Override
  public String toString() {
    return gate.toString();
  }

  private boolean await(int cost, long timeoutNanos) throws InterruptedException {
    Waiter waiter = new Waiter(cost);
    gate.enqueue(waiter, timeoutNanos);
    return waiter.await(gate);
  }
}
