package io.headrace.examples.guide;

import io.headrace.Results;
import io.headrace.Throttle;
import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/** The greetings of aiometer: four ways to run tasks, all under the limits of one throttle. */
final class Greetings {
  private static final List<String> NAMES = List.of("Robert", "Carmen", "Lucas");

  private final Duration longest;
  private final PrintStream out;

  /** Greetings that take up to some time each. */
  Greetings(Duration longest, PrintStream out) {
    this.longest = longest;
    this.out = out;
  }

  public static void main(String[] args) throws InterruptedException {
    new Greetings(Duration.ofSeconds(1), System.out).run();
  }

  void run() throws InterruptedException {
    Throttle throttle = Throttle.builder().atOnce(10).perSecond(100).build();

    out.println("for each, in any order:");
    throttle.over(NAMES).runOnEach(name -> out.printf("  %s%n", greeting(name)));

    out.println("all, in the order of the names:");
    out.println("  " + throttle.over(NAMES).runAll(this::greeting));

    out.println("as they become available:");
    try (Results<String> greetings = throttle.over(NAMES).map(this::greeting)) {
      greetings.forEachRemaining(greeting -> out.println("  " + greeting));
    }

    out.println("the first one:");
    out.println("  " + throttle.over(NAMES).runAny(this::greeting));
  }

  private String greeting(String name) throws InterruptedException {
    Thread.sleep(ThreadLocalRandom.current().nextLong(longest.toMillis() + 1)); // waits for input
    return "Hello, " + name + "!";
  }
}
