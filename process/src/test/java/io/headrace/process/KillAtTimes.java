package io.headrace.process;

import java.util.Random;

/**
 * Kills the worker at a point of the protocol: one of so many times that it comes to any, but for
 * the start, which fails with that of its flow.
 */
final class KillAtTimes implements Fault {
  static final String ONE_OF = "test.oneOf";

  private final Random random = new Random();
  private final int oneOf = Integer.getInteger(ONE_OF);

  @Override
  public void at(Point point, Channel channel) {
    if (point != Point.STARTING && random.nextInt(oneOf) == 0) {
      System.out.println("killed at " + point);
      Doubling.kill();
    }
  }
}
