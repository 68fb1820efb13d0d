package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.headrace.CoalescerProbes.Gate;
import io.headrace.CoalescerProbes.Stages;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What goes wrong reaches every caller, and no key is poisoned by it. */
class CoalescerFailureTest {
  /** Whatever is thrown; async-reduce hangs for ever at what corresponds to an Error. */
  static Stream<Throwable> anything() {
    return Stream.of(
        new IllegalStateException("failed"),
        new IOException("failed"),
        new AssertionError("failed"),
        new StackOverflowError("failed"),
        new OutOfMemoryError("failed"),
        new InterruptedException("failed"),
        new CancellationException("failed"),
        new Throwable("failed"));
  }

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> void sneak(Throwable failure) throws E {
    throw (E) failure;
  }

  @ParameterizedTest
  @MethodSource("anything")
  void everyCallerIsToldAndTheNextExecutesAgain(Throwable failure) throws Exception {
    for (int callers : new int[] {1, 2, 10, 100}) {
      AtomicInteger executions = new AtomicInteger();
      Gate<String, String> gate =
          new Gate<>(
              key -> {
                if (executions.incrementAndGet() == 1) {
                  CoalescerFailureTest.<RuntimeException>sneak(failure);
                }
                return "result";
              });
      Coalescer<String, String> coalescer = Coalescer.of(gate);
      List<CompletableFuture<String>> futures =
          IntStream.range(0, callers).mapToObj(i -> coalescer.submit("key")).toList();
      gate.open();
      for (CompletableFuture<String> future : futures) {
        assertThat(rootOf(catchThrowable(future::get))).isSameAs(failure);
      }
      assertThat(executions).hasValue(1);
      assertThat(coalescer.call("key")).isEqualTo("result");
      assertThat(coalescer.keys()).isZero();
    }
  }

  @ParameterizedTest
  @MethodSource("anything")
  void anAsynchronousFunctionMayThrowOrFail(Throwable failure) {
    for (boolean isThrown : new boolean[] {true, false}) {
      Coalescer<String, String> coalescer =
          Coalescer.ofAsync(
              key -> {
                if (isThrown) {
                  CoalescerFailureTest.<RuntimeException>sneak(failure);
                }
                return CompletableFuture.<String>failedFuture(failure).thenApply(x -> x);
              });
      CompletableFuture<String> future = coalescer.submit("key");
      assertThat(rootOf(catchThrowable(future::get))).isSameAs(failure);
      assertThat(coalescer.keys()).isZero();
    }
  }

  private static Throwable rootOf(Throwable thrown) {
    Throwable root = thrown;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root;
  }

  private static Throwable callFromHere(Coalescer<String, String> coalescer) {
    return catchThrowable(() -> coalescer.call("key"));
  }

