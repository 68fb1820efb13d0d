package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.CoalescerProbes.Stages;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What a coalescer stands on fails: its clock, its alarms. */
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
}
