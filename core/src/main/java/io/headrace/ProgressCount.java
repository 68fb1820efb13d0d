package io.headrace;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.function.Consumer;

/** Counts for a listener, and tells it one change after the other. */
final class ProgressCount {
  private static final Logger LOGGER = System.getLogger(ProgressCount.class.getName());

  private final Consumer<? super Progress> listener;

  // All guarded by this, and so is the call of the listener.
  private long done;
  private long failed;
  private long running;
  private long total;
  private boolean reported;

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

  synchronized void started() {
    running++;
  }

  synchronized void ended(boolean failure) {
    running--;
    if (failure) {
      failed++;
    } else {
      done++;
    }
    tell();
  }

  private void tell() {
    try {
      listener.accept(new Progress(done, failed, running, total));
    } catch (Throwable broken) {
      report(broken);
    }
  }

  private void report(Throwable broken) {
    if (!reported) {
      reported = true;
      LOGGER.log(
          Level.WARNING,
          "the progress listener " + listener + " failed; further failures are not logged",
          broken);
    }
  }
}
