package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Handles items a batch at a time: the code that a {@link Batcher} or a step of a {@link Flow}
 * calls.
 *
 * <p>A lambda will do: {@code items -> model.predictAll(items)}. Handlers with something to prepare
 * override {@link #onStart} and {@link #close}.
 *
 * <p><b>Threads.</b> One instance given to several workers is called by all of them at once and has
 * to be thread safe. A factory gives each worker an instance of its own, of which all methods are
 * called by that worker alone, one at a time.
 *
 * @param <I> the type of an item
 * @param <O> the type of a result
 */
@FunctionalInterface
public interface Handler<I extends @Nullable Object, O extends @Nullable Object> {
  /**
   * Handles a batch.
   *
   * <p>The list that is returned holds a result for each item, in their order. To fail some of the
   * items and answer the others, return {@link Outcomes}. A null list gives every caller null. A
   * list of another length fails the whole batch with {@link BatchSizeMismatchException}, and so
   * does whatever is thrown, with that exception itself. The worker goes on with the next batch in
   * any case.
   *
   * <p>The list is read as part of the call, on the same thread, before the handler can be closed:
   * it may be a view that computes its elements. What that throws counts as thrown here.
   *
   * @param items at least one and at most the policy's maximum; not modifiable. {@link TimeLeft}
   *     says how long their callers wait
   * @return a result for each item, in the same order
   * @throws Exception to fail every item of the batch
   */
  List<O> handle(List<I> items) throws Exception;

  /**
   * Prepares the handler, before its first batch: loads the model, opens the connection.
   *
   * @throws Exception if it cannot be started; {@link Flow#start} fails with this as the cause
   */
  default void onStart() throws Exception {}

  /**
   * Releases what the handler holds, after its last batch. Called once if {@link #onStart} was
   * called, also when that failed. If workers have threads of their own, the last of those that use
   * the handler closes it on its thread; otherwise a virtual thread does. One that was swapped out
   * is closed by the thread that swaps if it is idle then, otherwise by a virtual thread. Nobody
   * waits for it but who closes the flow, or swaps a handler that is idle, or builds a batcher that
   * does not start.
   *
   * @throws Exception if something goes wrong; it is logged
   */
  default void close() throws Exception {}

  /**
   * A handler that executes a task for each item alone, one after the other. An item for which it
   * throws, an exception of any kind, fails alone. The results of a batch are there when all of it
   * is done; where there are several workers, batches of one ({@link BatchPolicy#greedy(int)
   * greedy(1)}) let each take an item.
   *
   * @param task the task, thread safe if there are several workers
   * @return the handler
   * @param <I> the type of an item
   * @param <O> the type of a result
   */
  static <I, O extends @Nullable Object> Handler<I, O> each(Task<? super I, ? extends O> task) {
    requireNonNull(task, "task");
    return items -> {
      Outcomes<O> outcomes = new Outcomes<>(items.size());
      for (I item : items) {
        try {
          outcomes.add(task.run(item));
        } catch (Throwable failure) {
          outcomes.addFailure(failure);
          if (failure instanceof InterruptedException) {
            Thread.currentThread().interrupt(); // for the items that follow, and whoever is to know
          }
        }
      }
      return outcomes;
    };
  }

  /**
   * A handler for what loads many keys at once and returns a map: each caller gets the value of its
   * key, and null if the map has none for it. Equal keys of a batch are loaded once.
   *
   * @param loader is given the keys of a batch, each once, in the order of the items, not
   *     modifiable, and returns what it found; what else is in the map is ignored. Thread safe if
   *     there are several workers. A null in place of a map fails the batch
   * @return the handler
   * @param <K> the type of a key, with {@code equals} and {@code hashCode}
   * @param <V> the type of a value
   */
  @SuppressWarnings("NullAway") // it does not see that the results of this handler may be null
  static <K, V> Handler<K, @Nullable V> mapped(
      Task<? super Set<K>, ? extends Map<K, ? extends V>> loader) {
    requireNonNull(loader, "loader");
    return keys -> {
      Map<K, ? extends V> found =
          requireNonNull(
              loader.run(Collections.unmodifiableSet(new LinkedHashSet<>(keys))),
              "the map that the loader returned");
      List<@Nullable V> values = new ArrayList<>(keys.size());
      for (K key : keys) {
        values.add(found.get(key));
      }
      return values;
    };
  }
}
