package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.VirtualTime;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** What ended is not kept while a run waits for more. */
class RunMemoryTest {
  private static final int COUNT = 4;

  private final List<WeakReference<Object>> kept = Collections.synchronizedList(new ArrayList<>());
  private final CountDownLatch never = new CountDownLatch(1);

  private Object watched() {
    Object object = new Object();
    kept.add(new WeakReference<>(object));
    return object;
  }

  /** Gives a few inputs, and then waits for ever. */
  private final Iterator<Object> inputs =
      new Iterator<>() {
        private int given;

        @Override
        public boolean hasNext() {
          return true;
        }

        @Override
        public Object next() {
          if (given++ == COUNT) {
            try {
              never.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          }
          return watched();
        }
      };

  private void awaitForgotten(int objects) {
    assertThat(kept).hasSizeGreaterThanOrEqualTo(objects);
    FlowProbes.awaitThat(
        "nothing is kept",
        () -> {
          System.gc();
          return kept.stream().limit(objects).allMatch(reference -> reference.get() == null);
        });
  }

  @Test
  void idleThreadsKeepNeitherInputsNorResults() throws Exception {
    CountDownLatch together = new CountDownLatch(COUNT);
    try (Results<Object> results =
        Throttle.atMost(COUNT)
            .over(inputs)
            .map(
                _ -> {
                  together.countDown();
                  together.await();
                  return watched();
                })) {
      for (int i = 0; i < COUNT; i++) {
        results.next();
      }
      awaitForgotten(2 * COUNT);
    }
  }

  /** Their function returns its stage when the time is over, and nobody completes it. */
  @Test
  void stagesThatComeTooLateAreForgotten() {
    VirtualTime time = new VirtualTime();
    Duration second = Duration.ofSeconds(1);
    try (Results<TaskOutcome<Object, Object>> results =
        Throttle.builder()
            .atOnce(COUNT)
            .timeSource(time)
            .build()
            .over(inputs)
            .taskTimeout(second)
            .collect()
            .map(
                Task.async(
                    _ -> {
                      time.advance(second);
                      return new CompletableFuture<>();
                    }))) {
      for (int i = 0; i < COUNT; i++) {
        assertThat(results.next().isFailure()).isTrue();
      }
      awaitForgotten(COUNT);
    }
  }
}
