package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;
import java.util.Random;

/**
 * Publishes an answer or a wish of which one field is nonsense, or writes a tail that cannot be:
 * one of these in each of the first processes, as a seed says.
 */
final class Forging implements Fault {
  static final String SEED = "test.seed";
  static final String FOLDER = "test.folder";
  static final String PROCESSES = "test.processes";

  private static final int TAIL_OFFSET = 128;
  private static final int SLOTS_OFFSET = 384;
  private static final int REST_LENGTH = 2;
  private static final int LENGTH = 16;
  private static final VarHandle WORD = JAVA_LONG.varHandle();

  /** The fields of an envelope that the parent looks at when it is an answer, by their places. */
  private static final int[] SHORTS = {0, REST_LENGTH};

  private static final int[] INTS = {4, 24, 28};
  private static final int[] LONGS = {8, LENGTH, 32, 40};
  private static final int FIELDS = SHORTS.length + INTS.length + LONGS.length;

  /** How many kinds of nonsense there are: also a tail, a wish for memory, and one for room. */
  static final int KINDS = FIELDS + 3;

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
    long value = NONSENSE[random.nextInt(NONSENSE.length)];
    int kind = (number + (int) (long) Long.getLong(SEED)) % KINDS;
    System.out.println("forges " + kind + " as " + value);
    switch (kind - FIELDS) {
      case 0 -> {
        answer(channel).write(slot);
        tail += value | 0x100;
      }
      case 1 -> {
        Envelope.needsMemory(1).write(slot);
        slot.set(JAVA_LONG, LENGTH, value | 1L << 33);
      }
      case 2 -> {
        Envelope.of(Envelope.Kind.NEEDS_ROOM).write(slot);
        for (int field = SHORTS.length; field < FIELDS; field++) {
          forge(slot, field, value); // nobody looks at these
        }
        MemorySegment next = slot(ring, ++tail);
        Envelope.of(Envelope.Kind.NEEDS_ROOM).write(next);
        next.set(JAVA_SHORT, REST_LENGTH, nonsense(value));
      }
      default -> {
        answer(channel).write(slot);
        forge(slot, kind, value);
      }
    }
    WORD.setVolatile(ring, (long) TAIL_OFFSET, tail + 1);
    awaitKill();
  }

  private static Envelope answer(Channel channel) {
    return Envelope.message(
        Envelope.Kind.ANSWER, 0, channel.begun(), Channel.MESSAGE_BYTES, null, channel.response(0));
  }

  private static void forge(MemorySegment slot, int field, long value) {
    if (field < SHORTS.length) {
      slot.set(JAVA_SHORT, SHORTS[field], nonsense(value));
    } else if (field < SHORTS.length + INTS.length) {
      slot.set(JAVA_INT, INTS[field - SHORTS.length], (int) value | 0x4000_0000);
    } else {
      slot.set(JAVA_LONG, LONGS[field - SHORTS.length - INTS.length], value);
    }
  }

  private static short nonsense(long value) {
    return (short) ((int) value | 0x4000);
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