  /** Own stack trace, shared cause. */
  @Test
  void eachCallerGetsAnExceptionOfItsOwn() throws Exception {
    IllegalStateException failure = new IllegalStateException("failed");
    Gate<String, String> gate =
        new Gate<>(
            key -> {
              throw failure;
            });
    Coalescer<String, String> coalescer = Coalescer.of(gate);
    List<CompletableFuture<Throwable>> calls = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      calls.add(CoalescerProbes.inThread(() -> callFromHere(coalescer)));
    }
    gate.entered.await();
    CompletableFuture<String> future = coalescer.submit("key");
    gate.open();
    assertThat(calls.stream().map(CompletableFuture::join))
        .doesNotHaveDuplicates()
        .allSatisfy(
            thrown -> {
              assertThat(thrown)
                  .isExactlyInstanceOf(IllegalStateException.class)
                  .hasMessage("failed")
                  .cause()
                  .isSameAs(failure);
              assertThat(thrown.getStackTrace())
                  .anyMatch(frame -> frame.getMethodName().equals("lambda$callFromHere$0"));
            });
    Throwable first = catchThrowable(future::get);
    Throwable second = catchThrowable(future::get);
    assertThat(first).isInstanceOf(ExecutionException.class).hasCause(failure).isNotSameAs(second);
    assertThat(catchThrowable(future::join)).hasCause(failure);
  }

  /** As the service behind it would throw it. */
  @Test
  void whatIsCheckedIsTheCauseAndWhatIsNotIsThrownAsSuch() {
    IOException checked = new IOException("no connection");
    AssertionError error = new AssertionError("wrong");
    NoSuchElementException unchecked = new NoSuchElementException("no user");
    assertThat(failing(checked)).isExactlyInstanceOf(CompletionException.class).hasCause(checked);
    assertThat(failing(error)).isExactlyInstanceOf(AssertionError.class).hasCause(error);
    assertThat(failing(unchecked))
        .isExactlyInstanceOf(NoSuchElementException.class)
        .hasMessage("no user")
        .hasCause(unchecked);
  }

  private static Throwable failing(Throwable failure) {
    try (Batcher<String, String> batcher =
        Batcher.<String, String>builder(
                _ -> {
                  throw CoalescerFailureTest.<RuntimeException>unchecked(failure);
                })
            .build()) {
      return callFromHere(Coalescer.around(batcher));
    }
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"}) // throws what is checked, too
  private static <E extends Throwable> E unchecked(Throwable failure) throws E {
    throw (E) failure;
  }

  /** They are what futures wrap failures in, so that they would not be told from the wrapping. */
  @Test
  void aCompletionExceptionIsAFailureAsAnyOther() {
    CompletionException failure =
        new CompletionException("failed", new IllegalStateException("the reason"));
    Coalescer<String, String> coalescer =
        Coalescer.of(
            key -> {
              throw failure;
            });
    CompletableFuture<String> future = coalescer.submit("key");
    assertThat(catchThrowable(future::join))
        .isInstanceOf(CompletionException.class)
        .isNotSameAs(failure)
        .hasCause(failure);
    assertThat(catchThrowable(future::get))
        .isInstanceOf(ExecutionException.class)
        .hasCause(failure);
    assertThat(future.exceptionNow()).isSameAs(failure);
    assertThat(callFromHere(coalescer))
        .isExactlyInstanceOf(CompletionException.class)
        .isNotSameAs(failure)
        .hasMessage("failed")
        .hasCause(failure.getCause())
        .hasSuppressedException(failure);
  }

  @Test
  void aCancelledExecutionCancelsItsCallers() {
    Stages<String, String> stages = new Stages<>();
    Coalescer<String, String> coalescer = Coalescer.ofAsync(stages);
    CompletableFuture<String> future = coalescer.submit("key");
    CompletableFuture<Throwable> call = CoalescerProbes.inThread(() -> callFromHere(coalescer));
    SharedExecution execution = ((CoalescedCall) (Object) future).execution;
    Awaitility.await().until(() -> execution.linked() == 2);
    stages.last().cancel(true);
    assertThat(future).isCancelled();
    assertThat(call.join())
        .isInstanceOf(CancellationException.class)
        .hasRootCauseInstanceOf(CancellationException.class);
  }

  /** A key that cannot be compared fails the call at once, and nothing else. */
  @Test
  void aKeyThatCannotBeHashedFailsItsCallOnly() {
    IllegalStateException failure = new IllegalStateException("no hash");
    class Unhashable {
      @Override
      public int hashCode() {
        throw failure;
      }

      @Override
      public boolean equals(Object other) {
        throw failure;
      }
    }

    Coalescer<Object, String> coalescer = Coalescer.of(key -> "result");
    CompletableFuture<String> future = coalescer.submit(new Unhashable());
    assertThatThrownBy(future::join).hasCause(failure);
    assertThatThrownBy(() -> coalescer.call(new Unhashable())).hasCause(failure);
    assertThat(coalescer.submit("instead of it", () -> "with a key").join())
        .isEqualTo("with a key");
  }

  /**
   * Its equals throws when it is taken out of the map; the callers have their result all the same.
   */
  @Test
  void aKeyThatCannotBeComparedPoisonsNothing() {
    class Moody {
      private boolean isBroken;

      @Override
      public int hashCode() {
        return 1;
      }

      @Override
      public boolean equals(Object other) {
        if (isBroken) {
          throw new IllegalStateException("broken");
        }
        return this == other;
      }
    }

    Stages<Object, String> stages = new Stages<>();
    Coalescer<Object, String> coalescer = Coalescer.ofAsync(stages);
    Moody moody = new Moody();
    coalescer.submit(moody);
    Moody other = new Moody();
    CompletableFuture<String> future = coalescer.submit(other);
    moody.isBroken = true;
    other.isBroken = true;
    try (LogCapture log = new LogCapture()) {
      stages.stages.get(1).complete("result");
      assertThat(future.join()).isEqualTo("result");
      assertThat(log.messages()).hasSizeLessThanOrEqualTo(1);
    }
    moody.isBroken = false;
    other.isBroken = false;
    CompletableFuture<String> again = coalescer.submit(other);
    stages.last().complete("again");
    assertThat(again.join()).isEqualTo("again");
  }

  @Test
  void aKeyFunctionThatThrowsFailsItsCallOnly() {
    Coalescer<String, String> coalescer =
        Coalescer.<String, String>builder(key -> key).keyedBy(Integer::valueOf).build();
    assertThatThrownBy(coalescer.submit("one")::join)
        .hasCauseInstanceOf(NumberFormatException.class);
    assertThatThrownBy(() -> coalescer.call("two")).isInstanceOf(NumberFormatException.class);
    assertThat(coalescer.submit("3").join()).isEqualTo("3");
    Coalescer<String, String> noKey =
        Coalescer.<String, String>builder(key -> key).keyedBy(key -> null).build();
    assertThatThrownBy(noKey.submit("one")::join)
        .hasRootCauseMessage("the key function returned null");
  }

  /** What in async-reduce is a call without an event loop; the key is not poisoned. */
  @Test
  void anExecutorThatRejectsPoisonsNothing() {
    AtomicInteger tasks = new AtomicInteger();
    RejectedExecutionException full = new RejectedExecutionException("full");
    Coalescer<String, String> coalescer =
        Coalescer.<String, String>builder(key -> "result")
            .executor(
                task -> {
                  if (tasks.incrementAndGet() == 1) {
                    throw full;
                  }
                  task.run();
                })
            .build();
    CompletableFuture<String> refused = coalescer.submit("key");
    assertThat(refused.exceptionNow())
        .isInstanceOf(RejectedException.class)
        .hasMessageContaining("rejected an execution")
        .hasCause(full);
    assertThat(coalescer.submit("key").join()).isEqualTo("result");
  }

  /** What is returned is no stage, or a broken one. */
  @Test
  void aFunctionWithoutAProperStageFailsItsCallers() {
    Coalescer<String, String> none = Coalescer.ofAsync(key -> null);
    assertThat(none.submit("key").exceptionNow()).hasMessage("coalescer returned no stage");
    CompletionStage<String> broken =
        new CompletableFuture<>() {
          @Override
          public CompletableFuture<String> whenComplete(
              java.util.function.BiConsumer<? super String, ? super Throwable> action) {
            throw new IllegalStateException("broken");
          }
        };
    Coalescer<String, String> ofBroken = Coalescer.ofAsync(key -> broken);
    assertThat(ofBroken.submit("key").exceptionNow()).hasMessage("broken");
  }

  @Test
  void aCopierGivesEachCallerItsOwnResult() {
    Stages<String, List<Integer>> stages = new Stages<>();
    AtomicInteger copies = new AtomicInteger();
    Coalescer<String, List<Integer>> coalescer =
        Coalescer.<String, List<Integer>>asyncBuilder(stages)
            .copier(
                list -> {
                  if (copies.incrementAndGet() == 2) {
                    throw new IllegalStateException("no copy");
                  }
                  return new ArrayList<>(list);
                })
            .build();
    List<CompletableFuture<List<Integer>>> futures =
        IntStream.range(0, 4).mapToObj(i -> coalescer.submit("key")).toList();
    futures.get(3).cancel(true);
    List<Integer> result = List.of(1);
    stages.last().complete(result);
    futures.get(0).join().add(2);
    assertThat(futures.get(0).join()).containsExactly(1, 2);
    assertThatThrownBy(futures.get(1)::join).hasRootCauseMessage("no copy");
    assertThat(futures.get(2).join()).containsExactly(1);
    assertThat(copies).as("none for the call that was cancelled").hasValue(3);
    CompletableFuture<List<Integer>> none = coalescer.submit("key");
    stages.last().complete(null);
    assertThat(none.join()).isNull();
  }
}
