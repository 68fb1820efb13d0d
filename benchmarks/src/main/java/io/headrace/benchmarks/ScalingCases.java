package io.headrace.benchmarks;

import io.headrace.BatchPolicy;
import io.headrace.BatcherBuilder;
import io.headrace.CallOptions;
import io.headrace.Workers;
import io.headrace.benchmarks.Scaling.Case;
import io.headrace.benchmarks.Scaling.Group;
import io.headrace.benchmarks.Scaling.Rounds;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/** What {@link Scaling} measures. */
final class ScalingCases {
  private static final List<Integer> ITEMS = List.of(1, 100, 10_000, 1_000_000);
  private static final List<Integer> OTHERS = List.of(1, 100, 10_000, 100_000);
  private static final List<Integer> STEPS = List.of(1, 4, 16, 64);

  /** Items in flight in a flow. */
  private static final int BURST = 1024;

  private ScalingCases() {}

  static List<Group> all() {
    return List.of(
        new Group("items", "items that wait", ITEMS, items()),
        new Group("buckets", "buckets", OTHERS, buckets()),
        new Group("steps", "steps, for each item and step", STEPS, steps()),
        new Group("keys", "keys in flight", OTHERS, List.of(new Case("coalescer", 1, keys()))),
        new Group("waiters", "waiters of a throttle", OTHERS, waiters()));
  }

  private static List<Case> items() {
    return List.of(
        new Case("batches of 1", 1, n -> new BatcherRounds(n, greedy(1), UnaryOperator.identity())),
        new Case(
            "batches of 32", 1, n -> new BatcherRounds(n, greedy(32), UnaryOperator.identity())),
        new Case(
            "batches of 32, fixed delay",
            1,
            n -> new BatcherRounds(n, fixed(32), UnaryOperator.identity())),
        new Case(
            "weights of 1 to 4, batches of 4",
            1,
            n -> new BatcherRounds(n, greedy(4), ScalingCases::weighted)),
        new Case(
            "4 priorities, batches of 1",
            1,
            n ->
                new BatcherRounds(
                    n,
                    greedy(1),
                    batcher -> batcher.priorities(4),
                    i -> CallOptions.priority(i & 3))),
        new Case(
            "different timeouts, batches of 1",
            1,
            n ->
                new BatcherRounds(
                    n,
                    greedy(1),
                    UnaryOperator.identity(),
                    i -> CallOptions.timeout(Duration.ofMinutes(60 + i * 7919 % 1024)))),
        new Case(
            "cancelled while they wait, the last one first",
            1,
            n ->
                new BatcherRounds(n, greedy(1), UnaryOperator.identity())
                    .mode(BatcherRounds.Mode.CANCEL)),
        new Case("for comparison: a LinkedBlockingQueue", 1, ScalingCases::plainQueue));
  }

  private static List<Case> buckets() {
    return List.of(
        new Case("an item in each", 1, n -> new BatcherRounds(n, greedy(32), buckets(n))),
        new Case("4 in each", 4, n -> new BatcherRounds(4 * n, greedy(4), buckets(n)).shuffled()),
        new Case(
            "4 in each, fixed delay",
            4,
            n -> new BatcherRounds(4 * n, fixed(4), buckets(n)).shuffled()),
        new Case(
            "4 in each, fixed delay, the worker idle",
            4,
            n ->
                new BatcherRounds(4 * n, fixed(4), buckets(n))
                    .shuffled()
                    .mode(BatcherRounds.Mode.IDLE)),
        new Case(
            "an item in each, weights of 1 to 4",
            1,
            n -> new BatcherRounds(n, greedy(32), batcher -> weighted(buckets(n).apply(batcher)))),
        new Case(
            "an item in each, cancelled, the last one first",
            1,
            n -> new BatcherRounds(n, greedy(32), buckets(n)).mode(BatcherRounds.Mode.CANCEL)),
        new Case(
            "for comparison: 4 in each of a LinkedHashMap of queues",
            4,
            ScalingCases::plainBuckets));
  }

  private static List<Case> steps() {
    return List.of(
        new Case(
            "a thread for each step",
            BURST,
            n -> new FlowRounds(new HeadraceFlow(Workers.threads(1), BatchFunction.NO_OP, n))),
        new Case(
            "a thread for the first step, the others inline",
            BURST,
            n -> new FlowRounds(new HeadraceFlow(Workers.inline(), BatchFunction.NO_OP, n))));
  }

