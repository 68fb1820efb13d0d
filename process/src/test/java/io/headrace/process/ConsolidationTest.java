package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.Flow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Several processes, of which one is enough. */
class ConsolidationTest {
  private static final int IN_FLIGHT = 64;

  private long nowNanos = -3;
  private long busyNanos;
  private final Consolidation consolidation = new Consolidation(() -> nowNanos);

  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  /** Answers of two processes that come so often, and for which they were busy so long. */
  private boolean isOneEnoughAfter(int answers, long nanosBetween, long nanosBusy) {
    for (int i = 0; i < answers; i++) {
      nowNanos += nanosBetween;
      busyNanos += nanosBusy;
      consolidation.answered(true, true, () -> busyNanos);
    }
    return consolidation.isFirstAlone();
  }

  @Test
  void oneIsEnoughForQuickBatchesThatFitIntoItsTime() {
    assertThat(isOneEnoughAfter(Consolidation.PERIOD, 2_000, 1_000)).isFalse();
    assertThat(isOneEnoughAfter(1, 2_000, 1_000)).isTrue();
    assertThat(isOneEnoughAfter(10 * Consolidation.PERIOD, 2_000, 1_000)).isTrue();
  }

  @Test
  void batchesThatTakeLongerThanAWakeUpGoToMore() {
    assertThat(isOneEnoughAfter(10 * Consolidation.PERIOD, 1_000_000, 6_000)).isFalse();
    assertThat(isOneEnoughAfter(10 * Consolidation.PERIOD, 1_000_000, 4_000)).isTrue();
    assertThat(isOneEnoughAfter(2 * Consolidation.PERIOD, 1_000_000, 6_000)).isFalse();
  }

  /** One that is alone may have more to do before it gets help than it has when it becomes so. */
  @Test
  void whatTakesMoreThanTheTimeOfOneGoesToMore() {
    assertThat(isOneEnoughAfter(10 * Consolidation.PERIOD, 1_000, 1_500)).isFalse();
    assertThat(isOneEnoughAfter(10 * Consolidation.PERIOD, 1_000, 800)).isFalse();
    assertThat(isOneEnoughAfter(2 * Consolidation.PERIOD, 1_000, 600)).isTrue();
    assertThat(isOneEnoughAfter(10 * Consolidation.PERIOD, 1_000, 800)).isTrue();
    assertThat(isOneEnoughAfter(2 * Consolidation.PERIOD, 1_000, 990)).isFalse();
  }

  @Test
  void otherProcessesAreLookedAtAnew() {
    assertThat(isOneEnoughAfter(2 * Consolidation.PERIOD, 2_000, 1_000)).isTrue();
    consolidation.reset();
    assertThat(consolidation.isFirstAlone()).isFalse();
    busyNanos = 0;
    assertThat(isOneEnoughAfter(Consolidation.PERIOD, 2_000, 1_000)).isFalse();
    assertThat(isOneEnoughAfter(1, 2_000, 1_000)).isTrue();
  }

  /** What processes say is used for nothing else, and nothing of it goes wrong here. */
  @Test
  void nonsenseIsEndured() {
    for (long said : new long[] {Long.MAX_VALUE, Long.MIN_VALUE, -1, 0, Long.MAX_VALUE}) {
      busyNanos = said;
      isOneEnoughAfter(Consolidation.PERIOD, 0, 0);
    }
    assertThat(isOneEnoughAfter(2 * Consolidation.PERIOD, 2_000, 0)).isTrue();
  }

  /** Its thread may wait for long then, as it does not know that it is to help. */
  @Test
  void whatOthersAnswerMakesNoProcessAlone() {
    for (int i = 0; i < 4 * Consolidation.PERIOD; i++) {
      nowNanos += 2_000;
      busyNanos += 1_000;
      consolidation.answered(false, true, () -> busyNanos);
    }
    assertThat(consolidation.isFirstAlone()).isFalse();
    consolidation.answered(true, false, () -> busyNanos);
    assertThat(consolidation.isFirstAlone()).as("not quick").isFalse();
    consolidation.answered(false, true, () -> busyNanos);
    assertThat(consolidation.isFirstAlone()).as("quick again, as another one finds").isFalse();
    consolidation.answered(true, true, () -> busyNanos);
    assertThat(consolidation.isFirstAlone()).isTrue();
    consolidation.answered(false, true, () -> busyNanos);
    assertThat(consolidation.isFirstAlone()).as("the last answers of the others").isTrue();
  }

