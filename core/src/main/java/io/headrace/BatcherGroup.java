package io.headrace;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Batchers that belong together: closed together, and with their statistics in one place.
 *
 * {@snippet class="io.headrace.SnippetsTest" region="batcherGroup"}
 *
 * <p>Any thread may call any method.
 */
public final class BatcherGroup implements AutoCloseable {
  private final Map<String, Batcher<?, ?>> batchers = new LinkedHashMap<>();
  private boolean closed;

  /** A group without batchers. */
  public BatcherGroup() {}

  /**
   * Adds a batcher, which is closed with the group from now on.
   *
   * @param batcher a batcher whose name no other of the group has
   * @return the batcher
   * @param <I> the type of an item
   * @param <O> the type of a result
   * @throws IllegalArgumentException if the group has a batcher of that name
   * @throws IllegalStateException if the group is closed; the batcher is not
   */
  public synchronized <I, O extends @Nullable Object> Batcher<I, O> add(Batcher<I, O> batcher) {
    String name = requireNonNull(batcher, "batcher").name();
    if (closed) {
      throw new IllegalStateException("the group is closed, " + name + " cannot be added");
    }
    if (batchers.putIfAbsent(name, batcher) != null) {
      throw new IllegalArgumentException("name is " + name + ", the group has such a batcher");
    }
    return batcher;
  }

  /**
   * The statistics of all batchers.
   *
   * @return by their names, in the order in which they were added
   */
  public Map<String, Statistics> statistics() {
    Map<String, Statistics> statistics = new LinkedHashMap<>();
    all().forEach(batcher -> statistics.put(batcher.name(), batcher.statistics()));
    return statistics;
  }

  /** Sends what waits in all batchers; see {@link Batcher#flush}. */
  public void flush() {
    all().forEach(Batcher::flush);
  }

  /**
   * Closes all batchers side by side, and blocks until each has worked off what it had accepted;
   * see {@link Batcher#close()}. Called from the batch function of one of them, or from a
   * continuation that one of them runs, it waits for none.
   */
  @Override
  public void close() {
    List<Batcher<?, ?>> all = end();
    all.forEach(Batcher::beginClose);
    if (all.stream().noneMatch(Batcher::isInside)) {
      all.forEach(Batcher::close);
    }
  }

  /** Stops all batchers at once; see {@link Batcher#shutdownNow}. */
  public void shutdownNow() {
    end().forEach(Batcher::shutdownNow);
  }

  /**
   * Closes all batchers side by side; when the time is over goes on as {@link #shutdownNow}. Called
   * from a batch function or a continuation, as {@link Batcher#close(Duration)}, it does not wait
   * but returns true, and the time has no effect.
   *
   * @param timeout how long accepted items may take, above zero
   * @return whether every accepted item was worked off; false if a batcher was shut down meanwhile,
   *     by anybody or by an interrupt of the calling thread, or has failed
   * @throws IllegalArgumentException if the timeout is zero or negative
   */
  public boolean close(Duration timeout) {
    TimeSource clock = TimeSource.system();
    long endNanos = clock.nanoTime() + Checks.positiveNanos(timeout, "timeout");
    List<Batcher<?, ?>> all = end();
    all.forEach(Batcher::beginClose);
    if (all.stream().anyMatch(Batcher::isInside)) {
      return true; // as a batcher alone: they would wait for this thread
    }
    boolean inTime = true;
    for (Batcher<?, ?> batcher : all) {
      long leftNanos = Math.max(1, endNanos - clock.nanoTime());
      inTime &= batcher.close(Duration.ofNanos(leftNanos));
    }
    return inTime;
  }

  private synchronized List<Batcher<?, ?>> end() {
    closed = true;
    return all();
  }

  private synchronized List<Batcher<?, ?>> all() {
    return List.copyOf(batchers.values());
  }
}
