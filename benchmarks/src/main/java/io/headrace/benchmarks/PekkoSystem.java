package io.headrace.benchmarks;

import com.typesafe.config.ConfigFactory;
import org.apache.pekko.actor.ActorSystem;

/**
 * The actor system that Pekko Streams run in, with daemon threads and without log lines. Its timers
 * tick every millisecond, the least it allows; by default they tick every 10 ms, and a delay of 1
 * ms takes up to 30.
 */
final class PekkoSystem {
  private PekkoSystem() {}

  static ActorSystem start() {
    return ActorSystem.create(
        "benchmark",
        ConfigFactory.parseString(
                "pekko { daemonic = on, loglevel = ERROR, stdout-loglevel = ERROR,"
                    + " scheduler.tick-duration = 1 ms }")
            .withFallback(ConfigFactory.load()));
  }

  static void stop(ActorSystem system) {
    system.terminate();
    system.getWhenTerminated().toCompletableFuture().join();
  }
}
