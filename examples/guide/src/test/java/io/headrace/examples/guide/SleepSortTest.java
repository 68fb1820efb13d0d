package io.headrace.examples.guide;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class SleepSortTest {
  @Test
  void sortsByWaiting() {
    VirtualTime time = new VirtualTime();
    List<Double> numbers = List.of(3600.0, 0.1, 60.0, 0.2, 0.1);
    CompletableFuture<List<Double>> sorted =
        CompletableFuture.supplyAsync(() -> SleepSort.sort(numbers, time));
    await("all tasks wait").until(() -> time.alarms() == numbers.size());
    time.advance(Duration.ofHours(1));
    assertThat(sorted.join()).containsExactly(0.1, 0.1, 0.2, 60.0, 3600.0);
  }
}
