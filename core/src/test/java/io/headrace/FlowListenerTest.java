package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What the listener of one call is told, with exact numbers in virtual time. */
class FlowListenerTest {
  private static final long MS = 1_000_000;

  private final VirtualTime time = new VirtualTime();

  private void advance(long millis) {
    time.advance(Duration.ofMillis(millis));
  }

  @Test
  void listenerIsToldOfEachStepOfItsOwnCall() throws Exception {
    List<String> steps = new ArrayList<>();
    CallListener listener =
        (step, batchSize, queueNanos, handleNanos) ->
            steps.add(
                step
                    + " size "
                    + batchSize
                    + " queue "
                    + queueNanos / MS
                    + " handle "
                    + handleNanos / MS);
    Workers worker = Workers.executor(Runnable::run, 1);
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("f")
            .timeSource(time)
            .asyncStep(
                "a",
                FlowObserverTest.taking(time, 10),
                s -> s.batch(BatchPolicy.greedy(2)).workers(worker))
            .asyncStep("b", FlowObserverTest.taking(time, 30), s -> s.workers(worker))
            .build()
            .start();
    flow.submit(1);
    advance(4);
    CompletableFuture<Integer> listened =
        flow.submit(2, CallOptions.DEFAULT.withListener(listener));
    flow.submit(3);
    advance(16);
    assertThat(steps).as("told before the item moves on").hasSize(1);
    advance(100);

    assertThat(listened).isCompletedWithValue(4);
    assertThat(steps).containsExactly("a size 2 queue 6 handle 10", "b size 2 queue 20 handle 30");
    flow.close();
  }

  @Test
  void listenerIsToldOfAFailureAndOfNoStepThatTheItemPassesBy() throws Exception {
    List<String> steps = new ArrayList<>();
    CallListener listener = (step, batchSize, queueNanos, handleNanos) -> steps.add(step);
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("f")
            .timeSource(time)
            .stepIf(n -> false, "skipped", Handler.each(n -> n), s -> s.workers(Workers.inline()))
            .asyncStep("last", FlowObserverTest.taking(time, 1), s -> s.workers(Workers.inline()))
            .build()
            .start();

    flow.submit(0, CallOptions.DEFAULT.withListener(listener));
    advance(1);

    assertThat(steps).containsExactly("last");
    flow.close();
  }
}
