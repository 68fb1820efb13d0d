package io.headrace;

import static io.headrace.FlowProbes.awaitThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** Who gets a permit, who waits, and what happens to those who give up. */
class ThrottleWaitTest {
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final VirtualTime time = new VirtualTime();

  private Throttle slots(int atOnce) {
    return Throttle.builder().atOnce(atOnce).timeSource(time).build();
  }

  private Throttle perSecond(double rate) {
    return Throttle.builder().perSecond(rate).timeSource(time).build();
  }

  /** A thread that acquires, and what came of it: a permit or a failure. */
  private static Object acquired(
      AcquireCall call, Throttle throttle, AtomicReference<Thread> thread) throws Exception {
    AtomicReference<Object> result = new AtomicReference<>();
    Thread started =
        Thread.startVirtualThread(
            () -> {
              try {
                result.set(call.acquire(throttle));
              } catch (InterruptedException | DeadlineExceededException e) {
                result.set(e);
              }
            });
    thread.set(started);
    return result;
  }

  @FunctionalInterface
  private interface AcquireCall {
    Permit acquire(Throttle throttle) throws InterruptedException;
  }

  @Test
  void neverMorePermitsAreOutThanAllowed() {
    Throttle throttle = slots(2);
    Permit one = throttle.tryAcquire();
    assertThat(throttle.tryAcquire()).isNotNull();
    assertThat(throttle.tryAcquire()).isNull();
    assertThat(throttle.running()).isEqualTo(2);
    one.close();
    assertThat(throttle.running()).isOne();
    assertThat(throttle.tryAcquire()).isNotNull();
    assertThat(throttle.tryAcquire()).isNull();
  }

  @Test
  void aPermitGivesItsSlotBackOnce() {
    Throttle throttle = slots(2);
    Permit one = throttle.tryAcquire();
    throttle.tryAcquire();
    one.close();
    one.close();
    assertThat(throttle.running()).isOne();
  }

  /** There is no limit of tasks at once that closing could matter to. */
  @Test
  void thePermitOfARateIsSharedAndCostsNothing() {
    Throttle throttle = perSecond(1);
    Permit permit = throttle.tryAcquire();
    permit.close();
    assertThat(throttle.tryAcquire()).isNull();
    time.advance(SECOND);
    assertThat(throttle.tryAcquire()).isSameAs(permit);
    assertThat(throttle.running()).isZero();
  }

