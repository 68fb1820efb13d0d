package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Workers that look for more before they say that they are idle, and workers that never do: the
 * clock says whether items come quickly.
 */
class LingerTest {
  private static final int CALLERS = 4;
  private static final int CALLS = 5_000;
  private static final int MAX_SIZE = 3;

  static Stream<LeapingTime> clocks() {
    return Stream.of(new LeapingTime("always quick", 0), new LeapingTime("never quick", 1_000_000));
  }

  @ParameterizedTest
  @MethodSource("clocks")
  void everyCallOfAClosedLoopIsAnswered(TimeSource time) throws Exception {
    Batcher<Integer, Integer> batcher = batcher(BatchPolicy.greedy(MAX_SIZE), time);
    try (batcher) {
      callInLoops(batcher);
    }
    assertThat(batcher.statistics().completed()).isEqualTo(CALLERS * CALLS);
  }

  @ParameterizedTest
  @MethodSource("clocks")
  void everyItemOfABurstIsAnsweredAndClosingSendsTheRest(TimeSource time) {
    List<Future<Integer>> futures = new ArrayList<>();
    try (Batcher<Integer, Integer> batcher =
        batcher(new FixedPolicy(MAX_SIZE, Long.MAX_VALUE / 4), time)) {
      for (int i = 0; i < CALLS; i++) {
        futures.add(batcher.submit(i));
      }
    }
    assertThat(futures).allMatch(future -> future.state() == Future.State.SUCCESS);
  }

  private static Batcher<Integer, Integer> batcher(BatchPolicy policy, TimeSource time) {
    return Batcher.builder(LingerTest::handle).batch(policy).timeSource(time).build();
  }

  private static List<Integer> handle(List<Integer> items) {
    assertThat(items).hasSizeLessThanOrEqualTo(MAX_SIZE);
    return List.copyOf(items);
  }

  private static void callInLoops(Batcher<Integer, Integer> batcher) throws Exception {
    List<Future<Boolean>> loops = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int caller = 0; caller < CALLERS; caller++) {
        loops.add(threads.submit(() -> callInLoop(batcher)));
      }
    }
    for (Future<Boolean> loop : loops) {
      assertThat(loop.get()).as("each call got its own result").isTrue();
    }
  }

  private static boolean callInLoop(Batcher<Integer, Integer> batcher) throws InterruptedException {
    for (int i = 0; i < CALLS; i++) {
      if (batcher.call(i) != i) {
        return false;
      }
    }
    return true;
  }

  /** A clock that leaps ahead whenever somebody looks at it; alarms are real. */
  private record LeapingTime(String name, long leapNanos, AtomicLong nanos) implements TimeSource {
    LeapingTime(String name, long leapNanos) {
      this(name, leapNanos, new AtomicLong());
    }

    @Override
    public long nanoTime() {
      return nanos.addAndGet(leapNanos);
    }

    @Override
    public Alarm schedule(long delayNanos, Runnable task) {
      return TimeSource.system().schedule(delayNanos, task);
    }

    @Override
    public void execute(Runnable task) {
      TimeSource.system().execute(task);
    }

    @Override
    public String toString() {
      return name;
    }
  }
}
