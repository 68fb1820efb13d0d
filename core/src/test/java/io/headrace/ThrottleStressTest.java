package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
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
  private final long originNanos = System.nanoTime();
  private final Queue<Grant> grants = new ConcurrentLinkedQueue<>();
  private boolean isRecording;

  /** When a permit was asked for, and when it was known to be given. */
  private record Grant(long askedNanos, long knownNanos) {}

  @Test
  void theLimitIsExactAndEverybodyIsServed() throws InterruptedException {
    run(Throttle.atMost(AT_ONCE), SECONDS / 2.0);
    run(Throttle.builder().atOnce(AT_ONCE).perSecond(50_000).burst(5).build(), SECONDS / 2.0);
  }

  /**
   * No window has more permits than the rate allows. A permit was given at some time between the
   * two of its grant, so it is surely in a window that has both.
   */
  @Test
  void theRateIsNotExceeded() throws InterruptedException {
    double perSecond = 20_000;
    Throttle throttle =
        Throttle.builder().perSecond(perSecond).catchUp(Duration.ofMillis(5)).burst(7).build();
    isRecording = true;
    run(throttle, 1);
    List<Grant> all = grants.stream().sorted(Comparator.comparingLong(Grant::knownNanos)).toList();
    assertThat(all).hasSizeGreaterThan(100);
    for (int i = 0; i < all.size(); i += 10) {
      checkWindowsFrom(all.get(i).askedNanos, all, perSecond);
    }
  }

  private static void checkWindowsFrom(long startNanos, List<Grant> all, double perSecond) {
    int given = 0;
    for (Grant grant : all) {
      double seconds = (grant.knownNanos - startNanos) / 1e9;
      if (grant.askedNanos >= startNanos && ++given > (seconds + 0.005) * perSecond + 7) {
        throw new AssertionError(given + " permits in a window of " + seconds + " s");
      }
    }
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
    long askedNanos = System.nanoTime();
    try {
      boolean hasFew = underWay.getRegisteredParties() < MAX_FUTURES;
      switch (random.nextInt(hasFew ? 6 : 4)) {
        case 0 -> use(throttle.tryAcquire(), askedNanos, limitsSlots);
        case 1 -> use(throttle.acquire(), askedNanos, limitsSlots);
        case 2 -> use(throttle.tryAcquire(micros(random)), askedNanos, limitsSlots);
        case 3 -> use(throttle.acquire(micros(random)), askedNanos, limitsSlots);
        case 4 -> await(throttle.acquireAsync(), random.nextInt(3) == 0, askedNanos, limitsSlots);
        default -> await(throttle.acquireAsync(micros(random)), false, askedNanos, limitsSlots);
      }
    } catch (InterruptedException | DeadlineExceededException e) {
      gaveUp.incrementAndGet();
    }
  }

  private static Duration micros(ThreadLocalRandom random) {
    return Duration.ofNanos(1_000L * (1 + random.nextInt(500)));
  }

  private void await(
      CompletableFuture<Permit> future, boolean cancels, long askedNanos, boolean limitsSlots) {
    underWay.register();
    future.whenComplete(
        (permit, failure) -> {
          if (permit == null) {
            gaveUp.incrementAndGet();
          } else {
            use(permit, askedNanos, limitsSlots);
          }
          underWay.arriveAndDeregister();
        });
    if (cancels) {
      future.cancel(true);
    }
  }

  private void use(Permit permit, long askedNanos, boolean limitsSlots) {
    if (permit == null) {
      gaveUp.incrementAndGet();
      return;
    }
    if (isRecording) {
      grants.add(new Grant(askedNanos - originNanos, System.nanoTime() - originNanos));
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
