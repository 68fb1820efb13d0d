package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.ToLongFunction;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** Policies that learn, in batchers that sort their items by bucket and weight. */
class AdaptiveSortedTest {
  private static final Duration OBJECTIVE = Duration.ofMillis(50);
  private static final int MAX_SIZE = 64;
  private static final int ITEMS = 3_000;
  private static final long SEED = 20_261_127;

  /** What becomes of each item, and what batches there were. */
  private record Course(List<String> ends, List<List<Integer>> batches) {}

  /** More comes than can be done, in bursts, to a handler that takes 0.1 ms and 0.2 for an item. */
  private static Course course(
      BatchPolicy policy, UnaryOperator<BatcherBuilder<Integer, Integer>> options) {
    VirtualTime time = new VirtualTime();
    Random random = new Random(SEED);
    List<List<Integer>> batches = new ArrayList<>();
    var batcher =
        options
            .apply(
                Batcher.<Integer, Integer>asyncBuilder(
                        items -> {
                          batches.add(List.copyOf(items));
                          return time.after(
                              List.copyOf(items),
                              Duration.ofNanos(100_000 + 200_000L * items.size()));
                        })
                    .batch(policy)
                    .workers(Workers.executor(Runnable::run, 1))
                    .timeSource(time))
            .build();
    List<CompletableFuture<Integer>> futures = new ArrayList<>();
    for (int i = 0; i < ITEMS; i++) {
      CallOptions options20To50 = CallOptions.timeout(Duration.ofMillis(20 + random.nextInt(31)));
      futures.add(batcher.submit(i, options20To50));
      if (random.nextInt(20) == 0) {
        time.advance(Duration.ofNanos((long) (2_000_000 * random.nextDouble() * 2)));
      }
    }
    batcher.shutdownNow();
    return new Course(futures.stream().map(AdaptiveSortedTest::end).toList(), batches);
  }

  private static String end(CompletableFuture<Integer> future) {
    return future.state() == CompletableFuture.State.FAILED
        ? future.exceptionNow().getClass().getSimpleName()
        : future.state().toString();
  }

  private static Course course(UnaryOperator<BatcherBuilder<Integer, Integer>> options) {
    return course(BatchPolicy.adaptive(MAX_SIZE, OBJECTIVE), options);
  }

  @Test
  void aWeightOfOneAndASingleBucketChangeNothing() {
    Course plain = course(builder -> builder);
    assertThat(plain.ends).contains("SUCCESS", "DeadlineExceededException");
    assertThat(course(builder -> builder.weight(_ -> 1))).isEqualTo(plain);
    assertThat(course(builder -> builder.bucket(_ -> "all"))).isEqualTo(plain);
  }

  /** What a policy was shown: how much waits, since when, and with which deadlines. */
  private record Seen(int waiting, long oldestNanos, List<Long> deadlines, double meanWeight) {
    static Seen of(QueueState queue) {
      long[] deadlines = new long[100];
      int n = queue.deadlines(deadlines);
      return new Seen(
          queue.waiting(),
          queue.oldestArrivalNanos(),
          Arrays.stream(deadlines, 0, n).boxed().toList(),
          queue.meanWeight());
    }
  }

  /** Sends all that waits, and notes what it sees. */
  private static final class Recording extends SendsAll {
    final List<Seen> beforeDrops = new ArrayList<>();
    final List<Seen> decisions = new ArrayList<>();
    final ToLongFunction<QueueState> dropBefore;

    Recording(ToLongFunction<QueueState> dropBefore) {
      super(100);
      this.dropBefore = dropBefore;
    }

    @Override
    public long dropBeforeNanos(QueueState queue) {
      beforeDrops.add(Seen.of(queue));
      return dropBefore.applyAsLong(queue);
    }

    @Override
    public Decision decide(QueueState queue) {
      decisions.add(Seen.of(queue));
      return super.decide(queue);
    }
  }

