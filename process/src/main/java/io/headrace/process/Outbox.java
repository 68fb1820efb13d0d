package io.headrace.process;

import static java.util.Objects.requireNonNull;

import io.headrace.shm.Handle;
import io.headrace.shm.RingProducer;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * What its parent tells a process: batches and orders in their order, and beside these what becomes
 * of its memory. Guarded by the monitor of the {@link WorkerProcess}, but for what any thread may
 * do. Whoever has told something rings.
 */
final class Outbox {
  /*
   * The items of a batch may be in more memories than the ring has slots. What finds no room
   * follows when the process has read the rest: it rings when it has nothing more to read.
   */

  private final RingProducer requests;
  private final RingProducer news;

  /** What the ring had no room for, in its order. */
  private final Queue<Envelope> unsent = new ArrayDeque<>();

  /** Whether there is any; changed with the monitor only. */
  private volatile boolean hasRest;

  /** The memories that the process knows. */
  private final Set<Integer> mapped = new HashSet<>();

  /** Blocks of the process that are free, and of which it has not been told. */
  private final Queue<Handle> freed = new ConcurrentLinkedQueue<>();

  private long toldCount;

  Outbox(RingProducer requests, RingProducer news) {
    this.requests = requests;
    this.news = news;
  }

  /** The process is to know a memory. */
  void map(Region region) {
    if (!mapped.contains(region.number)) {
      order(Envelope.map(region.number, region.memory.sizeBytes(), region.memory.path()));
      mapped.add(region.number);
    }
  }

  /** Memories that are gone; returns whether something was told. What finds no room follows. */
  boolean unmap() {
    boolean isTold = false;
    for (Integer number : List.copyOf(mapped)) {
      if (!Memories.ALL.has(number) && offer(Envelope.unmap(number))) {
        mapped.remove(number);
        isTold = true;
      }
    }
    return isTold;
  }

  /** Comes after everything that was ordered before. */
  void order(Envelope envelope) {
    if (hasRest || !offer(envelope)) {
      unsent.add(envelope);
      hasRest = true;
      var _ = sendRest(); // it may have read meanwhile
    }
  }

  /** Whether the ring to the process had no room for something. Any thread. */
  boolean hasRest() {
    return hasRest;
  }

  /** Returns whether something was sent. */
  boolean sendRest() {
    Envelope next = unsent.peek();
    boolean isSent = false;
    while (next != null && offer(next)) {
      unsent.remove();
      next = unsent.peek();
      isSent = true;
    }
    hasRest = next != null;
    return isSent;
  }

  void forgetRest() {
    unsent.clear();
    hasRest = false;
  }

  /** Whether the process has read something, so that an order finds room. */
  boolean canSend() {
    return requests.hasRoomFor(2);
  }

  /** Returns false if the ring is full, but for a slot that is left for the order to close. */
  private boolean offer(Envelope envelope) {
    return requests.hasRoomFor(2) && offer(envelope, requests);
  }

  /** Orders the process to end; returns false if it reads nothing. */
  boolean close() {
    return offer(Envelope.of(Envelope.Kind.CLOSE), requests);
  }

  /** Answers a wish of the process; returns false if it reads nothing. */
  boolean tell(Envelope answer) {
    return offer(answer, news);
  }

  /** A block of the process is free. Any thread. */
  void freed(Handle block) {
    freed.add(block);
  }

  /** Whether there are blocks of which the process has not been told. Any thread. */
  boolean hasFreed() {
    return !freed.isEmpty();
  }

  /** What finds no room follows later; a slot is left for the answer to a wish. */
  void tellFreed() {
    while (!freed.isEmpty() && news.hasRoomFor(2)) {
      var _ = offer(Envelope.release(requireNonNull(freed.poll())), news);
      toldCount++;
    }
  }

  /** Of how many free blocks the process was told so far. */
  long toldCount() {
    return toldCount;
  }

  private static boolean offer(Envelope envelope, RingProducer ring) {
    MemorySegment slot = ring.claim();
    if (slot == null) {
      return false;
    }
    envelope.write(slot);
    ring.publish();
    return true;
  }
}
