package io.headrace.benchmarks;

import com.google.common.util.concurrent.RateLimiter;
import io.github.bucket4j.Bucket;
import io.github.resilience4j.ratelimiter.RateLimiterConfig;
import io.headrace.Permit;
import io.headrace.Throttle;
import java.time.Duration;
import java.util.concurrent.Semaphore;

/** Limiters of a rate, and of how many run at once, behind what they have in common. */
public enum ThrottleContender {
  /** {@link Throttle} with a rate. */
  HEADRACE {
    @Override
    Limiter limiter(double perSecond) {
      return of(Throttle.perSecond(perSecond));
    }
  },
  /** The same with strict spacing. */
  HEADRACE_STRICT {
    @Override
    Limiter limiter(double perSecond) {
      return of(Throttle.builder().perSecond(perSecond).catchUp(Duration.ZERO).build());
    }
  },
  /** Guava's smooth bursty limiter: saves up a second of permits, which cannot be changed. */
  GUAVA {
    @Override
    Limiter limiter(double perSecond) {
      RateLimiter limiter = RateLimiter.create(perSecond);
      return new Limiter() {
        @Override
        public boolean tryAcquire() {
          return limiter.tryAcquire();
        }

        @Override
        public void acquire() {
          limiter.acquire();
        }
      };
    }
  },
  /** Resilience4j's atomic limiter with a period of 10 ms, or of one permit if that is longer. */
  RESILIENCE4J {
    @Override
    Limiter limiter(double perSecond) {
      int permits = (int) Math.max(1, perSecond / 100);
      RateLimiterConfig config =
          RateLimiterConfig.custom()
              .limitForPeriod(permits)
              .limitRefreshPeriod(Duration.ofNanos(Math.round(1e9 * permits / perSecond)))
              .timeoutDuration(Duration.ofMinutes(1))
              .build();
      RateLimiterConfig denying =
          RateLimiterConfig.from(config).timeoutDuration(Duration.ZERO).build();
      var limiter = io.github.resilience4j.ratelimiter.RateLimiter.of("waiting", config);
      var trying = io.github.resilience4j.ratelimiter.RateLimiter.of("trying", denying);
      return new Limiter() {
        @Override
        public boolean tryAcquire() {
          return trying.acquirePermission();
        }

        @Override
        public void acquire() {
          limiter.acquirePermission();
        }
      };
    }
  },
  /** Failsafe's smooth limiter. */
  FAILSAFE {
    @Override
    Limiter limiter(double perSecond) {
      var limiter =
          dev.failsafe.RateLimiter.smoothBuilder(Duration.ofNanos(Math.round(1e9 / perSecond)))
              .build();
      return new Limiter() {
        @Override
        public boolean tryAcquire() {
          return limiter.tryAcquirePermit();
        }

        @Override
        public void acquire() throws InterruptedException {
          limiter.acquirePermit();
        }
      };
    }
  },
  /** Bucket4j with a greedy refill and a capacity of 10 ms, or of one permit if that is more. */
  BUCKET4J {
    @Override
    Limiter limiter(double perSecond) {
      long capacity = Math.max(1, Math.round(perSecond / 100));
      Duration period = Duration.ofNanos(Math.round(1e9 * capacity / perSecond));
      Bucket bucket =
          Bucket.builder()
              .addLimit(limit -> limit.capacity(capacity).refillGreedy(capacity, period))
              .withNanosecondPrecision()
              .build();
      return new Limiter() {
        @Override
        public boolean tryAcquire() {
          return bucket.tryConsume(1);
        }

        @Override
        public void acquire() throws InterruptedException {
          bucket.asBlocking().consume(1);
        }
      };
    }
  };

  /** A limiter of a rate that is shared by threads. */
  interface Limiter {
    /** Takes a permit if one is due. */
    boolean tryAcquire();

    /** Waits for a permit. */
    void acquire() throws InterruptedException;
  }

  /** A limiter of this many permits in a second, evenly spaced as well as it can. */
  abstract Limiter limiter(double perSecond);

  private static Limiter of(Throttle throttle) {
    return new Limiter() {
      @Override
      public boolean tryAcquire() {
        return throttle.tryAcquire() != null;
      }

      @Override
      public void acquire() throws InterruptedException {
        Permit _ = throttle.acquire();
      }
    };
  }

  /** A semaphore, and the throttle that limits how many run at once. */
  public enum AtOnce {
    /** {@link Throttle#atMost}. */
    HEADRACE {
      @Override
      Runnable task(int atOnce) {
        Throttle throttle = Throttle.atMost(atOnce);
        return () -> {
          try (Permit _ = throttle.acquire()) {
            Thread.onSpinWait();
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        };
      }
    },
    /** {@link Semaphore}, fair. */
    SEMAPHORE_FAIR {
      @Override
      Runnable task(int atOnce) {
        return taskOf(new Semaphore(atOnce, true));
      }
    },
    /** {@link Semaphore}, not fair. */
    SEMAPHORE {
      @Override
      Runnable task(int atOnce) {
        return taskOf(new Semaphore(atOnce));
      }
    };

    /** A task that does next to nothing between taking a permit and giving it back. */
    abstract Runnable task(int atOnce);

    private static Runnable taskOf(Semaphore semaphore) {
      return () -> {
        try {
          semaphore.acquire();
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
        try {
          Thread.onSpinWait();
        } finally {
          semaphore.release();
        }
      };
    }
  }
}