  @Test
  void oneThatIsAloneAndAnswersNothingIsSilent() {
    assertThat(consolidation.isFirstSilent()).as("it is not alone").isFalse();
    assertThat(isOneEnoughAfter(2 * Consolidation.PERIOD, 2_000, 1_000)).isTrue();
    assertThat(consolidation.isFirstSilent()).as("it has answered").isFalse();
    consolidation.answered(false, true, () -> busyNanos);
    assertThat(consolidation.isFirstSilent()).isTrue();
    consolidation.answered(true, true, () -> busyNanos);
    assertThat(consolidation.isFirstSilent()).isFalse();
  }

  private static Flow<Integer, Object> twoProcesses() throws InterruptedException {
    return Doubling.flow(WorkerProcesses.builder(2), 1);
  }

  /** How many of some items each process has executed; each answer sends the next. */
  private static Map<Object, Integer> executed(Flow<Integer, Object> flow, int items) {
    Map<Object, Integer> counts = new HashMap<>();
    List<CompletableFuture<Void>> chains = new ArrayList<>();
    for (int i = 0; i < IN_FLIGHT; i++) {
      CompletableFuture<Void> over = new CompletableFuture<>();
      chains.add(over);
      next(flow, items / IN_FLIGHT, counts, over);
    }
    CompletableFuture.allOf(chains.toArray(CompletableFuture[]::new)).join();
    return counts;
  }

  private static void next(
      Flow<Integer, Object> flow,
      int left,
      Map<Object, Integer> counts,
      CompletableFuture<Void> over) {
    if (left == 0) {
      over.complete(null);
      return;
    }
    var _ =
        flow.submit(Doubling.PID)
            .whenComplete(
                (pid, failure) -> {
                  if (failure != null) {
                    over.completeExceptionally(failure);
                    return;
                  }
                  synchronized (counts) {
                    counts.merge(pid, 1, Integer::sum);
                  }
                  next(flow, left - 1, counts, over);
                });
  }

  private static void awaitConsolidation(Flow<Integer, Object> flow) {
    Awaitility.await()
        .atMost(Duration.ofSeconds(120))
        .pollInSameThread()
        .pollInterval(Duration.ofMillis(1))
        .until(
            () -> {
              int items = 16 * Consolidation.PERIOD;
              int most = executed(flow, items).values().stream().mapToInt(n -> n).max().orElse(0);
              return most > 0.8 * items;
            });
  }

  @Test
  void oneOfTwoProcessesExecutesQuickItems() throws Exception {
    try (Flow<Integer, Object> flow = twoProcesses()) {
      awaitConsolidation(flow);
      assertThat(flow.call(21)).isEqualTo(42);
    }
  }

  /** No batch ends and no item comes: that more are wanted is found out by the silence. */
  @Test
  void theOthersGoOnWhenItHangs() throws Exception {
    Flow<Integer, Object> flow = twoProcesses();
    try {
      awaitConsolidation(flow);
      CompletableFuture<Object> hanging = flow.submit(Doubling.HANG);
      var _ = othersGoOn(flow);
      assertThat(hanging).isNotDone();
    } finally {
      flow.shutdownNow();
    }
  }

  /** Somebody who is told of a result holds the thread that receives all answers. */
  @Test
  void theOthersGoOnWhenTheThreadThatReceivesIsHeldUp() throws Exception {
    CompletableFuture<Void> goOn = new CompletableFuture<>();
    try (Flow<Integer, Object> flow = twoProcesses()) {
      awaitConsolidation(flow);
      holdUp(flow, goOn);
      List<CompletableFuture<Object>> others = othersGoOn(flow);
      goOn.complete(null);
      CompletableFuture.allOf(others.toArray(CompletableFuture[]::new)).join();
    } finally {
      goOn.complete(null);
    }
  }

  private static void holdUp(Flow<Integer, Object> flow, CompletableFuture<Void> goOn) {
    Thread test = Thread.currentThread();
    AtomicBoolean isHeldUp = new AtomicBoolean();
    while (!isHeldUp.get()) {
      CompletableFuture<Void> told =
          flow.submit(1)
              .thenRun(
                  () -> {
                    if (!Thread.currentThread().equals(test)) {
                      isHeldUp.set(true);
                      goOn.join();
                    }
                  });
      while (!told.isDone() && !isHeldUp.get()) {
        Thread.onSpinWait();
      }
    }
  }

  /** Those that are in the process that hangs wait for it. */
  private static List<CompletableFuture<Object>> othersGoOn(Flow<Integer, Object> flow) {
    List<CompletableFuture<Object>> others = new ArrayList<>();
    for (int i = 0; i < 3 * IN_FLIGHT; i++) {
      others.add(flow.submit(i));
    }
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> done(others).count() >= 2 * IN_FLIGHT);
    return others;
  }

  private static Stream<CompletableFuture<Object>> done(List<CompletableFuture<Object>> futures) {
    return futures.stream().filter(CompletableFuture::isDone);
  }
}
