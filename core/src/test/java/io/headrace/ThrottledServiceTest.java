package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

/** A throttle around a service. */
class ThrottledServiceTest {
  private final VirtualTime time = new VirtualTime();
  private final List<CompletableFuture<String>> results = new ArrayList<>();
  private final List<CallOptions> seen = new ArrayList<>();

  /** Answers when the test completes its results. */
  private final Service<String, String> service =
      (item, options) -> {
        CompletableFuture<String> result = new CompletableFuture<>();
        results.add(result);
        seen.add(options);
        return result;
      };

  private final Throttle throttle = Throttle.builder().atOnce(1).timeSource(time).build();
  private final Service<String, String> throttled = throttle.around(service);

  @Test
  void aCallHoldsItsPermitUntilItsResultIsThere() {
    CompletableFuture<String> one = throttled.submit("one");
    CompletableFuture<String> two = throttled.submit("two");
    assertThat(results).hasSize(1);
    results.get(0).complete("1");
    assertThat(one).isCompletedWithValue("1");
    assertThat(results).hasSize(2);
    results.get(1).complete("2");
    assertThat(two).isCompletedWithValue("2");
    assertThat(throttle.running()).isZero();
  }

  @Test
  void theSlotIsFreeWhenTheCallerKnows() {
    CompletableFuture<Integer> running =
        throttled.submit("one").thenApply(value -> throttle.running());
    results.get(0).complete("1");
    assertThat(running).isCompletedWithValue(0);
  }

  @Test
  void aFailureReachesItsCallerUnwrapped() {
    CompletableFuture<String> one = throttled.submit("one");
    results.get(0).completeExceptionally(new IllegalStateException("broken"));
    assertThatThrownBy(one::join).cause().hasMessage("broken");
    assertThat(throttle.running()).isZero();
  }