  /** A slot first, then the rate. */
  @Test
  void bothLimitsHold() {
    Throttle throttle = Throttle.builder().atOnce(1).perSecond(10).timeSource(time).build();
    List<Permit> permits = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      throttle.acquireAsync().thenAccept(permits::add);
    }
    time.advance(SECOND);
    assertThat(permits).hasSize(1);
    assertThat(time.alarms()).as("nobody waits for the rate").isZero();
    permits.get(0).close();
    assertThat(permits).as("due long ago").hasSize(2);
    permits.get(1).close();
    assertThat(permits).as("the slot is free, the rate is not").hasSize(2);
    time.advance(Duration.ofMillis(99));
    assertThat(permits).hasSize(2);
    time.advance(Duration.ofMillis(1));
    assertThat(permits).hasSize(3);
  }

  @Test
  void nobodyOvertakes() {
    Throttle throttle = perSecond(10);
    throttle.tryAcquire();
    CompletableFuture<Permit> first = throttle.acquireAsync();
    CompletableFuture<Permit> second = throttle.acquireAsync();
    time.advance(Duration.ofMillis(100));
    assertThat(first).isDone();
    assertThat(throttle.tryAcquire()).isNull();
    assertThat(second).isNotDone();
    time.advance(Duration.ofMillis(100));
    assertThat(second).isDone();
  }

  @Test
  void aTryDoesNotOvertakeWhoWaitsForASlot() {
    Throttle throttle = slots(1);
    Permit permit = throttle.tryAcquire();
    CompletableFuture<Permit> first = throttle.acquireAsync();
    permit.close();
    assertThat(first).isCompleted();
    assertThat(throttle.tryAcquire()).isNull();
  }

  /** A try that finds a slot and no rate gives the slot back. */
  @Test
  void aTryInVainLeavesNothingBehind() {
    Throttle throttle = Throttle.builder().atOnce(2).perSecond(1).timeSource(time).build();
    assertThat(throttle.tryAcquire()).isNotNull();
    assertThat(throttle.tryAcquire()).isNull();
    assertThat(throttle.running()).isOne();
    assertThat(throttle.waiting()).isZero();
  }

  @Test
  void waitersAreServedInOrderWhateverWayTheyWait() throws Exception {
    Throttle throttle = slots(1);
    Permit permit = throttle.tryAcquire();
    List<String> order = java.util.Collections.synchronizedList(new ArrayList<>());
    throttle.acquireAsync().thenAccept(granted -> order(order, "future", granted));
    AtomicReference<Thread> thread = new AtomicReference<>();
    acquired(
        t -> {
          Permit granted = t.acquire();
          order(order, "thread", granted);
          return granted;
        },
        throttle,
        thread);
    awaitThat("the thread waits", () -> throttle.waiting() == 2);
    Service<String, String> service =
        throttle.around(
            (item, options) -> {
              order.add(item);
              return CompletableFuture.completedFuture(item);
            });
    CompletableFuture<String> call = service.submit("service");
    permit.close();
    assertThat(call.get(10, TimeUnit.SECONDS)).isEqualTo("service");
    assertThat(order).containsExactly("future", "thread", "service");
    thread.get().join();
    assertThat(throttle.running()).isZero();
  }

  private static void order(List<String> order, String name, Permit permit) {
    order.add(name);
    permit.close();
  }

  /** The place in the schedule of a waiter that gives up goes to the next. */
  @Test
  void aFutureThatIsCancelledLeavesNoHole() {
    Throttle throttle = perSecond(10);
    throttle.tryAcquire();
    CompletableFuture<Permit> first = throttle.acquireAsync();
    CompletableFuture<Permit> second = throttle.acquireAsync();
    CompletableFuture<Permit> third = throttle.acquireAsync();
    time.advance(Duration.ofMillis(50));
    assertThat(first.cancel(true)).isTrue();
    assertThat(throttle.waiting()).isEqualTo(2);
    time.advance(Duration.ofMillis(50));
    assertThat(second).isDone();
    assertThat(third.cancel(true)).isTrue();
    assertThat(time.alarms()).isZero();
    time.advance(Duration.ofMillis(100));
    assertThat(throttle.tryAcquire()).isNotNull();
  }

  @Test
  void aFutureThatItsCallerCompletesIsWithdrawn() {
    Throttle throttle = slots(1);
    Permit permit = throttle.tryAcquire();
    CompletableFuture<Permit> completed = throttle.acquireAsync();
    CompletableFuture<Permit> failed = throttle.acquireAsync();
    CompletableFuture<Permit> async = throttle.acquireAsync();
    assertThat(completed.complete(Permit.FREE)).isTrue();
    assertThat(failed.completeExceptionally(new IllegalStateException())).isTrue();
    AtomicInteger supplied = new AtomicInteger();
    Supplier<Permit> supplier =
        () -> {
          supplied.incrementAndGet();
          return Permit.FREE;
        };
    async.completeAsync(supplier, Runnable::run).completeAsync(supplier, Runnable::run);
    assertThat(async).isCompleted();
    assertThat(supplied).as("of one that is complete nobody asks the supplier").hasValue(1);
    assertThat(throttle.waiting()).isZero();
    permit.close();
    assertThat(throttle.running()).isZero();
  }

  @Test
  void aCancelAfterTheGrantComesTooLate() {
    Throttle throttle = slots(1);
    CompletableFuture<Permit> future = throttle.acquireAsync();
    assertThat(future.cancel(true)).isFalse();
    future.join().close();
    assertThat(throttle.running()).isZero();
  }

  /** Between the grant and the completion of the future. */
  @Test
  void aCancelWhileTheGrantIsUnderWayComesTooLate() {
    Throttle throttle = slots(2);
    Permit one = throttle.tryAcquire();
    Permit two = throttle.tryAcquire();
    CompletableFuture<Permit> first = throttle.acquireAsync();
    CompletableFuture<Permit> second = throttle.acquireAsync();
    AtomicReference<Boolean> cancelled = new AtomicReference<>();
    first.thenAccept(
        permit -> {
          two.close(); // grants the second, which is told after this continuation
          cancelled.set(second.cancel(true));
        });
    one.close();
    assertThat(cancelled.get()).isFalse();
    assertThat(second).isCompleted();
    second.join().close();
    assertThat(throttle.running()).isOne();
  }

  @Test
  void aTimeoutEndsTheWait() {
    Throttle throttle = slots(1);
    Permit permit = throttle.tryAcquire();
    CompletableFuture<Permit> future = throttle.acquireAsync(SECOND);
    time.advance(SECOND.minusNanos(1));
    assertThat(future).isNotDone();
    time.advance(Duration.ofNanos(1));
    assertThatThrownBy(future::join)
        .isInstanceOf(CompletionException.class)
        .cause()
        .isInstanceOf(DeadlineExceededException.class)
        .hasMessage("throttle had no permit within PT1S");
    assertThat(throttle.waiting()).isZero();
    permit.close();
    assertThat(throttle.running()).isZero();
  }

  @Test
  void aGrantInTimeStopsTheTimeout() {
    Throttle throttle = slots(1);
    Permit permit = throttle.tryAcquire();
    CompletableFuture<Permit> future = throttle.acquireAsync(SECOND);
    permit.close();
    assertThat(future).isCompleted();
    assertThat(time.alarms()).isZero();
  }

  @Test
  void aPermitThatIsDueAtTheDeadlineIsGranted() {
    Throttle throttle = perSecond(1);
    throttle.tryAcquire();
    CompletableFuture<Permit> inTime = throttle.acquireAsync(SECOND);
    CompletableFuture<Permit> behind = throttle.acquireAsync(SECOND);
    time.advance(SECOND);
    assertThat(inTime).isCompleted();
    assertThat(behind).isCompletedExceptionally();
  }

  @Test
  void whatCannotBeInTimeIsRefusedAtOnce() throws InterruptedException {
    Throttle throttle = perSecond(1);
    throttle.tryAcquire();
    Duration early = SECOND.minusNanos(1);
    assertThat(throttle.acquireAsync(early)).isCompletedExceptionally();
    assertThat(throttle.tryAcquire(early)).isNull();
    assertThatThrownBy(() -> throttle.acquire(early)).isInstanceOf(DeadlineExceededException.class);
    Service<String, String> service =
        throttle.around((item, options) -> CompletableFuture.completedFuture(item));
    assertThat(service.submit("a", CallOptions.timeout(early))).isCompletedExceptionally();
    assertThat(time.alarms()).isZero();
  }

  @Test
  void aThreadWaitsForItsPermit() throws Exception {
    Throttle throttle = perSecond(10);
    throttle.tryAcquire();
    AtomicReference<Thread> thread = new AtomicReference<>();
    var result = (AtomicReference<?>) acquired(Throttle::acquire, throttle, thread);
    awaitThat("the thread waits", () -> throttle.waiting() == 1 && time.alarms() == 1);
    time.advance(Duration.ofMillis(99));
    assertThat(throttle.waiting()).isOne();
    time.advance(Duration.ofMillis(1));
    thread.get().join();
    assertThat(result.get()).isInstanceOf(Permit.class);
  }

  @Test
  void aThreadThatIsInterruptedGivesUp() throws Exception {
    Throttle throttle = perSecond(10);
    throttle.tryAcquire();
    AtomicReference<Thread> thread = new AtomicReference<>();
    var result = (AtomicReference<?>) acquired(Throttle::acquire, throttle, thread);
    awaitThat("the thread waits", () -> throttle.waiting() == 1);
    CompletableFuture<Permit> next = throttle.acquireAsync();
    thread.get().interrupt();
    thread.get().join();
    assertThat(result.get()).isInstanceOf(InterruptedException.class);
    time.advance(Duration.ofMillis(100));
    assertThat(next).isCompleted();
  }

  @Test
  void aThreadThatIsInterruptedTakesNothing() {
    Throttle throttle = slots(1);
    Thread.currentThread().interrupt();
    assertThatThrownBy(throttle::acquire).isInstanceOf(InterruptedException.class);
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> throttle.tryAcquire(SECOND)).isInstanceOf(InterruptedException.class);
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> throttle.acquire(SECOND)).isInstanceOf(InterruptedException.class);
    assertThat(Thread.interrupted()).isFalse();
    assertThat(throttle.running()).isZero();
  }

  @Test
  void aThreadWaitsNoLongerThanItsTimeout() throws Exception {
    Throttle throttle = slots(1);
    throttle.tryAcquire();
    AtomicReference<Thread> thread = new AtomicReference<>();
    var result = (AtomicReference<?>) acquired(t -> t.acquire(SECOND), throttle, thread);
    awaitThat("the thread waits", () -> throttle.waiting() == 1 && time.alarms() == 1);
    time.advance(SECOND);
    thread.get().join();
    assertThat(result.get()).isInstanceOf(DeadlineExceededException.class);
  }

  @Test
  void aTryWithATimeWaits() throws Exception {
    Throttle throttle = slots(1);
    Permit permit = throttle.tryAcquire();
    AtomicReference<Thread> thread = new AtomicReference<>();
    var served = (AtomicReference<?>) acquired(t -> t.tryAcquire(SECOND), throttle, thread);
    awaitThat("the thread waits", () -> throttle.waiting() == 1 && time.alarms() == 1);
    permit.close();
    thread.get().join();
    assertThat(served.get()).isInstanceOf(Permit.class);
    AtomicReference<Thread> other = new AtomicReference<>();
    var late = (AtomicReference<?>) acquired(t -> t.tryAcquire(SECOND), throttle, other);
    awaitThat("the thread waits", () -> throttle.waiting() == 1 && time.alarms() == 1);
    time.advance(SECOND);
    other.get().join();
    assertThat(late.get()).isNull();
    assertThat(throttle.tryAcquire(Duration.ZERO)).isNull();
  }

  /** A queue of short tasks is as long as it likes: the stack does not grow with it. */
  @Test
  void aLongQueueIsServedWithoutNesting() {
    Throttle throttle = slots(1);
    Permit permit = throttle.tryAcquire();
    List<Integer> served = new ArrayList<>();
    int count = 100_000;
    for (int i = 0; i < count; i++) {
      int id = i;
      throttle
          .acquireAsync()
          .thenAccept(
              granted -> {
                served.add(id);
                granted.close();
              });
    }
    permit.close();
    assertThat(served).hasSize(count).isSorted();
    assertThat(throttle.running()).isZero();
  }

  /** What a continuation throws stays in its own stage. */
  @Test
  void aContinuationThatThrowsDisturbsNobody() {
    Throttle throttle = slots(1);
    Permit permit = throttle.tryAcquire();
    AtomicBoolean reached = new AtomicBoolean();
    throttle
        .acquireAsync()
        .thenAccept(
            granted -> {
              granted.close();
              throw new IllegalStateException();
            });
    throttle.acquireAsync().thenAccept(granted -> reached.set(true));
    permit.close();
    assertThat(reached).isTrue();
  }
}
