package io.headrace;

import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.headrace.testkit.SteppedExecutor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The blocking form of a call. */
class CallTest {
  private final AtomicReference<Exception> failure = new AtomicReference<>();

  /** Executes each batch on the calling thread, and fails it with what {@link #failure} says. */
  private final Batcher<Integer, Integer> batcher =
      Batcher.<Integer, Integer>builder(
              items -> {
                if (failure.get() != null) {
                  throw failure.get();
                }
                return items;
              })
          .workers(Workers.executor(Runnable::run, 1))
          .build();

  private final Service<Integer, Integer> plain = plain(batcher);

  /** The same service with the default method of the interface. */
  private static Service<Integer, Integer> plain(Service<Integer, Integer> service) {
    return (item, options) -> service.submit(item, options);
  }

  @Test
  void returnsTheResult() throws Exception {
    assertThat(batcher.call(7)).isEqualTo(7);
    assertThat(plain.call(7)).isEqualTo(7);
  }

  @Test
  void throwsAnUncheckedExceptionAsItIs() {
    IllegalStateException unchecked = new IllegalStateException("wrong");
    failure.set(unchecked);
    assertThat(catchThrowable(() -> batcher.call(1))).isSameAs(unchecked);
    assertThat(catchThrowable(() -> plain.call(1))).isSameAs(unchecked);
  }

  @Test
  void throwsACheckedExceptionAsACause() {
    IOException checked = new IOException("no connection");
    failure.set(checked);
    for (Service<Integer, Integer> service : List.of(batcher, plain)) {
      assertThatThrownBy(() -> service.call(1))
          .isInstanceOf(CompletionException.class)
          .cause()
          .isSameAs(checked);
    }
  }

  @Test
  void throwsAnErrorAsItIs() throws Exception {
    AssertionError error = new AssertionError("wrong");
    Batcher<Integer, Integer> failing =
        Batcher.<Integer, Integer>builder(
                items -> {
                  throw error;
                })
            .workers(Workers.inline())
            .build();
    assertThat(catchThrowable(() -> failing.call(1))).isSameAs(error);
    assertThat(catchThrowable(() -> plain(failing).call(1))).isSameAs(error);
  }

  @Test
  void throwsCancellationIfTheBatchFunctionDoes() {
    failure.set(new CancellationException("not today"));
    for (Service<Integer, Integer> service : List.of(batcher, plain)) {
      assertThatThrownBy(() -> service.call(1)).isInstanceOf(CancellationException.class);
    }
  }

  @Test
  void throwsTheOutcomesOfHeadraceAsTheyAre() {
    batcher.close();
    for (Service<Integer, Integer> service : List.of(batcher, plain)) {
      assertThatThrownBy(() -> service.call(1))
          .isInstanceOf(StoppedException.class)
          .hasMessage("batcher is STOPPED");
    }
  }

  @Test
  void theInterruptionOfTheBatchFunctionIsNotThatOfTheCaller() {
    InterruptedException inside = new InterruptedException("inside");
    try (Batcher<Integer, Integer> threads = failing(Workers.threads(1), inside)) {
      for (Service<Integer, Integer> service : List.of(threads, plain(threads))) {
        assertThatThrownBy(() -> service.call(1))
            .isInstanceOf(CompletionException.class)
            .cause()
            .isSameAs(inside);
        assertThat(Thread.interrupted()).isFalse();
      }
    }
  }

