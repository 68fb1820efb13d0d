package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.LongAdder;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Coalescers under many real threads. The time it takes comes from {@code
 * headrace.test.stress.seconds}, the first seed from {@code headrace.test.seed}; the seed decides
 * the coalescer, not what the threads do.
 */
class CoalescerStressTest {
  private static final int SECONDS = Integer.getInteger("headrace.test.stress.seconds", 4);
  private static final long FIRST_SEED = Long.getLong("headrace.test.seed", 7L);
  private static final int PLATFORM_THREADS = 3;
  private static final int VIRTUAL_THREADS = 60;
  private static final int FRESH_KEYS = 100_000;

  @Test
  @Timeout(Integer.MAX_VALUE) // each round has a deadline of its own
  void everyCallEndsOnceAndExecutionsOfAKeyNeverOverlap() throws Exception {
    long seed = FIRST_SEED;
    long end = System.nanoTime() + Duration.ofSeconds(SECONDS).toNanos();
    do {
      new Round(seed++).run();
    } while (System.nanoTime() - end < 0);
  }

  /** Calls that come while an execution ends find its result, once it is kept. */
  @ParameterizedTest
  @EnumSource(WhenAbandoned.class)
  @SuppressWarnings("ThreadPriorityCheck") // the threads may be more than the processors
  void whatIsKeptIsNotExecutedAgain(WhenAbandoned whenAbandoned) throws Exception {
    boolean isCancelling = whenAbandoned == WhenAbandoned.CANCEL;
    AtomicIntegerArray arrived = new AtomicIntegerArray(FRESH_KEYS);
    AtomicInteger executions = new AtomicInteger();
    try (ExecutorService other = Executors.newSingleThreadExecutor()) {
      Coalescer<Integer, Integer> coalescer =
          Coalescer.<Integer, Integer>builder(
                  key -> {
                    executions.incrementAndGet();
                    while (!isCancelling && arrived.get(key) < PLATFORM_THREADS) {
                      Thread.yield();
                    }
                    for (int spins = key % 16; spins > 0; spins--) {
                      Thread.onSpinWait(); // so that the others meet each moment of the end
                    }
                    return key;
                  })
              .executor(isCancelling ? other : Runnable::run)
              .whenAbandoned(whenAbandoned)
              .keep(Duration.ofHours(1))
              .build();
      List<Thread> callers = new ArrayList<>();
      for (int i = 0; i < PLATFORM_THREADS; i++) {
        callers.add(
            Thread.ofPlatform()
                .start(
                    () -> {
                      for (int key = 0; key < FRESH_KEYS; key++) {
                        arrived.getAndIncrement(key);
                        if (isCancelling) {
                          for (int times = 0; times < 4; times++) {
                            coalescer.submit(key).cancel(true);
                          }
                        } else {
                          var _ = coalescer.submit(key);
                        }
                      }
                    }));
      }
      for (Thread caller : callers) {
        caller.join();
      }
      for (int key = 0; key < FRESH_KEYS; key++) {
        assertThat(coalescer.submit(key).get()).isEqualTo(key);
      }
      assertThat(coalescer.kept()).isEqualTo(FRESH_KEYS);
      assertThat(coalescer.keys()).isEqualTo(FRESH_KEYS);
      if (!isCancelling) { // one that is cancelled is executed again
        assertThat(executions).hasValue(FRESH_KEYS);
      }
    }
  }

  private static final class Round {
    private final long seed;
    private final Random random;
    private final boolean isBlocking;
    private final boolean isCancelling;
    private final int keys;
    private final int maxKeys;
    private final int callsEach;
    private final Coalescer<Integer, Integer> coalescer;
    private final CoalescerStatistics statistics = CoalescerHooks.statistics();
    private final CoalescerFunctionStatistics perFunction = CoalescerHooks.statisticsPerFunction();
    private final Map<Integer, AtomicInteger> runningByKey = new ConcurrentHashMap<>();
    private final AtomicInteger running = new AtomicInteger();
    private final AtomicInteger executions = new AtomicInteger();
    private final Queue<CompletableFuture<Integer>> open = new ConcurrentLinkedQueue<>();
    private final Queue<Runnable> endings = new ConcurrentLinkedQueue<>();
    private final Queue<Object> violations = new ConcurrentLinkedQueue<>();
    private final LongAdder calls = new LongAdder();
    private final LongAdder completions = new LongAdder();
    private final LongAdder told = new LongAdder();
    private final CountDownLatch finished = new CountDownLatch(PLATFORM_THREADS + VIRTUAL_THREADS);

    Round(long seed) {
      this.seed = seed;
      random = Seeds.random(seed);
      isBlocking = random.nextBoolean();
      isCancelling = random.nextBoolean();
      keys = 1 + random.nextInt(20);
      maxKeys = random.nextBoolean() ? 1 + random.nextInt(keys) : Integer.MAX_VALUE;
      callsEach = 50 + random.nextInt(400);
      coalescer = build();
    }

