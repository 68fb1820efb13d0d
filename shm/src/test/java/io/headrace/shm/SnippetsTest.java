package io.headrace.shm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** The examples of the documentation. */
class SnippetsTest {
  @Test
  void memory() {
    // @start region="memory"
    try (SharedMemory memory = SharedMemory.create(1 << 20, Mechanism.best())) {
      memory.segment().set(JAVA_LONG, 0, 42);
      // Another process does this with the path that it was told:
      try (SharedMemory same = SharedMemory.open(memory.path(), 1 << 20)) {
        assertThat(same.segment().get(JAVA_LONG, 0)).isEqualTo(42);
      }
    }
    // @end
  }

  @Test
  void slab() {
    try (SharedMemory memory = SharedMemory.create(1 << 20, Mechanism.best())) {
      // @start region="slab"
      Slab slab = new Slab(7, memory.segment());
      Handle image = slab.allocate(600_000);
      slab.segment(image).fill((byte) 1); // image is null if there is no room
      slab.release(image);
      // @end
      assertThat(slab.usedBytes()).isZero();
    }
  }

  @Test
  void ring() {
    try (SharedMemory memory = SharedMemory.create(1 << 20, Mechanism.best())) {
      // @start region="ring"
      RingProducer producer = RingProducer.create(memory.segment(), 16, 256);
      MemorySegment slot = producer.claim(); // null if 16 messages have not been read
      slot.set(JAVA_LONG, 0, 42);
      producer.publish();

      RingConsumer consumer = RingConsumer.open(memory.segment()); // in the other process
      MemorySegment message = consumer.poll();
      assertThat(message.get(JAVA_LONG, 0)).isEqualTo(42);
      consumer.release();
      // @end
      assertThat(consumer.poll()).isNull();
    }
  }

  @Test
  void doorbell() {
    try (SharedMemory memory = SharedMemory.create(1 << 20, Mechanism.best());
        Ends ends = Ends.connect(Ends.Kind.best(), memory.segment())) {
      Doorbell mine = ends.here();
      Doorbell others = ends.there();
      MemorySegment ringMemory = memory.segment().asSlice(2 * Doorbell.BYTES);
      RingProducer producer = RingProducer.create(ringMemory, 16, 256);
      RingConsumer consumer = RingConsumer.open(ringMemory);
      producer.claim();
      // @start region="doorbell"
      producer.publish();
      mine.ring();

      // In the other process, in a loop that ends when that process is to end:
      boolean isThere = others.await(() -> !consumer.isEmpty(), 100_000_000);
      // @end
      assertThat(isThere).isTrue();
    }
  }
}
