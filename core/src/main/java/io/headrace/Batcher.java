package io.headrace;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Groups the items of many callers into batches for a batch function, and gives each caller the
 * result of its own item.
 *
 * {@snippet class="io.headrace.SnippetsTest" region="batcher"}
 *
 * <p>Items go first in, first out, higher priorities first. Never more batches run than there are
 * workers, and none exceeds the maximum of the policy. An item whose caller has cancelled it, or
 * whose timeout is over, leaves the queue and takes no place in a batch. A batch that fails fails
 * its own callers; the batcher goes on.
 *
 * <p><b>Thread safety.</b> Any thread may call any method. The batch function, or the continuation
 * of a future, must not block on a call to the batcher that executes it: it may hold the worker
 * that this call needs.
 *
 * <p>It is a flow of one step, which runs from the start.
 *
 * @param <I> the type of an item
 * @param <O> the type of a result
 */
public final class Batcher<I, O extends @Nullable Object> implements Service<I, O>, AutoCloseable {
  private final Flow<I, O> flow;

  private Batcher(Flow<I, O> flow) {
    this.flow = flow;
  }

  /**
   * A builder of a batcher around a function that returns its results.
   *
   * @param handler the batch function; {@link Handler#onStart} is called when the batcher is built
   * @return a builder
   * @param <I> the type of an item
   * @param <O> the type of a result
   */
  public static <I, O extends @Nullable Object> Builder<I, O> builder(
      Handler<? super I, ? extends O> handler) {
    return new Builder<>(Handling.of(requireNonNull(handler, "handler")));
  }

  /**
   * A builder of a batcher around a function that returns a stage of its results. A batch is in
   * flight, and keeps its worker from the next one, until its stage completes.
   *
   * @param handler the batch function
   * @return a builder
   * @param <I> the type of an item
   * @param <O> the type of a result
   */
  public static <I, O extends @Nullable Object> Builder<I, O> asyncBuilder(
      AsyncHandler<? super I, ? extends O> handler) {
    return new Builder<>(Handling.ofAsync(requireNonNull(handler, "handler")));
  }

  /**
   * The name of the batcher.
   *
   * @return the name given to the builder
   */
  public String name() {
    return flow.name();
  }

  /**
   * Where the batcher is in its life: RUNNING, DRAINING or STOPPED.
   *
   * @return the state now
   */
  public Flow.State state() {
    return flow.state();
  }

  /**
   * How many items wait, those that wait for room and those in a batch not included.
   *
   * @return the number of items at this moment
   */
  public int queued() {
    return flow.queued(flow.name());
  }

  @Override
  public CompletableFuture<O> submit(I item, CallOptions options) {
    return flow.submit(item, options);
  }

  @Override
  public List<CompletableFuture<O>> submitAll(Collection<? extends I> items, CallOptions options) {
    return flow.submitAll(items, options);
  }

  @Override
  public O call(I item, CallOptions options) throws InterruptedException {
    return flow.call(item, options);
  }

  /**
   * Stops accepting items, and blocks until those that were accepted have their outcome and the
   * handler is closed. A batch that is being collected goes at once. A second call waits for the
   * same.
   *
   * <p>Called from the batch function, or from a continuation that a worker or the batcher itself
   * runs, it does not wait.
   *
   * <p>If the calling thread is interrupted it goes on as {@link #shutdownNow}, and the thread is
   * interrupted when it returns.
   */
  @Override
  public void close() {
    flow.close();
  }

  /**
   * Closes as {@link #close()} does, but goes on as {@link #shutdownNow} when the time is over.
   *
   * @param timeout how long accepted items may take, above zero
   * @return whether every accepted item was worked off
   * @throws IllegalArgumentException if the timeout is zero or negative
   */
  public boolean close(Duration timeout) {
    return flow.close(timeout);
  }

