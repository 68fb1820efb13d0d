package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.ThrottleModel.Wish;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random throttles under random schedules, beside a naive model, in virtual time. See {@link
 * RandomSchedules} for the seeds.
 */
class ThrottleScheduleTest {
  @ParameterizedTest
  @MethodSource("io.headrace.RandomSchedules#firstSeeds")
  void aThrottleDoesWhatTheModelDoes(long firstSeed) {
    RandomSchedules.runFrom(firstSeed, seed -> new Schedule(Seeds.random(seed)));
  }

  /** One throttle and what happens to it. */
  private static final class Schedule implements RandomSchedules.Schedule {
    private final Random random;
    private final VirtualTime alarms = new VirtualTime();
    private final long startNanos = alarms.nanoTime();

    /** How much later than the alarms the clock is: threads are late by that. */
    private long lateNanos;

    private final TimeSource time =
        new TimeSource() {
          @Override
          public long nanoTime() {
            return alarms.nanoTime() + lateNanos;
          }

          @Override
          public Alarm schedule(long delayNanos, Runnable task) {
            return alarms.schedule(delayNanos + lateNanos, task);
          }

          @Override
          public void execute(Runnable task) {
            task.run();
          }
        };

    private final int atOnce;
    private final long intervalNanos;
    private final int burst;
    private final long catchUpNanos;
    private final Throttle throttle;
    private final ThrottleModel model;
    private final List<Wish> wishes = new ArrayList<>();
    private final List<CompletableFuture<Permit>> futures = new ArrayList<>();
    private final List<Permit> permits = new ArrayList<>();
    private final List<Long> grantsNanos = new ArrayList<>();
    final StringBuilder log = new StringBuilder();

    Schedule(Random random) {
      this.random = random;
      boolean hasRate = random.nextInt(4) > 0;
      atOnce = hasRate && random.nextBoolean() ? 0 : 1 + random.nextInt(4);
      intervalNanos = hasRate ? (1 + random.nextInt(8)) * 1_000_000L : 0;
      burst = hasRate ? 1 + random.nextInt(3) : 1;
      catchUpNanos = random.nextInt(4) * 3_000_000L;
      ThrottleBuilder builder = Throttle.builder().timeSource(time);
      if (atOnce > 0) {
        builder.atOnce(atOnce);
      }
      if (hasRate) {
        builder.rate(1, Duration.ofNanos(intervalNanos)).burst(burst);
        builder.catchUp(Duration.ofNanos(catchUpNanos));
      }
      throttle = builder.build();
      model = new ThrottleModel(atOnce, intervalNanos, burst, catchUpNanos);
      log.append(throttle).append('\n');
    }

    @Override
    public String toString() {
      return log.toString();
    }

    private long now() {
      return time.nanoTime() - startNanos;
    }

    private void note(String what) {
      log.append(now() / 1_000_000.0).append(" ms: ").append(what).append('\n');
    }

    @Override
    public void run() {
      int operations = 5 + random.nextInt(60);
      for (int op = 0; op < operations; op++) {
        act();
        check();
      }
      for (int i = 0; !model.queue.isEmpty(); i++) {
        assertThat(i).as("it goes on for ever").isLessThan(10_000);
        while (!permits.isEmpty()) {
          close(0);
        }
        advance(1 + random.nextInt(5));
        check();
      }
      assertThat(alarms.alarms()).as("alarms that are left").isZero();
      checkWindows();
    }

    private void act() {
      switch (random.nextInt(12)) {
        case 0, 1 -> tryAcquire();
        case 2, 3, 4 -> acquire(0);
        case 5 -> acquire(1 + random.nextInt(20));
        case 6, 7 -> {
          if (!permits.isEmpty()) {
            close(random.nextInt(permits.size()));
          }
        }
        case 8 -> giveUp();
        default -> advance(random.nextInt(8) == 0 ? random.nextInt(80) : random.nextInt(6));
      }
    }

    private void tryAcquire() {
      int cost = cost();
      Permit permit = throttle.withCost(cost).tryAcquire();
      note("try for " + cost + ": " + (permit != null));
      assertThat(permit != null).as("a try").isEqualTo(model.tryAcquire(cost, now()));
      if (permit != null) {
        granted(permit, cost);
      }
    }

    private int cost() {
      return 1 + random.nextInt(burst);
    }

