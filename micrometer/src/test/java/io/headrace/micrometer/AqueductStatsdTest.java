package io.headrace.micrometer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.CallOptions;
import io.headrace.Flow;
import io.headrace.Observer.BatchEvent;
import io.headrace.Observer.Outcome;
import io.headrace.Observer.TransferEvent;
import io.headrace.Observer.WorkerEvent;
import io.headrace.Observer.WorkerEvent.Kind;
import io.headrace.OnFull;
import io.headrace.WorkerStatus;
import io.headrace.Workers;
import io.headrace.micrometer.AqueductStatsd.Group;
import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a StatsD server receives. */
class AqueductStatsdTest {
  private final VirtualTime time = new VirtualTime();
  private final SteppedExecutor executor = new SteppedExecutor();
  private StatsdServer server;

  @BeforeEach
  void openServer() throws IOException {
    server = new StatsdServer();
  }

  @AfterEach
  void closeServer() {
    server.close();
  }

  private AqueductStatsdBuilder statsd() {
    return AqueductStatsd.builder(server.address()).timeSource(time);
  }

  private Flow<Integer, Integer> flow(AqueductStatsd statsd) throws InterruptedException {
    return Flow.<Integer>builder("photos")
        .step(
            "Decode.jpg",
            items -> {
              advance(2_500);
              return items;
            },
            step ->
                step.batch(BatchPolicy.greedy(2))
                    .queue(3, OnFull.fail())
                    .workers(Workers.executor(executor, 1)))
        .step("Classify", items -> items, step -> step.workers(Workers.executor(executor, 1)))
        .observer(statsd)
        .timeSource(time)
        .build()
        .start();
  }

  private void advance(long micros) {
    time.advance(Duration.ofNanos(micros * 1_000));
  }

  private void end(Flow<?, ?> flow) {
    var closing = CompletableFuture.runAsync(flow::close, Thread::startVirtualThread);
    while (!closing.isDone()) {
      executor.runAll();
    }
  }

  @Test
  void theNamesAreThoseOfAqueduct() throws Exception {
    var statsd = statsd().prefix("shop").build();
    var flow = flow(statsd);
    flow.submit(1);
    flow.submit(2);
    advance(123);
    flow.submit(3);
    executor.runAll();
    end(flow);
    String hop1 = "from_main_process_to_step1_Decode_jpg";
    String hop2 = "from_step1_Decode_jpg_to_step2_Classify";
    assertThat(server.lines(24))
        .containsExactlyInAnyOrder(
            "aqueduct.shop.transfer_time." + hop1 + ":0.000|ms",
            "aqueduct.shop.transfer_time." + hop1 + ":2.623|ms",
            "aqueduct.shop.transfer_time." + hop1 + ":2.500|ms",
            "aqueduct.shop.handle_time.step1_Decode_jpg:2.500|ms",
            "aqueduct.shop.handle_time.step1_Decode_jpg:2.500|ms",
            "aqueduct.shop.handle_time.step1_Decode_jpg:2.500|ms",
            "aqueduct.shop.batch_time.step1_Decode_jpg:0.000|ms",
            "aqueduct.shop.batch_time.step1_Decode_jpg:2.623|ms",
            "aqueduct.shop.batch_size.step1_Decode_jpg:1|ms",
            "aqueduct.shop.batch_size.step1_Decode_jpg:2|ms",
            "aqueduct.shop.transfer_time." + hop2 + ":0.000|ms",
            "aqueduct.shop.transfer_time." + hop2 + ":0.000|ms",
            "aqueduct.shop.transfer_time." + hop2 + ":0.000|ms",
            "aqueduct.shop.handle_time.step2_Classify:0.000|ms",
            "aqueduct.shop.handle_time.step2_Classify:0.000|ms",
            "aqueduct.shop.handle_time.step2_Classify:0.000|ms",
            "aqueduct.shop.batch_time.step2_Classify:0.000|ms",
            "aqueduct.shop.batch_time.step2_Classify:0.000|ms",
            "aqueduct.shop.batch_size.step2_Classify:1|ms",
            "aqueduct.shop.batch_size.step2_Classify:2|ms",
            "aqueduct.shop.handle_time.total:5.123|ms",
            "aqueduct.shop.handle_time.total:5.123|ms",
            "aqueduct.shop.handle_time.total:5.000|ms",
            "aqueduct.shop.tasks.complete:1|c",
            "aqueduct.shop.tasks.complete:1|c",
            "aqueduct.shop.tasks.complete:1|c");
  }

  /** aqueduct forgets the times of items whose call has timed out. */
  @Test
  void itemsOfCallsThatTimedOutCountToo() throws Exception {
    var statsd = statsd().build();
    var flow = flow(statsd);
    flow.submit(1, CallOptions.timeout(Duration.ofMillis(1)));
    executor.runAll();
    end(flow);
    assertThat(server.lines(5))
        .contains("aqueduct.tasks.timeout:1|c", "aqueduct.handle_time.step1_Decode_jpg:2.500|ms")
        .noneMatch(line -> line.contains("handle_time.total"));
  }

