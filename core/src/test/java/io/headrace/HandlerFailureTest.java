package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever a batch function does, its callers are told and the batcher goes on. */
class HandlerFailureTest {
  private final AtomicReference<Handler<Integer, Object>> behaviour = new AtomicReference<>();
  private final Batcher<Integer, Object> batcher =
      Batcher.<Integer, Object>builder(items -> behaviour.get().handle(items))
          .batch(BatchPolicy.greedy(100))
          .workers(Workers.executor(Runnable::run, 1))
          .build();

  /** Submits 0, 1 and 2 as one batch. */
  private List<CompletableFuture<Object>> three(Handler<Integer, Object> handler) {
    behaviour.set(handler);
    return batcher.submitAll(List.of(0, 1, 2));
  }

  @AfterEach
  void goesOn() {
    behaviour.set(items -> List.copyOf(items));
    assertThat(batcher.submit(7)).isCompletedWithValue(7);
    assertThat(batcher.queued()).isZero();
    batcher.close();
  }

  static Stream<Throwable> failures() {
    return Stream.of(
        new IllegalStateException("broken"),
        new IOException("no connection"),
        new InterruptedException(),
        new CancellationException(),
        new AssertionError("wrong"),
        new OutOfMemoryError("not really"),
        new StackOverflowError(),
        new Throwable("something else"));
  }

  /** Each item fails alone, with a checked exception or an error, too. */
  @Test
  void aTaskForEachItemMayThrowAnything() {
    for (Throwable failure : List.of(new IOException("no connection"), new AssertionError("no"))) {
      var futures =
          three(
              Handler.each(
                  i -> {
                    if (i == 1) {
                      throw HandlerFailureTest.<RuntimeException>sneaky(failure);
                    }
                    return i;
                  }));
      assertThat(futures.get(0)).isCompletedWithValue(0);
      assertThat(futures.get(1).exceptionNow()).isSameAs(failure);
      assertThat(futures.get(2)).isCompletedWithValue(2);
    }
    Handler<Path, String> files = Handler.each(Files::readString);
    assertThat(files).isNotNull();
  }

  /** A worker that is stopped does not begin to wait again for the next item. */
  @Test
  void anInterruptIsForTheItemsThatFollow() {
    var futures =
        three(
            Handler.each(
                i -> {
                  if (i == 1) {
                    throw new InterruptedException();
                  }
                  return Thread.currentThread().isInterrupted();
                }));
    assertThat(Thread.interrupted()).isTrue();
    assertThat(futures.get(0)).isCompletedWithValue(false);
    assertThat(futures.get(1).exceptionNow()).isInstanceOf(InterruptedException.class);
    assertThat(futures.get(2)).isCompletedWithValue(true);
  }

  @ParameterizedTest
  @MethodSource("failures")
  void whatItThrowsReachesEveryCallerAsItIs(Throwable failure) {
    var futures =
        three(
            items -> {
              throw HandlerFailureTest.<RuntimeException>sneaky(failure);
            });
    for (var future : futures) {
      assertThat(future).isCompletedExceptionally();
      AtomicReference<Throwable> told = new AtomicReference<>();
      future.whenComplete((result, thrown) -> told.set(thrown));
      assertThat(told.get()).isSameAs(failure);
    }
  }

