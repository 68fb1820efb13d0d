package io.headrace.shm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RingTest {
  private static final int CAPACITY = 4;
  private static final int SLOT_BYTES = 128;
  private static final int SCHEDULES = Integer.getInteger("headrace.schedules", 1000);

  private final MemorySegment memory =
      Arena.ofAuto().allocate(RingProducer.sizeBytes(CAPACITY, SLOT_BYTES), Long.BYTES);
  private final RingProducer producer = RingProducer.create(memory, CAPACITY, SLOT_BYTES);
  private final RingConsumer consumer = RingConsumer.open(memory);

  private boolean send(long value) {
    MemorySegment slot = producer.claim();
    if (slot == null) {
      return false;
    }
    slot.set(JAVA_LONG, 0, value);
    producer.publish();
    return true;
  }

  private long receive() {
    MemorySegment slot = consumer.poll();
    assertThat(slot).as("a message").isNotNull();
    long value = slot.get(JAVA_LONG, 0);
    consumer.release();
    return value;
  }

  @Test
  void messagesComeInTheirOrder() {
    for (int round = 0; round < 5; round++) {
      assertThat(send(1)).isTrue();
      assertThat(send(2)).isTrue();
      assertThat(send(3)).isTrue();
      assertThat(receive()).isEqualTo(1);
      assertThat(receive()).isEqualTo(2);
      assertThat(receive()).isEqualTo(3);
      assertThat(consumer.poll()).isNull();
      assertThat(consumer.isEmpty()).isTrue();
    }
  }

  @Test
  void aRingSaysForHowManyMessagesItHasRoom() {
    assertThat(producer.hasRoomFor(CAPACITY)).isTrue();
    assertThat(producer.hasRoomFor(CAPACITY + 1)).isFalse();
    for (int sent = 1; sent <= CAPACITY; sent++) {
      assertThat(send(sent)).isTrue();
      assertThat(producer.hasRoomFor(CAPACITY - sent)).isTrue();
      assertThat(producer.hasRoomFor(CAPACITY - sent + 1)).isFalse();
    }
    assertThat(receive()).isEqualTo(1);
    assertThat(producer.hasRoomFor(1)).isTrue();
    assertThat(producer.hasRoomFor(2)).isFalse();
  }

  @Test
  void aFullRingTakesNoMoreUntilASlotIsReleased() {
    for (int i = 0; i < CAPACITY; i++) {
      assertThat(send(i)).isTrue();
    }
    assertThat(producer.claim()).isNull();
    assertThatThrownBy(producer::publish).isInstanceOf(IllegalStateException.class);
    consumer.poll();
    assertThat(producer.claim()).as("read, not released").isNull();
    consumer.release();
    assertThat(send(CAPACITY)).isTrue();
    assertThat(producer.claim()).isNull();
  }

  @Test
  void aSlotThatIsNotPublishedIsNotSeen() {
    producer.claim().set(JAVA_LONG, 0, 1);
    assertThat(consumer.poll()).isNull();
    assertThatThrownBy(consumer::release).isInstanceOf(IllegalStateException.class);
    assertThat(producer.claim().get(JAVA_LONG, 0)).as("the same slot").isEqualTo(1);
  }

  @Test
  void theConsumerCanMakeItToo() {
    MemorySegment other = Arena.ofAuto().allocate(memory.byteSize(), Long.BYTES);
    RingConsumer end = RingConsumer.create(other, CAPACITY, SLOT_BYTES);
    RingProducer begin = RingProducer.open(other);
    begin.claim().set(JAVA_LONG, 0, 5);
    begin.publish();
    assertThat(end.poll().get(JAVA_LONG, 0)).isEqualTo(5);
  }

  @Test
  void doesWhatAQueueDoes() {
    for (long seed = 0; seed < SCHEDULES; seed++) {
      Random random = new Random(seed);
      int capacity = 1 + random.nextInt(7);
      MemorySegment ring =
          Arena.ofAuto().allocate(RingProducer.sizeBytes(capacity, SLOT_BYTES), Long.BYTES);
      RingProducer in = RingProducer.create(ring, capacity, SLOT_BYTES);
      RingConsumer out = RingConsumer.open(ring);
      Queue<Long> model = new ArrayDeque<>();
      for (int i = 0; i < 100; i++) {
        if (random.nextBoolean()) {
          MemorySegment slot = in.claim();
          assertThat(slot == null).as("full, seed %d", seed).isEqualTo(model.size() == capacity);
          if (slot != null) {
            long value = random.nextLong();
            slot.set(JAVA_LONG, 0, value);
            in.publish();
            model.add(value);
          }
        } else {
          MemorySegment slot = out.poll();
          Long expected = model.poll();
          assertThat(slot == null ? null : slot.get(JAVA_LONG, 0))
              .as("seed %d", seed)
              .isEqualTo(expected);
          if (slot != null) {
            out.release();
          }
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, 6, Long.MAX_VALUE, Long.MIN_VALUE})
  void aTailThatCannotBeIsNotBelieved(long tail) {
    send(1);
    receive();
    memory.set(JAVA_LONG, RingDescriptor.TAIL_OFFSET, tail);
    assertThatThrownBy(consumer::poll)
        .isInstanceOf(CorruptMemoryException.class)
        .hasMessageContaining("published " + tail + " messages");
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, 5, Long.MAX_VALUE, Long.MIN_VALUE})
  void aHeadThatCannotBeIsNotBelieved(long head) {
    for (int i = 0; i < CAPACITY; i++) {
      send(i);
    }
    memory.set(JAVA_LONG, RingDescriptor.HEAD_OFFSET, head);
    assertThatThrownBy(producer::claim)
        .isInstanceOf(CorruptMemoryException.class)
        .hasMessageContaining("released " + head + " messages");
  }

  @ParameterizedTest
  @CsvSource({
    "0, 77, a ring of magic",
    "8, 2, version 2",
    "12, 0, 0 slots",
    "12, -1, -1 slots",
    "12, 1000000, 1000000 slots",
    "16, 0, slots of 0 bytes",
    "16, -128, slots of -128 bytes",
    "16, 100, slots of 100 bytes",
    "16, 136, slots of 136 bytes",
    "16, 2147483520, slots of 2147483520 bytes"
  })
  void aDescriptionThatCannotBeIsNotBelieved(long at, int value, String message) {
    memory.set(JAVA_INT, at, value);
    assertThatThrownBy(() -> RingConsumer.open(memory))
        .isInstanceOf(CorruptMemoryException.class)
        .hasMessageContaining(message);
    assertThatThrownBy(() -> RingProducer.open(memory)).isInstanceOf(CorruptMemoryException.class);
  }

  /** Whatever stands in the memory: an end throws, or stays within it. */
  @Test
  void nonsenseDoesNoHarm() {
    for (long seed = 0; seed < SCHEDULES; seed++) {
      Random random = new Random(seed);
      MemorySegment ring = Arena.ofAuto().allocate(memory.byteSize(), Long.BYTES);
      RingProducer in = RingProducer.create(ring, CAPACITY, SLOT_BYTES);
      RingConsumer out = RingConsumer.open(ring);
      for (int i = 0; i < 20; i++) {
        long at = 8L * random.nextInt((int) ring.byteSize() / 8);
        ring.set(JAVA_LONG, at, random.nextInt(3) == 0 ? random.nextInt(8) : random.nextLong());
        try {
          if (in.claim() != null) {
            in.publish();
          }
          if (out.poll() != null) {
            out.release();
          }
        } catch (CorruptMemoryException noticed) {
          assertThat(noticed).hasMessageMatching(".*(published|released).*");
          break;
        }
      }
    }
  }

  @Test
  void bytesThatAreNoRingAreNotBelieved() {
    assertThatThrownBy(() -> RingConsumer.open(Arena.ofAuto().allocate(Long.BYTES, Long.BYTES)))
        .isInstanceOf(CorruptMemoryException.class);
    assertThatThrownBy(() -> RingConsumer.open(Arena.ofAuto().allocate(2400, Long.BYTES)))
        .isInstanceOf(CorruptMemoryException.class);
    send(1);
    assertThatThrownBy(() -> RingProducer.open(memory))
        .isInstanceOf(CorruptMemoryException.class)
        .hasMessage("a new ring has 1 messages");
  }

  @ParameterizedTest
  @CsvSource({
    "0, 128, capacity is 0",
    "-1, 128, capacity is -1",
    "1, 0, slotBytes is 0",
    "1, 127, slotBytes is 127",
    "1, 136, slotBytes is 136",
    "1, -128, slotBytes is -128"
  })
  void sizesThatMakeNoSenseAreRefused(int capacity, int slotBytes, String message) {
    assertThatThrownBy(() -> RingProducer.create(memory, capacity, slotBytes))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
    assertThatThrownBy(() -> RingProducer.sizeBytes(capacity, slotBytes))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aMemoryThatIsTooSmallIsRefused() {
    assertThatThrownBy(() -> RingConsumer.create(memory, CAPACITY + 1, SLOT_BYTES))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1024 are needed");
    MemorySegment oneByteLess = memory.asSlice(0, memory.byteSize() - 1);
    assertThatThrownBy(() -> RingConsumer.create(oneByteLess, CAPACITY, SLOT_BYTES))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("ring has 895 bytes, 896 are needed");
  }

  @Test
  void memoryOfTheHeapIsRefused() {
    MemorySegment heap = MemorySegment.ofArray(new long[(int) memory.byteSize() / Long.BYTES]);
    assertThatThrownBy(() -> RingProducer.create(heap, CAPACITY, SLOT_BYTES))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("has to be native memory");
    assertThatThrownBy(() -> RingConsumer.open(heap)).isInstanceOf(IllegalArgumentException.class);
  }
}