  @Test
  void eachOutcomeIsCounted() throws Exception {
    var statsd = statsd().collect().build();
    for (Outcome outcome : Outcome.values()) {
      statsd.onCallEnd("photos", outcome, 1, null);
    }
    statsd.close();
    assertThat(server.lines(5))
        .containsExactlyInAnyOrder(
            "aqueduct.tasks.complete:1|c",
            "aqueduct.tasks.fail:1|c",
            "aqueduct.tasks.timeout:1|c",
            "aqueduct.tasks.cancel:1|c",
            "aqueduct.tasks.reject:1|c");
  }

  @Test
  void queueSizesAreSentOnceASecond() throws Exception {
    var statsd = statsd().collect(Group.QUEUE_SIZE).build();
    var flow = flow(statsd);
    flow.submit(1);
    flow.submit(2);
    flow.submit(3);
    time.advance(Duration.ofMillis(999));
    assertThat(server.hasMore()).isFalse();
    time.advance(Duration.ofMillis(501));
    assertThat(server.lines(2))
        .containsExactly(
            "aqueduct.qsize.from_main_process_to_step1_Decode_jpg:2|ms",
            "aqueduct.qsize.from_step1_Decode_jpg_to_step2_Classify:0|ms");
    time.advance(Duration.ofSeconds(1));
    assertThat(server.lines(2)).hasSize(2);
    end(flow);
    assertThat(server.lines(3)).containsOnly("aqueduct.tasks.complete:1|c");
    time.advance(Duration.ofSeconds(10));
    assertThat(server.hasMore()).as("of a flow that has ended").isFalse();
    statsd.close();
  }

  @Test
  void whatCannotBeReadOnceIsReadAgain() throws Exception {
    var statsd = statsd().exportPeriod(Duration.ofMillis(1)).build();
    WatchedService photos = photos();
    photos.workers.put("Decode.jpg", null);
    statsd.onStart(photos);
    try (LogCapture log = new LogCapture()) {
      time.advance(Duration.ofSeconds(2));
      assertThat(log.messages()).hasSize(1);
    }
    photos.workers.put("Decode.jpg", List.of(process(1, 100)));
    while (server.hasMore()) {
      server.lines(1);
    }
    time.advance(Duration.ofMillis(1_001));
    assertThat(server.lines(6)).contains("aqueduct.memory_usage.step0_Decode_jpg:100|ms");
    statsd.close();
    assertThat(time.alarms()).as("after the close").isZero();
  }

  @Test
  void theEndOfAReplacedFlowDoesNotHideItsSuccessor() throws Exception {
    var statsd = statsd().collect(Group.QUEUE_SIZE).exportPeriod(Duration.ofMillis(1)).build();
    var old = flow(statsd);
    var successor = flow(statsd);
    end(old);
    time.advance(Duration.ofMillis(1_001));
    assertThat(server.lines(2)).hasSize(2).allMatch(line -> line.contains("qsize"));
    end(successor);
    statsd.close();
  }

  /** A flow of two steps with processes and one with threads. */
  private static WatchedService photos() {
    return new WatchedService("photos", "Decode.jpg", "Classify", "Sort");
  }

  private static WorkerStatus process(long pid, long residentBytes) {
    return new WorkerStatus(
        "any", pid, WorkerStatus.State.IDLE, 0, residentBytes, Duration.ofMillis(1));
  }

  /** These, too, go on when the others are off. Steps count from zero here. */
  @Test
  void processesAndTheirMemoryAreSentOnceASecond() throws Exception {
    var statsd = statsd().collect().exportPeriod(Duration.ofMillis(1)).build();
    WatchedService photos = photos();
    photos.workers.put("Decode.jpg", List.of(process(1, 100), process(2, 20), process(0, 0)));
    photos.workers.put("Classify", List.of(process(3, 4_000_000_000L)));
    statsd.onStart(photos);
    time.advance(Duration.ofMillis(999));
    assertThat(server.hasMore()).isFalse();
    for (int second = 1; second <= 2; second++) {
      time.advance(Duration.ofMillis(501));
      assertThat(server.lines(6))
          .containsExactly(
              "aqueduct.memory_usage.step0_Decode_jpg:100|ms",
              "aqueduct.memory_usage.step0_Decode_jpg:20|ms",
              "aqueduct.memory_usage.step0_Decode_jpg_nprocs_sum:120|ms",
              "aqueduct.memory_usage.step1_Classify:4000000000|ms",
              "aqueduct.processes.running:3|c",
              "aqueduct.memory_usage.all_memory_usage:4000000120|ms");
      time.advance(Duration.ofMillis(499));
      assertThat(server.hasMore()).isFalse();
    }
    for (Kind kind : Kind.values()) {
      statsd.onWorker(new WorkerEvent("photos", "Classify", "any", 3, kind, null, ""));
    }
    photos.state = Flow.State.STOPPED;
    statsd.onState("photos", Flow.State.STOPPED);
    assertThat(server.lines(1)).containsExactly("aqueduct.processes.dead:1|c");
    time.advance(Duration.ofSeconds(10));
    assertThat(server.hasMore()).as("of a flow that has ended").isFalse();
    statsd.close();
  }

