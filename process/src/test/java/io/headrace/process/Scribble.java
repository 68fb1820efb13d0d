package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.Random;

/** Writes nonsense where the worker's answers are, with a seed, now and then. */
final class Scribble implements Fault {
  static final String SEED = "test.seed";

  private final Random random = new Random(Long.getLong(SEED) ^ ProcessHandle.current().pid());

  @Override
  public void at(Point point, Channel channel) {
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