  private static List<Case> waiters() {
    return List.of(
        new Case("futures", 1, n -> new ThrottleRounds(n, ThrottleRounds.Kind.FUTURES)),
        new Case(
            "futures with a timeout", 1, n -> new ThrottleRounds(n, ThrottleRounds.Kind.TIMEOUTS)),
        new Case(
            "futures that give up, the last one first",
            1,
            n -> new ThrottleRounds(n, ThrottleRounds.Kind.GIVE_UP)),
        new Case(
            "virtual threads", 1, n -> new ThrottleRounds(n, ThrottleRounds.Kind.VIRTUAL_THREADS)),
        new Case("futures, for the permits of a rate", 1, ThrottleRounds::ofRate));
  }

  /** Calls of keys that are all different, which begin and then end together. */
  private static Scaling.Start keys() {
    return n -> {
      CoalescerFunction function = new CoalescerFunction();
      CoalescerCalls calls = CoalescerContender.HEADRACE.start(function);
      CompletableFuture<?>[] futures = new CompletableFuture<?>[n];
      return () -> {
        for (int key = 0; key < n; key++) {
          futures[key] = calls.submit(key);
        }
        function.endAll();
        for (CompletableFuture<?> future : futures) {
          future.join();
        }
      };
    };
  }

  /** What a queue and the futures cost. */
  private static Rounds plainQueue(int n) {
    LinkedBlockingQueue<Call> queue = new LinkedBlockingQueue<>();
    Integer[] items = new Integer[n];
    for (int i = 0; i < n; i++) {
      items[i] = i;
    }
    CompletableFuture<?>[] futures = new CompletableFuture<?>[n];
    return () -> {
      for (int i = 0; i < n; i++) {
        Call call = new Call(items[i]);
        futures[i] = call;
        queue.add(call);
      }
      Call call;
      while ((call = queue.poll()) != null) {
        call.complete(call.item);
      }
      for (int i = 0; i < n; i++) {
        Results.check(items[i], futures[i].join());
      }
    };
  }

  /** What a map of queues in the order of their first items, and the futures cost. */
  private static Rounds plainBuckets(int n) {
    LinkedHashMap<Integer, ArrayDeque<Call>> queues = new LinkedHashMap<>();
    Integer[] items = IntStream.range(0, 4 * n).boxed().toArray(Integer[]::new);
    BatcherRounds.shuffle(items);
    CompletableFuture<?>[] futures = new CompletableFuture<?>[4 * n];
    return () -> {
      int i = 0;
      for (Integer item : items) {
        Call call = new Call(item);
        futures[i++] = call;
        queues.computeIfAbsent(item % n, _ -> new ArrayDeque<>(4)).add(call);
      }
      Map.Entry<Integer, ArrayDeque<Call>> first;
      while ((first = queues.pollFirstEntry()) != null) {
        for (Call call : first.getValue()) {
          call.complete(call.item);
        }
      }
      for (int j = 0; j < futures.length; j++) {
        Results.check(items[j], futures[j].join());
      }
    };
  }

  /** A flow, and bursts of items that pass it. */
  private static final class FlowRounds implements Rounds {
    private final Contender flow;
    private final Bursts bursts = new Bursts(1_000_000, BURST);

    FlowRounds(Contender flow) {
      this.flow = flow;
    }

    @Override
    public void round() throws Exception {
      bursts.run(flow);
    }

    @Override
    public void close() {
      flow.close();
    }
  }

  private static BatchPolicy greedy(int maxSize) {
    return BatchPolicy.greedy(maxSize);
  }

  private static BatchPolicy fixed(int maxSize) {
    return BatchPolicy.fixed(maxSize, Duration.ofHours(1));
  }

  private static BatcherBuilder<Integer, Integer> weighted(
      BatcherBuilder<Integer, Integer> batcher) {
    return batcher.weight(item -> 1 + (item & 3));
  }

  private static UnaryOperator<BatcherBuilder<Integer, Integer>> buckets(int buckets) {
    return batcher -> batcher.bucket(item -> item % buckets);
  }
}
