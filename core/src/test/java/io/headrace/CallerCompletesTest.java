package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.testkit.SteppedExecutor;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Callers own the future of their call: they may complete it themselves, in any way. */
class CallerCompletesTest {
  private final SteppedExecutor stepped = new SteppedExecutor();
  private final Echo<Integer> echo = new Echo<>();
  private final Batcher<Integer, Integer> batcher =
      Batcher.builder(echo).workers(Workers.executor(stepped, 1)).build();

  record Way(String name, Consumer<CompletableFuture<Integer>> complete) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Way> ways() {
    return Stream.of(
        new Way("complete", future -> future.complete(-1)),
        new Way("completeExceptionally", future -> future.completeExceptionally(new IOException())),
        new Way("cancel", future -> future.cancel(true)),
        new Way("completeAsync", future -> future.completeAsync(() -> -1, Runnable::run)),
        new Way(
            "completeAsync that throws",
            future ->
                future.completeAsync(
                    () -> {
                      throw new IllegalStateException();
                    },
                    Runnable::run)));
  }

  @ParameterizedTest
  @MethodSource("ways")
  void anItemWhoseCallerIsDoneLeavesTheQueue(Way way) {
    batcher.submit(0);
    var future = batcher.submit(1);
    var other = batcher.submit(2);
    way.complete.accept(future);
    assertThat(future).isDone();
    assertThat(batcher.queued()).isEqualTo(1);
    stepped.runAll();
    assertThat(echo.batches).containsExactly(List.of(0), List.of(2));
    assertThat(other).isCompletedWithValue(2);
  }

  @ParameterizedTest
  @MethodSource("ways")
  void aCallerThatIsDoneWhileItsBatchRunsKeepsItsOutcome(Way way) {
    HeldBatches<Integer> held = new HeldBatches<>();
    Batcher<Integer, Integer> slow =
        Batcher.asyncBuilder(held).workers(Workers.executor(Runnable::run, 1)).build();
    slow.submit(0);
    var before = slow.submit(1);
    var future = slow.submit(2);
    var after = slow.submit(3);
    held.answer();
    way.complete.accept(future);
    var state = future.state();
    held.answer();
    assertThat(future.state()).isEqualTo(state);
    assertThat(before).isCompletedWithValue(1);
    assertThat(after).isCompletedWithValue(3);
    slow.close();
  }

  @Test
  void theTimeoutOfTheFutureItselfWithdrawsTheItem() throws Exception {
    batcher.submit(0);
    var future = batcher.submit(1).orTimeout(1, TimeUnit.NANOSECONDS);
    assertThatThrownBy(future::get).hasCauseInstanceOf(TimeoutException.class);
    var replaced = batcher.submit(2).completeOnTimeout(-2, 1, TimeUnit.NANOSECONDS);
    assertThat(replaced.get()).isEqualTo(-2);
    stepped.runAll();
    assertThat(echo.batches).containsExactly(List.of(0));
  }

  @Test
  void cancellingSaysWhetherTheCallIsCancelled() {
    var done = batcher.submit(0);
    var future = batcher.submit(1);
    assertThat(future.cancel(false)).isTrue();
    assertThat(future.cancel(false)).isTrue();
    assertThat(future).isCancelled();
    assertThatThrownBy(future::join).isInstanceOf(CancellationException.class);
    stepped.runAll();
    assertThat(done.cancel(true)).isFalse();
    assertThat(done).isCompletedWithValue(0);
  }

  @Test
  void onlyTheFirstCompletionCounts() {
    batcher.submit(0);
    var future = batcher.submit(1);
    assertThat(future.complete(5)).isTrue();
    assertThat(future.complete(6)).isFalse();
    assertThat(future.completeExceptionally(new IOException())).isFalse();
    assertThat(future.cancel(true)).isFalse();
    assertThat(future).isCompletedWithValue(5);
    assertThat(batcher.queued()).isZero();
    stepped.runAll();
  }

  @Test
  void whatACallerDerivesFromTheFutureIsItsOwn() {
    batcher.submit(0);
    var future = batcher.submit(1);
    var derived = future.thenApply(i -> i * 10);
    var copy = future.copy();
    derived.cancel(true);
    copy.complete(-1);
    assertThat(batcher.queued()).isEqualTo(1);
    stepped.runAll();
    assertThat(future).isCompletedWithValue(1);
  }

  @Test
  void aContinuationOfACancelledCallMaySubmitAgain() {
    batcher.submit(0);
    var future = batcher.submit(1);
    var again = future.exceptionallyCompose(failure -> batcher.submit(2));
    future.cancel(true);
    stepped.runAll();
    assertThat(again).isCompletedWithValue(2);
  }
}