  private final VirtualTime time = new VirtualTime();
  private final SteppedExecutor stepped = new SteppedExecutor();
  private final Echo<Integer> echo = new Echo<>();

  private Batcher<Integer, Integer> evenAndOdd(BatchPolicy policy) {
    return Batcher.builder(echo)
        .batch(policy)
        .weight(item -> item)
        .bucket(item -> item % 2)
        .workers(Workers.executor(stepped, 1))
        .timeSource(time)
        .build();
  }

  private static CallOptions millis(long millis) {
    return CallOptions.timeout(Duration.ofMillis(millis));
  }

  @Test
  void aPolicyIsAskedTwiceAboutTheSameBucket() {
    Recording policy = new Recording(QueueState::nowNanos);
    var batcher = evenAndOdd(policy);
    for (int item : List.of(1, 10, 13, 12, 11)) {
      batcher.submit(item, millis(100 + item));
      time.advance(Duration.ofMillis(1));
    }
    stepped.runAll();
    assertThat(policy.decisions).extracting(Seen::waiting).containsExactly(1, 22, 24);
    assertThat(policy.decisions).extracting(seen -> seen.deadlines.size()).containsExactly(1, 2, 2);
    assertThat(policy.decisions.getLast().meanWeight).isEqualTo(12);
    assertThat(policy.beforeDrops).isEqualTo(policy.decisions);
  }

  @Test
  void whatIsDroppedOfOneBucketSaysNothingOfAnother() {
    Recording policy =
        new Recording(
            queue -> queue.waiting() % 2 == 0 ? queue.nowNanos() + 50_000_000 : queue.nowNanos());
    var batcher = evenAndOdd(policy);
    batcher.submit(1); // keeps the worker busy
    var late = batcher.submit(2, millis(40));
    time.advance(Duration.ofMillis(1));
    var odd = batcher.submit(3, millis(40));
    time.advance(Duration.ofMillis(1));
    var even = batcher.submit(4, millis(60));
    stepped.runAll();
    assertThat(late.exceptionNow()).hasMessageContaining("could have no result in time");
    assertThat(odd).isCompletedWithValue(3);
    assertThat(even).isCompletedWithValue(4);
  }

  @Test
  void aPolicyThatDoesNotLearnSeesTheMeanWeight() {
    List<Double> seen = new ArrayList<>();
    BatchPolicy policy =
        new BatchPolicy() {
          @Override
          public int maxSize() {
            return 100;
          }

          @Override
          public Decision decide(QueueState queue) {
            seen.add(queue.meanWeight());
            return Decision.send(100);
          }
        };
    var batcher = evenAndOdd(policy);
    batcher.submit(7);
    batcher.submitAll(List.of(10, 20));
    stepped.runAll();
    assertThat(seen).containsExactly(7.0, 15.0);
  }

  private static final class CountingCurve extends CostCurve {
    long reads;

    CountingCurve(int maxSize) {
      super(maxSize);
    }

    @Override
    double expectedNanos(int size) {
      reads++;
      return super.expectedNanos(size);
    }
  }

  private static long reads(int weight) {
    int maxSize = MAX_SIZE * weight;
    CountingCurve curve = new CountingCurve(maxSize);
    AdaptivePolicy policy = new AdaptivePolicy(maxSize, OBJECTIVE.toNanos(), curve);
    LearningPolicy given =
        new SendsAll(maxSize) {
          @Override
          public LearningPolicy forQueue() {
            return policy;
          }

          @Override
          public Decision decide(QueueState queue) {
            throw new IllegalStateException("of no queue");
          }
        };
    course(given, builder -> builder.weight(_ -> weight));
    return curve.reads;
  }

  /** A decision goes from item to item, however heavy they are. */
  @Test
  void whatADecisionCostsDoesNotGrowWithTheWeightOfItems() {
    assertThat(reads(100_000)).isLessThan(4 * reads(1));
  }
}
