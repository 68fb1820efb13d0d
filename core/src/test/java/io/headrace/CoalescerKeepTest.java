package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.CoalescerProbes.Stages;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Results that are kept for a while, and a maximum of keys: async-reduce has neither. */
class CoalescerKeepTest {
  private final VirtualTime time = new VirtualTime();
  private final Stages<String, List<String>> stages = new Stages<>();

  private CoalescerBuilder<String, List<String>> builder() {
    return Coalescer.<String, List<String>>asyncBuilder(stages).timeSource(time);
  }

  private CoalescerBuilder<String, List<String>> keeping() {
    return builder().keep(Duration.ofSeconds(1));
  }

  private void execute(Coalescer<String, List<String>> coalescer, String... keys) {
    for (String key : keys) {
      CompletableFuture<List<String>> future = coalescer.submit(key);
      stages.last().complete(List.of(key));
      assertThat(future.join()).containsExactly(key);
    }
  }

  @Test
  void aResultIsKeptFromItsEndOn() {
    Coalescer<String, List<String>> coalescer = keeping().build();
    CompletableFuture<List<String>> first = coalescer.submit("a");
    time.advance(Duration.ofSeconds(5));
    stages.last().complete(List.of("result"));
    time.advance(Duration.ofMillis(999));
    assertThat(coalescer.submit("a").join()).isSameAs(first.join());
    assertThat(coalescer.kept()).isEqualTo(1);
    time.advance(Duration.ofMillis(1));
    assertThat(coalescer.kept()).isZero();
    assertThat(coalescer.keys()).isZero();
    coalescer.submit("a");
    assertThat(stages.executions()).isEqualTo(2);
  }

  /** The clock is looked at, not only the alarm. */
  @Test
  void aResultIsNotGivenWhenItsAlarmIsLate() {
    List<Runnable> alarms = new ArrayList<>();
    TimeSource late =
        new TimeSource() {
          @Override
          public long nanoTime() {
            return time.nanoTime();
          }

          @Override
          public Alarm schedule(long delayNanos, Runnable task) {
            alarms.add(task);
            return () -> {};
          }

          @Override
          public void execute(Runnable task) {
            task.run();
          }
        };
    Coalescer<String, List<String>> coalescer =
        Coalescer.<String, List<String>>asyncBuilder(stages)
            .keep(Duration.ofSeconds(1))
            .timeSource(late)
            .build();
    execute(coalescer, "a", "b");
    time.advance(Duration.ofSeconds(1));
    execute(coalescer, "a");
    assertThat(stages.arguments).containsExactly("a", "b", "a");
    assertThat(coalescer.kept()).isEqualTo(1);
    List.copyOf(alarms).forEach(Runnable::run);
    assertThat(coalescer.kept()).isEqualTo(1);
  }

  @Test
  void failuresAreNotKept() {
    Coalescer<String, List<String>> coalescer = keeping().build();
    coalescer.submit("a");
    stages.last().completeExceptionally(new IllegalStateException());
    coalescer.submit("a").cancel(true);
    stages.last().cancel(true);
    assertThat(coalescer.keys()).isZero();
    assertThat(time.alarms()).isZero();
    execute(coalescer, "a");
    assertThat(stages.executions()).isEqualTo(3);
  }

  @Test
  void nullIsKeptToo() {
    Coalescer<String, List<String>> coalescer = keeping().build();
    coalescer.submit("a");
    stages.last().complete(null);
    assertThat(coalescer.submit("a").join()).isNull();
    assertThat(stages.executions()).isEqualTo(1);
  }

  @Test
  void keptResultsAreCopied() {
    Coalescer<String, List<String>> coalescer = keeping().copier(ArrayList::new).build();
    CompletableFuture<List<String>> first = coalescer.submit("a");
    stages.last().complete(List.of("result"));
    first.join().add("changed");
    assertThat(coalescer.submit("a").join()).containsExactly("result").isNotSameAs(first.join());
  }

  @Test
  void eachResultExpiresByItself() {
    Coalescer<String, List<String>> coalescer = keeping().build();
    for (int i = 0; i < 10; i++) {
      execute(coalescer, "key " + i);
      time.advance(Duration.ofMillis(100));
    }
    assertThat(coalescer.kept()).isEqualTo(9);
    assertThat(time.alarms()).isEqualTo(1);
    time.advance(Duration.ofMillis(500));
    assertThat(coalescer.kept()).isEqualTo(4);
    time.advance(Duration.ofMillis(500));
    assertThat(coalescer.kept()).isZero();
    assertThat(time.alarms()).isZero();
  }

