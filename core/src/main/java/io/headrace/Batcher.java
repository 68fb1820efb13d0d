package io.headrace;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
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

  Batcher(Flow<I, O> flow, @Nullable Splitting<I, O> splitting) {
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
  public static <I, O extends @Nullable Object> BatcherBuilder<I, O> builder(
      Handler<? super I, ? extends O> handler) {
    return new BatcherBuilder<>(HandlerSource.of(handler));
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
  public static <I, O extends @Nullable Object> BatcherBuilder<I, O> asyncBuilder(
      AsyncHandler<? super I, ? extends O> handler) {
    return new BatcherBuilder<>(HandlerSource.ofAsync(handler));
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
   * @throws IllegalArgumentException if it has this function already
   */
  public void swap(Handler<? super I, ? extends O> handler) {
    flow.swap(flow.name(), handler);
  }

  /**
   * Replaces the batch function by one that returns a stage of its results, as {@link #swap} does.
   *
   * @param handler the new batch function
   * @throws StoppedException if the batcher has been closed
   * @throws IllegalArgumentException if it has this function already
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
}
