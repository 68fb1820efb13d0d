package io.headrace;

import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A station without queue or threads: whoever brings tickets executes the handler. */
final class InlineStation extends Station {
  private static final long CLOSED = Long.MIN_VALUE;

  private final Swappable handling;

  /**
   * How many batches and calls of accept are under way; the highest bit says that no more may
   * begin.
   */
  private final AtomicLong running = new AtomicLong();

  /** The batches whose answers come later. The others hold a thread that brought them. */
  private final Set<Batch> awaited = ConcurrentHashMap.newKeySet();

  /** Complete when the handler was started or failed to start, or is not going to be. */
  private volatile CompletableFuture<@Nullable Void> started =
      CompletableFuture.completedFuture(null);

  /** Starts the handler. */
  private final Runner starter = new Runner();

  private final AtomicBoolean drained = new AtomicBoolean();

  InlineStation(Flow<?, ?> flow, Step step, int index, int next, boolean isLast) {
    super(flow, step, index, next, isLast);
    handling = step.handlers().get();
  }

  @Override
  void accept(Ticket first, Ticket last, int n, @Nullable Slot worker) {
    long before = running.getAndIncrement();
    if (before < 0) {
      leave();
      for (Ticket ticket = first, next; ticket != null; ticket = next) {
        next = ticket.next();
        flow.tally.reject(ticket, flow.stopped(), this);
      }
    } else {
      try {
        flow.inside(() -> execute(first, n, worker));
      } finally {
        leave(); // also where the stack of the calling thread has ended
      }
    }
  }

  /** A batch is answered later. */
  void awaits(Batch batch) {
    awaited.add(batch);
  }

  /** A batch has been handled. */
  void done(Batch batch, boolean later) {
    if (later) {
      awaited.remove(batch);
    }
    leave();
  }

  private void leave() {
    if (running.decrementAndGet() == CLOSED) {
      drained();
    }
  }

  private void execute(Ticket first, int n, @Nullable Slot worker) {
    long nowNanos = flow.observers.isObserved() ? flow.time.nanoTime() : UNKNOWN;
    Batch batch = new Batch(this, worker, n);
    for (Ticket ticket = first, next; ticket != null; ticket = next) {
      next = ticket.next();
      ticket.setNext(null);
      ticket.arrivalNanos = ticket.terms == null ? nowNanos : flow.time.nanoTime();
      if (ticket.isOver(ticket.arrivalNanos)) {
        drop(ticket);
      } else {
        batch.add(ticket, 1);
      }
      if (batch.size() > 0 && (next == null || batch.size() == maxSize)) {
        begun(batch.size());
        batch.formed(0);
        running.incrementAndGet();
        if (worker != null) {
          worker.hold(1);
        }
        batch.execute(handling);
        batch = next == null ? batch : new Batch(this, worker, n);
      }
    }
  }

  @Override
  void withdraw(Ticket ticket) {
    // Nothing waits here.
  }

  @Override
  void start(Startup startup) {
    startup.announce();
    CompletableFuture<@Nullable Void> started = new CompletableFuture<>();
    this.started = started;
    try {
      Thread.ofVirtual()
          .start(
              () -> {
                starter.begin();
                startup.start(handling, this, this::available);
                started.complete(null); // also if the start has failed
              });
    } catch (Throwable noThread) {
      started.complete(null);
      throw noThread;
    }
  }

  /** Before the flow runs: whoever closes it then closes the handler. */
  private void available() {
    starter.end();
    started.complete(null);
  }

  @Override
  void close() {
    long before = running.getAndUpdate(n -> n | CLOSED);
    if (before == 0) {
      drained();
    }
  }

  /**
   * An offer that is refused counts for a moment, too, so the count can fall to zero more than
   * once.
   */
  private void drained() {
    if (drained.compareAndSet(false, true)) {
      flow.stationDrained(this);
    }
  }

  @Override
  void interruptHandlers() {
    starter.interrupt();
  }

  @Override
  void shutdown(HeadraceException reason) {
    interrupt(reason); // before the batches are looked at: one that begins looks at the reason
    close();
    flow.inside(() -> awaited.forEach(batch -> batch.abandon(reason)));
  }

  @Override
  void end(Ending ending) {
    ending.announce();
    var _ = started.thenRun(() -> ending.closeAside(handling, this));
  }

  @Override
  int workers() {
    return Workers.UNLIMITED;
  }

  @Override
  boolean serves(Handling given) {
    return handling.isSameAs(given);
  }

  @Override
  @Nullable Runnable replace(Handling started) {
    return handling.swap(started, this);
  }

  @Override
  List<Runnable> replaceEach(Supplier<Handling> handlings) {
    throw new IllegalStateException("inline workers share a handler");
  }

  @Override
  void changeWorkers(int workers) {
    throw new IllegalStateException("inline workers have no number");
  }

  @Override
  int queued() {
    return 0;
  }

  @Override
  boolean isExecutedBy(Thread thread) {
    return false; // the flow knows who is inside
  }
}
