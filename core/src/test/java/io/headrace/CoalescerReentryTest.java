package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Calls from inside their own execution fail at once; in async-reduce they hang for ever. */
class CoalescerReentryTest {
  private final AtomicReference<Coalescer<String, String>> self = new AtomicReference<>();

  private Coalescer<String, String> coalescer(Coalescer.Work<String, String> work) {
    self.set(Coalescer.of(work));
    return self.get();
  }

  private static void assertRefused(Throwable thrown, String key) {
    Throwable cause = thrown;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    assertThat(cause)
        .isInstanceOf(RejectedException.class)
        .hasMessage(
            key
                + " of coalescer was called from inside its own execution, which would wait for"
                + " itself");
  }

  /** What cannot be seen ends with the timeout of calls that name none. */
  @Test
  void aCallFromALaterStageOfItsOwnExecutionEndsWithTheTimeout() {
    VirtualTime time = new VirtualTime();
    CompletableFuture<Integer> gate = new CompletableFuture<>();
    Coalescer<String, String> coalescer =
        Coalescer.<String, String>asyncBuilder(key -> gate.thenCompose(_ -> self.get().submit(key)))
            .timeout(Duration.ofSeconds(10))
            .timeSource(time)
            .build();
    self.set(coalescer);
    CompletableFuture<String> patient =
        coalescer.submit("key", CallOptions.timeout(Duration.ofMinutes(1)));
    time.advance(Duration.ofSeconds(4));
    CompletableFuture<String> joined = coalescer.submit("key");
    time.advance(Duration.ofSeconds(1));
    gate.complete(1); // the function calls itself, and waits from 5 to 15 seconds
    time.advance(Duration.ofSeconds(9));
    assertThat(joined.exceptionNow())
        .isInstanceOf(DeadlineExceededException.class)
        .hasMessage("coalescer had no result within PT10S");
    assertThat(patient).isNotDone();
    time.advance(Duration.ofSeconds(1));
    assertThat(patient).isCompletedExceptionally();
    assertThat(patient.exceptionNow()).isInstanceOf(DeadlineExceededException.class);
    assertThat(coalescer.keys()).isZero();
  }

  @Test
  void aCallFromAnotherThreadOfItsOwnExecutionEndsWithTheTimeout() throws Exception {
    VirtualTime time = new VirtualTime();
    CountDownLatch called = new CountDownLatch(1);
    Coalescer<String, String> coalescer =
        Coalescer.<String, String>builder(
                key -> {
                  FlowProbes.aside(
                          () -> {
                            var own = self.get().submit(key);
                            called.countDown();
                            own.get();
                          })
                      .get();
                  return key;
                })
            .timeout(Duration.ofSeconds(10))
            .timeSource(time)
            .build();
    self.set(coalescer);
    CompletableFuture<String> outer =
        coalescer.submit("key", CallOptions.timeout(Duration.ofHours(1)));
    FlowProbes.awaitLatch("the function has called itself", called);
    time.advance(Duration.ofSeconds(10));
    assertThat(FlowProbes.failureOf(outer)).hasRootCauseInstanceOf(DeadlineExceededException.class);
    assertThat(coalescer.keys()).isZero();
  }

  @Test
  void aBlockingFunctionThatCallsItself() {
    Coalescer<String, String> coalescer = coalescer(key -> self.get().call(key));
    assertRefused(catchThrowable(() -> coalescer.call("key")), "key");
  }

  @Test
  void aBlockingFunctionThatSubmitsToItself() {
    Coalescer<String, String> coalescer = coalescer(key -> self.get().submit(key).join());
    assertRefused(catchThrowable(() -> coalescer.call("key")), "key");
    assertThat(coalescer.keys()).isZero();
  }

  @Test
  void aBlockingFunctionOnTheCallersThread() {
    Coalescer<String, String> coalescer =
        Coalescer.<String, String>builder(key -> self.get().call(key))
            .executor(Runnable::run)
            .build();
    self.set(coalescer);
    assertRefused(catchThrowable(() -> coalescer.call("key")), "key");
  }

  @Test
  void anAsynchronousFunctionThatWaitsForItself() {
    Coalescer<String, String> coalescer =
        Coalescer.ofAsync(key -> CompletableFuture.completedFuture(self.get().submit(key).join()));
    self.set(coalescer);
    assertRefused(catchThrowable(() -> coalescer.call("key")), "key");
  }

  @Test
  void anAsynchronousFunctionThatWaitsForItselfThroughAnotherKey() {
    Coalescer<String, String> coalescer =
        Coalescer.ofAsync(
            key ->
                CompletableFuture.completedFuture(
                    self.get().submit(key.equals("a") ? "b" : "a").join()));
    self.set(coalescer);
    assertRefused(catchThrowable(() -> coalescer.call("a")), "a");
  }

  @Test
  void aCircleOfKeys() {
    Map<String, String> next = Map.of("a", "b", "b", "c", "c", "a");
    Coalescer<String, String> coalescer = coalescer(key -> self.get().call(next.get(key)));
    assertRefused(catchThrowable(() -> coalescer.call("a")), "a");
    assertThat(coalescer.keys()).isZero();
  }

  @Test
  void aCircleOfKeysThatAreSubmitted() {
    Map<String, String> next = Map.of("a", "b", "b", "c", "c", "a");
    Coalescer<String, String> coalescer = coalescer(key -> self.get().submit(next.get(key)).join());
    assertRefused(catchThrowable(() -> coalescer.call("a")), "a");
  }

  @Test
  void aCircleThroughTwoCoalescers() {
    Coalescer<String, String> other = Coalescer.of(key -> self.get().call("a"));
    Coalescer<String, String> coalescer = coalescer(key -> other.call("b"));
    assertRefused(catchThrowable(() -> coalescer.call("a")), "a");
  }

