package io.headrace.examples.guide;

import io.headrace.CallOptions;
import io.headrace.Service;
import io.headrace.TimeSource;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

// @start region="retryAfter"
/** Asks another service again when it says that it was asked too often, after the time it names. */
final class RetryAfter<I, O> implements Service<I, O> {
  /** What the other service fails with. */
  static final class TooManyRequests extends RuntimeException {
    private static final long serialVersionUID = 1;
    private final Duration after;

    TooManyRequests(Duration after) {
      super("too many requests, to be repeated after " + after);
      this.after = after;
    }
  }

  private final Service<I, O> service;
  private final int maxTries;
  private final TimeSource time;

  RetryAfter(Service<I, O> service, int maxTries, TimeSource time) {
    this.service = service;
    this.maxTries = maxTries;
    this.time = time;
  }

  @Override
  public CompletableFuture<O> submit(I item, CallOptions options) {
    return attempt(item, options, 1);
  }

  private CompletableFuture<O> attempt(I item, CallOptions options, int tries) {
    return service
        .submit(item, options)
        .exceptionallyCompose(
            thrown ->
                cause(thrown) instanceof TooManyRequests refusal && tries < maxTries
                    ? pause(refusal.after).thenCompose(_ -> attempt(item, options, tries + 1))
                    : CompletableFuture.failedFuture(cause(thrown)));
  }

  private CompletableFuture<Void> pause(Duration duration) {
    CompletableFuture<Void> over = new CompletableFuture<>();
    time.schedule(duration.toNanos(), () -> over.complete(null));
    return over;
  }

  private static Throwable cause(Throwable thrown) {
    return thrown instanceof CompletionException && thrown.getCause() != null
        ? thrown.getCause()
        : thrown;
  }
}
// @end
