package io.headrace;

import static io.headrace.FlowProbes.awaitThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** What the continuations of one caller of a throttle do to the others: nothing. */
class ThrottleStrangersTest {
  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final HandTime time = new HandTime();
  private final List<String> executed = new ArrayList<>();
  private final List<CompletableFuture<String>> results = new ArrayList<>();

  private Throttle slots(int atOnce) {
    return Throttle.builder().atOnce(atOnce).timeSource(time).build();
  }

  private Throttle perSecond(double rate) {
    return Throttle.builder().perSecond(rate).timeSource(time).build();
  }

  /** Answers when the test completes its results. */
  private CompletableFuture<String> answerLater(String item) {
    executed.add(item);
    CompletableFuture<String> result = new CompletableFuture<>();
    results.add(result);
    return result;
  }

  private static Thread acquirer(Throttle throttle, AtomicBoolean granted) {
    Thread thread =
        Thread.startVirtualThread(
            () -> {
              try {
                granted.set(throttle.acquire() != null);
              } catch (InterruptedException e) {
                throw new AssertionError("nobody interrupts", e);
              }
            });
    awaitThat("the thread waits", () -> throttle.waiting() != 0);
    return thread;
  }

  /** The next call is under way before the continuation begins, which may block. */
  @Test
  void aContinuationThatBlocksDoesNotHoldTheSlotOfTheNextCall() {
    Service<String, String> service = slots(1).around((item, _) -> answerLater(item));
    CompletableFuture<String> one = service.submit("one");
    service.submit("two", CallOptions.timeout(SECOND));
    List<String> seen = new ArrayList<>();
    one.thenRun(() -> seen.addAll(executed));
    results.get(0).complete("1");
    assertThat(seen).containsExactly("one", "two");
  }

  @Test
  void aContinuationThatBlocksDoesNotHoldTheSlotOfAThread() throws Exception {
    Throttle throttle = slots(1);
    Service<String, String> service = throttle.around((item, _) -> answerLater(item));
    CompletableFuture<String> one = service.submit("one");
    AtomicBoolean granted = new AtomicBoolean();
    Thread thread = acquirer(throttle, granted);
    AtomicBoolean hasEnded = new AtomicBoolean();
    one.thenRun(() -> hasEnded.set(join(thread)));
    results.get(0).complete("1");
    assertThat(hasEnded).isTrue();
    assertThat(granted).isTrue();
  }

  private static boolean join(Thread thread) {
    try {
      return thread.join(PATIENCE);
    } catch (InterruptedException e) {
      throw new AssertionError("nobody interrupts", e);
    }
  }

  /** A hand-over to another thread would cost more than most calls. */
  @Test
  void theNextCallGoesOnOnTheThreadThatFreesTheSlot() {
    Service<String, String> service = slots(1).around((item, _) -> answerLater(item));
    service.submit("one");
    service.submit("two");
    results.get(0).complete("1");
    assertThat(executed).containsExactly("one", "two");
  }

  /** A service that executes on the thread of its caller executes no items of others there. */
  @Test
  void whoSubmitsDoesNotExecuteTheItemsOfOthers() {
    AtomicReference<Service<String, String>> throttled = new AtomicReference<>();
    List<CompletableFuture<String>> others = new ArrayList<>();
    throttled.set(
        slots(1)
            .around(
                (item, _) -> {
                  if (executed.isEmpty()) {
                    others.add(throttled.get().submit("two"));
                    others.add(throttled.get().submit("three"));
                  }
                  executed.add(item);
                  return CompletableFuture.completedFuture(item);
                }));
    CompletableFuture<String> one = throttled.get().submit("one");
    assertThat(one).isCompletedWithValue("one");
    assertThat(executed).containsExactly("one");
    time.runTasks();
    assertThat(executed).containsExactly("one", "two", "three");
    assertThat(others).allMatch(CompletableFuture::isDone);
  }

  /** Nor where the service throws. */
  @Test
  void whoseCallFailsAtOnceDoesNotExecuteTheItemsOfOthers() {
    AtomicReference<Service<String, String>> throttled = new AtomicReference<>();
    throttled.set(
        slots(1)
            .around(
                (item, _) -> {
                  if (executed.isEmpty()) {
                    throttled.get().submit("two");
                  }
                  executed.add(item);
                  throw new IllegalStateException("broken");
                }));
    assertThat(throttled.get().submit("one").exceptionNow()).hasMessage("broken");
    assertThat(executed).containsExactly("one");
    time.runTasks();
    assertThat(executed).containsExactly("one", "two");
  }

  /** The thread of the alarms is for all. */
  @Test
  void anAlarmDoesNotRunTheContinuationsOfTheCallItEnds() {
    Service<String, String> service = slots(1).around((item, _) -> answerLater(item));
    CompletableFuture<String> one = service.submit("one", CallOptions.timeout(SECOND));
    time.pass(SECOND);
    time.ring();
    assertThat(one).isNotDone();
    time.runTasks();
    assertThat(one.exceptionNow()).isInstanceOf(DeadlineExceededException.class);
  }

