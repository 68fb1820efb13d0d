package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * Runs with real threads that share a throttle: every input is executed once, every result comes
 * once, the limit holds. The time it takes comes from {@code headrace.test.stress.seconds}.
 */
class RunStressTest {
  private static final int SECONDS = Integer.getInteger("headrace.test.stress.seconds", 4);
  private static final int INPUTS = 5_000;
  private static final int LIMIT = 7;

  private final Throttle throttle = Throttle.atMost(LIMIT);
  private final AtomicInteger running = new AtomicInteger();
  private final AtomicInteger most = new AtomicInteger();

  @Test
  void everyInputIsExecutedOnce() throws Exception {
    long end = System.nanoTime() + Duration.ofSeconds(SECONDS).toNanos();
    long first = Long.getLong("headrace.test.seed", 7L);
    do {
      long seed = first;
      try (var callers = Executors.newVirtualThreadPerTaskExecutor()) {
        List<Future<?>> rounds =
            LongStream.range(seed, seed + 4)
                .<Future<?>>mapToObj(
                    each ->
                        callers.submit(
                            () -> {
                              round(each);
                              return null;
                            }))
                .toList();
        for (Future<?> round : rounds) {
          round.get();
        }
      }
      first += 4;
      assertThat(throttle.waiting()).isZero();
      Spin.until(() -> throttle.running() == 0);
      assertThat(running).hasValue(0);
      assertThat(most.get()).isBetween(1, LIMIT);
    } while (System.nanoTime() - end < 0);
  }

  private void round(long seed) throws Exception {
    Random random = Seeds.random(seed);
    AtomicIntegerArray executed = new AtomicIntegerArray(INPUTS);
    Task<Integer, Integer> task = random.nextBoolean() ? blocking(executed) : async(executed);
    Run<Integer> run = throttle.over(IntStream.range(0, INPUTS).boxed());
    run = random.nextBoolean() ? run.taskTimeout(Duration.ofMinutes(1)) : run;
    switch (random.nextInt(5)) {
      case 0 -> {
        run.runOnEach(task);
        assertThat(IntStream.range(0, INPUTS).map(executed::get).sum()).isEqualTo(INPUTS);
      }
      case 1 -> assertThat(run.runAll(task)).isEqualTo(IntStream.range(0, INPUTS).boxed().toList());
      case 2 -> {
        try (Results<Integer> results = run.runAhead(1 + random.nextInt(40)).map(task)) {
          assertEachOnce(results);
        }
      }
      case 3 -> leaveEarly(run.runAhead(10).map(task), random.nextInt(1000), executed);
      default -> publish(task);
    }
    for (int i = 0; i < INPUTS; i++) {
      assertThat(executed.get(i)).isLessThanOrEqualTo(1);
    }
  }

  private static void assertEachOnce(Results<Integer> results) {
    BitSet seen = new BitSet();
    while (results.hasNext()) {
      int result = results.next();
      assertThat(seen.get(result)).isFalse();
      seen.set(result);
    }
    assertThat(seen.cardinality()).isEqualTo(INPUTS);
  }

  private static void leaveEarly(Results<Integer> results, int after, AtomicIntegerArray executed) {
    for (int i = 0; i < after; i++) {
      results.next();
    }
    results.close();
    int sum = IntStream.range(0, INPUTS).map(executed::get).sum();
    assertThat(sum).isBetween(after, after + 10);
  }

  @SuppressWarnings("try") // closing the publisher is what ends the source
  private void publish(Task<Integer, Integer> task) {
    try (SubmissionPublisher<Integer> publisher = new SubmissionPublisher<>()) {
      Results<Integer> results = throttle.over(publisher).map(task);
      Thread.ofVirtual()
          .start(
              () -> {
                IntStream.range(0, INPUTS).forEach(publisher::submit);
                publisher.close();
              });
      assertEachOnce(results);
      results.close();
    }
  }

  private Task<Integer, Integer> blocking(AtomicIntegerArray executed) {
    return input -> {
      enter(executed, input);
      if (ThreadLocalRandom.current().nextInt(50) == 0) {
        Thread.yield();
      }
      running.decrementAndGet();
      return input;
    };
  }

  private Task<Integer, Integer> async(AtomicIntegerArray executed) {
    return Task.async(
        input -> {
          enter(executed, input);
          if (ThreadLocalRandom.current().nextInt(4) == 0) {
            Running stage = new Running();
            Thread.startVirtualThread(() -> stage.complete(input));
            return stage;
          }
          running.decrementAndGet();
          return CompletableFuture.completedFuture(input);
        });
  }

  /** Counts as running until it is completed or cancelled, after which its permit is free. */
  private final class Running extends CompletableFuture<Integer> {
    private final AtomicBoolean isOver = new AtomicBoolean();

    @Override
    public boolean complete(Integer value) {
      end();
      return super.complete(value);
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
      end();
      return super.cancel(mayInterruptIfRunning);
    }

    private void end() {
      if (isOver.compareAndSet(false, true)) {
        running.decrementAndGet();
      }
    }
  }

  private void enter(AtomicIntegerArray executed, int input) {
    most.accumulateAndGet(running.incrementAndGet(), Math::max);
    executed.incrementAndGet(input);
  }
}
