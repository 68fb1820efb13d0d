package io.headrace.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A contender that executes too often, or keeps results, must not be measured. */
class CoalescerContendersTest {
  private final CoalescerFunction function = new CoalescerFunction();

  @ParameterizedTest
  @EnumSource
  void callsInFlightShareOneExecution(CoalescerContender contender) {
    CoalescerCalls calls = contender.start(function);
    for (int round = 1; round <= 2; round++) {
      List<CompletableFuture<Integer>> futures =
          IntStream.range(0, 128).mapToObj(i -> calls.submit(1_000 + i % 2)).toList();
      assertThat(function.executions()).isEqualTo(2L * round);
      assertThat(calls.keys()).isEqualTo(2);
      function.endAll();
      for (int i = 0; i < 128; i++) {
        assertThat(futures.get(i).join()).isEqualTo(1_000 + i % 2);
      }
      assertThat(calls.keys()).isZero();
    }
  }

  @ParameterizedTest
  @EnumSource
  void onlyTheSharedFuturesAreCancelledForAll(CoalescerContender contender) {
    CoalescerCalls calls = contender.start(function);
    CompletableFuture<Integer> first = calls.submit(1);
    CompletableFuture<Integer> second = calls.submit(1);
    first.cancel(true);
    assertThat(second.isCancelled()).isEqualTo(contender.name().endsWith("_SHARED"));
    function.endAll();
  }

  @ParameterizedTest
  @EnumSource
  void everyCallerIsAnswered(CoalescerContender contender) throws Exception {
    CoalescerCallers.run(contender.start(function), function, 200, 20);
    assertThat(function.executions()).isBetween(1L, 4_000L);
  }

  @Test
  void aCallerThatFailsDoesNotLeaveTheOthersWaiting() {
    CoalescerCalls contender = CoalescerContender.HEADRACE.start(function);
    AtomicInteger calls = new AtomicInteger();
    CoalescerCalls failing =
        new CoalescerCalls() {
          @Override
          public CompletableFuture<Integer> submit(Integer key) {
            return calls.incrementAndGet() == 1
                ? CompletableFuture.failedFuture(new IllegalStateException("the first"))
                : contender.submit(key);
          }

          @Override
          public int keys() {
            return contender.keys();
          }
        };
    assertThatThrownBy(() -> CoalescerCallers.run(failing, function, 20, 20))
        .isInstanceOf(ExecutionException.class)
        .hasStackTraceContaining("the first");
    assertThat(calls).hasValue(19 * 20 + 1);
  }
}