  /** The alarm is late, so whoever asks next finds that others are due. */
  @Test
  void whoAsksForAPermitDoesNotRunTheContinuationsOfOthers() {
    Throttle throttle = perSecond(10);
    throttle.tryAcquire();
    CompletableFuture<Permit> first = throttle.acquireAsync();
    time.pass(SECOND);
    CompletableFuture<Permit> second = throttle.acquireAsync();
    assertThat(throttle.waiting()).as("both are due").isLessThan(2);
    assertThat(first).isNotDone();
    time.runTasks();
    assertThat(first).isCompleted();
    time.pass(SECOND);
    time.ring();
    time.runTasks();
    assertThat(second).isCompleted();
  }

  /** Its own future is complete when it has it, if it was granted a permit. */
  @Test
  void whoIsGrantedAPermitBehindOthersHasIt() {
    Throttle throttle = Throttle.builder().perSecond(10).catchUp(SECOND).timeSource(time).build();
    throttle.tryAcquire();
    CompletableFuture<Permit> first = throttle.acquireAsync();
    time.pass(SECOND);
    assertThat(throttle.acquireAsync()).isCompleted();
    assertThat(first).isNotDone();
    time.runTasks();
    assertThat(first).isCompleted();
  }

  @Test
  void threadsAreWokenBeforeTheContinuationsOfThoseAheadRun() {
    Throttle throttle = Throttle.builder().perSecond(10).catchUp(SECOND).timeSource(time).build();
    throttle.tryAcquire();
    AtomicReference<Thread> thread = new AtomicReference<>();
    AtomicBoolean hasEnded = new AtomicBoolean();
    var ahead = throttle.acquireAsync().thenRun(() -> hasEnded.set(join(thread.get())));
    AtomicBoolean granted = new AtomicBoolean();
    Thread started =
        Thread.startVirtualThread(
            () -> {
              try {
                granted.set(throttle.acquire() != null);
              } catch (InterruptedException e) {
                throw new AssertionError("nobody interrupts", e);
              }
            });
    thread.set(started);
    awaitThat("both wait", () -> throttle.waiting() == 2);
    time.pass(SECOND);
    time.ring();
    time.runTasks();
    assertThat(ahead).isCompleted();
    assertThat(hasEnded).isTrue();
    assertThat(granted).isTrue();
  }

  @Test
  void aRequestForWhichNoAlarmCanBeSetFailsAlone() {
    RuntimeException failure = new IllegalStateException("no alarm");
    Throttle throttle = perSecond(10);
    throttle.tryAcquire();
    time.failOnce(failure);
    assertThat(catchThrowable(throttle::acquireAsync)).isSameAs(failure);
    time.failOnce(failure);
    assertThat(catchThrowable(throttle::acquire)).isSameAs(failure);
    assertThat(throttle.waiting()).isZero();
    CompletableFuture<Permit> next = throttle.acquireAsync();
    assertThat(time.alarms()).isOne();
    time.pass(SECOND);
    time.ring();
    time.runTasks();
    assertThat(next).isCompleted();
  }

  @Test
  void aRequestWhoseTimeoutCannotBeWatchedFailsAlone() throws Exception {
    RuntimeException failure = new IllegalStateException("no alarm");
    Throttle throttle = slots(1);
    Permit permit = throttle.acquire();
    time.failOnce(failure);
    assertThat(catchThrowable(() -> throttle.acquireAsync(SECOND))).isSameAs(failure);
    time.failOnce(failure);
    assertThat(catchThrowable(() -> throttle.tryAcquire(SECOND))).isSameAs(failure);
    assertThat(throttle.waiting()).isZero();
    permit.close();
    assertThat(throttle.running()).isZero();
  }

  /** Those who were granted a permit in the same step know of it, and the next to come helps. */
  @Test
  void anAlarmThatCannotBeSetLosesNobody() {
    Throttle throttle = perSecond(10);
    throttle.tryAcquire();
    CompletableFuture<Permit> first = throttle.acquireAsync();
    CompletableFuture<Permit> second = throttle.acquireAsync();
    time.pass(Duration.ofMillis(100));
    time.failOnce(new IllegalStateException("no alarm"));
    time.ring();
    time.runTasks();
    assertThat(first).isCompleted();
    CompletableFuture<Permit> third = throttle.acquireAsync();
    for (int i = 0; i < 2; i++) {
      time.pass(Duration.ofMillis(100));
      time.ring();
      time.runTasks();
    }
    assertThat(List.of(second, third)).allMatch(CompletableFuture::isDone);
  }

  /** Forced values end the wait, too. */
  @Test
  void aFutureThatIsObtrudedIsWithdrawn() {
    Throttle throttle = slots(1);
    Permit permit = throttle.tryAcquire();
    throttle.acquireAsync().obtrudeValue(Permit.FREE);
    throttle.acquireAsync().obtrudeException(new IllegalStateException("obtruded"));
    assertThat(throttle.waiting()).isZero();
    permit.close();
    assertThat(throttle.running()).isZero();
  }
}
