package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The adaptive policy in a batcher, with random arrivals, costs, stalls and failures, in virtual
 * time. See {@link RandomSchedules} for the seeds.
 */
class AdaptiveScheduleTest {
  private static final int MAX_STEPS = 100_000;

  @ParameterizedTest
  @MethodSource("io.headrace.RandomSchedules#firstSeeds")
  void everyCallEndsAndNoDecisionIsBeyondItsBounds(long firstSeed) {
    try (LogCapture _ = new LogCapture()) {
      RandomSchedules.runFrom(firstSeed, seed -> new Schedule(Seeds.random(seed)));
    }
  }

  private static final class Schedule implements RandomSchedules.Schedule {
    private final Random random;
    private final VirtualTime time = new VirtualTime();
    private final int maxSize;
    private final int workers;
    private final double fixedMillis;
    private final double itemMillis;
    private final double noise;
    private final boolean fails;
    private final List<Call> calls = new ArrayList<>();
    private final Batcher<Integer, Integer> batcher;
    private int running;
    private int begunBefore = -1;

    private record Call(boolean hasDeadline, CompletableFuture<Integer> future) {}

    Schedule(Random random) {
      this.random = random;
      maxSize = 1 + random.nextInt(random.nextBoolean() ? 8 : 100);
      workers = 1 + random.nextInt(3);
      fixedMillis = random.nextInt(20);
      itemMillis = random.nextDouble();
      noise = random.nextBoolean() ? 0 : 0.5;
      fails = random.nextInt(4) == 0;
      Duration objective = Duration.ofMillis(1 + random.nextInt(100));
      LearningPolicy adaptive = (LearningPolicy) BatchPolicy.adaptive(maxSize, objective);
      batcher =
          Batcher.<Integer, Integer>asyncBuilder(this::handle)
              .batch(new Checked(adaptive))
              .workers(Workers.executor(Runnable::run, workers))
              .timeSource(time)
              .build();
    }

    private CompletableFuture<List<Integer>> handle(List<Integer> items) {
      assertThat(items.size()).isBetween(1, maxSize);
      assertThat(++running).isLessThanOrEqualTo(workers);
      for (int item : items) {
        assertThat(item).as("in the order of arrival").isGreaterThan(begunBefore);
        begunBefore = item;
      }
      double factor = Math.exp(noise * random.nextGaussian());
      factor *= random.nextInt(50) == 0 ? 20 : 1;
      double nanos = 1 + 1e6 * factor * (fixedMillis + itemMillis * items.size());
      boolean failed = fails && random.nextInt(5) == 0;
      return time.after(items, Duration.ofNanos((long) nanos))
          .thenApply(
              done -> {
                running--;
                if (failed) {
                  throw new IllegalStateException("handler");
                }
                return done;
              });
    }

    @Override
    public void run() {
      int groups = 1 + random.nextInt(random.nextInt(10) == 0 ? 60 : 12);
      for (int i = 0; i < groups; i++) {
        submit(1 + random.nextInt(random.nextInt(8) == 0 ? 200 : 10));
        time.advance(Duration.ofNanos(random.nextInt(20_000_000)));
        if (random.nextInt(30) == 0) {
          time.advance(Duration.ofSeconds(5));
        }
      }
      int steps = 0;
      while (time.advanceToNext()) {
        assertThat(steps++).as("steps after the last arrival").isLessThan(MAX_STEPS);
      }
      for (Call call : calls) {
        assertThat(call.future).isDone();
        if (!call.hasDeadline && !fails) {
          assertThat(call.future).as("a call without a deadline").isCompleted();
        }
      }
      batcher.close();
      assertThat(time.alarms()).isZero();
    }

    @Override
    public String toString() {
      return "max " + maxSize + ", " + workers + " workers, " + calls.size() + " calls";
    }

    private void submit(int count) {
      for (int i = 0; i < count; i++) {
        boolean hasDeadline = random.nextInt(3) > 0;
        CallOptions options =
            hasDeadline
                ? CallOptions.timeout(Duration.ofMillis(1 + random.nextInt(120)))
                : CallOptions.DEFAULT;
        calls.add(new Call(hasDeadline, batcher.submit(calls.size(), options)));
      }
    }
  }

  /** Checks what another policy decides. */
  private record Checked(LearningPolicy policy) implements LearningPolicy {
    @Override
    public LearningPolicy forQueue() {
      return new Checked(policy.forQueue());
    }

    @Override
    public int maxSize() {
      return policy.maxSize();
    }

    @Override
    public void handled(int size, long handleNanos) {
      policy.handled(size, handleNanos);
    }

    @Override
    public long dropBeforeNanos(QueueState queue) {
      long beforeNanos = policy.dropBeforeNanos(queue);
      assertThat(beforeNanos - queue.nowNanos()).isNotNegative();
      return beforeNanos;
    }

    @Override
    public long expectedNanos(int ahead, long nowNanos) {
      long nanos = policy.expectedNanos(ahead, nowNanos);
      assertThat(nanos).isNotNegative();
      return nanos;
    }

    @Override
    public Decision decide(QueueState queue) {
      Decision decision = policy.decide(queue);
      assertThat(decision.size()).isBetween(0, policy.maxSize());
      if (decision.size() == 0) {
        assertThat(decision.lookAgainNanos() - queue.nowNanos()).isPositive();
      }
      return decision;
    }
  }
}
