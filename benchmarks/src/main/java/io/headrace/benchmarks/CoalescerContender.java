package io.headrace.benchmarks;

import com.github.benmanes.caffeine.cache.AsyncCache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.headrace.Coalescer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
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
  CAFFEINE(function -> new OfMap(caffeine(), function, true)),
  /** Caffeine as it is. */
  CAFFEINE_SHARED(function -> new OfMap(caffeine(), function, false)),
  /** A map of futures with a copy of the future for each caller. */
  MAP(function -> new OfMap(new ConcurrentHashMap<>(), function, true)),
  /** A map of futures: asked first, and then {@code putIfAbsent}. */
  MAP_SHARED(function -> new OfMap(new ConcurrentHashMap<>(), function, false));

  private final Function<Function<Integer, CompletableFuture<Integer>>, CoalescerCalls> start;

  CoalescerContender(
      Function<Function<Integer, CompletableFuture<Integer>>, CoalescerCalls> start) {
    this.start = start;
  }

  CoalescerCalls start(Function<Integer, CompletableFuture<Integer>> function) {
    return start.apply(function);
  }

  /**
   * The view of an unbounded cache. Its {@code get} with a function cannot be used: an execution
   * that ends before {@code get} returns would have to remove its key inside the cache's own
   * update.
   */
  private static ConcurrentMap<Integer, CompletableFuture<Integer>> caffeine() {
    AsyncCache<Integer, Integer> cache = Caffeine.newBuilder().buildAsync();
    return cache.asMap();
  }

  /** What one writes by hand with a map of futures. */
  private static final class OfMap implements CoalescerCalls {
    private final ConcurrentMap<Integer, CompletableFuture<Integer>> map;
    private final Function<Integer, CompletableFuture<Integer>> function;
    private final boolean copies;

    OfMap(
        ConcurrentMap<Integer, CompletableFuture<Integer>> map,
        Function<Integer, CompletableFuture<Integer>> function,
        boolean copies) {
      this.map = map;
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
