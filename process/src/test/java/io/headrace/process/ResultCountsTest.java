package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.BatchPolicy;
import io.headrace.BatchSizeMismatchException;
import io.headrace.Flow;
import io.headrace.Handler;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Handlers that return more or fewer results than they were given items. */
class ResultCountsTest {
  private static final int SIZE = 3;

  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  /** Returns so many results more than it is given items; and may end if these are several. */
  public static final class Miscounting implements Handler<Object, Object> {
    private final int more;
    private final boolean isMortal;

    public Miscounting(int more, boolean isMortal) {
      this.more = more;
      this.isMortal = isMortal;
    }

    @Override
    public List<Object> handle(List<Object> items) {
      if (isMortal && items.size() > 1) {
        Runtime.getRuntime().halt(17);
      }
      List<Object> results = new ArrayList<>();
      for (int i = 0; i < items.size() + more; i++) {
        results.add("result");
      }
      return results;
    }
  }

  /** Returns nothing. */
  public static final class Silent implements Handler<Object, Object> {
    public Silent() {}

    @Override
    @SuppressWarnings("NullAway") // stands for a result of null for each
    public List<Object> handle(List<Object> items) {
      return null;
    }
  }

  private static Flow<Object, Object> flow(
      HandlerFactory<? extends Handler<Object, Object>> factory, WorkerProcessesBuilder processes)
      throws InterruptedException {
    return Flow.<Object>builder("counting")
        .<Object>stepPerWorker(
            "count",
            factory,
            step ->
                step.batch(BatchPolicy.fixed(SIZE, Duration.ofSeconds(60)))
                    .workers(processes.inputMemoryBytes(1 << 20).build()))
        .build()
        .start(Duration.ofSeconds(30));
  }

  private static HandlerFactory<Miscounting> miscounting(int more, boolean isMortal) {
    return HandlerFactory.of(Miscounting.class, more, isMortal);
  }

  private static void assertMismatch(CompletableFuture<Object> future, String message) {
    assertThat(future)
        .failsWithin(Duration.ofSeconds(60))
        .withThrowableOfType(ExecutionException.class)
        .withCauseExactlyInstanceOf(BatchSizeMismatchException.class)
        .havingCause()
        .withMessage(message);
  }

  @ParameterizedTest
  @ValueSource(ints = {-2, -1, 1})
  void allThatHaveTravelledFailIfAnotherCannot(int more) throws Exception {
    try (Flow<Object, Object> flow = flow(miscounting(more, false), WorkerProcesses.builder(1))) {
      List<CompletableFuture<Object>> futures = flow.submitAll(List.of("a", new Object(), "c"));
      String message = "the handler returned " + (2 + more) + " results for a batch of 2";
      assertMismatch(futures.get(0), message);
      assertMismatch(futures.get(2), message);
      assertThat(futures.get(1))
          .failsWithin(Duration.ofSeconds(60))
          .withThrowableOfType(ExecutionException.class)
          .withCauseInstanceOf(IllegalArgumentException.class);
    }
  }

  /** Three of them have no room at once. */
  @ParameterizedTest
  @ValueSource(ints = {-1, 1})
  void eachOfABatchThatIsSplitForWantOfRoomFails(int more) throws Exception {
    try (Flow<Object, Object> flow = flow(miscounting(more, false), WorkerProcesses.builder(1))) {
      List<Object> large = List.of(new byte[600_000], new byte[600_000], new byte[600_000]);
      for (CompletableFuture<Object> future : flow.submitAll(large)) {
        assertMismatch(future, "the handler returned " + (1 + more) + " results for a batch of 1");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 1})
  void eachOfABatchThatIsSplitAfterTwoDeathsFails(int more) throws Exception {
    try (Flow<Object, Object> flow =
        flow(miscounting(more, true), WorkerProcesses.builder(1).retry(4))) {
      for (CompletableFuture<Object> future : flow.submitAll(List.of(1, 2, 3))) {
        assertMismatch(future, "the handler returned " + (1 + more) + " results for a batch of 1");
      }
    }
  }

  @Test
  void noListIsAResultOfNullForEach() throws Exception {
    try (Flow<Object, Object> flow =
        flow(HandlerFactory.of(Silent.class), WorkerProcesses.builder(1))) {
      List<Object> large = List.of(new byte[600_000], new byte[600_000], new byte[600_000]);
      for (CompletableFuture<Object> future : flow.submitAll(large)) {
        assertThat(future).succeedsWithin(Duration.ofSeconds(60)).isNull();
      }
    }
  }
}
