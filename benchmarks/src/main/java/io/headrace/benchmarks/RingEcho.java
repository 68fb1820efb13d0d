package io.headrace.benchmarks;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.headrace.shm.Doorbell;
import io.headrace.shm.Mechanism;
import io.headrace.shm.RingConsumer;
import io.headrace.shm.RingProducer;
import io.headrace.shm.SharedMemory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** A ring there, one back, a doorbell at each end, and nothing else: what this costs in Java. */
final class RingEcho implements RoundTrips {
  private static final int CAPACITY = 64;
  private static final int SLOT_BYTES = 128;
  private static final long RING_BYTES = RingProducer.sizeBytes(CAPACITY, SLOT_BYTES);
  private static final long THERE_AT = 2 * Doorbell.BYTES;
  private static final long BACK_AT = THERE_AT + RING_BYTES;
  private static final long MEMORY_BYTES = BACK_AT + RING_BYTES;

  private final SharedMemory memory = SharedMemory.create(MEMORY_BYTES, Mechanism.best());
  private final OtherProcess process;
  private final End end;

  RingEcho() throws IOException {
    MemorySegment all = memory.segment();
    end =
        new End(
            Doorbell.futex(bell(all, 0), bell(all, 1)),
            RingProducer.create(all.asSlice(THERE_AT, RING_BYTES), CAPACITY, SLOT_BYTES),
            RingConsumer.create(all.asSlice(BACK_AT, RING_BYTES), CAPACITY, SLOT_BYTES));
    process = OtherProcess.start(RingEcho.class, memory.path());
  }

  private static MemorySegment bell(MemorySegment all, int index) {
    return all.asSlice((long) index * Doorbell.BYTES, Doorbell.BYTES);
  }

  /**
   * The other process: sends back what comes.
   *
   * @param args the path of the memory
   */
  public static void main(String[] args) {
    MemorySegment all = SharedMemory.open(args[0], MEMORY_BYTES).segment();
    End end =
        new End(
            Doorbell.futex(bell(all, 1), bell(all, 0)),
            RingProducer.open(all.asSlice(BACK_AT, RING_BYTES)),
            RingConsumer.open(all.asSlice(THERE_AT, RING_BYTES)));
    OtherProcess.ready();
    while (true) {
      end.send(end.receive());
    }
  }

  @Override
  public double[] micros() throws Exception {
    return RoundTrips.blocking(
        () -> {
          end.send(1);
          var _ = end.receive();
        });
  }

  @Override
  public void close() {
    process.close();
    end.doorbell.close();
    memory.close();
  }

  /** One of the two. */
  private record End(Doorbell doorbell, RingProducer out, RingConsumer in) {
    void send(long value) {
      MemorySegment slot = out.claim();
      if (slot == null) {
        throw new IllegalStateException("one message is in flight, and the ring is full");
      }
      slot.set(JAVA_LONG, 0, value);
      out.publish();
      doorbell.ring();
    }

    long receive() {
      MemorySegment slot = in.poll();
      while (slot == null) {
        var _ = doorbell.await(() -> !in.isEmpty());
        slot = in.poll();
      }
      long value = slot.get(JAVA_LONG, 0);
      in.release();
      return value;
    }
  }
}