  /** What a service throws, or a null where a future should be, is the failure of its call. */
  @Test
  void aServiceThatThrowsGivesItsPermitBack() {
    Service<String, String> throwing =
        throttle.around(
            (item, options) -> {
              throw new IllegalArgumentException("no such priority");
            });
    assertThatThrownBy(throwing.submit("one")::join)
        .isInstanceOf(CompletionException.class)
        .hasRootCauseMessage("no such priority");
    @SuppressWarnings("NullAway")
    Service<String, String> empty = throttle.around((item, options) -> null);
    assertThatThrownBy(empty.submit("one")::join)
        .hasRootCauseMessage("the future that the service returned");
    assertThat(throttle.running()).isZero();
    assertThatThrownBy(() -> throttled.submit(null)).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> throttle.around(null)).isInstanceOf(NullPointerException.class);
  }

  @Test
  void theTimeoutCoversTheWait() {
    throttled.submit("one");
    CompletableFuture<String> two =
        throttled.submit("two", CallOptions.timeout(Duration.ofSeconds(3)).withPriority(1));
    CompletableFuture<String> three =
        throttled.submit("three", CallOptions.timeout(Duration.ofSeconds(1)));
    time.advance(Duration.ofSeconds(1));
    assertThatThrownBy(three::join)
        .cause()
        .isInstanceOf(DeadlineExceededException.class)
        .hasMessage("throttle had no permit within PT1S");
    results.get(0).complete("1");
    assertThat(seen.get(1).timeoutNanos).isEqualTo(Duration.ofSeconds(2).toNanos());
    assertThat(seen.get(1).priority).isOne();
    assertThat(two).isNotDone();
    assertThat(throttle.waiting()).isZero();
  }

  @Test
  void aCallWhoseTimeIsOverWhenItsPermitComesIsNotMade() {
    Throttle rate = Throttle.builder().perSecond(1).timeSource(time).build();
    Service<String, String> around = rate.around(service);
    around.submit("one");
    CompletableFuture<String> two =
        around.submit("two", CallOptions.timeout(Duration.ofSeconds(1)));
    assertThat(two).isNotDone();
    time.advance(Duration.ofSeconds(1));
    assertThat(two.exceptionNow())
        .isInstanceOf(DeadlineExceededException.class)
        .hasMessage("throttle had no permit within PT1S");
    assertThat(results).hasSize(1);
    assertThat(time.alarms()).isZero();
  }

  @Test
  void aCallEndsInTimeWhateverTheServiceMakesOfItsTimeout() {
    throttled.submit("one");
    CompletableFuture<String> two =
        throttled.submit("two", CallOptions.timeout(Duration.ofSeconds(3)));
    time.advance(Duration.ofSeconds(1));
    results.get(0).complete("1");
    time.advance(Duration.ofSeconds(2).minusNanos(1));
    assertThat(two).isNotDone();
    time.advance(Duration.ofNanos(1));
    assertThatThrownBy(two::join)
        .cause()
        .isInstanceOf(DeadlineExceededException.class)
        .hasMessage("throttled service had no result within PT3S");
    assertThat(results.get(1)).isCancelled();
    assertThat(throttle.running()).isZero();
  }

  /** At most so many stay at most so many: the work behind the future may still be done. */
  @Test
  void aPermitIsOutUntilTheOtherFutureHasCompleted() {
    CompletableFuture<String> stubborn =
        new CompletableFuture<>() {
          @Override
          public boolean cancel(boolean mayInterruptIfRunning) {
            return false;
          }
        };
    Service<String, String> around = throttle.around((_, _) -> stubborn);
    CompletableFuture<String> one =
        around.submit("one", CallOptions.timeout(Duration.ofSeconds(1)));
    CompletableFuture<String> two = throttled.submit("two");
    time.advance(Duration.ofSeconds(1));
    assertThat(one).isCompletedExceptionally();
    assertThat(throttle.running()).isOne();
    assertThat(results).isEmpty();
    stubborn.complete("1");
    assertThat(throttle.running()).isOne();
    results.get(0).complete("2");
    assertThat(two).isCompletedWithValue("2");
    assertThat(throttle.running()).isZero();
  }

  @Test
  void thereIsAnAlarmOnlyForACallWithATimeoutThatHasNotEnded() {
    Throttle many = Throttle.builder().atOnce(10).timeSource(time).build();
    Service<String, String> around = many.around(service);
    around.submit("without");
    assertThat(time.alarms()).isZero();
    CompletableFuture<String> ended =
        around.submit("ends", CallOptions.timeout(Duration.ofSeconds(1)));
    CompletableFuture<String> cancelled =
        around.submit("is cancelled", CallOptions.timeout(Duration.ofSeconds(1)));
    assertThat(time.alarms()).isEqualTo(2);
    results.get(1).complete("1");
    cancelled.cancel(true);
    assertThat(time.alarms()).isZero();
    assertThat(ended).isCompletedWithValue("1");
    Service<String, String> atOnce =
        many.around((item, _) -> CompletableFuture.completedFuture(item));
    assertThat(atOnce.submit("now", CallOptions.timeout(Duration.ofSeconds(1)))).isCompleted();
    assertThat(time.alarms()).isZero();
  }

  @Test
  void aCallThatEndsWhileItsAlarmIsSetLeavesNone() {
    HookedTime hooked = new HookedTime(time);
    hooked.atAlarms(() -> results.getFirst().complete("1"));
    Throttle one = Throttle.builder().atOnce(1).timeSource(hooked).build();
    CompletableFuture<String> call =
        one.around(service).submit("one", CallOptions.timeout(Duration.ofSeconds(1)));
    assertThat(call).isCompletedWithValue("1");
    assertThat(time.alarms()).isZero();
  }

  /** Services that keep to their timeouts end the call themselves, and count it so. */
  @Test
  void aBatcherTellsThatItsCallIsLate() {
    HeldBatches<String> held = new HeldBatches<>();
    try (Batcher<String, String> batcher =
        Batcher.asyncBuilder(held)
            .workers(Workers.executor(Runnable::run, 1))
            .timeSource(time)
            .build()) {
      CompletableFuture<String> late =
          throttle.around(batcher).submit("late", CallOptions.timeout(Duration.ofSeconds(1)));
      assertThat(time.alarms()).isOne();
      time.advance(Duration.ofSeconds(1));
      assertThatThrownBy(late::join)
          .cause()
          .isInstanceOf(DeadlineExceededException.class)
          .hasMessage("batcher had no result within PT1S");
      held.answerAll();
      assertThat(batcher.statistics().timedOut()).isOne();
      assertThat(throttle.running()).isZero();
    }
  }

  @Test
  void aCallThatIsCancelledWhileItWaitsIsNeverMade() {
    throttled.submit("one");
    CompletableFuture<String> two = throttled.submit("two");
    assertThat(two.cancel(true)).isTrue();
    assertThat(throttle.waiting()).isZero();
    results.get(0).complete("1");
    assertThat(results).hasSize(1);
    assertThatThrownBy(two::join).isInstanceOf(CancellationException.class);
  }

  @Test
  void aCallThatIsCancelledLaterCancelsTheOther() {
    CompletableFuture<String> one = throttled.submit("one");
    one.cancel(true);
    assertThat(results.get(0)).isCancelled();
    assertThat(throttle.running()).isZero();
  }

  @Test
  void aCallThatIsCancelledWhileItIsMadeCancelsTheOther() {
    List<CompletableFuture<String>> calls = new ArrayList<>();
    Service<String, String> cancelling =
        throttle.around(
            (item, options) -> {
              calls.forEach(call -> call.cancel(true));
              return service.submit(item, options);
            });
    throttled.submit("one");
    calls.add(cancelling.submit("two"));
    results.get(0).complete("1");
    assertThat(calls.getFirst()).isCancelled();
    assertThat(results.get(1)).isCancelled();
    assertThat(throttle.running()).isZero();
  }

  @Test
  void aCallThatItsCallerCompletesIsWithdrawn() {
    throttled.submit("one");
    CompletableFuture<String> two = throttled.submit("two");
    two.complete("by its caller");
    CompletableFuture<String> three = throttled.submit("three");
    three.completeExceptionally(new IllegalStateException());
    assertThat(throttle.waiting()).isZero();
  }

  @Test
  void aCallThatItsCallerCompletesAsynchronouslyIsWithdrawn() {
    CompletableFuture<String> one = throttled.submit("one");
    CompletableFuture<String> two = throttled.submit("two");
    two.completeAsync(() -> "by its caller", Runnable::run);
    CompletableFuture<String> three = throttled.submit("three");
    three.completeAsync(
        () -> {
          throw new IllegalStateException();
        },
        Runnable::run);
    assertThat(two).isCompletedWithValue("by its caller");
    assertThat(three).isCompletedExceptionally();
    assertThat(throttle.waiting()).isZero();
    one.completeAsync(() -> "by its caller", Runnable::run);
    assertThat(results.get(0)).isCancelled();
    assertThat(throttle.running()).isZero();
  }

  /** The grant is under way, the call has not been made yet. */
  @Test
  void aCallThatIsCancelledWhileItIsGrantedGivesThePermitBack() {
    Throttle two = Throttle.builder().atOnce(2).timeSource(time).build();
    Service<String, String> around = two.around(service);
    CompletableFuture<String> first = around.submit("1");
    around.submit("2");
    CompletableFuture<Permit> third = two.acquireAsync();
    CompletableFuture<String> fourth = around.submit("4");
    third.thenAccept(
        permit -> {
          permit.close(); // grants the fourth, which is told after this continuation
          fourth.cancel(true);
        });
    results.get(0).complete("1");
    assertThat(first).isCompleted();
    assertThat(fourth).isCancelled();
    assertThat(results).hasSize(2);
    assertThat(two.running()).isOne();
  }

  @Test
  void aLongQueueOfShortCallsDoesNotNest() {
    Service<String, String> echo =
        throttle.around((item, options) -> CompletableFuture.completedFuture(item));
    Permit permit = throttle.tryAcquire();
    List<CompletableFuture<String>> calls = new ArrayList<>();
    for (int i = 0; i < 100_000; i++) {
      calls.add(echo.submit("item"));
    }
    permit.close();
    assertThat(calls).allMatch(CompletableFuture::isDone);
    assertThat(throttle.running()).isZero();
  }

  @Test
  void callsCountForAsManyAsTheirItemsCost() {
    Throttle rate = Throttle.builder().perSecond(10).burst(5).timeSource(time).build();
    Service<Integer, Integer> service = (item, options) -> CompletableFuture.completedFuture(item);
    Service<Integer, Integer> limited = rate.around(service, item -> 10 / item);
    assertThat(limited.submit(2)).isDone();
    var second = limited.submit(5);
    time.advance(Duration.ofMillis(199));
    assertThat(second).isNotDone();
    time.advance(Duration.ofMillis(1));
    assertThat(second).isCompletedWithValue(5);
    assertThat(limited.submit(5, CallOptions.timeout(Duration.ofMillis(199))).exceptionNow())
        .isInstanceOf(DeadlineExceededException.class);
    assertThat(limited.submit(1).exceptionNow())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("cost is 10, it has to be from 1 to the burst");
    assertThat(limited.submit(0).exceptionNow()).isInstanceOf(ArithmeticException.class);
    time.advance(Duration.ofSeconds(1));
    assertThat(rate.withCost(5).around(service).submit(7)).isDone();
    assertThat(rate.tryAcquire()).isNull();
  }

  @Test
  void callsComeAtTheRate() {
    Throttle rate = Throttle.builder().perSecond(2).timeSource(time).build();
    Service<String, String> around = rate.around(service);
    for (int i = 0; i < 3; i++) {
      around.submit("item");
    }
    CompletableFuture<String> hopeless =
        around.submit("item", CallOptions.timeout(Duration.ofMillis(499)));
    assertThat(hopeless).isCompletedExceptionally();
    assertThat(results).hasSize(1);
    time.advance(Duration.ofSeconds(1));
    assertThat(results).hasSize(3);
  }

  /** Without a stack trace that shows the throttle, only its name says which it was. */
  @Test
  void everyTimeoutNamesTheThrottle() throws Exception {
    String message = "throttle geocoder had no permit within PT1S";
    Duration second = Duration.ofSeconds(1);
    Throttle named =
        Throttle.builder().name("geocoder").perSecond(0.1).atOnce(1).timeSource(time).build();
    Service<String, String> throttled = named.around(service);
    throttled.submit("one"); // the next permit is due in ten seconds
    assertThatThrownBy(() -> named.acquire(second)).hasMessage(message);
    assertThatThrownBy(named.acquireAsync(second)::join).hasRootCauseMessage(message);
    assertThatThrownBy(throttled.submit("two", CallOptions.timeout(second))::join)
        .hasRootCauseMessage(message);
    time.advance(Duration.ofSeconds(20)); // from now on the slot is what is missing
    CompletableFuture<Permit> permit = named.acquireAsync(second);
    CompletableFuture<String> call = throttled.submit("three", CallOptions.timeout(second));
    time.advance(second);
    assertThatThrownBy(permit::join).hasRootCauseMessage(message);
    assertThatThrownBy(call::join).hasRootCauseMessage(message);
  }
}