  /** Both are begun from outside, and then each joins the other. */
  @Test
  void executionsThatJoinEachOther() {
    CyclicBarrier bothRun = new CyclicBarrier(2);
    Coalescer<String, String> coalescer =
        coalescer(
            key -> {
              bothRun.await();
              return self.get().call(key.equals("a") ? "b" : "a");
            });
    CompletableFuture<String> first = coalescer.submit("a");
    CompletableFuture<String> second = coalescer.submit("b");
    Throwable ofFirst = catchThrowable(first::get);
    Throwable ofSecond = catchThrowable(second::get);
    assertThat(ofFirst).hasRootCauseInstanceOf(RejectedException.class);
    assertThat(ofSecond).hasRootCauseInstanceOf(RejectedException.class);
    assertThat(coalescer.keys()).isZero();
  }

  /** Two threads of one function, as those that it would fork, wait for different executions. */
  @Test
  void aCircleThroughOneOfSeveralThreads() {
    CompletableFuture<String> end = new CompletableFuture<>();
    Set<Thread> forks = ConcurrentHashMap.newKeySet();
    Coalescer<String, String> coalescer =
        coalescer(
            key ->
                switch (key) {
                  case "a" -> {
                    CompletableFuture<String> ofB = fork(forks, "b");
                    var _ = fork(forks, "c");
                    yield ofB.get();
                  }
                  case "b" -> {
                    Awaitility.await().until(() -> forks.size() == 2 && areWaiting(forks));
                    yield self.get().call("a");
                  }
                  default -> end.join();
                });
    CompletableFuture<String> outside = coalescer.submit("b"); // so that it is not part of a
    assertRefused(catchThrowable(() -> coalescer.call("a")), "a");
    assertRefused(catchThrowable(outside::join), "a");
    end.complete("end");
  }

  private CompletableFuture<String> fork(Set<Thread> forks, String key) {
    SharedExecution current = SharedExecution.CURRENT.get();
    return CoalescerProbes.inThread(
        () -> {
          forks.add(Thread.currentThread());
          return ScopedValue.where(SharedExecution.CURRENT, current)
              .call(() -> self.get().call(key));
        });
  }

  private static boolean areWaiting(Set<Thread> threads) {
    return threads.stream().allMatch(thread -> thread.getState() == Thread.State.WAITING);
  }

  /** A thread that waits no more leaves what the others wait for, were it the same. */
  @Test
  void eachThreadThatWaitsCounts() {
    KeyedExecutions executions = new KeyedExecutions(Coalescer.builder(), "c", Runnable::run);
    CoalescedWork work = CoalescedWork.ofCallable("c", false);
    SharedExecution a = new SharedExecution(executions, "a", work, "a", CallOptions.DEFAULT);
    SharedExecution b = new SharedExecution(executions, "b", work, "b", CallOptions.DEFAULT);
    SharedExecution c = new SharedExecution(executions, "c", work, "c", CallOptions.DEFAULT);
    assertThat(a.waitFor(b)).isFalse();
    assertThat(a.waitFor(b)).isFalse();
    assertThat(b.waitFor(c)).isFalse();
    a.waitsNoMore(b);
    assertThat(c.waitFor(a)).isTrue();
    a.waitsNoMore(b);
    assertThat(c.waitFor(a)).isFalse();
  }

  /** Many threads, random keys: whatever waits for whatever, everything ends. */
  @Test
  void anyGraphOfCallsEnds() throws Exception {
    int keys = 6;
    for (int round = 0; round < 200; round++) {
      Map<String, String> ends = new ConcurrentHashMap<>();
      int salt = round;
      Coalescer<String, String> coalescer =
          coalescer(
              key -> {
                int from = Integer.parseInt(key);
                int to = (from * 7 + salt * 5 + 3) % keys;
                return salt % 3 == from % 3 ? key : self.get().call(String.valueOf(to));
              });
      CountDownLatch done = new CountDownLatch(keys);
      for (int i = 0; i < keys; i++) {
        String key = String.valueOf(i);
        Thread.startVirtualThread(
            () -> {
              ends.put(key, String.valueOf(catchThrowable(() -> coalescer.call(key))));
              done.countDown();
            });
      }
      done.await();
      assertThat(ends).hasSize(keys);
      assertThat(coalescer.keys()).isZero();
    }
  }

  /** No false alarm: inner executions that end are used, and so are those of others. */
  @Test
  void nestedCallsOfOtherKeysAreFine() throws Exception {
    Coalescer<String, String> coalescer =
        coalescer(key -> key.length() > 5 ? key : self.get().call(key + "+"));
    assertThat(coalescer.call("a")).isEqualTo("a+++++");
  }

  /** A continuation is not part of the execution that has ended. */
  @Test
  void aContinuationMayCallTheSameKey() {
    Coalescer<String, String> coalescer = coalescer(key -> key);
    CompletableFuture<String> again =
        coalescer.submit("key").thenCompose(result -> coalescer.submit("key"));
    assertThat(again.join()).isEqualTo("key");
  }

  /** An execution that goes on to the next does not keep those before it. */
  @Test
  void aChainOfExecutionsKeepsNoHistory() {
    CompletableFuture<String> end = new CompletableFuture<>();
    Coalescer<String, String> coalescer =
        coalescer(
            key -> {
              int number = Integer.parseInt(key);
              if (number == 5_000) {
                end.complete(key);
              } else {
                var _ = self.get().submit(String.valueOf(number + 1));
              }
              return key;
            });
    coalescer.submit("0");
    assertThat(end.join()).isEqualTo("5000");
  }
}
