package io.headrace.examples.guide;

import static java.util.concurrent.TimeUnit.NANOSECONDS;

import io.headrace.CallOptions;
import io.headrace.DeadlineExceededException;
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
    Call call = new Call(item, options);
    call.ask(1);
    return call;
  }

  /** What the caller has. Whatever completes it, a cancellation too, ends what goes on for it. */
  private final class Call extends CompletableFuture<O> {
    private final I item;
    private final CallOptions options;
    private final long begunNanos = time.nanoTime();

    Call(I item, CallOptions options) {
      this.item = item;
      this.options = options;
    }

    void ask(int tries) {
      CompletableFuture<O> request = service.submit(item, rest());
      var _ = whenComplete((_, _) -> request.cancel(true));
      var _ =
          request.whenComplete(
              (result, thrown) -> {
                if (thrown == null) {
                  complete(result);
                } else if (cause(thrown) instanceof TooManyRequests refusal && tries < maxTries) {
                  pause(NANOSECONDS.convert(refusal.after), tries);
                } else {
                  completeExceptionally(cause(thrown));
                }
              });
    }

    private void pause(long nanos, int tries) {
      if (leftNanos() <= nanos) {
        completeExceptionally(new DeadlineExceededException("no time to ask again"));
      } else {
        TimeSource.Alarm alarm = time.schedule(nanos, () -> ask(tries + 1));
        var _ = whenComplete((_, _) -> alarm.cancel());
      }
    }

    /** The options with what is left of the timeout. */
    private CallOptions rest() {
      return options.timeout() == null
          ? options
          : options.withTimeout(Duration.ofNanos(Math.max(1, leftNanos())));
    }

    private long leftNanos() {
      Duration timeout = options.timeout();
      return timeout == null ? Long.MAX_VALUE : timeout.toNanos() - (time.nanoTime() - begunNanos);
    }
  }

  private static Throwable cause(Throwable thrown) {
    return thrown instanceof CompletionException && thrown.getCause() != null
        ? thrown.getCause()
        : thrown;
  }
}
// @end
