package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.headrace.DeadlineExceededException;
import io.headrace.TimeSource;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A call of a {@link FlowClient} on its way to its answer. */
final class ClientCall extends CompletableFuture<@Nullable Object> implements Wire.Outgoing {
  final long id;
  private final TimeSource time;
  private final @Nullable Duration timeout;
  private final long submittedNanos;
  private volatile @Nullable MemorySegment frame;
  private volatile boolean isSent;

  ClientCall(long id, @Nullable Duration timeout, TimeSource time) {
    this.id = id;
    this.timeout = timeout;
    this.time = time;
    submittedNanos = timeout == null ? 0 : time.nanoTime();
  }

  void encode(MemorySegment frame) {
    this.frame = frame;
  }

  /** Fails the call when its timeout is over. */
  void watchDeadline() {
    Duration timeout = this.timeout;
    if (timeout == null) {
      return;
    }
    TimeSource.Alarm alarm =
        time.schedule(
            timeout.toNanos() - (time.nanoTime() - submittedNanos),
            () -> time.execute(this::expire));
    var _ = whenComplete((result, failure) -> alarm.cancel());
  }

  private void expire() {
    completeExceptionally(
        new DeadlineExceededException(
            "the call was not answered within its timeout of " + timeout));
  }

  /** Nothing is sent for a caller that waits no more. */
  @Override
  public @Nullable MemorySegment frame() {
    MemorySegment frame = this.frame;
    this.frame = null;
    if (frame == null || isDone()) {
      return null;
    }
    if (timeout != null) {
      long leftNanos = timeout.toNanos() - (time.nanoTime() - submittedNanos);
      if (leftNanos <= 0) {
        return null; // the alarm rings
      }
      frame.set(JAVA_LONG_UNALIGNED, Frame.TIMEOUT_OFFSET, leftNanos);
    }
    isSent = true;
    return frame;
  }

  /** Whether the server may have got it. */
  boolean isSent() {
    return isSent;
  }
}
