package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Random;

/**
 * Writes nonsense where the worker's answers are: now and then, as a seed says, and surely once.
 */
final class Scribble implements Fault {
  static final String SEED = "test.seed";
  static final String FOLDER = "test.folder";

  private static final int SURELY_AT = 15;

  /** Of the number of results, behind how long the handler took: the flow has an observer. */
  private static final long COUNT_OFFSET = Long.BYTES;

  /** Each process does what the seed and its number say. */
  private final Random random =
      new Random(1000 * Long.getLong(SEED) + KillOnce.number(Path.of(System.getProperty(FOLDER))));

  private int batches;

  @Override
  public void at(Point point, Channel channel) {
    if (point == Point.OFFERED) {
      return; // on another thread: the seed would no longer say all
    }
    if (point == Point.WRITTEN && ++batches == SURELY_AT) {
      for (int place = 0; place < channel.places(); place++) {
        channel.response(place).set(JAVA_INT, COUNT_OFFSET, Integer.MIN_VALUE);
      }
    }
    if (random.nextInt(50) != 0) {
      return;
    }
    switch (point) {
      case WRITTEN -> scribble(channel.response(random.nextInt(channel.places())).asSlice(0, 64));
      case BEGUN, ANSWERED -> scribble(channel.responses());
      default -> {}
    }
  }

  private void scribble(MemorySegment target) {
    int words = (int) (target.byteSize() / Long.BYTES);
    for (int i = 0; i < 4; i++) {
      long at = (long) Long.BYTES * random.nextInt(Math.min(words, 64));
      target.set(JAVA_LONG, at, random.nextBoolean() ? random.nextLong() : random.nextInt(100));
    }
  }
}
