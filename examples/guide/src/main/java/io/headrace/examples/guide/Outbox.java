package io.headrace.examples.guide;

import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import java.time.Duration;
import java.util.List;

/**
 * Messages, the arguments of the program, that leave in batches. They are sent though the program
 * ends before any batch is due, and whether it ends by itself or by Ctrl-C.
 */
final class Outbox {
  private Outbox() {}

  public static void main(String[] args) {
    // @start region="gracefulStop"
    Batcher<String, Boolean> outbox =
        Batcher.<String, Boolean>builder(messages -> send(messages))
            .batch(BatchPolicy.fixed(100, Duration.ofMinutes(1)))
            .build();

    Runnable drain =
        () -> {
          if (!outbox.close(Duration.ofSeconds(10))) { // sends what waits, without a delay
            System.err.println("there was not time enough for all messages");
          }
        };
    Runtime.getRuntime().addShutdownHook(new Thread(drain, "drain"));
    // @end
    outbox.submitAll(List.of(args));
  }

  private static List<Boolean> send(List<String> messages) {
    System.out.println("sent " + messages);
    return messages.stream().map(_ -> true).toList();
  }
}