    private Coalescer<Integer, Integer> build() {
      CoalescerBuilder<Integer, Integer> builder =
          isBlocking
              ? Coalescer.builder(this::execute)
              : Coalescer.asyncBuilder(this::executeLater);
      builder.hooks(statistics.and(perFunction)).hooks(new Teller());
      if (isCancelling) {
        builder.whenAbandoned(WhenAbandoned.CANCEL);
      }
      if (maxKeys != Integer.MAX_VALUE) {
        builder.maxKeys(maxKeys);
      }
      if (random.nextBoolean()) {
        builder.keep(Duration.ofNanos(1 + random.nextInt(200_000)));
      }
      return builder.build();
    }

    private final class Teller implements CoalescerHooks {
      @Override
      public void onResult(String function, Object key, Object result, long nanos, int joiners) {
        told.add(1 + joiners);
      }

      @Override
      public void onFailure(
          String function, Object key, Throwable failure, long nanos, int joiners) {
        told.add(1 + joiners);
      }
    }

    private void begin(Integer key) {
      executions.incrementAndGet();
      if (isCancelling) {
        return; // a cancelled execution and the next one may overlap
      }
      int others = runningByKey.computeIfAbsent(key, k -> new AtomicInteger()).getAndIncrement();
      int all = running.incrementAndGet();
      if (others != 0) {
        violations.add("two executions of " + key);
      }
      if (all > maxKeys) {
        violations.add(all + " executions, at most " + maxKeys);
      }
    }

    private void end(Integer key) {
      if (!isCancelling) {
        running.decrementAndGet();
        runningByKey.get(key).decrementAndGet();
      }
    }

    @SuppressWarnings("ThreadPriorityCheck") // for more interleavings
    private Integer execute(Integer key) {
      begin(key);
      try {
        if (key % 3 == 0) {
          Thread.yield();
        }
        if (executions.get() % 7 == 0) {
          throw new IllegalStateException("on purpose");
        }
        return key;
      } finally {
        end(key);
      }
    }

    private CompletableFuture<Integer> executeLater(Integer key) {
      begin(key);
      CompletableFuture<Integer> stage = new CompletableFuture<>();
      boolean fails = executions.get() % 7 == 0;
      endings.add(
          () -> {
            end(key);
            if (fails) {
              stage.completeExceptionally(new IllegalStateException("on purpose"));
            } else {
              stage.complete(key);
            }
          });
      return stage;
    }

    private void endSome() {
      Runnable ending = endings.poll();
      if (ending != null) {
        ending.run();
      }
    }

    void run() throws InterruptedException {
      for (int i = 0; i < PLATFORM_THREADS; i++) {
        long threadSeed = random.nextLong();
        Thread.ofPlatform().start(() -> submitAll(new Random(threadSeed)));
      }
      for (int i = 0; i < VIRTUAL_THREADS; i++) {
        long threadSeed = random.nextLong();
        Thread.ofVirtual().start(() -> callAll(new Random(threadSeed)));
      }
      Awaitility.await()
          .atMost(Duration.ofSeconds(60))
          .pollInSameThread()
          .pollInterval(Duration.ofMillis(1))
          .until(
              () -> {
                endSome();
                return finished.getCount() == 0;
              });
      while (!endings.isEmpty()) {
        endSome();
      }
      Awaitility.await()
          .atMost(Duration.ofSeconds(60))
          .untilAsserted(() -> assertThat(coalescer.keys()).as("seed " + seed).isZero());
      check();
    }

    private void check() {
      assertThat(violations).as("seed " + seed).isEmpty();
      // The hooks are told before the callers, but an execution that ends is out of the map
      // earlier.
      Awaitility.await()
          .atMost(Duration.ofSeconds(60))
          .untilAsserted(() -> assertThat(completions.sum()).isEqualTo(calls.sum()));
      CoalescerStatistics.Snapshot all = statistics.snapshot();
      assertThat(all.total()).as("seed " + seed).isEqualTo(calls.sum());
      assertThat(perFunction.snapshot().get("coalescer")).isEqualTo(all);
      assertThat(told.sum())
          .as("calls that executions were told of, seed " + seed)
          .isBetween(all.executed(), all.executed() + all.joined());
      if (maxKeys == Integer.MAX_VALUE) {
        assertThat(told.sum()).as("seed " + seed).isEqualTo(all.executed() + all.joined());
      }
    }

    private void submitAll(Random own) {
      for (int i = 0; i < callsEach * 4; i++) {
        Integer key = own.nextInt(keys);
        calls.increment();
        CompletableFuture<Integer> future = coalescer.submit(key);
        future.whenComplete((result, failure) -> completed(key, result));
        open.add(future);
        if (own.nextInt(3) == 0) {
          CompletableFuture<Integer> other = open.poll();
          if (other != null) {
            other.cancel(true);
          }
        }
        if (own.nextInt(4) == 0) {
          endSome();
        }
      }
      finished.countDown();
    }

    private void callAll(Random own) {
      for (int i = 0; i < callsEach; i++) {
        Integer key = own.nextInt(keys);
        CallOptions options =
            own.nextInt(3) == 0
                ? CallOptions.timeout(Duration.ofNanos(1 + own.nextInt(2_000_000)))
                : CallOptions.DEFAULT;
        calls.increment();
        try {
          completed(key, coalescer.call(key, options));
        } catch (Exception failure) {
          completions.increment();
        }
        endSome();
      }
      finished.countDown();
    }

    private void completed(Integer key, Integer result) {
      completions.increment();
      if (result != null && !result.equals(key)) {
        violations.add(result + " for " + key);
      }
    }
  }
}