  @Test
  void sizesOfTasksAreSentForEachItem() throws Exception {
    var statsd = statsd().collect(Group.TASK_TIMERS).build();
    statsd.onStart(photos());
    statsd.onTransfer(
        new TransferEvent("photos", "Classify", "any", 1, new long[] {64, 3_000_000_000L}));
    statsd.onTransfer(new TransferEvent("photos", "Other", "any", 1, new long[] {1}));
    statsd.onTransfer(new TransferEvent("other", "Classify", "any", 1, new long[] {1}));
    statsd.close();
    String name = "aqueduct.task_size.from_step1_Decode_jpg_to_step2_Classify";
    assertThat(server.lines(2)).containsExactly(name + ":64|ms", name + ":3000000000|ms");
    var withoutTimers = statsd().collect(Group.QUEUE_SIZE).build();
    withoutTimers.onStart(photos());
    withoutTimers.onTransfer(new TransferEvent("photos", "Classify", "any", 1, new long[] {64}));
    withoutTimers.close();
    assertThat(server.hasMore()).isFalse();
  }

  /** The counts of tasks go on when the others are off. */
  @Test
  void withoutGroupsOnlyTasksAreCounted() throws Exception {
    var statsd = statsd().collect().build();
    var flow = flow(statsd);
    flow.submit(1);
    time.advance(Duration.ofSeconds(5));
    end(flow);
    assertThat(server.lines(1)).containsExactly("aqueduct.tasks.complete:1|c");
    statsd.close();
    assertThat(server.hasMore()).isFalse();
  }

  /** Each group can be had without the other. */
  @Test
  void timersComeWithoutQueueSizes() throws Exception {
    var statsd = statsd().collect(Group.TASK_TIMERS).build();
    var flow = flow(statsd);
    flow.submit(1);
    time.advance(Duration.ofSeconds(5));
    end(flow);
    statsd.close();
    assertThat(server.lines(10))
        .hasSize(10)
        .noneMatch(line -> line.contains("qsize"))
        .contains("aqueduct.batch_size.step1_Decode_jpg:1|ms");
  }

  @Test
  void whatIsCollectedIsSentEveryHalfSecondAndWhenTheFlowStops() throws Exception {
    var statsd = statsd().collect().build();
    statsd.onCallEnd("photos", Outcome.COMPLETED, 1, null);
    time.advance(Duration.ofMillis(499));
    assertThat(server.hasMore()).isFalse();
    time.advance(Duration.ofMillis(1));
    assertThat(server.lines(1)).containsExactly("aqueduct.tasks.complete:1|c");
    statsd.onCallEnd("photos", Outcome.COMPLETED, 1, null);
    statsd.onState("photos", Flow.State.STOPPED);
    assertThat(server.lines(1)).hasSize(1);
    statsd.close();
    statsd.onCallEnd("photos", Outcome.COMPLETED, 1, null);
    statsd.close();
    time.advance(Duration.ofSeconds(1));
    assertThat(server.hasMore()).isFalse();
    assertThat(time.alarms()).as("a closed one has no alarms").isZero();
  }

  @Test
  void datagramsAreFilledAndNotTooLong() throws Exception {
    var statsd = statsd().build();
    for (int i = 0; i < 1_000; i++) {
      statsd.onCallEnd("photos", Outcome.COMPLETED, 1_234_567, null);
    }
    statsd.close();
    assertThat(server.lines(2_000)).hasSize(2_000).contains("aqueduct.handle_time.total:1.234|ms");
    assertThat(server.sizes())
        .allMatch(size -> size <= StatsdLines.MAX_DATAGRAM_BYTES)
        .filteredOn(size -> size < 1_300)
        .hasSizeLessThanOrEqualTo(1);
  }

  @Test
  void linesOfSeveralThreadsDoNotMix() throws Exception {
    var statsd = statsd().build();
    List<CompletableFuture<Void>> threads =
        List.of(Outcome.COMPLETED, Outcome.FAILED).stream()
            .map(
                outcome ->
                    CompletableFuture.runAsync(
                        () -> {
                          for (int i = 0; i < 1_000; i++) {
                            statsd.onCallEnd("photos", outcome, 2_000, null);
                          }
                        },
                        Thread::startVirtualThread))
            .toList();
    threads.forEach(CompletableFuture::join);
    statsd.close();
    assertThat(server.lines(3_000))
        .allMatch(
            line ->
                line.matches("aqueduct\\.(handle_time\\.total:0\\.002\\|ms|tasks\\.\\w+:1\\|c)"));
  }

