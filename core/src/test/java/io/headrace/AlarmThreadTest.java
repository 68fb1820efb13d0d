package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.Test;

/** The thread that runs the alarms serves the whole JVM: no code of users runs on it. */
class AlarmThreadTest {
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final VirtualTime time = new VirtualTime();
  private final Queue<Runnable> handedOver = new ArrayDeque<>();
  private final HeldBatches<Integer> held = new HeldBatches<>();
  private final List<String> ran = new ArrayList<>();

  /** Keeps what it is asked to execute, so that everything else runs in the alarm itself. */
  private final TimeSource keeping =
      new TimeSource() {
        @Override
        public long nanoTime() {
          return time.nanoTime();
        }

        @Override
        public Alarm schedule(long delayNanos, Runnable task) {
          return time.schedule(delayNanos, task);
        }

        @Override
        public void execute(Runnable task) {
          handedOver.add(task);
        }
      };

  private void runHandedOver() {
    assertThat(handedOver).isNotEmpty();
    handedOver.forEach(Runnable::run);
    handedOver.clear();
  }

  /** The handler is closed by what is handed over. */
  private void close(Batcher<?, ?> batcher) {
    batcher.shutdownNow();
    runHandedOver();
    batcher.close();
  }

  @Test
  void aContinuationOfACallThatTimesOutRunsElsewhere() {
    var batcher =
        Batcher.asyncBuilder(held)
            .workers(Workers.executor(Runnable::run, 1))
            .timeSource(keeping)
            .build();
    batcher
        .submit(0, CallOptions.timeout(SECOND))
        .whenComplete((result, failure) -> ran.add("continuation"));
    time.advance(SECOND);
    assertThat(ran).isEmpty();
    runHandedOver();
    assertThat(ran).containsExactly("continuation");
    held.answerAll();
    close(batcher);
  }

  @Test
  void aContinuationOfAnItemThatFoundNoRoomRunsElsewhere() {
    var batcher =
        Batcher.asyncBuilder(held)
            .workers(Workers.executor(Runnable::run, 1))
            .queue(1, OnFull.await(SECOND))
            .timeSource(keeping)
            .build();
    batcher.submit(0);
    batcher.submit(1);
    batcher.submit(2).whenComplete((result, failure) -> ran.add("continuation"));
    time.advance(SECOND);
    assertThat(ran).isEmpty();
    runHandedOver();
    assertThat(ran).containsExactly("continuation");
    held.answerAll();
    close(batcher);
  }

  @Test
  void aBatchWhoseDelayIsOverRunsElsewhere() {
    var batcher =
        Batcher.<Integer, Integer>builder(
                items -> {
                  ran.add("handler");
                  return items;
                })
            .batch(BatchPolicy.fixed(10, SECOND))
            .workers(Workers.executor(Runnable::run, 1))
            .timeSource(keeping)
            .build();
    var future = batcher.submit(0);
    time.advance(SECOND);
    assertThat(ran).isEmpty();
    runHandedOver();
    assertThat(future).isCompletedWithValue(0);
    close(batcher);
  }
}
