package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** A thread without stack does not take the service of others along. */
class StackOverflowTest {
  @SuppressWarnings("InfiniteRecursion") // until the stack is at its end
  private static void withdrawDeeper(Batcher<Integer, Integer> batcher) {
    batcher.submit(0).cancel(true);
    withdrawDeeper(batcher);
  }

  private static void overflow(Batcher<Integer, Integer> batcher) {
    for (int i = 0; i < 3; i++) {
      try {
        withdrawDeeper(batcher);
      } catch (StackOverflowError _) {
        // That is what it is for.
      }
    }
  }

  @Test
  void whatWaitsThenIsFailedByAShutdownAtLeast() throws Exception {
    for (int i = 0; i < 3; i++) {
      try (LogCapture _ = new LogCapture()) {
        Batcher<Integer, Integer> batcher = Batcher.builder(new Echo<Integer>()).build();
        Thread caller = Thread.ofPlatform().unstarted(() -> overflow(batcher));
        caller.start();
        caller.join();
        var future = batcher.submit(1);
        batcher.shutdownNow();
        await().atMost(Duration.ofSeconds(20)).until(future::isDone);
        assertThat(future).isDone();
      }
    }
  }
}
