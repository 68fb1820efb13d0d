package io.headrace.benchmarks;

import com.github.benmanes.caffeine.cache.AsyncCache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.headrace.Coalescer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * Who coalesces. All keep an execution only until it ends. {@code _SHARED} hands one future to all
 * callers, so that one of them who cancels it cancels it for all; the others give each caller a
 * future of its own.
 */
@SuppressWarnings("ImmutableEnumChecker") // the factory keeps no state
public enum CoalescerContender {
  /** Headrace. */
  HEADRACE(
      function -> {
        Coalescer<Integer, Integer> coalescer = Coalescer.ofAsync(function::apply);
        return new CoalescerCalls() {
          @Override
          public CompletableFuture<Integer> submit(Integer key) {
            return coalescer.submit(key);
          }

          @Override
          public Integer call(Integer key) throws InterruptedException {
            return coalescer.call(key);
          }

          @Override
          public int keys() {
            return coalescer.keys();
          }
        };
      }),
  /** Caffeine with a copy of the future for each caller. */
  CAFFEINE(function -> new OfCaffeine(function, true)),
  /** Caffeine as it is. */
  CAFFEINE_SHARED(function -> new OfCaffeine(function, false)),
  /** A map of futures with a copy of the future for each caller. */
  MAP(function -> new OfMap(function, true)),
  /** A map of futures: asked first, and then {@code putIfAbsent}. */
  MAP_SHARED(function -> new OfMap(function, false));

  private final Function<Function<Integer, CompletableFuture<Integer>>, CoalescerCalls> start;

  CoalescerContender(
      Function<Function<Integer, CompletableFuture<Integer>>, CoalescerCalls> start) {
    this.start = start;
  }

  CoalescerCalls start(Function<Integer, CompletableFuture<Integer>> function) {
    return start.apply(function);
  }

  /**
   * An unbounded cache, from which an execution is removed before its callers are told, as the
   * others do it.
   */
  private static final class OfCaffeine implements CoalescerCalls {
    private final AsyncCache<Integer, Integer> cache = Caffeine.newBuilder().buildAsync();
    private final Function<Integer, CompletableFuture<Integer>> function;
    private final boolean copies;

    OfCaffeine(Function<Integer, CompletableFuture<Integer>> function, boolean copies) {
      this.function = function;
      this.copies = copies;
    }

    @Override
    public CompletableFuture<Integer> submit(Integer key) {
      CompletableFuture<Integer> shared = cache.get(key, (k, executor) -> execute(k));
      return copies ? shared.copy() : shared;
    }

    private CompletableFuture<Integer> execute(Integer key) {
      return function
          .apply(key)
          .whenComplete((result, failure) -> cache.asMap().keySet().remove(key));
    }

    @Override
    public int keys() {
      return cache.asMap().size();
    }
  }

  /** What one writes by hand. */
  private static final class OfMap implements CoalescerCalls {
    private final ConcurrentHashMap<Integer, CompletableFuture<Integer>> map =
        new ConcurrentHashMap<>();
    private final Function<Integer, CompletableFuture<Integer>> function;
    private final boolean copies;

    OfMap(Function<Integer, CompletableFuture<Integer>> function, boolean copies) {
      this.function = function;
      this.copies = copies;
    }

    @Override
    public CompletableFuture<Integer> submit(Integer key) {
      CompletableFuture<Integer> shared = map.get(key);
      if (shared == null) {
        CompletableFuture<Integer> mine = new CompletableFuture<>();
        shared = map.putIfAbsent(key, mine);
        if (shared == null) {
          shared = mine;
          begin(key, mine);
        }
      }
      return copies ? shared.copy() : shared;
    }

    @SuppressWarnings("FutureReturnValueIgnored") // it completes the future of the callers
    private void begin(Integer key, CompletableFuture<Integer> mine) {
      function
          .apply(key)
          .whenComplete(
              (result, failure) -> {
                map.remove(key, mine);
                if (failure == null) {
                  mine.complete(result);
                } else {
                  mine.completeExceptionally(failure);
                }
              });
    }

    @Override
    public int keys() {
      return map.size();
    }
  }
}
