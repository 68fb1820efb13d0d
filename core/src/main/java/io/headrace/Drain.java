package io.headrace;

import static java.lang.invoke.ConstantBootstraps.fieldVarHandle;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Runs the work of a station by one thread at a time, and what follows from it afterwards. */
final class Drain {
  /*
   * Threads that bring something first put it where the work finds it and then call signal(). The
   * first of them does the work; the others count up wip, and the first does it again for them. So
   * nobody waits for a lock, no signal is lost, and the state that the work uses needs no
   * synchronisation of its own: it is handed from one round to the next through wip. (The scheme is
   * known from actors, and as queue drain from libraries for Reactive Streams.)
   *
   * A thread whose stack ends within the work (StackOverflowError) leaves it as it is: what it was
   * about to give to a worker is lost, and maybe the worker, for which a close then waits. What
   * waits is found by others. The same is true afterwards, of a worker whose executor runs tasks on
   * that thread. So calling threads look beforehand whether they have stack enough (StackRoom).
   * That is not known of an executor or a clock that takes much, and threads that complete the
   * stages of asynchronous handlers do not look.
   *
   * What has to be told to callers or given to executors is collected and done by the thread that
   * drained, afterwards: first what the station itself needs to go on, then what completes futures,
   * whose continuations may take long.
   */

  private static final VarHandle WIP =
      fieldVarHandle(MethodHandles.lookup(), "wip", VarHandle.class, Drain.class, int.class);

  private final QueuedStation station;

  /** How many signals have come since the drain began; 0 if nobody drains. */
  @SuppressWarnings("UnusedVariable") // read through WIP
  private volatile int wip;

  /** Of the thread that drains. */
  private @Nullable Aftermath todo;

  /** How many completions have been collected and have not ended. */
  private final AtomicInteger completing = new AtomicInteger();

  Drain(QueuedStation station) {
    this.station = station;
  }

  /** Something may have to be done: does it, or leaves it to the thread that drains already. */
  void signal() {
    Aftermath aftermath = run();
    if (aftermath != null) {
      finish(aftermath);
    }
  }

  /** As {@link #signal}, for a thread that must not run handlers or continuations. */
  void signalBriefly() {
    Aftermath aftermath = run();
    if (aftermath != null) {
      station.flow.time.execute(() -> finish(aftermath));
    }
  }

  /** Returns what is to be done afterwards, if anything. */
  private @Nullable Aftermath run() {
    if ((int) WIP.getAndAdd(this, 1) != 0) {
      return null;
    }
    boolean isDone = false;
    try {
      Aftermath aftermath = work();
      isDone = true;
      return aftermath;
    } finally {
      if (!isDone) { // no stack is left: without a call, so that whoever signals next drains
        wip = 0;
      }
    }
  }

  private @Nullable Aftermath work() {
    Aftermath aftermath = null;
    int missed = 1;
    do {
      try {
        station.drain();
      } catch (Throwable failure) {
        // of the clock, or of the JVM: what was under way is lost, and what waits does so until
        // something is signalled again
        station.flow.observers.report(station, failure);
      }
      if (todo != null) {
        aftermath = todo.after(aftermath);
        todo = null;
      }
      missed = (int) WIP.getAndAdd(this, -missed) - missed;
    } while (missed != 0);
    return aftermath;
  }

  /** To be done after the drain: what a worker or another station needs to go on. */
  void later(Runnable task) {
    todo().internal.add(task);
  }

  /** To be done after the drain: something that completes futures. */
  void completeLater(Runnable task) {
    completing.incrementAndGet();
    todo().completions.add(task);
  }

  /** Whether some future is still to be completed that a drain has decided about. */
  boolean isCompleting() {
    return completing.get() > 0;
  }

  private void finish(Aftermath aftermath) {
    aftermath.internal.forEach(Runnable::run);
    int n = aftermath.completions.size();
    if (n == 0) {
      return;
    }
    try {
      station.flow.inside(() -> aftermath.completions.forEach(Runnable::run));
    } finally {
      if (completing.addAndGet(-n) == 0 && station.isClosing()) {
        signal(); // the station has not ended before
      }
    }
  }

  private Aftermath todo() {
    if (todo == null) {
      todo = new Aftermath(new ArrayList<>(1), new ArrayList<>(0));
    }
    return todo;
  }

  /** What is to be done after the drain, outside it. */
  private record Aftermath(List<Runnable> internal, List<Runnable> completions) {
    Aftermath after(@Nullable Aftermath earlier) {
      if (earlier == null) {
        return this;
      }
      earlier.internal.addAll(internal);
      earlier.completions.addAll(completions);
      return earlier;
    }
  }
}