  @Test
  void aResultThatIsThereAtOnceIsReturnedToAnInterruptedThread() throws Exception {
    Thread.currentThread().interrupt();
    try {
      assertThat(batcher.call(7)).isEqualTo(7);
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  @Test
  void anInterruptWithdrawsTheItem() throws Exception {
    for (boolean direct : new boolean[] {true, false}) {
      SteppedExecutor stepped = new SteppedExecutor();
      Echo<Integer> echo = new Echo<>();
      Batcher<Integer, Integer> busy =
          Batcher.builder(echo).workers(Workers.executor(stepped, 1)).build();
      Service<Integer, Integer> service = direct ? busy : plain(busy);
      var first = busy.submit(0);
      AtomicReference<Throwable> thrown = new AtomicReference<>();
      AtomicBoolean stillInterrupted = new AtomicBoolean();
      Thread caller =
          Thread.ofPlatform()
              .start(
                  () -> {
                    thrown.set(catchThrowable(() -> service.call(1)));
                    stillInterrupted.set(Thread.currentThread().isInterrupted());
                  });
      while (busy.queued() == 0) {
        Thread.onSpinWait();
      }
      caller.interrupt();
      caller.join();
      assertThat(thrown.get()).isInstanceOf(InterruptedException.class);
      assertThat(stillInterrupted).isFalse();
      assertThat(busy.queued()).isZero();
      stepped.runAll();
      assertThat(first).isCompletedWithValue(0);
      assertThat(echo.batches).containsExactly(List.of(0));
    }
  }

  @Test
  void anInterruptDoesNotDisturbTheBatchThatRuns() throws Exception {
    HeldBatches<Integer> held = new HeldBatches<>();
    Batcher<Integer, Integer> slow =
        Batcher.asyncBuilder(held).workers(Workers.executor(Runnable::run, 1)).build();
    slow.submit(0);
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Thread caller = Thread.ofVirtual().start(() -> thrown.set(catchThrowable(() -> slow.call(1))));
    while (slow.queued() == 0) {
      Thread.onSpinWait();
    }
    var neighbour = slow.submit(2);
    held.answer();
    caller.interrupt();
    caller.join();
    held.answer();
    assertThat(thrown.get()).isInstanceOf(InterruptedException.class);
    assertThat(neighbour).isCompletedWithValue(2);
    slow.close();
  }

  @Test
  void aThousandVirtualThreadsEachGetTheirOwnResult() throws Exception {
    ConcurrentHashMap<Integer, Integer> answers = new ConcurrentHashMap<>();
    try (Batcher<Integer, Integer> squares =
            Batcher.<Integer, Integer>builder(items -> items.stream().map(i -> i * i).toList())
                .workers(Workers.threads(2))
                .build();
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> calls = new ArrayList<>();
      for (int t = 0; t < 1000; t++) {
        int first = t * 20;
        calls.add(
            threads.submit(
                () -> {
                  for (int i = first; i < first + 20; i++) {
                    answers.put(i, squares.call(i));
                  }
                  return null;
                }));
      }
      for (Future<?> call : calls) {
        call.get();
      }
    }
    assertThat(answers).hasSize(20_000);
    answers.forEach((item, answer) -> assertThat(answer).isEqualTo(item * item));
  }

  @Test
  void aLambdaIsAService() throws Exception {
    Service<String, Integer> service =
        (item, options) -> CompletableFuture.completedFuture(item.length());
    assertThat(service.call("four")).isEqualTo(4);
    assertThat(service.submitAll(List.of("a", "bb")).get(1)).isCompletedWithValue(2);
  }

  private static Batcher<Integer, Integer> failing(Workers workers, Exception failure) {
    return Batcher.<Integer, Integer>builder(
            items -> {
              throw failure;
            })
        .workers(workers)
        .build();
  }

  static List<Workers> ofTheCallingThread() {
    return List.of(
        Workers.inline(),
        Workers.executor(Runnable::run, 1),
        Workers.executor(Runnable::run, Integer.MAX_VALUE));
  }

  @ParameterizedTest
  @MethodSource("ofTheCallingThread")
  void aHandlerThatIsInterruptedOnTheCallingThreadInterruptsTheCall(Workers workers) {
    try (var batcher = failing(workers, new InterruptedException())) {
      assertThat(catchThrowable(() -> batcher.call(1))).isInstanceOf(InterruptedException.class);
      assertThat(Thread.currentThread().isInterrupted()).isFalse();
      assertThat(batcher.submit(1).exceptionNow()).isInstanceOf(InterruptedException.class);
      assertThat(Thread.interrupted()).as("who submits is told by the flag").isTrue();
    }
  }

  @ParameterizedTest
  @MethodSource("ofTheCallingThread")
  void theNextPartOfABatchIsNotInterrupted(Workers workers) {
    List<Boolean> interrupted = new ArrayList<>();
    try (var batcher =
        Batcher.<Integer, Integer>builder(
                items -> {
                  interrupted.add(Thread.currentThread().isInterrupted());
                  if (items.size() > 1) {
                    throw new InterruptedException();
                  }
                  return items;
                })
            .isolate(2)
            .workers(workers)
            .build()) {
      assertThat(batcher.submitAll(List.of(1, 2)).stream().map(CompletableFuture::resultNow))
          .containsExactly(1, 2);
      assertThat(Thread.interrupted()).isTrue();
      assertThat(interrupted).containsExactly(false, false, false);
    }
  }

  @Test
  void aBatcherSaysWhatItIs() {
    assertThat(batcher).hasToString("Batcher[name=batcher, state=RUNNING]");
    batcher.close();
    assertThat(batcher).hasToString("Batcher[name=batcher, state=STOPPED]");
  }

  /** As a loader of many keys sees and answers them. */
  @Test
  void valuesByTheirKeys() throws Exception {
    List<Set<String>> asked = new ArrayList<>();
    Handler<String, Integer> lengths =
        Handler.mapped(
            keys -> {
              asked.add(keys);
              return keys.stream().filter(k -> !k.isEmpty()).collect(toMap(k -> k, String::length));
            });
    assertThat(lengths.handle(List.of("bb", "a", "", "bb"))).containsExactly(2, 1, null, 2);
    assertThat(asked).containsExactly(Set.of("bb", "a", ""));
    assertThat(asked.getFirst()).containsExactly("bb", "a", "");
    assertThatThrownBy(() -> asked.getFirst().remove("a"))
        .isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> Handler.<String, Integer>mapped(_ -> noMap()).handle(List.of("a")))
        .hasMessage("the map that the loader returned");
  }

  @SuppressWarnings("NullAway") // what a loader may do
  private static Map<String, Integer> noMap() {
    return null;
  }
}
