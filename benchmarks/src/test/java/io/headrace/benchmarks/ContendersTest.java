package io.headrace.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** A contender that answers wrongly or exceeds its batch must not be measured. */
class ContendersTest {
  /** Their batches sometimes exceed the maximum: see {@link ReactorBatcher}. */
  private static final Set<BatcherContender> INEXACT =
      EnumSet.of(BatcherContender.REACTOR, BatcherContender.REACTOR_CALLER);

  private final AtomicInteger largest = new AtomicInteger();
  private final AtomicInteger handled = new AtomicInteger();

  private final BatchFunction function =
      items -> {
        largest.accumulateAndGet(items.size(), Math::max);
        handled.addAndGet(items.size());
        return List.copyOf(items);
      };

  @ParameterizedTest
  @EnumSource
  void everyItemOfEveryProducerGetsItsOwnResult(BatcherContender contender) throws Exception {
    try (Contender started = contender.start(function)) {
      producers(started, 4, 20);
    }
    checkBatches(contender, 4 * 20 * 512);
  }

  @ParameterizedTest
  @EnumSource
  void everyCallerGetsItsOwnResult(BatcherContender contender) throws Exception {
    try (Contender started = contender.start(function)) {
      Callers.run(started, 200, 20);
    }
    checkBatches(contender, 200 * 20);
  }

  /**
   * Without fair backpressure Reactor loses one in some ten thousand if it comes while its timer is
   * about to end the batch before.
   */
  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"REACTOR", "REACTOR_CALLER"})
  void aLoneItemGetsItsResult(BatcherContender contender) throws Exception {
    try (Contender started = contender.start(function)) {
      for (int i = 0; i < 50; i++) {
        Integer item = 1_000 + i;
        Results.check(item, started.call(item));
      }
    }
    checkBatches(contender, 50);
  }

  @ParameterizedTest
  @MethodSource("flows")
  void everyItemPassesTheFlow(FlowContender contender, int steps) throws Exception {
    try (Contender started = contender.start(function, steps)) {
      producers(started, 4, 20);
    }
    checkSteps(contender, steps * 4 * 20 * 512);
  }

  @ParameterizedTest
  @MethodSource("flows")
  void everyCallerOfTheFlowGetsItsOwnResult(FlowContender contender, int steps) throws Exception {
    try (Contender started = contender.start(function, steps)) {
      Callers.run(started, 200, 20);
    }
    checkSteps(contender, steps * 200 * 20);
  }

  private static Stream<Arguments> flows() {
    return Stream.of(FlowContender.values())
        .flatMap(contender -> Stream.of(1, 3).map(steps -> Arguments.of(contender, steps)));
  }

  private void checkBatches(BatcherContender contender, int items) {
    if (contender != BatcherContender.FLOOR) {
      assertThat(handled).hasValue(items);
      int maximum = INEXACT.contains(contender) ? items : Limits.MAX_BATCH;
      assertThat(largest.get()).isBetween(1, maximum);
    }
  }

  /** The rivals' items count their steps themselves, see {@link FlowCall}. */
  private void checkSteps(FlowContender contender, int stepsOfItems) {
    if (contender.name().startsWith("HEADRACE")) {
      assertThat(handled).hasValue(stepsOfItems);
    }
  }

  private static void producers(Contender started, int producers, int bursts) throws Exception {
    List<? extends Future<?>> ends;
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      ends =
          IntStream.range(0, producers)
              .mapToObj(producer -> threads.submit(() -> produce(started, producer, bursts)))
              .toList();
    }
    for (Future<?> end : ends) {
      end.get();
    }
  }

  private static Void produce(Contender started, int producer, int bursts) throws Exception {
    Bursts load = new Bursts(1_000_000 * (1 + producer), 512);
    for (int i = 0; i < bursts; i++) {
      load.run(started);
    }
    return null;
  }
}
