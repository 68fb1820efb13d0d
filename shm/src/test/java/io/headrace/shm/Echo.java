package io.headrace.shm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

/** A process that sends every message back, until it gets a negative one. */
final class Echo {
  static final int CAPACITY = 8;
  static final int SLOT_BYTES = 128;
  static final long RING_BYTES = RingProducer.sizeBytes(CAPACITY, SLOT_BYTES);
  static final long THERE_AT = 2 * Doorbell.BYTES;
  static final long BACK_AT = THERE_AT + RING_BYTES;
  static final long MEMORY_BYTES = BACK_AT + RING_BYTES;

  private Echo() {}

  /**
   * Runs until it is told to end.
   *
   * @param args the path of the memory, what kind of doorbells there are, and the path of a socket
   */
  public static void main(String[] args) throws IOException {
    try (SharedMemory memory = SharedMemory.open(args[0], MEMORY_BYTES)) {
      MemorySegment all = memory.segment();
      MemorySegment own = all.asSlice(Doorbell.BYTES, Doorbell.BYTES);
      MemorySegment other = all.asSlice(0, Doorbell.BYTES);
      Ends.Kind kind = Ends.Kind.valueOf(args[1]);
      try (Doorbell doorbell =
          kind == Ends.Kind.SOCKET
              ? Doorbell.socket(SocketChannel.open(UnixDomainSocketAddress.of(args[2])), own, other)
              : Doorbell.futex(own, other)) {
        if (kind == Ends.Kind.EVENT) {
          doorbell.offerEvents(Path.of(args[2]));
        }
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
      while (!doorbell.await(() -> !in.isEmpty())) {
        // again
      }
      value = in.poll().get(JAVA_LONG, 0);
      in.release();
      while (!doorbell.await(() -> out.claim() != null)) {
        // again
      }
      out.claim().set(JAVA_LONG, 0, value);
      out.publish();
      doorbell.ring();
    } while (value >= 0);
  }
}
