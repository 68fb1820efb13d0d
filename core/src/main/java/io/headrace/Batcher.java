package io.headrace;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Groups the items of many callers into batches for a batch function, and gives each caller the
 * result of its own item.
 *
 * {@snippet class="io.headrace.SnippetsTest" region="batcher"}
 *
 * <p>Items go first in, first out, higher priorities first; with buckets, within each bucket. Never
 * more batches run than there are workers, and none exceeds the maximum of the policy. An item
 * whose caller has cancelled it, or whose timeout is over, leaves the queue and takes no place in a
 * batch. A batch that fails fails its own callers; the batcher goes on.
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
  private final @Nullable Splitting<I, O> splitting;

  private Batcher(Flow<I, O> flow, @Nullable Splitting<I, O> splitting) {
    this.flow = flow;
    this.splitting = splitting;
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
    return new Builder<>(HandlerSource.of(handler));
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
    return new Builder<>(HandlerSource.ofAsync(handler));
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

  /**
   * What has happened in the batcher so far, and what is in it now. The parts of an item that was
   * split count as calls, and not the item; one that could not be split counts as a call that
   * failed.
   *
   * @return the numbers at this moment
   */
  public Statistics statistics() {
    return flow.statistics();
  }

  /**
   * Adds an observer to those of the builder. It is told of the start at once, and then of the
   * batches that are formed, and the calls that are submitted, from now on; the wait of an item
   * that came before may count as zero.
   *
   * @param observer the observer; nothing is done if it is one of them already
   */
  public void observe(Observer observer) {
    flow.observe(observer);
  }

  /**
   * Sends what waits now in batches as soon as there are workers for them, whatever the policy
   * says. Does not block.
   */
  public void flush() {
    flow.flush();
  }

  /**
   * Replaces the batch function while the batcher runs. The new one is started on the calling
   * thread; then new batches go to it, and the old one is closed: on the calling thread if it
   * handles no batch, otherwise on a thread of its own when its last batch has been handled. No
   * item is lost, and no batch waits for the close.
   *
   * @param handler the new batch function
   * @throws StartException if {@link Handler#onStart} failed, with its failure as the cause; the
   *     old one stays
   * @throws StoppedException if the batcher has been closed
   */
  public void swap(Handler<? super I, ? extends O> handler) {
    flow.swap(flow.name(), handler);
  }

  /**
   * Replaces the batch function by one that returns a stage of its results, as {@link #swap} does.
   *
   * @param handler the new batch function
   * @throws StoppedException if the batcher has been closed
   */
  public void swapAsync(AsyncHandler<? super I, ? extends O> handler) {
    flow.swapAsync(flow.name(), handler);
  }

  /**
   * Changes the number of workers while the batcher runs, and blocks until the new ones are ready.
   * Fewer workers end when they have no batch.
   *
   * @param workers how many there are to be, at least 1
   * @throws StoppedException if the batcher has been closed
   * @throws IllegalArgumentException if the number is below 1, or the workers are inline or
   *     unlimited
   * @throws InterruptedException if the calling thread is interrupted; the number is as before
   */
  public void resize(int workers) throws InterruptedException {
    flow.resize(flow.name(), workers);
  }

  @Override
  public CompletableFuture<O> submit(I item, CallOptions options) {
    return splitting == null ? flow.submit(item, options) : splitting.submit(flow, item, options);
  }

  @Override
  public List<CompletableFuture<O>> submitAll(Collection<? extends I> items, CallOptions options) {
    if (splitting == null) {
      return flow.submitAll(items, options);
    }
    return Service.super.submitAll(items, options);
  }

  @Override
  public O call(I item, CallOptions options) throws InterruptedException {
    return splitting == null ? flow.call(item, options) : Service.super.call(item, options);
  }

  /** Stops accepting items. */
  void beginClose() {
    flow.beginClose();
  }

  /** Whether the calling thread would wait for itself if it waited for the end of the batcher. */
  boolean isInside() {
    return flow.isInside();
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
   * Where that does not wait, called from a batch function or a continuation, this returns true,
   * and the time has no effect.
   *
   * @param timeout how long accepted items may take, above zero
   * @return whether every accepted item was worked off; false if it was shut down meanwhile, by
   *     anybody or by an interrupt of the calling thread, or has failed
   * @throws IllegalArgumentException if the timeout is zero or negative
   */
  public boolean close(Duration timeout) {
    return flow.close(timeout);
  }

  /**
   * Stops at once: what waits and what runs fails with {@link StoppedException}, and a batch
   * function that runs is interrupted, except inline ones, whose threads are the callers'. The
   * stage of an asynchronous one is cancelled. Does not block. The calling thread fails the items
   * one after the other and runs the continuations of their callers; a {@link #close} of another
   * thread does not wait for these.
   */
  public void shutdownNow() {
    flow.shutdownNow();
  }

  @Override
  public String toString() {
    return "Batcher[name=" + name() + ", state=" + state() + "]";
  }

  /**
   * Describes a {@link Batcher}. Each option can be set once; a second setting is an {@link
   * IllegalStateException}. Not thread safe.
   *
   * @param <I> the type of an item
   * @param <O> the type of a result
   */
  public static final class Builder<I, O extends @Nullable Object> {
    private final HandlerSource handlers;
    private final StepOptions<I> options = new StepOptions<>();
    private final List<Observer> observers = new ArrayList<>();
    private @Nullable String name;
    private @Nullable Integer priorities;
    private @Nullable TimeSource time;
    private @Nullable ToIntFunction<? super I> weight;
    private @Nullable Splitter<I, O> splitter;
    private @Nullable Long objectiveNanos;
    private @Nullable Long timeoutNanos;
    private boolean built;

    private Builder(HandlerSource handlers) {
      this.handlers = handlers;
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
     * in a batch do not count; see {@link StepOptions#queue}. Default: no limit.
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
     * How much of a batch an item takes: rows, bytes, tokens. The sizes of the batch policy are
     * sums of weights then; see {@link StepOptions#weight}. Default: each item weighs 1.
     *
     * @param weight tells the weight of an item, at least 1
     * @return this
     */
    public Builder<I, O> weight(ToIntFunction<? super I> weight) {
      options.weight(weight);
      this.weight = weight;
      return this;
    }

    /**
     * Splits an item that is heavier than the largest batch, and joins the results of its parts.
     * Needs {@link #weight}. The parts are items like others; if one fails the item fails and the
     * others are cancelled. Default: such an item fails with {@link RejectedException}.
     *
     * @param splitter takes items apart, and puts results together
     * @return this
     */
    public Builder<I, O> split(Splitter<I, O> splitter) {
      Checks.unset(this.splitter, splitter, "splitter");
      this.splitter = splitter;
      return this;
    }

    /**
     * What the items of a batch have in common: a shape, a tenant; see {@link StepOptions#bucket}.
     * Default: any items share a batch.
     *
     * @param bucket tells the bucket of an item: something with {@code equals} and {@code hashCode}
     * @return this
     */
    public Builder<I, O> bucket(Function<? super I, ?> bucket) {
      options.bucket(bucket);
      return this;
    }

    /**
     * Executes a batch that fails again in parts, until the item to blame stands alone; see {@link
     * StepOptions#isolate}. Default: a batch that fails fails all its items.
     *
     * @param maxTries how often an item is executed at most, at least 2
     * @return this
     * @throws IllegalArgumentException if maxTries is below 2
     */
    public Builder<I, O> isolate(int maxTries) {
      options.isolate(maxTries);
      return this;
    }

    /**
     * Refuses on arrival, with {@link RejectedException}, what is not going to be answered in time;
     * see {@link FlowBuilder#answerWithin}. A longer {@link #timeout} of the batcher does not
     * replace the objective, one that a call names does. It is refused with workers that are inline
     * or unlimited, as nothing waits for those. The objective should be at least three times what a
     * full batch takes; with less than that, use {@link BatchPolicy#adaptive(int, Duration)} and
     * timeouts. Default: what comes is let in.
     *
     * @param objective within what time an item is to be answered, above zero
     * @return this
     * @throws IllegalArgumentException if the objective is zero or negative
     */
    public Builder<I, O> answerWithin(Duration objective) {
      objectiveNanos = Checks.onceNanos(objectiveNanos, objective, "objective");
      return this;
    }

    /**
     * The timeout of calls that name none; a call that is to wait longer names a longer one. It
     * counts from the submission, and costs what a timeout of the call costs. Executions of a
     * {@link Coalescer} in front have it, too: they name none. Default: none.
     *
     * @param timeout how long a caller waits for the answer, above zero
     * @return this
     * @throws IllegalArgumentException if the timeout is zero or negative
     */
    public Builder<I, O> timeout(Duration timeout) {
      timeoutNanos = Checks.onceNanos(timeoutNanos, timeout, "timeout");
      return this;
    }

    /**
     * How many priorities there are, 0 to n - 1; higher ones go first, with buckets in each bucket.
     * Default: 1.
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
     * Builds the batcher and starts its workers; blocks until they are ready. A builder builds
     * once. If the start fails it can be tried again, except after an interrupt: the handler may
     * still be starting then.
     *
     * @return the batcher, ready for items
     * @throws IllegalStateException if this builder has built one before, or was interrupted while
     *     it did
     * @throws IllegalArgumentException if an option has no effect beside another: a queue, a policy
     *     that is not greedy, weights or buckets with {@link Workers#inline}, {@link #answerWithin}
     *     with inline or {@linkplain Workers#unlimited unlimited} workers, and {@link #isolate}
     *     with batches of one item
     * @throws StartException if {@link Handler#onStart} failed, with its failure as the cause; the
     *     handler is closed by then. Or if the thread was interrupted, which it is again then
     */
    public Batcher<I, O> build() {
      String name = this.name == null ? "batcher" : this.name;
      Checks.requireUnbuilt(built, name);
      Splitting<I, O> splitting = null;
      if (splitter != null) {
        if (weight == null) {
          throw new IllegalStateException(name + " has a splitter, that needs weights");
        }
        splitting = new Splitting<>(name, splitter, weight, options.maxSize);
      }
      Step step = options.toStep(name, name, null, handlers, Integer.MAX_VALUE, OnFull.fail());
      Flow<I, O> flow =
          new Flow<>(
              new FlowPlan<I>(
                      name,
                      List.of(step),
                      priorities == null ? 1 : priorities,
                      time == null ? TimeSource.system() : time,
                      observers,
                      List.of(),
                      objectiveNanos == null ? 0 : objectiveNanos,
                      timeoutNanos == null ? 0 : timeoutNanos)
                  .checked());
      built = true;
      try {
        return new Batcher<>(flow.start(), splitting);
      } catch (StartException e) {
        flow.close(); // or it would close the handler when the next one has started it
        built = false;
        throw e;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new StartException(name + " was interrupted while it started", e);
      }
    }
  }
}
