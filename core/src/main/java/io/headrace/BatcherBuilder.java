package io.headrace;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Describes a {@link Batcher}. Each option can be set once; a second setting is an {@link
 * IllegalStateException}. Not thread safe.
 *
 * @param <I> the type of an item
 * @param <O> the type of a result
 */
public final class BatcherBuilder<I, O extends @Nullable Object> {
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

  BatcherBuilder(HandlerSource handlers) {
    this.handlers = handlers;
  }

  /**
   * What the batcher is called in threads, events and messages. Default: {@code batcher}.
   *
   * @param name the name
   * @return this
   */
  public BatcherBuilder<I, O> name(String name) {
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
  public BatcherBuilder<I, O> batch(BatchPolicy policy) {
    options.batch(policy);
    return this;
  }

  /**
   * Where batches are executed, and how many at once. Default: one platform thread.
   *
   * @param workers the workers
   * @return this
   */
  public BatcherBuilder<I, O> workers(Workers workers) {
    options.workers(workers);
    return this;
  }

  /**
   * How many items of each priority may wait, and what happens to those that find no room. Items in
   * a batch do not count; see {@link StepOptions#queue}. Default: no limit.
   *
   * @param capacity the most items of each priority, at least 1
   * @param onFull what happens to an item that finds no room
   * @return this
   * @throws IllegalArgumentException if the capacity is below 1
   */
  public BatcherBuilder<I, O> queue(int capacity, OnFull onFull) {
    options.queue(capacity, onFull);
    return this;
  }

  /**
   * How much of a batch an item takes: rows, bytes, tokens. The sizes of the batch policy are sums
   * of weights then; see {@link StepOptions#weight}. Default: each item weighs 1.
   *
   * @param weight tells the weight of an item, at least 1
   * @return this
   */
  public BatcherBuilder<I, O> weight(ToIntFunction<? super I> weight) {
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
  public BatcherBuilder<I, O> split(Splitter<I, O> splitter) {
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
  public BatcherBuilder<I, O> bucket(Function<? super I, ?> bucket) {
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
  public BatcherBuilder<I, O> isolate(int maxTries) {
    options.isolate(maxTries);
    return this;
  }

  /**
   * Refuses on arrival, with {@link RejectedException}, what is not going to be answered in time;
   * see {@link FlowBuilder#answerWithin}. A longer {@link #timeout} of the batcher does not replace
   * the objective, one that a call names does. It is refused with workers that are inline or
   * unlimited, as nothing waits for those. The objective should be at least three times what a full
   * batch takes; with less than that, use {@link BatchPolicy#adaptive(int, Duration)} and timeouts.
   * Default: what comes is let in.
   *
   * @param objective within what time an item is to be answered, above zero
   * @return this
   * @throws IllegalArgumentException if the objective is zero or negative
   */
  public BatcherBuilder<I, O> answerWithin(Duration objective) {
    objectiveNanos = Checks.onceNanos(objectiveNanos, objective, "objective");
    return this;
  }

  /**
   * The timeout of calls that name none; a call that is to wait longer names a longer one. It
   * counts from the submission, and costs what a timeout of the call costs. Executions of a {@link
   * Coalescer} in front have it, too: they name none. Default: none.
   *
   * @param timeout how long a caller waits for the answer, above zero
   * @return this
   * @throws IllegalArgumentException if the timeout is zero or negative
   */
  public BatcherBuilder<I, O> timeout(Duration timeout) {
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
  public BatcherBuilder<I, O> priorities(int priorities) {
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
  public BatcherBuilder<I, O> observer(Observer observer) {
    observers.add(requireNonNull(observer, "observer"));
    return this;
  }

  /**
   * The clock of the batcher. Default: {@link TimeSource#system()}.
   *
   * @param time the clock
   * @return this
   */
  public BatcherBuilder<I, O> timeSource(TimeSource time) {
    Checks.unset(this.time, time, "time source");
    this.time = time;
    return this;
  }

  /**
   * Builds the batcher and starts its workers; blocks until they are ready. A builder builds once.
   * If the start fails it can be tried again, except after an interrupt: the handler may still be
   * starting then.
   *
   * @return the batcher, ready for items
   * @throws IllegalStateException if this builder has built one before, or was interrupted while it
   *     did
   * @throws IllegalArgumentException if an option has no effect beside another: a queue, a policy
   *     that is not greedy, weights or buckets with {@link Workers#inline}, {@link #answerWithin}
   *     with inline or {@linkplain Workers#unlimited unlimited} workers, and {@link #isolate} with
   *     batches of one item
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
