package io.headrace.shm;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The end of a ring at which messages are written: {@link #claim a slot}, fill it, {@link #publish}
 * it. All slots have one size.
 *
 * {@snippet class="io.headrace.shm.SnippetsTest" region="ring"}
 *
 * <p>What is written before a message is published is seen by whoever reads the message, in the
 * slot and everywhere else in shared memory. No method blocks; a {@link Doorbell} wakes the
 * consumer.
 *
 * <p><b>Thread safety.</b> One thread at a time; if several take turns they hand it over with a
 * lock of their own process. One producer and one consumer to a ring.
 */
public final class RingProducer {
  /*
   * The producer alone writes tail, the consumer alone writes head (the ring of Lamport, "Proving
   * the correctness of multiprocess programs", 1977). Each knows its own position without looking,
   * and looks at the other's only if what it last saw says that the ring is full or empty.
   *
   * tail is written with release after the slot was filled, and read with acquire before the slot
   * is read: with less the consumer could see the new tail and the old slot. head is written with
   * release after the slot was read, and read with acquire before it is filled anew: with less a
   * slot could be filled while it is still being read.
   *
   * If the consumer's process was killed, head stays where it is; nothing else can be wrong.
   */

  private final MemorySegment ring;
  private final MemorySegment[] slots;
  private long tail;
  private long seenHead;
  private int nextSlot;

  private RingProducer(MemorySegment ring) {
    this.ring = ring;
    slots = RingDescriptor.slots(ring);
    tail = RingDescriptor.words(ring).getLong(RingDescriptor.TAIL_OFFSET);
    seenHead = tail;
    if (tail != 0) {
      throw new CorruptMemoryException("a new ring has " + tail + " messages");
    }
  }

  /**
   * Makes a ring.
   *
   * @param ring memory that is all zero
   * @param capacity how many messages it holds, at least 1
   * @param slotBytes how long a message is, a multiple of 128
   * @return its producer
   * @throws IllegalArgumentException if the memory is too small or not native, or the capacity or
   *     the length out of range
   */
  public static RingProducer create(MemorySegment ring, int capacity, int slotBytes) {
    RingDescriptor.create(ring, capacity, slotBytes);
    return new RingProducer(ring);
  }

  /**
   * Becomes the producer of a ring that the consumer has made.
   *
   * @param ring the memory of the ring
   * @return its producer
   * @throws CorruptMemoryException if it is no ring, or was used before
   * @throws IllegalArgumentException if the memory is not native
   */
  public static RingProducer open(MemorySegment ring) {
    return new RingProducer(ring);
  }

  /**
   * How much memory a ring takes.
   *
   * @param capacity how many messages it holds, at least 1
   * @param slotBytes how long a message is, a multiple of 128
   * @return bytes
   * @throws IllegalArgumentException if the capacity or the length is out of range
   */
  public static long sizeBytes(int capacity, int slotBytes) {
    return RingDescriptor.sizeBytes(capacity, slotBytes);
  }

  /**
   * The slot of the next message. A second call returns the same as long as it is not published.
   *
   * @return the slot, with what was in it before; or null if the ring is full
   * @throws CorruptMemoryException if the consumer has written what cannot be
   */
  public @Nullable MemorySegment claim() {
    return hasRoomFor(1) ? slots[nextSlot] : null;
  }

  /**
   * Whether the ring takes some more messages.
   *
   * @param messages how many
   * @return true if that many can be claimed and published, whatever the consumer does
   * @throws CorruptMemoryException if the consumer has written what cannot be
   */
  public boolean hasRoomFor(int messages) {
    if (tail - seenHead + messages <= slots.length) {
      return true;
    }
    long head =
        (long) RingDescriptor.Position.LONG.getAcquire(ring, (long) RingDescriptor.HEAD_OFFSET);
    if (head < seenHead || head > tail) {
      throw new CorruptMemoryException(
          "the consumer has released " + head + " messages, of " + tail + " that were published");
    }
    seenHead = head;
    return tail - head + messages <= slots.length;
  }

  /**
   * Lets the consumer see the slot that was claimed.
   *
   * @throws IllegalStateException if the ring is full, so that none was claimed
   */
  public void publish() {
    if (tail - seenHead == slots.length) {
      throw new IllegalStateException("the ring is full, no slot was claimed");
    }
    tail++;
    nextSlot = nextSlot + 1 == slots.length ? 0 : nextSlot + 1;
    RingDescriptor.Position.LONG.setRelease(ring, (long) RingDescriptor.TAIL_OFFSET, tail);
  }
}
