package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.headrace.DeadlineExceededException;
import io.headrace.TimeSource;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A call of a {@link FlowClient} on its way to its answer. */
final class ClientCall extends CompletableFuture<@Nullable Object> {
  final long id;
  private final TimeSource time;
  private final @Nullable Duration timeout;
  private final long submittedNanos;
  private volatile @Nullable MemorySegment frame;
  private volatile @Nullable Supplier<MemorySegment> copying;
  private volatile boolean isSent;

  /** What the server may read once it has got the call; null if somebody has taken that. */
  private final AtomicReference<@Nullable List<Block>> blocks = new AtomicReference<>();

  ClientCall(long id, @Nullable Duration timeout, TimeSource time) {
    this.id = id;
    this.timeout = timeout;
    this.time = time;
    submittedNanos = timeout == null ? 0 : time.nanoTime();
  }

  /**
   * Says what is to be sent.
   *
   * @param frame names values in shared memory, if there are any
   * @param lent their blocks, of which each has a user for this call
   * @param copying makes a frame with the values themselves, for a server that does not reach them
   */
  void encode(MemorySegment frame, List<Block> lent, Supplier<MemorySegment> copying) {
    this.frame = frame;
    if (!lent.isEmpty()) {
      int flags = frame.get(JAVA_BYTE, Frame.FLAGS_OFFSET) | Frame.LENT;
      frame.set(JAVA_BYTE, Frame.FLAGS_OFFSET, (byte) flags);
      this.copying = copying;
      blocks.set(lent);
    }
  }

  /** Values are copied into the frame; an item that is too large for that fails the call. */
  void copyValues() {
    Supplier<MemorySegment> copying = this.copying;
    if (frame != null && copying != null) {
      try {
        frame = copying.get();
      } catch (RuntimeException | Error tooLarge) {
        completeExceptionally(tooLarge);
      }
    }
  }

  /** Whoever takes them lends or releases them; null if there are none, or others have. */
  @Nullable List<Block> takeBlocks() {
    return blocks.getAndSet(null);
  }

  /** Nothing of it will be sent anymore. Its future may be kept, and must not keep the item. */
  void forgetItem() {
    frame = null;
    copying = null;
    List<Block> unsent = takeBlocks();
    if (unsent != null) {
      unsent.forEach(Block::release);
    }
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

  /**
   * What is to be written; null for a caller that waits no more. One that is longer than the server
   * takes fails the call.
   */
  @Nullable MemorySegment frame(int maxBytes) {
    MemorySegment frame = this.frame;
    this.frame = null;
    if (frame == null || isDone()) {
      return null;
    }
    if (frame.byteSize() > maxBytes) {
      completeExceptionally(HeapSpace.tooLong(maxBytes));
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
