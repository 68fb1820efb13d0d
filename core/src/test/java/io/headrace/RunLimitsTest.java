package io.headrace;

import static io.headrace.FlowProbes.awaitLatch;
import static io.headrace.FlowProbes.awaitThat;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs under a throttle whose limits change meanwhile. */
class RunLimitsTest {
  private static final List<Integer> FORTY = IntStream.range(0, 40).boxed().toList();

  private final Throttle throttle = Throttle.atMost(2);
  private final AtomicInteger running = new AtomicInteger();
  private final AtomicInteger most = new AtomicInteger();
  private final Semaphore ends = new Semaphore(0);

  /** A task that ends when the test says so, on a thread or by a stage. */
  private Task<Integer, Integer> task(boolean async) {
    Task<Integer, Integer> blocking =
        input -> {
          most.accumulateAndGet(running.incrementAndGet(), Math::max);
          ends.acquire();
          running.decrementAndGet();
          return input;
        };
    return async
        ? Task.async(
            input -> CompletableFuture.supplyAsync(() -> run(blocking, input), FlowProbes.POOL))
        : blocking;
  }

  private static int run(Task<Integer, Integer> task, int input) {
    try {
      return task.run(input);
    } catch (Exception e) {
      throw new AssertionError("nobody interrupts", e);
    }
  }

  private CountDownLatch start(Run<Integer> run, boolean async) {
    CountDownLatch done = new CountDownLatch(1);
    Thread.startVirtualThread(
        () -> {
          try {
            assertThat(run.runAll(task(async))).isEqualTo(FORTY);
            done.countDown();
          } catch (InterruptedException e) {
            throw new AssertionError("nobody interrupts", e);
          }
        });
    return done;
  }

  private void awaitRunning(int tasks) {
    awaitThat(tasks + " tasks run", () -> running.get() == tasks && throttle.running() == tasks);
  }

  /** More than the run-ahead that the limit at the start would give. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void tasksStartWhenTheLimitIsRaised(boolean async) {
    CountDownLatch done = start(throttle.over(FORTY), async);
    awaitRunning(2);
    throttle.setAtOnce(3);
    awaitRunning(3);
    throttle.setAtOnce(30);
    awaitRunning(30);
    ends.release(FORTY.size());
    awaitLatch("the end of the run", done);
    assertThat(throttle.running()).isZero();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void noTaskStartsUntilEnoughHaveEndedWhenItIsLowered(boolean async) {
    throttle.setAtOnce(5);
    CountDownLatch done = start(throttle.over(FORTY), async);
    awaitRunning(5);
    throttle.setAtOnce(2);
    ends.release(3);
    awaitRunning(2);
    for (int i = 5; i < FORTY.size(); i++) {
      ends.release();
      awaitThat("one has ended", () -> ends.availablePermits() == 0);
      assertThat(running.get()).isLessThanOrEqualTo(2);
    }
    ends.release(FORTY.size());
    awaitLatch("the end of the run", done);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theRunAheadStillBoundsTheTasks(boolean async) {
    CountDownLatch done = start(throttle.over(FORTY).runAhead(4), async);
    awaitRunning(2);
    throttle.setAtOnce(30);
    awaitRunning(4);
    ends.release(FORTY.size());
    awaitLatch("the end of the run", done);
    assertThat(most).hasValue(4);
  }

  @Test
  void aRunThatHasEndedIsNotKept() throws Exception {
    ends.release(Integer.MAX_VALUE);
    throttle.over(FORTY).runOnEach(task(false));
    assertThat(throttle.over(FORTY).runAny(task(false))).isNotNull();
    assertThat(throttle.gate().runs()).isZero();
  }
}
