package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;
import java.util.Random;

/**
 * Publishes an answer of which one field is nonsense, or writes a tail that cannot be: once in each
 * of the first processes, as a seed says.
 */
final class Forging implements Fault {
  static final String SEED = "test.seed";
  static final String FOLDER = "test.folder";
  static final String PROCESSES = "test.processes";

  private static final int TAIL_OFFSET = 128;
  private static final int SLOTS_OFFSET = 384;
  private static final VarHandle WORD = JAVA_LONG.varHandle();

  /** The fields of an answer that the parent looks at, by their places; the last is the tail. */
  private static final int[] SHORTS = {0, 2};

  private static final int[] INTS = {4, 24, 28};
  private static final int[] LONGS = {8, 16, 32, 40};
  private static final long[] NONSENSE = {
    -1, Long.MIN_VALUE, Long.MAX_VALUE, Integer.MAX_VALUE, Integer.MIN_VALUE, 1L << 33, 1L << 20
  };

  private final int number = KillOnce.number(Path.of(System.getProperty(FOLDER)));
  private final Random random = new Random(1000 * Long.getLong(SEED) + number);
  private final int atBatch = random.nextInt(1, 6);
  private int batches;

  @Override
  public void at(Point point, Channel channel) {
    if (point == Point.WRITTEN && ++batches == atBatch && number < Integer.getInteger(PROCESSES)) {
      forge(channel);
    }
  }

  private void forge(Channel channel) {
    MemorySegment ring = channel.responses();
    long tail = (long) WORD.getVolatile(ring, (long) TAIL_OFFSET);
    MemorySegment slot = slot(ring, tail);
    Envelope.message(
            Envelope.Kind.ANSWER,
            0,
            channel.begun(),
            Channel.MESSAGE_BYTES,
            null,
            channel.response(0))
        .write(slot);
    long value = NONSENSE[random.nextInt(NONSENSE.length)];
    int fields = SHORTS.length + INTS.length + LONGS.length + 1;
    int field = (number + (int) (long) Long.getLong(SEED)) % fields;
    System.out.println("forges field " + field + " as " + value);
    if (field < SHORTS.length) {
      slot.set(JAVA_SHORT, SHORTS[field], (short) ((int) value | 0x4000));
    } else if (field < SHORTS.length + INTS.length) {
      slot.set(JAVA_INT, INTS[field - SHORTS.length], (int) value | 0x4000_0000);
    } else if (field < fields - 1) {
      slot.set(JAVA_LONG, LONGS[field - SHORTS.length - INTS.length], value);
    } else {
      tail += value | 0x100;
    }
    WORD.setVolatile(ring, (long) TAIL_OFFSET, tail + 1);
    awaitKill();
  }

  private static void awaitKill() {
    while (true) {
      Thread.onSpinWait();
    }
  }

  private static MemorySegment slot(MemorySegment ring, long index) {
    long slots = (ring.byteSize() - SLOTS_OFFSET) / Envelope.BYTES;
    return ring.asSlice(SLOTS_OFFSET + index % slots * Envelope.BYTES, Envelope.BYTES);
  }
}
