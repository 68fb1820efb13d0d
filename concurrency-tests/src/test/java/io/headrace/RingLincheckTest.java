package io.headrace;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.headrace.shm.RingConsumer;
import io.headrace.shm.RingProducer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * The ring between two processes, as one thread that sends and one that receives see it: a bounded
 * queue, first in, first out.
 *
 * <p>Model checking changes threads at accesses of fields and not at those of foreign memory. The
 * ends access fields of their own before each of theirs; this does so before and after its own.
 */
class RingLincheckTest {
  private static final int CAPACITY = 2;

  @Test
  void modelChecking() {
    Depth.modelChecking().threads(2).sequentialSpecification(Model.class).check(Ring.class);
  }

  @Test
  void stress() {
    Depth.stress().sequentialSpecification(Model.class).check(Ring.class);
  }

  /** A ring that has wrapped round before. */
  @Param(name = "item", gen = IntGen.class, conf = "1:9")
  public static class Ring {
    private static final int SLOT_BYTES = 128;

    private final MemorySegment memory =
        Arena.ofAuto().allocate(RingProducer.sizeBytes(CAPACITY, SLOT_BYTES), Long.BYTES);
    private final RingProducer producer = RingProducer.create(memory, CAPACITY, SLOT_BYTES);
    private final RingConsumer consumer = RingConsumer.open(memory);

    private volatile int accesses;

    public Ring() {
      for (int i = 0; i <= CAPACITY; i++) {
        send(i);
        receive();
      }
    }

    private void mayChangeThreads() {
      accesses = 1;
    }

    @Operation(nonParallelGroup = "producer")
    public boolean send(@Param(name = "item") int item) {
      MemorySegment slot = producer.claim();
      if (slot == null) {
        return false;
      }
      mayChangeThreads();
      slot.set(JAVA_LONG, 0, item);
      mayChangeThreads();
      producer.publish();
      return true;
    }

    @Operation(nonParallelGroup = "consumer")
    public @Nullable Long receive() {
      MemorySegment slot = consumer.poll();
      if (slot == null) {
        return null;
      }
      mayChangeThreads();
      long item = slot.get(JAVA_LONG, 0);
      mayChangeThreads();
      consumer.release();
      return item;
    }
  }

  /** What it should do. */
  public static class Model {
    private final Queue<Long> items = new ArrayDeque<>();

    public boolean send(int item) {
      return items.size() < CAPACITY && items.add((long) item);
    }

    public @Nullable Long receive() {
      return items.poll();
    }
  }
}
