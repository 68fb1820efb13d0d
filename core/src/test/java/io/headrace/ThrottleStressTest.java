package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Phaser;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/**
 * A throttle under many real threads that take permits in every way and give up in every way. The
 * time it takes comes from {@code headrace.test.stress.seconds}.
 */
class ThrottleStressTest {
  private static final int SECONDS = Integer.getInteger("headrace.test.stress.seconds", 4);
  private static final int AT_ONCE = 3;
  private static final int THREADS = 40;

  /** A phaser counts 65,535 at most, and nobody would close the permit of one that it refuses. */
  private static final int MAX_FUTURES = 30_000;

  private final AtomicInteger running = new AtomicInteger();
  private final AtomicInteger most = new AtomicInteger();
  private final AtomicInteger served = new AtomicInteger();
  private final AtomicInteger wished = new AtomicInteger();
  private final AtomicInteger gaveUp = new AtomicInteger();
  private final Phaser underWay = new Phaser(1);

  @Test
  void theLimitIsExactAndEverybodyIsServed() throws InterruptedException {
    run(Throttle.atMost(AT_ONCE), SECONDS / 2.0);
    run(Throttle.builder().atOnce(AT_ONCE).perSecond(50_000).burst(5).build(), SECONDS / 2.0);
  }

  /** The window of the whole test: no more than the rate allows. */
  @Test
  void theRateIsNotExceeded() throws InterruptedException {
    double perSecond = 20_000;
    Throttle throttle =
        Throttle.builder().perSecond(perSecond).catchUp(Duration.ofMillis(5)).burst(7).build();
    long startNanos = System.nanoTime();
    run(throttle, 1);
    double seconds = (System.nanoTime() - startNanos) / 1e9;
    assertThat((double) served.get()).isLessThanOrEqualTo((seconds + 0.005) * perSecond + 7);
  }

  private void run(Throttle throttle, double seconds) throws InterruptedException {
    long endNanos = System.nanoTime() + (long) (seconds * 1e9);
    boolean limitsSlots = throttle.toString().contains("atOnce");
    List<Thread> threads = new ArrayList<>();
    List<Throwable> failures = java.util.Collections.synchronizedList(new ArrayList<>());
    for (int i = 0; i < THREADS; i++) {
      Thread thread =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      while (System.nanoTime() - endNanos < 0) {
                        wish(throttle, limitsSlots);
                      }
                    } catch (Throwable failure) {
                      failures.add(failure);
                    }
                  });
      threads.add(thread);
    }
    while (System.nanoTime() - endNanos < 0) {
      threads.get(ThreadLocalRandom.current().nextInt(THREADS)).interrupt();
      Thread.onSpinWait();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    underWay.arriveAndAwaitAdvance();
    assertThat(failures).isEmpty();
    assertThat(throttle.waiting()).isZero();
    assertThat(throttle.running()).isZero();
    assertThat(running).hasValue(0);
    assertThat(served.get() + gaveUp.get()).isEqualTo(wished.get());
    if (limitsSlots) {
      assertThat(most).hasValueBetween(1, AT_ONCE);
    }
  }

  private void wish(Throttle throttle, boolean limitsSlots) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    wished.incrementAndGet();
    try {
      boolean hasFew = underWay.getRegisteredParties() < MAX_FUTURES;
      switch (random.nextInt(hasFew ? 6 : 4)) {
        case 0 -> use(throttle.tryAcquire(), limitsSlots);
        case 1 -> use(throttle.acquire(), limitsSlots);
        case 2 -> use(throttle.tryAcquire(micros(random)), limitsSlots);
        case 3 -> use(throttle.acquire(micros(random)), limitsSlots);
        case 4 -> await(throttle.acquireAsync(), random.nextInt(3) == 0, limitsSlots);
        default -> await(throttle.acquireAsync(micros(random)), false, limitsSlots);
      }
    } catch (InterruptedException | DeadlineExceededException e) {
      gaveUp.incrementAndGet();
    }
  }

  private static Duration micros(ThreadLocalRandom random) {
    return Duration.ofNanos(1_000L * (1 + random.nextInt(500)));
  }

  private void await(CompletableFuture<Permit> future, boolean cancels, boolean limitsSlots) {
    underWay.register();
    future.whenComplete(
        (permit, failure) -> {
          if (permit == null) {
            gaveUp.incrementAndGet();
          } else {
            use(permit, limitsSlots);
          }
          underWay.arriveAndDeregister();
        });
    if (cancels) {
      future.cancel(true);
    }
  }

  private void use(Permit permit, boolean limitsSlots) {
    if (permit == null) {
      gaveUp.incrementAndGet();
      return;
    }
    if (limitsSlots) {
      most.accumulateAndGet(running.incrementAndGet(), Math::max);
      Thread.onSpinWait();
      running.decrementAndGet();
    }
    served.incrementAndGet();
    permit.close();
  }
}
