package io.headrace.cassandra;

import static java.util.concurrent.CompletableFuture.failedStage;

import com.datastax.oss.driver.api.core.CqlSession;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Asks the database for one batch, and again with back-off after errors that pass. The delays
 * double, and are shortened at random by up to a half, so that those who failed together do not
 * come again together.
 */
final class Tries {
  private static final System.Logger LOGGER = System.getLogger(Tries.class.getName());
  private static final long FIRST_DELAY_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
  private static final long LONGEST_DELAY_NANOS = TimeUnit.SECONDS.toNanos(2);

  private final CqlSession session;
  private final Terms terms;
  private final long deadlineNanos;
  private final CompletableFuture<?> result;

  /**
   * For a batch that begins now.
   *
   * @param result of the batch: when it is done, as after a shutdown, there are no more tries
   * @param longest how long somebody waits for it; null for as long as it takes
   */
  Tries(CqlSession session, Terms terms, CompletableFuture<?> result, @Nullable Duration longest) {
    this.session = session;
    this.terms = terms;
    this.result = result;
    long waitNanos = longest == null ? Long.MAX_VALUE : longest.toNanos();
    deadlineNanos = terms.time().nanoTime() + Math.min(terms.retryNanos(), waitNanos);
  }

  /**
   * The result of the first attempt that succeeds, or the error of the last.
   *
   * @param safe whether another attempt does no harm, whatever became of the one before
   */
  <T> CompletionStage<T> call(boolean safe, Supplier<CompletionStage<T>> attempt) {
    return call(safe, attempt, FIRST_DELAY_NANOS);
  }

  /** What is asked for, unless nobody wants the result of the batch anymore. */
  <T> CompletionStage<T> unlessGivenUp(Supplier<CompletionStage<T>> request) {
    return result.isDone()
        ? failedStage(new CancellationException("the batch was given up"))
        : request.get();
  }

  /** Cancels what the batch waits for, once nobody wants its result anymore. */
  void cancelWhenGivenUp(Future<?> waiting) {
    if (!waiting.isDone()) {
      var _ = result.whenComplete((_, _) -> waiting.cancel(false));
    }
  }

  private <T> CompletionStage<T> call(
      boolean safe, Supplier<CompletionStage<T>> attempt, long delayNanos) {
    return unlessGivenUp(attempt)
        .exceptionallyCompose(failure -> again(safe, attempt, delayNanos, Errors.own(failure)));
  }

  private <T> CompletionStage<T> again(
      boolean safe, Supplier<CompletionStage<T>> attempt, long delayNanos, Throwable error) {
    if (session.isClosed()) {
      return failedStage(Errors.sessionClosed(error));
    }
    long pauseNanos = delayNanos - ThreadLocalRandom.current().nextLong(delayNanos / 2);
    boolean inTime = terms.time().nanoTime() + pauseNanos - deadlineNanos <= 0;
    if (!safe || !inTime || !Errors.passes(error)) {
      return failedStage(error);
    }
    LOGGER.log(Level.DEBUG, () -> "tries again: " + error);
    return pause(pauseNanos)
        .thenCompose(_ -> call(safe, attempt, Math.min(2 * delayNanos, LONGEST_DELAY_NANOS)));
  }

  private CompletionStage<Void> pause(long nanos) {
    CompletableFuture<Void> over = new CompletableFuture<>();
    Runnable end = () -> over.complete(null);
    terms.time().schedule(nanos, () -> terms.time().execute(end));
    return over;
  }
}