  /** Without a receiver aqueduct keeps every sample for ever. */
  @Test
  void whatNobodyReceivesIsDropped() throws Exception {
    InetSocketAddress nobody = server.address();
    server.close();
    try (var log = new LogCapture();
        var statsd = AqueductStatsd.builder(nobody).timeSource(time).build()) {
      long before = usedBytes();
      for (int i = 0; i < 1_000_000; i++) {
        statsd.onCallEnd("photos", Outcome.COMPLETED, 1, null);
      }
      assertThat(usedBytes() - before).isLessThan(5_000_000);
      assertThat(statsd.lostDatagrams()).isPositive();
      assertThat(log.messages()).hasSize(1);
    }
  }

  private static long usedBytes() {
    System.gc();
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  /** aqueduct rounds to 10 microseconds; the format here goes to one. */
  @Test
  void timesAreMillisecondsWithThreeDecimals() throws Exception {
    var statsd = statsd().collect(Group.TASK_TIMERS).build();
    for (long nanos : new long[] {0, 999, 1_000, 10_000, 999_999, 1_000_000, 12_345_678_901L, -5}) {
      statsd.onCallEnd("photos", Outcome.COMPLETED, nanos, null);
    }
    statsd.close();
    assertThat(server.lines(16))
        .filteredOn(line -> line.contains("total"))
        .extracting(line -> line.substring(line.indexOf(':') + 1))
        .containsExactly(
            "0.000|ms",
            "0.000|ms",
            "0.001|ms",
            "0.010|ms",
            "0.999|ms",
            "1.000|ms",
            "12345.678|ms",
            "0.000|ms");
  }

  @Test
  void aBatcherIsAFlowOfOneStep() throws Exception {
    var statsd = statsd().build();
    try (statsd;
        var batcher =
            Batcher.<Integer, Integer>builder(items -> items)
                .name("sums")
                .workers(Workers.executor(Runnable::run, 1))
                .timeSource(time)
                .observer(statsd)
                .build()) {
      batcher.submit(1);
    }
    assertThat(server.lines(6))
        .contains(
            "aqueduct.transfer_time.from_main_process_to_step1_sums:0.000|ms",
            "aqueduct.batch_size.step1_sums:1|ms");
  }

  @Test
  void aNameThatFitsIntoNoDatagramIsLeftOut() throws Exception {
    var statsd = statsd().collect().prefix("x".repeat(StatsdLines.MAX_DATAGRAM_BYTES)).build();
    statsd.onCallEnd("photos", Outcome.COMPLETED, 1, null);
    statsd.close();
    assertThat(server.hasMore()).isFalse();
  }

  @Test
  void aBatchOfAnUnknownServiceIsIgnored() throws Exception {
    var statsd = statsd().build();
    statsd.onBatch(new BatchEvent("other", "step", 1, 0, 1, new long[] {1}, 0));
    statsd.close();
    assertThat(server.hasMore()).isFalse();
  }

  @Test
  void whatMakesNoSenseIsRefused() {
    assertThatThrownBy(
            () -> AqueductStatsd.builder(InetSocketAddress.createUnresolved("no.such.host", 8125)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no.such.host");
    for (String prefix : List.of("", "a b", "a:b", "a|b", ".a", "a.", "a..b", "a\nb")) {
      assertThatThrownBy(() -> statsd().prefix(prefix))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("'" + prefix + "'");
    }
    for (Duration period :
        List.of(Duration.ZERO, Duration.ofNanos(-1), Duration.ofNanos(999_999))) {
      assertThatThrownBy(() -> statsd().exportPeriod(period))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(period + ", it has to be at least a millisecond");
      assertThatThrownBy(() -> statsd().queueSizePeriod(period))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(period.toString());
    }
    Duration endless = Duration.ofSeconds(Long.MAX_VALUE);
    statsd().exportPeriod(endless).queueSizePeriod(endless).build().close();
    assertThatThrownBy(() -> statsd().prefix("a").prefix("b"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("prefix is set to b, it was set to a before");
    assertThatThrownBy(() -> statsd().collect().collect(Group.QUEUE_SIZE))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("groups is set to [QUEUE_SIZE], it was set to [] before");
    assertThatThrownBy(() -> statsd().collect(Group.QUEUE_SIZE, Group.QUEUE_SIZE))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(statsd().prefix("shop.live-1_a").exportPeriod(Duration.ofMillis(1))).isNotNull();
  }
}
