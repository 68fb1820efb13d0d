package io.headrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.Flow;
import io.headrace.Observer.BatchEvent;
import io.headrace.Observer.Observed;
import io.headrace.Observer.Outcome;
import io.headrace.TimeSource;
import io.headrace.WorkerStatus;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LiveStatsTest {
  private static final long MILLI = 1_000_000;
  private static final Duration HALF_A_SECOND = Duration.ofMillis(500);
  private static final int ROUNDS = Integer.getInteger("headrace.test.rounds", 2_000);

  private final VirtualTime time = new VirtualTime();
  private final LiveStats stats = new LiveStats(time, List.of("decode", "classify"));

  @Test
  void stepsAreThereBeforeAnythingHappens() {
    assertThat(stats.snapshot().steps())
        .extracting(LiveStats.Step::name)
        .containsExactly("decode", "classify");
    assertThat(stats.snapshot().requestsPerSecond()).isZero();
    assertThat(time.alarms()).isZero();
  }

  @Test
  void lastSecondIsTold() {
    stats.onCallEnd("digits", Outcome.COMPLETED, 0, null);
    time.advance(HALF_A_SECOND);
    for (int i = 0; i < 99; i++) {
      stats.onCallEnd("digits", Outcome.COMPLETED, 2 * MILLI, null);
    }
    stats.onCallEnd("digits", Outcome.TIMED_OUT, 50 * MILLI, null);
    stats.onBatch(batch("classify", 1, 3 * MILLI));
    stats.onBatch(batch("classify", 4, 3 * MILLI));
    stats.onBatch(batch("classify", 3, 3 * MILLI));
    time.advance(HALF_A_SECOND);
    LiveStats.Snapshot snapshot = stats.snapshot();
    assertThat(snapshot.requestsPerSecond()).isEqualTo(101);
    assertThat(snapshot.outcomes())
        .containsEntry(Outcome.COMPLETED, 100L)
        .containsEntry(Outcome.TIMED_OUT, 1L)
        .containsEntry(Outcome.FAILED, 0L);
    assertThat(snapshot.latency().p50()).isBetween(1.98, 2.02);
    assertThat(snapshot.latency().max()).isBetween(49.5, 50.5);
    LiveStats.Step step = snapshot.steps().get(1);
    assertThat(step.meanBatchSize()).isEqualTo(2.67);
    assertThat(step.itemsPerSecond()).isEqualTo(8);
    assertThat(step.failed()).isEqualTo(3);
    assertThat(step.handle().p99()).isBetween(2.97, 3.03);
    assertThat(step.queue().p50()).isBetween(0.99, 1.01);
    assertThat(step.batchSizes())
        .containsExactly(
            new LiveStats.BatchSizes(1, 1, 1),
            new LiveStats.BatchSizes(2, 2, 0),
            new LiveStats.BatchSizes(3, 4, 2));
  }

  @Test
  void timerStopsWhenNothingHappensAndTheSecondIsEmptyThen() {
    stats.onCallEnd("digits", Outcome.COMPLETED, MILLI, null);
    for (int i = 0; i < 3; i++) {
      time.advance(HALF_A_SECOND);
    }
    assertThat(time.alarms()).isZero();
    assertThat(stats.snapshot().requestsPerSecond()).isZero();
    assertThat(stats.snapshot().totals()).containsEntry(Outcome.COMPLETED, 1L);
    stats.onCallEnd("digits", Outcome.COMPLETED, MILLI, null);
    assertThat(time.alarms()).isEqualTo(1);
    time.advance(HALF_A_SECOND);
    assertThat(stats.snapshot().requestsPerSecond()).isEqualTo(1);
  }

  @Test
  void whatHappensWhileTheTimerEndsIsNotTheLastSecondForEver() throws Exception {
    HandTimer timer = new HandTimer();
    LiveStats watched = new LiveStats(timer, List.of());
    AtomicInteger asked = new AtomicInteger();
    AtomicInteger ended = new AtomicInteger();
    Thread caller = Thread.ofPlatform().start(() -> endCalls(watched, asked, ended));
    try {
      for (int round = 1; round <= ROUNDS; round++) {
        watched.onCallEnd("digits", Outcome.COMPLETED, MILLI, null);
        timer.roll();
        timer.roll();
        asked.set(round);
        spin(13 * round % 300);
        timer.roll(); // the last one, if it does not see the call
        awaitNumber(ended, round);
        while (timer.roll()) {}
        assertThat(watched.snapshot().requestsPerSecond()).as("round %d", round).isZero();
      }
    } finally {
      caller.interrupt();
      caller.join();
    }
  }

  /** Ends one call for each number asked for, until it is interrupted. */
  private static void endCalls(LiveStats watched, AtomicInteger asked, AtomicInteger ended) {
    for (int round = 1; awaitNumber(asked, round); round++) {
      spin(7 * round % 400);
      watched.onCallEnd("digits", Outcome.COMPLETED, MILLI, null);
      ended.set(round);
    }
  }

  /** Returns whether the number came before an interrupt. */
  private static boolean awaitNumber(AtomicInteger number, int expected) {
    while (number.get() < expected) {
      if (Thread.currentThread().isInterrupted()) {
        return false;
      }
      Thread.onSpinWait();
    }
    return true;
  }

  private static void spin(int times) {
    for (int i = 0; i < times; i++) {
      Thread.onSpinWait();
    }
  }

  @Test
  void unknownStepFollowsTheKnownOnes() {
    stats.onBatch(batch("late", 1, 0));
    time.advance(HALF_A_SECOND);
    assertThat(stats.snapshot().steps()).hasSize(3).last().extracting("name").isEqualTo("late");
  }

  @Test
  void jsonHasEveryFigure() {
    stats.onBatch(batch("decode", 2, MILLI));
    time.advance(HALF_A_SECOND);
    assertThat(stats.snapshotJson())
        .startsWith("{\"requestsPerSecond\":0.0,\"outcomes\":{\"completed\":0,\"failed\":0,")
        .contains("\"latencyMillis\":{\"p50\":0.0,")
        .contains("{\"name\":\"decode\",\"itemsPerSecond\":2.0,\"batchesPerSecond\":1.0,")
        .contains("{\"from\":2,\"to\":2,\"batches\":1}");
  }

  @Test
  void eachFigureHasItsNameInTheJson() {
    Map<Outcome, Long> outcomes = new EnumMap<>(Outcome.class);
    Map<Outcome, Long> totals = new EnumMap<>(Outcome.class);
    long figure = 10;
    for (Outcome outcome : Outcome.values()) {
      outcomes.put(outcome, figure);
      totals.put(outcome, figure + 10);
      figure++;
    }
    LiveStats.Step step =
        new LiveStats.Step(
            "a",
            1.5,
            2.5,
            3.5,
            List.of(new LiveStats.BatchSizes(3, 4, 5)),
            6,
            7,
            new LiveStats.Millis(8, 9, 10, 11),
            new LiveStats.Millis(12, 13, 14, 15),
            List.of());
    LiveStats.Snapshot snapshot =
        new LiveStats.Snapshot(
            0.5, outcomes, totals, new LiveStats.Millis(1, 2, 3, 4), List.of(step));
    assertThat(SnapshotJson.write(snapshot))
        .isEqualTo(
            "{\"requestsPerSecond\":0.5,"
                + "\"outcomes\":{\"completed\":10,\"failed\":11,\"timedOut\":12,"
                + "\"cancelled\":13,\"rejected\":14},"
                + "\"totals\":{\"completed\":20,\"failed\":21,\"timedOut\":22,"
                + "\"cancelled\":23,\"rejected\":24},"
                + "\"latencyMillis\":{\"p50\":1.0,\"p90\":2.0,\"p99\":3.0,\"max\":4.0},"
                + "\"steps\":[{\"name\":\"a\",\"itemsPerSecond\":1.5,\"batchesPerSecond\":2.5,"
                + "\"meanBatchSize\":3.5,\"failed\":6,\"queueLength\":7,"
                + "\"queueMillis\":{\"p50\":8.0,\"p90\":9.0,\"p99\":10.0,\"max\":11.0},"
                + "\"handleMillis\":{\"p50\":12.0,\"p90\":13.0,\"p99\":14.0,\"max\":15.0},"
                + "\"batchSizes\":[{\"from\":3,\"to\":4,\"batches\":5}],\"workers\":[]}]}");
  }

  @Test
  void whatTakesHoursIsTheLongestTimeOfAll() {
    stats.onCallEnd("digits", Outcome.COMPLETED, Duration.ofHours(5).toNanos(), null);
    time.advance(HALF_A_SECOND);
    assertThat(stats.snapshot().latency().max()).isBetween(3_500_000.0, 3_700_000.0);
  }

  @Test
  void whatFailsOutsideABatchIsCounted() {
    stats.onDrop("digits", "decode", Outcome.FAILED);
    stats.onDrop("digits", "decode", Outcome.REJECTED);
    time.advance(HALF_A_SECOND);
    assertThat(stats.snapshot().steps().getFirst().failed()).isEqualTo(1);
  }

  @Test
  void workersAndQueuesAreToldAsTheyAreNow() {
    assertThat(stats.snapshotJson()).contains("\"workers\":[]}");
    WorkedBy service = new WorkedBy();
    stats.onStart(service);
    assertThat(stats.snapshot().steps())
        .extracting(LiveStats.Step::workers)
        .containsOnly(List.<WorkerStatus>of());
    service.workers =
        List.of(
            new WorkerStatus(
                "digits-classify-0", 4711, WorkerStatus.State.BUSY, 3, 12_345_678, Duration.ZERO));
    service.queued = 49; // the step has no batch at all: its handler is stuck, say
    assertThat(stats.snapshot().steps())
        .extracting(LiveStats.Step::queueLength)
        .as("of decode, which is not known, and of classify")
        .containsExactly(0, 49);
    assertThat(stats.snapshot().steps().getFirst().workers()).as("of decode").isEmpty();
    assertThat(stats.snapshotJson())
        .contains(
            "\"workers\":[{\"name\":\"digits-classify-0\",\"pid\":4711,\"state\":\"busy\","
                + "\"restarts\":3,\"residentBytes\":12345678}]}");
  }

  private static BatchEvent batch(String step, int size, long handleNanos) {
    long[] queueNanos = new long[size];
    Arrays.fill(queueNanos, MILLI);
    return new BatchEvent("digits", step, size, 1, handleNanos, queueNanos, 7);
  }

  /** A flow of which step {@code classify} alone is known, and has workers. */
  private static final class WorkedBy implements Observed {
    private List<WorkerStatus> workers = List.of();
    private int queued;

    @Override
    public String name() {
      return "digits";
    }

    @Override
    public List<String> steps() {
      return List.of("classify");
    }

    @Override
    public Flow.State state() {
      return Flow.State.RUNNING;
    }

    @Override
    public int queued(String step) {
      assertThat(step).isEqualTo("classify");
      return queued;
    }

    @Override
    public List<WorkerStatus> workers(String step) {
      assertThat(step).isEqualTo("classify");
      return workers;
    }
  }

  /** A timer that several threads may set and a test rings. */
  private static final class HandTimer implements TimeSource {
    private final AtomicReference<@Nullable Runnable> task = new AtomicReference<>();
    private final AtomicLong nowNanos = new AtomicLong();

    /** Returns whether the timer was set. */
    boolean roll() {
      Runnable due = task.getAndSet(null);
      if (due == null) {
        return false;
      }
      nowNanos.addAndGet(500 * MILLI);
      due.run();
      return true;
    }

    @Override
    public long nanoTime() {
      return nowNanos.get();
    }

    @Override
    public Alarm schedule(long delayNanos, Runnable due) {
      assertThat(task.compareAndSet(null, due)).as("one timer at a time").isTrue();
      return () -> task.compareAndSet(due, null);
    }

    @Override
    public void execute(Runnable task) {
      task.run();
    }
  }
}
