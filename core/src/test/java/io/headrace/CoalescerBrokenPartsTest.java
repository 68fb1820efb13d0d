package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.headrace.CoalescerProbes.Stages;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a coalescer stands on fails: its clock, its alarms, the stack of a caller. */
class CoalescerBrokenPartsTest {
  private static final CallOptions SECOND = CallOptions.timeout(Duration.ofSeconds(1));

  private final VirtualTime virtual = new VirtualTime();
  private final Stages<String, String> stages = new Stages<>();
  private boolean isClockBroken;
  private boolean areAlarmsBroken;

  private final TimeSource time =
      new TimeSource() {
        @Override
        public long nanoTime() {
          if (isClockBroken) {
            throw new IllegalStateException("no clock");
          }
          return virtual.nanoTime();
        }

        @Override
        public Alarm schedule(long delayNanos, Runnable task) {
          if (areAlarmsBroken) {
            throw new IllegalStateException("no alarm");
          }
          return virtual.schedule(delayNanos, task);
        }

        @Override
        public void execute(Runnable task) {
          virtual.execute(task);
        }
      };

  private CoalescerBuilder<String, String> builder() {
    return Coalescer.<String, String>asyncBuilder(stages).timeSource(time);
  }

  @Test
  void aClockThatFailsKeepsNobodyFromTheOutcome() {
    CoalescerStatistics statistics = CoalescerHooks.statistics();
    Coalescer<String, String> coalescer = builder().hooks(statistics).build();
    try (LogCapture log = new LogCapture()) {
      isClockBroken = true;
      CompletableFuture<String> begun = coalescer.submit("key");
      isClockBroken = false;
      CompletableFuture<String> joined = coalescer.submit("key");
      isClockBroken = true;
      stages.last().complete("result");
      assertThat(begun.join()).isEqualTo("result");
      assertThat(joined.join()).isEqualTo("result");
      assertThat(log.messages()).hasSize(1);
    }
    assertThat(coalescer.keys()).isZero();
    assertThat(statistics.snapshot()).isEqualTo(new CoalescerStatistics.Snapshot(1, 1, 0, 0, 0));
  }

  @Test
  void aCallWhoseTimeoutCannotBeKeptFailsAlone() {
    CoalescerStatistics statistics = CoalescerHooks.statistics();
    Coalescer<String, String> coalescer =
        builder().hooks(statistics).whenAbandoned(WhenAbandoned.CANCEL).build();
    areAlarmsBroken = true;
    assertThat(coalescer.submit("alone", SECOND).exceptionNow()).hasMessage("no alarm");
    assertThat(stages.last()).isCancelled();
    CompletableFuture<String> other = coalescer.submit("key");
    assertThat(coalescer.submit("key", SECOND).exceptionNow()).hasMessage("no alarm");
    isClockBroken = true;
    assertThat(coalescer.submit("key", SECOND).exceptionNow()).hasMessage("no clock");
    isClockBroken = false;
    stages.last().complete("result");
    assertThat(other.join()).isEqualTo("result");
    assertThat(statistics.snapshot()).isEqualTo(new CoalescerStatistics.Snapshot(2, 1, 0, 1, 1));
  }

  @Test
  void aResultThatCannotExpireIsNotKept() {
    Coalescer<String, String> coalescer = builder().keep(Duration.ofSeconds(1)).maxKeys(1).build();
    areAlarmsBroken = true;
    try (LogCapture log = new LogCapture()) {
      CompletableFuture<String> first = coalescer.submit("a");
      stages.last().complete("result");
      assertThat(first.join()).isEqualTo("result");
      assertThat(log.messages()).hasSize(1);
    }
    assertThat(coalescer.kept()).isZero();
    assertThat(coalescer.keys()).isZero();
    areAlarmsBroken = false;
    coalescer.submit("b");
    stages.last().complete("other");
    assertThat(coalescer.kept()).isEqualTo(1);
  }

  static Stream<CoalescerBuilder<String, String>> kinds() {
    return Stream.of(
        Coalescer.builder(key -> key),
        Coalescer.asyncBuilder(CompletableFuture::completedFuture),
        Coalescer.<String, String>asyncBuilder(CompletableFuture::completedFuture)
            .keep(Duration.ofHours(1)));
  }

  /** A caller at the end of its stack fails, wherever that is; the next one finds its key whole. */
  @ParameterizedTest
  @MethodSource("kinds")
  void aCallerWithoutRoomOnItsStackLosesNoKey(CoalescerBuilder<String, String> builder)
      throws Exception {
    Coalescer<String, String> coalescer = builder.build();
    AtomicInteger overflows = new AtomicInteger();
    try (LogCapture _ = new LogCapture()) { // what is thrown at the end of a stack may be logged
      for (int room = 0; room < 300; room++) {
        String key = "key " + room;
        int frames = room;
        Thread deep =
            new Thread(
                null,
                () -> {
                  Throwable thrown =
                      catchThrowable(
                          () -> atTheEnd(new int[] {frames}, () -> submit(coalescer, key)));
                  if (thrown instanceof StackOverflowError) {
                    overflows.incrementAndGet();
                  }
                },
                "deep",
                256 * 1024);
        deep.start();
        deep.join();
        assertThat(result(coalescer, key)).isEqualTo(key);
      }
    }
    assertThat(overflows).hasPositiveValue();
  }

  private static void submit(Coalescer<String, String> coalescer, String key) {
    var _ = coalescer.submit(key);
  }

  /** The first call may have met an execution that its caller could begin, but not end. */
  private static String result(Coalescer<String, String> coalescer, String key) throws Exception {
    return coalescer
        .submit(key)
        .exceptionallyCompose(_ -> coalescer.submit(key))
        .get(20, TimeUnit.SECONDS);
  }

  /** Goes to the end of the stack, and a number of frames back, and runs it there. */
  @SuppressWarnings("InfiniteRecursion") // until the stack ends
  private static boolean atTheEnd(int[] frames, Runnable task) {
    try {
      if (atTheEnd(frames, task)) {
        return true;
      }
    } catch (StackOverflowError e) {
      if (frames[0] < 0) {
        throw e;
      }
    }
    if (frames[0]-- == 0) {
      task.run();
      return true;
    }
    return false;
  }
}