  @ParameterizedTest
  @MethodSource("failures")
  void aWorkerThreadSurvivesWhatIsThrown(Throwable failure) throws Exception {
    try (Batcher<Integer, Integer> threaded =
        Batcher.<Integer, Integer>builder(
                items -> {
                  if (items.contains(0)) {
                    throw HandlerFailureTest.<RuntimeException>sneaky(failure);
                  }
                  return items;
                })
            .workers(Workers.threads(1))
            .build()) {
      assertThatThrownBy(() -> threaded.submit(0).join()).isNotNull();
      assertThat(threaded.call(1)).isEqualTo(1);
    }
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <T extends Throwable> T sneaky(Throwable failure) throws T {
    throw (T) failure;
  }

  @Test
  void anInterruptOfTheWorkerDoesNotOutliveItsBatch() throws Exception {
    try (Batcher<Integer, Boolean> threaded =
        Batcher.<Integer, Boolean>builder(
                items -> {
                  boolean interrupted = Thread.currentThread().isInterrupted();
                  Thread.currentThread().interrupt();
                  return Collections.nCopies(items.size(), interrupted);
                })
            .build()) {
      assertThat(threaded.call(1)).isFalse();
      assertThat(threaded.call(2)).isFalse();
    }
  }

  @Test
  void aNullListGivesEveryCallerNull() {
    for (var future : three(items -> null)) {
      assertThat(future).isCompletedWithValue(null);
    }
  }

  @Test
  void nullIsAResultLikeAnyOther() {
    var futures = three(items -> Arrays.asList("a", null, "c"));
    assertThat(futures.get(0)).isCompletedWithValue("a");
    assertThat(futures.get(1)).isCompletedWithValue(null);
    assertThat(futures.get(2)).isCompletedWithValue("c");
  }

  @Test
  void anExceptionAmongTheResultsIsAValueWhateverItsType() {
    var cancelled = new CancellationException();
    var futures = three(items -> List.of("a", cancelled, new IOException("b")));
    assertThat(futures.get(0)).isCompletedWithValue("a");
    assertThat(futures.get(1)).isCompletedWithValue(cancelled);
    assertThat(futures.get(2).join()).isInstanceOf(IOException.class);
  }

  @Test
  void aWrongNumberOfResultsFailsTheBatchAndNamesBothNumbers() {
    for (int n : new int[] {0, 1, 2, 4, 1000}) {
      for (var future : three(items -> Collections.nCopies(n, "x"))) {
        assertThat(future.exceptionNow())
            .isInstanceOf(BatchSizeMismatchException.class)
            .hasMessage("the handler of batcher returned " + n + " results for a batch of 3");
      }
    }
  }

  @Test
  void aWrongNumberOfOutcomesFailsTheBatchToo() {
    var futures =
        three(
            items -> {
              Outcomes<Object> outcomes = new Outcomes<>(2);
              outcomes.add("a");
              outcomes.addFailure(new IOException());
              return outcomes;
            });
    for (var future : futures) {
      assertThat(future.exceptionNow()).isInstanceOf(BatchSizeMismatchException.class);
    }
  }

  @Test
  void outcomesFailSomeItemsAndAnswerTheOthers() {
    IOException failure = new IOException("second");
    var futures =
        three(
            items -> {
              Outcomes<Object> outcomes = new Outcomes<>(0);
              outcomes.add("a");
              outcomes.addFailure(failure);
              outcomes.add(null);
              return outcomes;
            });
    assertThat(futures.get(0)).isCompletedWithValue("a");
    assertThat(futures.get(1).exceptionNow()).isSameAs(failure);
    assertThat(futures.get(2)).isCompletedWithValue(null);
  }

  @Test
  void aFunctionOfEachItemFailsAlone() {
    var futures = three(Handler.each(item -> 6 / item));
    assertThat(futures.get(0).exceptionNow()).isInstanceOf(ArithmeticException.class);
    assertThat(futures.get(1)).isCompletedWithValue(6);
    assertThat(futures.get(2)).isCompletedWithValue(3);
  }

  /** A list that claims a size and iterates over other elements. */
  private static List<Object> lying(int size, Iterator<Object> iterator) {
    return new AbstractList<>() {
      @Override
      public Object get(int index) {
        throw new IllegalStateException("not asked for");
      }

      @Override
      public int size() {
        return size;
      }

      @Override
      public Iterator<Object> iterator() {
        return iterator;
      }
    };
  }

  @Test
  void aListThatIsShorterOrLongerThanItClaimsFailsTheBatch() {
    for (List<Object> actual : List.of(List.<Object>of("a", "b"), List.<Object>of(1, 2, 3, 4))) {
      for (var future : three(items -> lying(3, actual.iterator()))) {
        assertThat(future.exceptionNow())
            .isInstanceOf(BatchSizeMismatchException.class)
            .hasMessageContaining("returned " + actual.size() + " results for a batch of 3");
      }
    }
  }

  @Test
  void aListThatThrowsWhileItIsReadFailsTheBatch() {
    StackOverflowError failure = new StackOverflowError();
    var futures =
        three(
            items ->
                lying(
                    3,
                    new Iterator<>() {
                      private int next;

                      @Override
                      public boolean hasNext() {
                        return true;
                      }

                      @Override
                      public Object next() {
                        if (next == 1) {
                          throw failure;
                        }
                        return next++;
                      }
                    }));
    for (var future : futures) {
      assertThat(future.exceptionNow()).isSameAs(failure);
    }
  }

  @Test
  void aListWithoutAnIteratorFailsTheBatch() {
    for (var future : three(items -> lying(3, null))) {
      assertThat(future).isCompletedExceptionally();
    }
  }

  @Test
  void aListWhoseSizeThrowsFailsTheBatchWithThat() {
    IllegalStateException failure = new IllegalStateException("no size");
    var futures =
        three(
            items ->
                new AbstractList<>() {
                  @Override
                  public Object get(int index) {
                    return index;
                  }

                  @Override
                  public int size() {
                    throw failure;
                  }
                });
    for (var future : futures) {
      assertThat(future.exceptionNow()).isSameAs(failure);
    }
  }

  @Test
  void theItemsAreNotModifiable() {
    var futures =
        three(
            items -> {
              items.clear();
              return List.of();
            });
    for (var future : futures) {
      assertThat(future.exceptionNow()).isInstanceOf(UnsupportedOperationException.class);
    }
  }

  @Test
  void theItemsStayAsTheyAreIfTheBatchFunctionKeepsThem() {
    AtomicReference<List<Integer>> kept = new AtomicReference<>();
    three(
        items -> {
          kept.set(items);
          return null;
        });
    three(items -> null);
    assertThat(kept.get()).containsExactly(0, 1, 2);
  }

  @Test
  void aCallerThatIsGoneDoesNotHarmTheCallersAfterItInTheBatch() {
    AtomicReference<List<CompletableFuture<Object>>> futures = new AtomicReference<>();
    behaviour.set(
        first -> {
          futures.set(batcher.submitAll(List.of(0, 1, 2)));
          behaviour.set(
              second -> {
                futures.get().get(0).cancel(true);
                futures.get().get(1).completeExceptionally(new IOException("changed my mind"));
                return List.of("a", "b", "c");
              });
          return null;
        });
    batcher.submit(9);
    assertThat(futures.get().get(0)).isCancelled();
    assertThat(futures.get().get(1).exceptionNow()).isInstanceOf(IOException.class);
    assertThat(futures.get().get(2)).isCompletedWithValue("c");
  }

  @Test
  void aContinuationThatThrowsHarmsNobodyElse() {
    AtomicReference<List<CompletableFuture<Object>>> futures = new AtomicReference<>();
    behaviour.set(
        first -> {
          futures.set(batcher.submitAll(List.of(0, 1, 2)));
          futures
              .get()
              .get(0)
              .thenRun(
                  () -> {
                    throw new StackOverflowError();
                  });
          behaviour.set(items -> List.copyOf(items));
          return null;
        });
    batcher.submit(9);
    assertThat(futures.get().get(2)).isCompletedWithValue(2);
  }
}
