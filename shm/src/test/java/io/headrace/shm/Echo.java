package io.headrace.shm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;

/** A process that sends every message back, until it gets a negative one. */
final class Echo {
  static final int CAPACITY = 8;
  static final int SLOT_BYTES = 128;
  static final long RING_BYTES = RingProducer.sizeBytes(CAPACITY, SLOT_BYTES);
  static final long THERE_AT = 2 * Doorbell.BYTES;
  static final long BACK_AT = THERE_AT + RING_BYTES;
  static final long MEMORY_BYTES = BACK_AT + RING_BYTES;

  private static final long TIMEOUT_NANOS = 100_000_000;

  private Echo() {}

  /**
   * Runs until it is told to end.
   *
   * @param args the path of the memory, and that of the socket if there is one
   */
  public static void main(String[] args) throws IOException {
    try (SharedMemory memory = SharedMemory.open(args[0], MEMORY_BYTES)) {
      MemorySegment all = memory.segment();
      MemorySegment own = all.asSlice(Doorbell.BYTES, Doorbell.BYTES);
      MemorySegment other = all.asSlice(0, Doorbell.BYTES);
      try (Doorbell doorbell =
          args.length == 1
              ? Doorbell.futex(own, other)
              : Doorbell.socket(
                  SocketChannel.open(UnixDomainSocketAddress.of(args[1])), own, other)) {
        run(
            doorbell,
            RingConsumer.open(all.asSlice(THERE_AT, RING_BYTES)),
            RingProducer.open(all.asSlice(BACK_AT, RING_BYTES)));
      }
    }
  }

  private static void run(Doorbell doorbell, RingConsumer in, RingProducer out) {
    long value;
    do {
      while (!doorbell.await(() -> !in.isEmpty(), TIMEOUT_NANOS)) {
        // again
      }
      value = in.poll().get(JAVA_LONG, 0);
      in.release();
      while (!doorbell.await(() -> out.claim() != null, TIMEOUT_NANOS)) {
        // again
      }
      out.claim().set(JAVA_LONG, 0, value);
      out.publish();
      doorbell.ring();
    } while (value >= 0);
  }
}
