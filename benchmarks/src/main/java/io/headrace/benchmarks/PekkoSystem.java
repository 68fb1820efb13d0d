package io.headrace.benchmarks;

import com.typesafe.config.ConfigFactory;
import org.apache.pekko.actor.ActorSystem;

/** The actor system that Pekko Streams run in, with daemon threads and without log lines. */
final class PekkoSystem {
  private PekkoSystem() {}

  static ActorSystem start() {
    return ActorSystem.create(
        "benchmark",
        ConfigFactory.parseString(
                "pekko { daemonic = on, loglevel = ERROR, stdout-loglevel = ERROR }")
            .withFallback(ConfigFactory.load()));
  }

  static void stop(ActorSystem system) {
    system.terminate();
    system.getWhenTerminated().toCompletableFuture().join();
  }
}
