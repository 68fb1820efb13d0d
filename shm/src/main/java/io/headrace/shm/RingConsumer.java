package io.headrace.shm;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The end of a ring at which messages are read: {@link #poll} the oldest one, read it, {@link
 * #release} its slot. {@link RingProducer} says how the two work together.
 *
 * <p>No method blocks. What a producer of another process has written is checked; what is in the
 * messages is the reader's to check, and can change under its eyes if that process is malicious.
 *
 * <p><b>Thread safety.</b> One thread at a time; if several take turns they hand it over with a
 * lock of their own process. {@link #isEmpty} can be called by the same only.
 */
public final class RingConsumer {
  private final MemorySegment ring;
  private final MemorySegment[] slots;
  private long head;
  private long seenTail;
  private int nextSlot;

  private RingConsumer(MemorySegment ring) {
    this.ring = ring;
    slots = RingDescriptor.slots(ring);
  }

  /**
   * Makes a ring, whose producer opens it.
   *
   * @param ring memory that is all zero
   * @param capacity how many messages it holds, at least 1
   * @param slotBytes how long a message is, a multiple of 128
   * @return its consumer
   * @throws IllegalArgumentException if the memory is too small or not native, or the capacity or
   *     the length out of range
   */
  public static RingConsumer create(MemorySegment ring, int capacity, int slotBytes) {
    RingDescriptor.create(ring, capacity, slotBytes);
    return new RingConsumer(ring);
  }

  /**
   * Becomes the consumer of a ring that the producer has made; nothing was read from it before.
   *
   * @param ring the memory of the ring
   * @return its consumer
   * @throws CorruptMemoryException if it is no ring
   * @throws IllegalArgumentException if the memory is not native
   */
  public static RingConsumer open(MemorySegment ring) {
    return new RingConsumer(ring);
  }

  /**
   * The oldest message that was not released. A second call returns the same.
   *
   * @return its slot, or null if there is none
   * @throws CorruptMemoryException if the producer has written what cannot be
   */
  public @Nullable MemorySegment poll() {
    return isEmpty() ? null : slots[nextSlot];
  }

  /**
   * Whether there is no message.
   *
   * @return true if {@link #poll} would return null
   * @throws CorruptMemoryException if the producer has written what cannot be
   */
  public boolean isEmpty() {
    if (head != seenTail) {
      return false;
    }
    long tail =
        (long) RingDescriptor.Position.LONG.getAcquire(ring, (long) RingDescriptor.TAIL_OFFSET);
    if (tail < seenTail || tail - head > slots.length) {
      throw new CorruptMemoryException(
          "the producer has published "
              + tail
              + " messages, of which "
              + head
              + " were released; the ring holds "
              + slots.length);
    }
    seenTail = tail;
    return head == tail;
  }

  /**
   * Gives the slot of the oldest message back to the producer.
   *
   * @throws IllegalStateException if there is no message
   */
  public void release() {
    if (isEmpty()) {
      throw new IllegalStateException("there is no message to release");
    }
    head++;
    nextSlot = nextSlot + 1 == slots.length ? 0 : nextSlot + 1;
    RingDescriptor.Position.LONG.setRelease(ring, (long) RingDescriptor.HEAD_OFFSET, head);
  }
}
