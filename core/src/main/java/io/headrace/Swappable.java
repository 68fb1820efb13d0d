package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What workers call: the handler behind it can be replaced between two batches. Either all workers
 * of a step use one, which the first of them starts and the last closes, or each has its own.
 */
final class Swappable extends Handling {
  private final AtomicInteger workers = new AtomicInteger();
  private volatile Generation current;

  // Guarded by this.
  private boolean started;
  private boolean closed;
  private @Nullable Exception failure;

  Swappable(Handling handling) {
    current = new Generation(handling);
  }

  /** One handler for all workers. */
  static Supplier<Swappable> shared(Handling handling) {
    Swappable shared = new Swappable(handling);
    return () -> shared.withWorker();
  }

  /** A handler for each worker. */
  static Supplier<Swappable> each(Supplier<Handling> handlings) {
    return () -> new Swappable(handlings.get()).withWorker();
  }

  private Swappable withWorker() {
    workers.incrementAndGet();
    return this;
  }

  @Override
  Answer handle(List<Object> items) throws Exception {
    Generation generation = enter();
    Answer answer;
    try {
      answer = generation.handling.handle(items);
    } catch (Throwable failure) {
      generation.leave();
      throw failure;
    }
    var later = answer.later();
    if (later == null) {
      generation.leave();
    } else {
      var _ = later.whenComplete((results, failure) -> generation.leave());
    }
    return answer;
  }

  private Generation enter() {
    while (true) {
      Generation generation = current;
      if (generation.enter()) {
        return generation;
      }
    }
  }

  /**
   * New batches go to another handler, which has been started. Returns what retires the one before:
   * it is closed after its last batch, there and then if that is over. Null if this is closed.
   */
  @Nullable Runnable swap(Handling handling, Station station) {
    Generation before;
    synchronized (this) {
      if (closed) {
        return null;
      }
      station.flow.ending().announce(); // the flow has not ended before the old one is closed
      before = current;
      current = new Generation(handling);
    }
    return () -> before.retire(station);
  }

  @Override
  synchronized void start(Station station) throws Exception {
    if (!started) {
      started = true;
      try {
        current.handling.start(station);
      } catch (Exception e) {
        failure = e;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  @Override
  Object handler() {
    return current.handling.handler();
  }

  @Override
  Placement.@Nullable BatchExecutor elsewhere() {
    return current.handling.elsewhere();
  }

  @Override
  void close() throws Exception {
    if (workers.decrementAndGet() > 0) {
      return;
    }
    synchronized (this) {
      closed = true;
    }
    current.handling.close();
  }

  /** A handler and the number of batches that it handles. */
  private static final class Generation {
    private static final int RETIRED = Integer.MIN_VALUE;

    private final Handling handling;

    /** The highest bit says that no more batches may begin. */
    private final AtomicInteger batches = new AtomicInteger();

    private final AtomicBoolean isClosed = new AtomicBoolean();
    private volatile @Nullable Station retiredFrom;

    Generation(Handling handling) {
      this.handling = handling;
    }

    boolean enter() {
      if (batches.getAndIncrement() >= 0) {
        return true;
      }
      leave();
      return false;
    }

    /** The last batch does not wait with its results until the handler is closed. */
    void leave() {
      if (batches.decrementAndGet() == RETIRED && mayClose()) {
        Station station = requireNonNull(retiredFrom);
        station.flow.ending().closeAside(handling, station);
      }
    }

    void retire(Station station) {
      retiredFrom = station;
      if (batches.getAndUpdate(n -> n | RETIRED) == 0 && mayClose()) {
        Ending.close(handling, station);
        station.flow.ending().ended();
      }
    }

    /**
     * A batch that finds it retired counts for a moment, too, so the count can fall more than once.
     */
    private boolean mayClose() {
      return isClosed.compareAndSet(false, true);
    }
  }
}
