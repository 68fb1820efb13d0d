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
import java.util.TreeMap;
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

    /** The clock, while it is ahead of the alarms: threads are late by that. */
    private long aheadNanos = startNanos;

    private final TimeSource time =
        new TimeSource() {
          @Override
          public long nanoTime() {
            return Math.max(alarms.nanoTime(), aheadNanos);
          }

          @Override
          public Alarm schedule(long delayNanos, Runnable task) {
            return alarms.schedule(nanoTime() - alarms.nanoTime() + delayNanos, task);
          }

          @Override
          public void execute(Runnable task) {
            task.run();
          }
        };

    private int atOnce;
    private long intervalNanos;
    private final int burst;
    private final long catchUpNanos;
    private final Throttle throttle;
    private final ThrottleModel model;
    private final List<Wish> wishes = new ArrayList<>();
    private final List<CompletableFuture<Permit>> futures = new ArrayList<>();
    private final List<Permit> permits = new ArrayList<>();
    private final List<Long> grantsNanos = new ArrayList<>();

    /** The interval at each grant. */
    private final List<Long> grantsIntervals = new ArrayList<>();

    /** The times of the changes of the rate, and from each the interval. */
    private final TreeMap<Long, Long> intervals = new TreeMap<>();

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
      intervals.put(Long.MIN_VALUE, intervalNanos);
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
      switch (random.nextInt(14)) {
        case 0, 1 -> tryAcquire();
        case 2, 3, 4 -> acquire(0);
        case 5 -> acquire(1 + random.nextInt(20));
        case 6, 7 -> {
          if (!permits.isEmpty()) {
            close(random.nextInt(permits.size()));
          }
        }
        case 8 -> giveUp();
        case 9 -> setAtOnce();
        case 10 -> setRate();
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
      grantsIntervals.addAll(Collections.nCopies(cost, intervalNanos));
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

    private void setAtOnce() {
      if (atOnce == 0) {
        return;
      }
      atOnce = 1 + random.nextInt(4);
      note("set atOnce to " + atOnce);
      model.setAtOnce(atOnce, now());
      throttle.setAtOnce(atOnce);
    }

    private void setRate() {
      if (intervalNanos == 0) {
        return;
      }
      intervalNanos = (1 + random.nextInt(8)) * 1_000_000L;
      note("set the interval to " + intervalNanos / 1_000_000.0 + " ms");
      intervals.put(now(), intervalNanos);
      model.setInterval(intervalNanos, now());
      throttle.setRate(1, Duration.ofNanos(intervalNanos));
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

    /**
     * Lets time pass in small steps, and to the moment at which the first is due; some are late:
     * then several alarms ring at once.
     */
    private void advance(int millis) {
      long untilNanos = now() + millis * 1_000_000L;
      long jumpNanos = random.nextInt(3) == 0 ? Math.max(0, millis - 1) * 1_000_000L : 0;
      note("advance " + millis + " ms, late by " + jumpNanos / 1_000_000.0);
      jump(jumpNanos);
      while (now() < untilNanos) {
        long stepNanos = 500_000 - now() % 500_000;
        alarms.advance(Duration.ofNanos(Math.min(stepNanos, model.firstDelayNanos(now()))));
        settleModel();
      }
      check();
    }

    /** The clock is ahead while the alarms that are due meanwhile ring one after the other. */
    private void jump(long jumpNanos) {
      aheadNanos = alarms.nanoTime() + jumpNanos;
      alarms.advance(Duration.ofNanos(jumpNanos));
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

    /** In no window more than the rates allow, the burst, and what is caught up with. */
    private void checkWindows() {
      for (int first = 0; intervalNanos > 0 && first < grantsNanos.size(); first++) {
        long fromNanos = grantsNanos.get(first);
        double caughtUp = (double) catchUpNanos / grantsIntervals.get(first);
        for (int last = first; last < grantsNanos.size(); last++) {
          assertThat((double) (last - first + 1))
              .as("from grant %s to grant %s", first, last)
              .isLessThanOrEqualTo(
                  intervals(fromNanos, grantsNanos.get(last)) + caughtUp + burst + 1e-6);
        }
      }
    }

    /** How many intervals a window has, each part of it by its rate. */
    private double intervals(long fromNanos, long toNanos) {
      double count = 0;
      long partNanos = fromNanos;
      while (partNanos < toNanos) {
        Long nextNanos = intervals.higherKey(partNanos);
        long endNanos = nextNanos == null ? toNanos : Math.min(nextNanos, toNanos);
        count += (double) (endNanos - partNanos) / intervals.floorEntry(partNanos).getValue();
        partNanos = endNanos;
      }
      return count;
    }
  }
}
