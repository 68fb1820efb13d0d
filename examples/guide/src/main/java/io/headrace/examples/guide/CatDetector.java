package io.headrace.examples.guide;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Observer;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/**
 * The cat detector of aqueduct: a model that needs less time for a batch of images than for each
 * alone, asked for one image at a time by many callers.
 */
final class CatDetector implements Handler<float[], Boolean> {
  static final int IMAGES = 20;

  private final Duration imageTime;

  /** A model that takes this long for one image, and 70 % of it for each image of a batch. */
  CatDetector(Duration imageTime) {
    this.imageTime = imageTime;
  }

  public static void main(String[] args) throws Exception {
    Duration imageTime = Duration.ofMillis(10);
    System.out.println("One by one:");
    detect(BatchPolicy.greedy(1), imageTime, System.out);
    System.out.println("In batches of what waits, " + IMAGES + " at most:");
    detect(BatchPolicy.greedy(IMAGES), imageTime, System.out);
    System.out.println("In batches of " + 2 * IMAGES + ", or what has come after 10 ms:");
    detect(BatchPolicy.fixed(2 * IMAGES, Duration.ofMillis(10)), imageTime, System.out);
  }

  /** There is a cat in every image. */
  @Override
  public List<Boolean> handle(List<float[]> images) throws InterruptedException {
    Thread.sleep(
        images.size() == 1 ? imageTime : imageTime.multipliedBy(7L * images.size()).dividedBy(10));
    return Collections.nCopies(images.size(), true);
  }

  static void detect(BatchPolicy policy, Duration imageTime, PrintStream out)
      throws InterruptedException {
    Observer printer =
        new Observer() {
          @Override
          public void onBatch(BatchEvent batch) {
            out.printf(
                "  a batch of %d took %d ms%n", batch.size(), batch.handleNanos() / 1_000_000);
          }
        };
    try (Flow<float[], Boolean> flow =
        Flow.<float[]>builder("cats")
            .step("detect", new CatDetector(imageTime), step -> step.batch(policy))
            .observer(printer)
            .build()
            .start()) {
      List<CompletableFuture<Boolean>> answers =
          IntStream.range(0, IMAGES).mapToObj(i -> flow.submit(new float[] {1, 2, 3})).toList();
      long cats = answers.stream().filter(CompletableFuture::join).count();
      out.println("  " + cats + " cats");
    }
  }
}
