package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a recording of JDK Flight Recorder holds, and that nothing is done without one. */
class FlightTest {
  private final VirtualTime time = new VirtualTime();
  private final SteppedExecutor executor = new SteppedExecutor();
  @TempDir Path folder;

  private Batcher<Integer, Integer> batcher(String name) {
    return batcher(name, Workers.executor(executor, 1), time);
  }

  private static Batcher<Integer, Integer> batcher(String name, Workers workers, TimeSource time) {
    return Batcher.<Integer, Integer>builder(
            items -> {
              Outcomes<Integer> outcomes = new Outcomes<>(items.size());
              for (Integer item : items) {
                if (item < 0) {
                  outcomes.addFailure(new IOException());
                } else {
                  outcomes.add(item);
                }
              }
              return outcomes;
            })
        .name(name)
        .batch(BatchPolicy.greedy(2))
        .workers(workers)
        .timeSource(time)
        .build();
  }

  /** The events of a kind that were recorded, the earliest first. */
  private List<RecordedEvent> stop(Recording recording, String kind) {
    try (recording) {
      recording.stop();
      Path file = folder.resolve("recording.jfr");
      Files.deleteIfExists(file);
      recording.dump(file);
      return RecordingFile.readAllEvents(file).stream()
          .filter(event -> event.getEventType().getName().equals("io.headrace." + kind))
          .sorted((one, other) -> one.getStartTime().compareTo(other.getStartTime()))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Recording started() {
    Recording recording = new Recording();
    recording.start();
    return recording;
  }

  @Test
  void batchesAreRecorded() {
    Recording recording = started();
    var batcher = batcher("sums");
    batcher.submit(0);
    batcher.submit(1);
    time.advance(Duration.ofMillis(3));
    batcher.submit(-2);
    batcher.submit(3);
    time.advance(Duration.ofMillis(4));
    executor.runAll();
    batcher.close();
    List<RecordedEvent> batches = stop(recording, "Batch");
    assertThat(batches).hasSize(3);
    RecordedEvent second = batches.get(1);
    assertThat(second.getString("service")).isEqualTo("sums");
    assertThat(second.getString("step")).isEqualTo("sums");
    assertThat(second.getInt("size")).isEqualTo(2);
    assertThat(second.getInt("failed")).isEqualTo(1);
    assertThat(second.getInt("queueLength")).isEqualTo(1);
    assertThat(second.getDuration("longestWait")).isEqualTo(Duration.ofMillis(7));
    assertThat(second.getDuration()).isPositive();
    assertThat(second.getStackTrace()).isNull();
  }

  @Test
  void aBatchLastsAsLongAsItsHandler() {
    Recording recording = started();
    HeldBatches<Integer> held = new HeldBatches<>();
    try (var batcher =
        Batcher.asyncBuilder(held).workers(Workers.executor(Runnable::run, 1)).build()) {
      batcher.submit(1);
      long before = TimeSource.system().nanoTime();
      while (TimeSource.system().nanoTime() - before < 2_000_000) {
        Thread.onSpinWait();
      }
      held.answerAll();
    }
    assertThat(stop(recording, "Batch"))
        .singleElement()
        .satisfies(
            batch -> assertThat(batch.getDuration()).isGreaterThanOrEqualTo(Duration.ofMillis(2)));
  }

  @Test
  void onlySlowBatchesAreRecordedOnRequest() {
    Recording recording = new Recording();
    recording.enable("io.headrace.Batch").withThreshold(Duration.ofHours(1));
    recording.start();
    try (var batcher = batcher("sums", Workers.inline(), time)) {
      batcher.submit(1);
    }
    assertThat(stop(recording, "Batch")).isEmpty();
  }

  @Test
  void aRecordingThatBeginsWhileItemsWaitDoesNotKnowHowLongTheyHave() {
    var batcher = batcher("sums", Workers.executor(executor, 1), TimeSource.system());
    batcher.submit(0);
    batcher.submit(1);
    Recording recording = started();
    executor.runAll();
    batcher.submit(2);
    executor.runAll();
    batcher.close();
    List<RecordedEvent> batches = stop(recording, "Batch");
    assertThat(batches).hasSize(2);
    assertThat(batches.get(0).getDuration("longestWait")).isZero();
    assertThat(batches.get(1).getDuration("longestWait")).isLessThan(Duration.ofMinutes(1));
  }

  @Test
  void changesOfStateAreRecorded() throws Exception {
    Recording recording = started();
    var flow =
        Flow.<Integer>builder("photos")
            .step("decode", items -> items, step -> step.workers(Workers.inline()))
            .build();
    flow.start();
    flow.close();
    assertThat(stop(recording, "Flow"))
        .allMatch(event -> event.getString("service").equals("photos"))
        .extracting(event -> event.getString("state"))
        .containsExactly("STARTING", "RUNNING", "DRAINING", "STOPPED");
  }

  @Test
  void stepsAreLookedAtOnceAPeriod() {
    var before = batcher("before");
    var ended = batcher("ended");
    ended.close();
    Recording recording = new Recording();
    recording.enable("io.headrace.Step").with("period", "endChunk");
    recording.start();
    var during = batcher("during");
    before.submit(1);
    for (int i = 0; i < 4; i++) {
      during.submit(i);
    }
    List<RecordedEvent> steps = stop(recording, "Step");
    assertThat(steps)
        .extracting(
            step ->
                step.getString("service")
                    + " "
                    + step.getString("step")
                    + " "
                    + step.getInt("queueLength"))
        .contains("before before 0", "during during 3")
        .noneMatch(step -> step.startsWith("ended"));
    executor.runAll();
    before.close();
    during.close();
  }

  private static String figures(RecordedEvent step) {
    return "%s: %d wait for %d workers, %d run, %d items in %d batches so far"
        .formatted(
            step.getString("step"),
            step.getInt("queueLength"),
            step.getInt("workers"),
            step.getLong("running"),
            step.getLong("items"),
            step.getLong("batches"));
  }

  private static Recording ofSteps() {
    Recording recording = new Recording();
    recording.enable("io.headrace.Step").with("period", "endChunk");
    recording.start();
    return recording;
  }

  @Test
  void stepsTellWhatRunsAndWhatHasRun() throws Exception {
    HeldBatches<Integer> held = new HeldBatches<>();
    var flow =
        Flow.<Integer>builder("photos")
            .asyncStep(
                "decode",
                held,
                step ->
                    step.batch(BatchPolicy.greedy(2)).workers(Workers.executor(Runnable::run, 2)))
            .step("classify", items -> items, step -> step.workers(Workers.inline()))
            .build()
            .start();
    for (int i = 0; i < 9; i++) {
      flow.submit(i);
    }
    held.answer(); // of two batches of one; the next takes two, as the worker is free
    flow.resize("decode", 3);
    List<RecordedEvent> steps = stop(ofSteps(), "Step");
    assertThat(steps)
        .extracting(FlightTest::figures)
        .contains(
            "decode: 3 wait for 3 workers, 5 run, 6 items in 4 batches so far",
            "classify: 0 wait for 2147483647 workers, 0 run, 1 items in 1 batches so far");
    held.answerAll();
    flow.close();
  }

  /** The item -1 makes a batch fail. */
  private static List<Integer> refuse(List<Integer> items) {
    if (items.contains(-1)) {
      throw new IllegalArgumentException();
    }
    return items;
  }

  @Test
  void aBatchThatIsIsolatedIsRecordedForEachExecutionAndCountedOnce() throws Exception {
    Recording recording = started();
    var flow =
        Flow.<Integer>builder("photos")
            .step("decode", FlightTest::refuse, step -> step.workers(Workers.inline()).isolate(8))
            .warmUp(List.of(1, 2, 3))
            .build()
            .start();
    flow.submitAll(List.of(0, 1, 2, -1), CallOptions.DEFAULT);
    List<RecordedEvent> steps = stop(ofSteps(), "Step");
    flow.close();
    assertThat(stop(recording, "Batch"))
        .extracting(batch -> batch.getInt("size") + " " + batch.getInt("failed"))
        .as("the warm-up, the batch, its halves and the halves of the second")
        .containsExactly("3 0", "4 0", "2 0", "1 0", "1 1");
    assertThat(steps)
        .extracting(FlightTest::figures)
        .as("the batch, and not the warm-up")
        .contains("decode: 0 wait for 2147483647 workers, 0 run, 4 items in 1 batches so far");
    assertThat(steps)
        .filteredOn(step -> step.getString("service").equals("photos"))
        .extracting(FlightTest::lost)
        .containsOnly("4 retried, 1 failed, 0 timed out, 0 cancelled, 0 rejected");
  }

  @Test
  void stepsTellHowItemsWereLost() throws Exception {
    HeldBatches<Integer> held = new HeldBatches<>();
    var batcher =
        Batcher.asyncBuilder(held)
            .name("photos")
            .queue(3, OnFull.fail())
            .workers(Workers.executor(Runnable::run, 1))
            .build();
    batcher.submit(0); // runs
    batcher.submit(1).cancel(true);
    batcher.submitAll(List.of(2, 3, 4, 5, 6)); // three find room
    assertThat(stop(ofSteps(), "Step"))
        .filteredOn(step -> step.getString("service").equals("photos"))
        .extracting(FlightTest::lost)
        .containsOnly("0 retried, 0 failed, 0 timed out, 1 cancelled, 2 rejected");
    held.answerAll();
    batcher.close();
  }

  private static String lost(RecordedEvent step) {
    return "%d retried, %d failed, %d timed out, %d cancelled, %d rejected"
        .formatted(
            step.getLong("retried"),
            step.getLong("failed"),
            step.getLong("timedOut"),
            step.getLong("cancelled"),
            step.getLong("rejected"));
  }

  @Test
  void callsAreRecordedOnRequestIfTheyAreSlow() {
    for (String threshold : List.of("off", "0 ms", "1 h")) {
      Recording recording = new Recording();
      if (!threshold.equals("off")) {
        recording.enable("io.headrace.Call").with("threshold", threshold);
      }
      recording.start();
      try (var batcher = batcher("sums", Workers.inline(), time)) {
        batcher.submit(1);
        batcher.submit(-1);
      }
      assertThat(stop(recording, "Call"))
          .as(threshold)
          .extracting(call -> call.getString("service") + " " + call.getString("outcome"))
          .isEqualTo(
              threshold.equals("0 ms") ? List.of("sums COMPLETED", "sums FAILED") : List.of());
    }
  }

  @Test
  void theItemsOfAWarmUpAreNotRecordedAsCalls() throws Exception {
    Recording recording = new Recording();
    recording.enable("io.headrace.Call").with("threshold", "0 ms");
    recording.start();
    var flow =
        Flow.<Integer>builder("photos")
            .step("decode", items -> items, step -> step.workers(Workers.inline()))
            .warmUp(List.of(1, 2))
            .build();
    flow.start().call(3);
    flow.close();
    assertThat(stop(recording, "Call")).as("the one of a caller").hasSize(1);
  }

  @Test
  void withoutARecordingNoClockIsReadForIt() {
    int inline = clockReadings(Workers.inline());
    int queued = clockReadings(Workers.executor(executor, 1));
    Recording recording = started();
    int inlineRecorded = clockReadings(Workers.inline());
    int queuedRecorded = clockReadings(Workers.executor(executor, 1));
    stop(recording, "Batch");
    assertThat(inline).isZero();
    assertThat(inlineRecorded).isPositive();
    assertThat(queuedRecorded).isGreaterThan(queued);
    assertThat(clockReadings(Workers.inline())).as("after it").isZero();
    assertThat(clockReadings(Workers.executor(executor, 1))).as("after it").isEqualTo(queued);
  }

  private int clockReadings(Workers workers) {
    CountingTime counting = new CountingTime(time);
    try (Batcher<Integer, Integer> batcher = batcher("sums", workers, counting)) {
      int before = counting.readings;
      for (int i = 0; i < 10; i++) {
        batcher.submit(i);
        executor.runAll();
      }
      return counting.readings - before;
    }
  }
}
