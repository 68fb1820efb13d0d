package io.headrace;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Counts for a listener, and tells it one change after the other. */
final class ProgressCount {
  private static final Logger LOGGER = System.getLogger(ProgressCount.class.getName());

  private final Consumer<? super Progress> listener;

  /** Not guarded: a task that ends must not wait for the listener before it gives its slot back. */
  private final AtomicLong running = new AtomicLong();

  // All guarded by this, and so is the call of the listener.
  private long done;
  private long failed;
  private long total;
  private boolean reported;

  /** The thread that tells the listener; written by itself. */
  private volatile @Nullable Thread teller;

  ProgressCount(Consumer<? super Progress> listener, long total) {
    this.listener = listener;
    this.total = total;
  }

  /** There are no more inputs, which may turn out after the last task has ended. */
  synchronized void total(long known) {
    boolean isNews = total != known;
    total = known;
    if (isNews && known > 0 && done + failed == known) {
      tell();
    }
  }

  /** A task has its permit. */
  void started() {
    running.incrementAndGet();
  }

  /** A task is over, and gives its permit back after this. Its outcome follows. */
  void ending() {
    running.decrementAndGet();
  }

  synchronized void ended(boolean failure) {
    if (failure) {
      failed++;
    } else {
      done++;
    }
    tell();
  }

  /** Whether the listener is told on the current thread, and calls this. */
  boolean isTelling() {
    return Thread.currentThread().equals(teller);
  }

  private void tell() {
    Thread outer = teller; // null, or this thread: a listener can end another task
    teller = Thread.currentThread();
    try {
      listener.accept(new Progress(done, failed, running.get(), total));
    } catch (Throwable broken) {
      report(broken);
    } finally {
      teller = outer;
    }
  }

  private void report(Throwable broken) {
    if (!reported) {
      reported = true;
      try {
        LOGGER.log(
            Level.WARNING,
            "the progress listener " + listener + " failed; further failures are not logged",
            broken);
      } catch (Throwable unspeakable) {
        // a listener or a logger that cannot even be printed: nobody is left to tell
      }
    }
  }
}
