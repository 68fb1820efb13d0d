package io.headrace.benchmarks;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How well limiters keep a rate: threads take permits in a loop for three seconds, at rates from 10
 * to 1,000,000 in a second. Shows the rate that was achieved from the first permit to the last, and
 * the most permits in any window of 10 ms and of 100 ms, relative to what the rate allows there,
 * and the longest gap.
 *
 * <p>Run with {@code java -cp benchmarks/target/benchmarks.jar
 * io.headrace.benchmarks.ThrottleAccuracy [threads [contender...]]}.
 */
public final class ThrottleAccuracy {
  private static final long NANOS = Duration.ofSeconds(3).toNanos();
  private static final double[] RATES = {10, 100, 1_000, 10_000, 1_000_000};

  private ThrottleAccuracy() {}

  /** Measures and prints. */
  public static void main(String[] arguments) throws InterruptedException {
    int threads = arguments.length == 0 ? 1 : Integer.parseInt(arguments[0]);
    List<ThrottleContender> contenders = new ArrayList<>();
    for (int i = 1; i < arguments.length; i++) {
      contenders.add(ThrottleContender.valueOf(arguments[i]));
    }
    if (contenders.isEmpty()) {
      contenders.addAll(List.of(ThrottleContender.values()));
    }
    System.out.printf(
        "%d threads, %.0f s; most in a window: times what the rate allows there%n",
        threads, NANOS / 1e9);
    System.out.printf(
        "%-16s %9s %12s %9s %9s %9s %12s%n",
        "contender", "asked", "achieved", "percent", "in 10 ms", "in 100 ms", "gap, periods");
    for (ThrottleContender contender : contenders) {
      take(contender.limiter(1e5), threads, NANOS / 6); // warms up
    }
    for (double rate : RATES) {
      for (ThrottleContender contender : contenders) {
        print(contender, rate, take(contender.limiter(rate), threads, NANOS));
      }
    }
  }

  /** When permits were taken, by all threads together, in order of time. */
  private static long[] take(ThrottleContender.Limiter limiter, int threads, long nanos)
      throws InterruptedException {
    long endNanos = System.nanoTime() + nanos;
    List<Taker> takers = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      Taker taker = new Taker(limiter, endNanos);
      takers.add(taker);
      taker.start();
    }
    long[] all = new long[0];
    for (Taker taker : takers) {
      taker.join();
      int before = all.length;
      all = Arrays.copyOf(all, before + taker.count);
      System.arraycopy(taker.times, 0, all, before, taker.count);
    }
    Arrays.sort(all);
    return all;
  }

  private static void print(ThrottleContender contender, double rate, long[] times) {
    double achieved = (times.length - 1) * 1e9 / (times[times.length - 1] - times[0]);
    long gap = 0;
    for (int i = 1; i < times.length; i++) {
      gap = Math.max(gap, times[i] - times[i - 1]);
    }
    System.out.printf(
        "%-16s %9.0f %12.1f %9.2f %9.2f %9.2f %12.1f%n",
        contender.name().toLowerCase(java.util.Locale.ROOT),
        rate,
        achieved,
        100 * achieved / rate,
        most(times, 10_000_000, rate),
        most(times, 100_000_000, rate),
        gap * rate / 1e9);
  }

  /** The most permits in any window, relative to the rate, one permit at least. */
  private static double most(long[] times, long windowNanos, double rate) {
    int most = 0;
    int first = 0;
    for (int i = 0; i < times.length; i++) {
      while (times[i] - times[first] >= windowNanos) {
        first++;
      }
      most = Math.max(most, i - first + 1);
    }
    return most / Math.max(1, windowNanos * rate / 1e9);
  }

  /** A thread that takes permits until the end. */
  private static final class Taker extends Thread {
    private final ThrottleContender.Limiter limiter;
    private final long endNanos;
    private long[] times = new long[1 << 12];
    private int count;

    Taker(ThrottleContender.Limiter limiter, long endNanos) {
      this.limiter = limiter;
      this.endNanos = endNanos;
    }

    @Override
    public void run() {
      try {
        long nowNanos = take();
        while (nowNanos - endNanos <= 0) {
          if (count == times.length) {
            times = Arrays.copyOf(times, 2 * count);
          }
          times[count++] = nowNanos;
          nowNanos = take();
        }
      } catch (InterruptedException e) {
        interrupt();
      }
    }

    private long take() throws InterruptedException {
      limiter.acquire();
      return System.nanoTime();
    }
  }
}