  @Test
  void oneKeyMoreThanTheMaximumIsRefused() {
    Coalescer<String, List<String>> coalescer = builder().maxKeys(2).build();
    CompletableFuture<List<String>> a = coalescer.submit("a");
    coalescer.submit("b");
    assertThat(coalescer.submit("c").exceptionNow())
        .isInstanceOf(QueueFullException.class)
        .hasMessage("coalescer has 2 keys, its maximum; c was refused");
    assertThatThrownBy(() -> coalescer.call("c")).isInstanceOf(QueueFullException.class);
    CompletableFuture<List<String>> joined = coalescer.submit("a");
    stages.stages.get(0).complete(List.of());
    assertThat(joined.join()).isSameAs(a.join());
    assertThat(coalescer.submit("c")).isNotDone();
    assertThat(coalescer.submit("d")).isCompletedExceptionally();
    assertThat(stages.arguments).containsExactly("a", "b", "c");
  }

  /** However many wait for it on virtual threads, they leave room for who is about to keep it. */
  @Test
  void callsThatWaitForAResultToBeKeptLetItBeKept() throws Exception {
    CountDownLatch scheduling = new CountDownLatch(1);
    CountDownLatch released = new CountDownLatch(1);
    TimeSource slow =
        new TimeSource() {
          @Override
          public long nanoTime() {
            return time.nanoTime();
          }

          @Override
          public Alarm schedule(long delayNanos, Runnable task) {
            scheduling.countDown();
            try {
              released.await();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
            return time.schedule(delayNanos, task);
          }

          @Override
          public void execute(Runnable task) {
            time.execute(task);
          }
        };
    Coalescer<String, List<String>> coalescer =
        Coalescer.<String, List<String>>asyncBuilder(stages)
            .timeSource(slow)
            .keep(Duration.ofSeconds(1))
            .whenAbandoned(WhenAbandoned.CANCEL)
            .build();
    CompletableFuture<List<String>> only = coalescer.submit("a");
    Thread.startVirtualThread(() -> stages.last().complete(List.of("result")));
    scheduling.await();
    only.cancel(true); // so that nobody can join anymore
    int calls = 8 * Runtime.getRuntime().availableProcessors();
    CountDownLatch called = new CountDownLatch(calls);
    List<CompletableFuture<List<String>>> ends = new ArrayList<>();
    for (int i = 0; i < calls; i++) {
      ends.add(
          CoalescerProbes.inThread(
              () -> {
                called.countDown();
                return coalescer.call("a");
              }));
    }
    called.await();
    released.countDown();
    for (CompletableFuture<List<String>> end : ends) {
      assertThat(end.get(20, TimeUnit.SECONDS)).containsExactly("result");
    }
    assertThat(stages.executions()).isEqualTo(1);
  }

  @Test
  void keptResultsMakeRoomOldestFirst() {
    Coalescer<String, List<String>> coalescer = keeping().maxKeys(3).build();
    execute(coalescer, "a", "b");
    coalescer.submit("c");
    assertThat(coalescer.keys()).isEqualTo(3);
    coalescer.submit("d");
    assertThat(coalescer.keys()).isEqualTo(3);
    assertThat(coalescer.submit("b")).as("is kept still").isDone();
    coalescer.submit("a");
    assertThat(coalescer.kept()).isZero();
    assertThat(coalescer.submit("e").exceptionNow()).isInstanceOf(QueueFullException.class);
    assertThat(stages.arguments).containsExactly("a", "b", "c", "d", "a");
    assertThat(time.alarms()).isZero();
  }

  @Test
  void anAbandonedExecutionFreesItsPlace() {
    Coalescer<String, List<String>> coalescer =
        builder().maxKeys(1).whenAbandoned(WhenAbandoned.CANCEL).build();
    for (int i = 0; i < 3; i++) {
      CompletableFuture<List<String>> future = coalescer.submit("key " + i);
      assertThat(future).isNotDone();
      future.cancel(true);
    }
    assertThat(coalescer.keys()).isZero();
  }

  @Test
  void aKeptResultThatIsForgottenIsDropped() {
    Coalescer<String, List<String>> coalescer = keeping().maxKeys(2).build();
    execute(coalescer, "a");
    time.advance(Duration.ofMillis(500));
    execute(coalescer, "b");
    coalescer.forget("a");
    coalescer.forget("never came");
    assertThat(coalescer.kept()).isEqualTo(1);
    assertThat(coalescer.keys()).isEqualTo(1);
    assertThat(coalescer.submit("b")).as("is kept still").isCompleted();
    execute(coalescer, "a");
    assertThat(stages.arguments).containsExactly("a", "b", "a");
    time.advance(Duration.ofMillis(999));
    assertThat(coalescer.kept()).isEqualTo(2);
    coalescer.forgetAll();
    assertThat(coalescer.keys()).isZero();
    assertThat(time.alarms()).isZero();
  }

  @Test
  void anExecutionInFlightThatIsForgottenIsForThoseWhoWaitOnly() {
    CoalescerStatistics statistics = CoalescerHooks.statistics();
    Coalescer<String, List<String>> coalescer = keeping().maxKeys(1).hooks(statistics).build();
    CompletableFuture<List<String>> before = coalescer.submit("a");
    CompletableFuture<List<String>> joined = coalescer.submit("a");
    coalescer.forget("a");
    assertThat(coalescer.keys()).isZero();
    CompletableFuture<List<String>> after = coalescer.submit("a");
    assertThat(coalescer.submit("b").exceptionNow()).isInstanceOf(QueueFullException.class);
    stages.stages.get(0).complete(List.of("old"));
    assertThat(before.join()).containsExactly("old").isSameAs(joined.join());
    assertThat(coalescer.kept()).isZero();
    assertThat(after).isNotDone();
    assertThat(coalescer.submit("a")).as("joins the new one").isNotDone();
    assertThat(coalescer.submit("b")).as("its place is taken still").isCompletedExceptionally();
    stages.stages.get(1).complete(List.of("new"));
    assertThat(after.join()).containsExactly("new");
    assertThat(coalescer.submit("a").join()).containsExactly("new");
    assertThat(statistics.snapshot()).isEqualTo(new CoalescerStatistics.Snapshot(2, 2, 1, 2, 0));
    assertThat(coalescer.keys()).isOne();
  }

  @Test
  void anExecutionThatIsForgottenIsCancelledWhenNobodyWaits() {
    Coalescer<String, List<String>> coalescer =
        builder().whenAbandoned(WhenAbandoned.CANCEL).build();
    CompletableFuture<List<String>> before = coalescer.submit("a");
    coalescer.forgetAll();
    CompletableFuture<List<String>> after = coalescer.submit("a");
    before.cancel(true);
    assertThat(stages.stages.get(0)).isCancelled();
    assertThat(coalescer.keys()).isOne();
    after.cancel(true);
    assertThat(stages.stages.get(1)).isCancelled();
    assertThat(coalescer.keys()).isZero();
  }

  /** What is forgotten is the key, as of a call. */
  @Test
  void aKeyIsForgottenByAnArgumentOrByTheKeyOfACallThatBringsItsFunction() {
    Coalescer<String, List<String>> byLength = builder().keyedBy(String::length).build();
    byLength.submit("aa");
    byLength.forget("bb");
    assertThat(byLength.keys()).isZero();
    Coalescer<String, List<String>> adHoc = Coalescer.<String, List<String>>builder().build();
    adHoc.submitAsync("a", CompletableFuture::new);
    adHoc.forget("b");
    assertThat(adHoc.keys()).isOne();
    adHoc.forget("a");
    assertThat(adHoc.keys()).isZero();
    Coalescer<String, List<String>> noKey =
        builder()
            .keyedBy(
                _ -> {
                  throw new IllegalStateException("no key");
                })
            .build();
    assertThatThrownBy(() -> noKey.forget("a")).hasMessage("no key");
    assertThatThrownBy(() -> noKey.forget(null)).isInstanceOf(NullPointerException.class);
  }

  /** Nothing is kept without the option, not even for a moment. */
  @Test
  void withoutTheOptionNothingIsKept() {
    Coalescer<String, List<String>> coalescer = builder().build();
    execute(coalescer, "a", "a", "a");
    assertThat(stages.executions()).isEqualTo(3);
    assertThat(coalescer.kept()).isZero();
  }
}
