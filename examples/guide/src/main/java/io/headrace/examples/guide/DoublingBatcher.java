package io.headrace.examples.guide;

import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.Workers;
import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/**
 * The first example of async-batcher: ten callers, two batches of five at once, and each caller has
 * the double of its own number.
 */
final class DoublingBatcher {
  private DoublingBatcher() {}

  public static void main(String[] args) throws InterruptedException {
    run(Duration.ofSeconds(1), System.out);
  }

  static void run(Duration work, PrintStream out) {
    try (Batcher<Integer, Integer> batcher =
        Batcher.<Integer, Integer>builder(
                numbers -> {
                  out.println("doubling " + numbers);
                  Thread.sleep(work);
                  return numbers.stream().map(number -> number * 2).toList();
                })
            .batch(BatchPolicy.fixed(5, Duration.ofSeconds(2)))
            .workers(Workers.virtualThreads(2))
            .build()) {
      List<CompletableFuture<Integer>> doubles =
          IntStream.range(0, 10).mapToObj(batcher::submit).toList();
      out.println(doubles.stream().map(CompletableFuture::join).toList());
    }
  }
}