    private void acquire(int timeoutMillis) {
      int cost = cost();
      note("acquire " + wishes.size() + " for " + cost + " within " + timeoutMillis);
      long timeoutNanos = timeoutMillis * 1_000_000L;
      Wish wish =
          new Wish(wishes.size(), cost, timeoutMillis == 0 ? Long.MAX_VALUE : now() + timeoutNanos);
      wishes.add(wish);
      wish.isGranted = model.tryAcquire(cost, now());
      if (!wish.isGranted && timeoutMillis > 0 && model.delayNanos(cost, now()) > timeoutNanos) {
        wish.isOver = true;
      } else if (!wish.isGranted) {
        model.queue.add(wish);
        model.settle(now());
      }
      CompletableFuture<Permit> future =
          timeoutMillis == 0
              ? throttle.withCost(cost).acquireAsync()
              : throttle.withCost(cost).acquireAsync(Duration.ofMillis(timeoutMillis));
      futures.add(future);
      future.thenAccept(permit -> granted(permit, cost));
    }

    private void granted(Permit permit, int cost) {
      permits.add(permit);
      grantsNanos.addAll(Collections.nCopies(cost, now()));
    }

    private void close(int index) {
      note("close");
      Permit permit = permits.remove(index);
      if (atOnce > 0) {
        model.running--;
        model.settle(now());
      }
      permit.close();
      if (random.nextBoolean()) {
        permit.close();
      }
    }

    private void giveUp() {
      if (model.queue.isEmpty()) {
        return;
      }
      Wish wish = model.queue.get(random.nextInt(model.queue.size()));
      note("give up " + wish.id);
      model.dismiss(wish);
      model.settle(now());
      if (random.nextBoolean()) {
        assertThat(futures.get(wish.id).cancel(true)).as("cancelled").isTrue();
      } else {
        futures.get(wish.id).completeExceptionally(new IllegalStateException());
      }
    }

    /** Lets time pass in small steps, of which some are late: then several alarms ring at once. */
    private void advance(int millis) {
      long stepNanos = 500_000;
      long untilNanos = now() + millis * 1_000_000L;
      long jumpNanos = random.nextInt(3) == 0 ? Math.max(0, millis - 1) * 1_000_000L : 0;
      note("advance " + millis + " ms, late by " + jumpNanos / 1_000_000.0);
      jump(jumpNanos);
      while (now() < untilNanos) {
        alarms.advance(Duration.ofNanos(stepNanos));
        settleModel();
      }
      check();
    }

    /** The clock is ahead while the alarms that are due meanwhile ring one after the other. */
    private void jump(long jumpNanos) {
      long targetNanos = alarms.nanoTime() + jumpNanos;
      lateNanos = jumpNanos;
      while (alarms.nanoTime() < targetNanos) {
        long stepNanos = Math.min(500_000, targetNanos - alarms.nanoTime());
        lateNanos -= stepNanos;
        alarms.advance(Duration.ofNanos(stepNanos));
      }
      settleModel();
    }

    private void settleModel() {
      model.settle(now());
      List<Wish> waiting = new ArrayList<>(model.queue);
      waiting.sort(Comparator.comparingLong(wish -> wish.untilNanos));
      for (Wish wish : waiting) {
        if (wish.untilNanos <= now() && !wish.isGranted) {
          model.dismiss(wish);
          model.settle(now()); // one that costs less may be due when it goes
        }
      }
    }

    private void check() {
      assertThat(throttle.waiting()).as("waiting").isEqualTo(model.queue.size());
      assertThat(throttle.running()).as("running").isEqualTo(atOnce == 0 ? 0 : model.running);
      for (Wish wish : wishes) {
        CompletableFuture<Permit> future = futures.get(wish.id);
        assertThat(future.isDone() && !future.isCompletedExceptionally())
            .as("wish %s granted", wish.id)
            .isEqualTo(wish.isGranted);
        assertThat(future.isCompletedExceptionally())
            .as("wish %s over", wish.id)
            .isEqualTo(wish.isOver);
      }
    }

    /** In no window more than the rate allows, the burst, and what is caught up with. */
    private void checkWindows() {
      for (int first = 0; intervalNanos > 0 && first < grantsNanos.size(); first++) {
        for (int last = first; last < grantsNanos.size(); last++) {
          double window = grantsNanos.get(last) - grantsNanos.get(first);
          assertThat((double) (last - first + 1))
              .as("from grant %s to grant %s", first, last)
              .isLessThanOrEqualTo((window + catchUpNanos) / intervalNanos + burst + 1e-6);
        }
      }
    }
  }
}