  /**
   * Stops at once: what waits and what runs fails with {@link StoppedException}, and a batch
   * function that runs is interrupted, except inline ones, whose threads are the callers'. The
   * stage of an asynchronous one is cancelled. Does not block.
   */
  public void shutdownNow() {
    flow.shutdownNow();
  }

  /**
   * Describes a {@link Batcher}. Each option can be set once; a second setting is an {@link
   * IllegalStateException}. Not thread safe.
   *
   * @param <I> the type of an item
   * @param <O> the type of a result
   */
  public static final class Builder<I, O extends @Nullable Object> {
    private final Supplier<Handling> handlers;
    private final StepOptions options = new StepOptions();
    private final List<Observer> observers = new ArrayList<>();
    private @Nullable String name;
    private @Nullable Integer priorities;
    private @Nullable TimeSource time;
    private boolean built;

    private Builder(Handling handling) {
      handlers = Handling.shared(handling);
    }

    /**
     * What the batcher is called in threads, events and messages. Default: {@code batcher}.
     *
     * @param name the name
     * @return this
     */
    public Builder<I, O> name(String name) {
      Checks.unset(this.name, name, "name");
      this.name = Checks.name(name);
      return this;
    }

    /**
     * When a batch goes and how large it is. Default: {@link BatchPolicy#DEFAULT}.
     *
     * @param policy the policy
     * @return this
     */
    public Builder<I, O> batch(BatchPolicy policy) {
      options.batch(policy);
      return this;
    }

    /**
     * Where batches are executed, and how many at once. Default: one platform thread.
     *
     * @param workers the workers
     * @return this
     */
    public Builder<I, O> workers(Workers workers) {
      options.workers(workers);
      return this;
    }

    /**
     * How many items of each priority may wait, and what happens to those that find no room. Items
     * in a batch do not count. Default: no limit.
     *
     * @param capacity the most items of each priority, at least 1
     * @param onFull what happens to an item that finds no room
     * @return this
     * @throws IllegalArgumentException if the capacity is below 1
     */
    public Builder<I, O> queue(int capacity, OnFull onFull) {
      options.queue(capacity, onFull);
      return this;
    }

    /**
     * How many priorities there are, 0 to n - 1; higher ones go first. Default: 1.
     *
     * @param priorities the number of priorities, 1 to 64
     * @return this
     * @throws IllegalArgumentException if there are fewer than 1 or more than 64
     */
    public Builder<I, O> priorities(int priorities) {
      Checks.unset(this.priorities, priorities, "priorities");
      this.priorities = Checks.priorities(priorities);
      return this;
    }

    /**
     * Adds an observer, which is told what happens in the batcher.
     *
     * @param observer the observer
     * @return this
     */
    public Builder<I, O> observer(Observer observer) {
      observers.add(requireNonNull(observer, "observer"));
      return this;
    }

    /**
     * The clock of the batcher. Default: {@link TimeSource#system()}.
     *
     * @param time the clock
     * @return this
     */
    public Builder<I, O> timeSource(TimeSource time) {
      Checks.unset(this.time, time, "time source");
      this.time = time;
      return this;
    }

    /**
     * Builds the batcher and starts its workers. A builder builds once.
     *
     * @return the batcher, ready for items
     * @throws IllegalStateException if this builder has built one before
     * @throws StartException if {@link Handler#onStart} failed, with its failure as the cause, or
     *     the thread was interrupted, which it is again then
     */
    public Batcher<I, O> build() {
      String name = this.name == null ? "batcher" : this.name;
      built = Checks.unbuilt(built, name);
      Step step = options.toStep(name, null, handlers, true, Integer.MAX_VALUE, OnFull.fail());
      Flow<I, O> flow =
          new Flow<>(
              name,
              List.of(step),
              priorities == null ? 1 : priorities,
              time == null ? TimeSource.system() : time,
              observers);
      try {
        return new Batcher<>(flow.start());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new StartException(name + " was interrupted while it started", e);
      }
    }
  }
}
