package io.headrace.benchmarks;

import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.BatcherBuilder;
import io.headrace.CallOptions;
import io.headrace.Workers;
import java.util.Arrays;
import java.util.Collections;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/**
 * A batcher that is filled while its only worker is held up, and then emptied. Used by one thread.
 */
final class BatcherRounds implements Scaling.Rounds {
  private final HeldExecutor worker = new HeldExecutor();
  private final Integer[] items;
  private final CompletableFuture<?>[] futures;
  private final CallOptions[] options;
  private final Batcher<Integer, Integer> batcher;
  private Mode mode = Mode.FILL;

  /** How a round goes. */
  enum Mode {
    /** All are submitted, and then the worker is let go. */
    FILL,
    /** The worker does what there is after each item. */
    IDLE,
    /** All are submitted and cancelled, the last one first. */
    CANCEL
  }

  /**
   * A batcher.
   *
   * @param n how many items
   * @param policy of its batches
   * @param options what of the batcher is not the default
   */
  BatcherRounds(
      int n, BatchPolicy policy, UnaryOperator<BatcherBuilder<Integer, Integer>> options) {
    this(n, policy, options, _ -> CallOptions.DEFAULT);
  }

  /**
   * A batcher.
   *
   * @param callOptions of the items; they repeat after 1,024
   */
  BatcherRounds(
      int n,
      BatchPolicy policy,
      UnaryOperator<BatcherBuilder<Integer, Integer>> options,
      IntFunction<CallOptions> callOptions) {
    items = IntStream.range(0, n).boxed().toArray(Integer[]::new);
    futures = new CompletableFuture<?>[n];
    this.options = IntStream.range(0, 1024).mapToObj(callOptions).toArray(CallOptions[]::new);
    BatcherBuilder<Integer, Integer> builder = Batcher.builder(BatchFunction.NO_OP::handle);
    batcher = options.apply(builder.batch(policy).workers(Workers.executor(worker, 1))).build();
  }

  /** Rounds that go in another way. */
  BatcherRounds mode(Mode mode) {
    this.mode = mode;
    return this;
  }

  /** The items in any order, the same each time. */
  BatcherRounds shuffled() {
    shuffle(items);
    return this;
  }

  /**
   * Puts items into any order, the same each time. They are made anew in that order, as items are
   * that arrive: to read one is not to cost a miss of the caches.
   */
  static void shuffle(Integer[] items) {
    Collections.shuffle(Arrays.asList(items), new Random(1));
    Arrays.setAll(items, i -> Integer.valueOf(items[i].intValue()));
  }

  @Override
  public void round() {
    for (int i = 0; i < items.length; i++) {
      futures[i] = batcher.submit(items[i], options[i & 1023]);
      if (mode == Mode.IDLE) {
        worker.run();
      }
    }
    if (mode == Mode.CANCEL) {
      cancel();
    } else {
      finish();
    }
  }

  private void finish() {
    batcher.flush();
    for (int i = 0; i < items.length; i++) {
      worker.runUntil(futures[i]);
      Results.check(items[i], futures[i].join());
    }
  }

  private void cancel() {
    for (int i = items.length - 1; i >= 0; i--) {
      if (!futures[i].cancel(false)) {
        throw new IllegalStateException("item " + items[i] + " was not cancelled");
      }
    }
    worker.run();
    if (batcher.queued() != 0) {
      throw new IllegalStateException(batcher.queued() + " items are queued");
    }
  }

  @Override
  public void close() {
    worker.run();
    batcher.close();
  }
}
