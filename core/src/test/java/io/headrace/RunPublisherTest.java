package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow.Publisher;
import java.util.concurrent.Flow.Subscriber;
import java.util.concurrent.Flow.Subscription;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Publishers as sources, those included that break their rules. */
class RunPublisherTest {
  private final Throttle throttle = Throttle.atMost(2);

  /** Does nothing, and counts the cancels. */
  private static final class Cancels implements Subscription {
    final AtomicInteger count = new AtomicInteger();

    @Override
    public void request(long n) {}

    @Override
    public void cancel() {
      count.incrementAndGet();
    }
  }

  @Test
  void anEndlessPublisherIsAskedForALittleAtATime() {
    TestPublisher<Integer> publisher =
        TestPublisher.of(() -> Stream.iterate(0, i -> i + 1).iterator());
    Throttle one = Throttle.atMost(1);
    try (Results<Integer> results = one.over(publisher).runAhead(1).map(i -> i)) {
      for (int i = 0; i < 1000; i++) {
        assertThat(results.next()).isEqualTo(i);
        assertThat(publisher.requested.get()).isLessThanOrEqualTo(i + 3 + PublisherInputs.AHEAD);
      }
    }
    assertThat(publisher.most).isEqualTo(PublisherInputs.AHEAD);
    assertThat(publisher.cancelled).isTrue();
  }

  @Test
  @SuppressWarnings("try") // closing the publisher is what ends the source
  void aPublisherWithThreadsOfItsOwn() throws Exception {
    try (SubmissionPublisher<Integer> publisher = new SubmissionPublisher<>()) {
      Results<Integer> results = throttle.over(publisher).map(i -> i * 10);
      assertThat(publisher.getNumberOfSubscribers()).isEqualTo(1);
      for (int i = 0; i < 1000; i++) {
        publisher.submit(i);
        assertThat(results.next()).isEqualTo(i * 10);
      }
      publisher.close();
      assertThat(results.hasNext()).isFalse();
      results.close();
    }
  }

  @Test
  void closingCancelsTheSubscription() {
    try (SubmissionPublisher<Integer> publisher = new SubmissionPublisher<>()) {
      Results<Integer> results = throttle.over(publisher).map(i -> i);
      results.close();
      publisher.submit(1);
      await().until(() -> publisher.getNumberOfSubscribers() == 0);
    }
  }

  @Test
  void anErrorComesAfterTheItemsBeforeIt() {
    IOException failure = new IOException("connection lost");
    Publisher<Integer> failing =
        subscriber -> {
          subscriber.onSubscribe(new Cancels());
          subscriber.onNext(0);
          subscriber.onNext(1);
          subscriber.onError(failure);
        };
    try (Results<Integer> results = Throttle.atMost(1).over(failing).map(i -> i)) {
      assertThat(List.of(results.next(), results.next())).containsExactly(0, 1);
      assertThatThrownBy(results::next)
          .isInstanceOf(CompletionException.class)
          .cause()
          .isSameAs(failure);
    }
    assertThatThrownBy(() -> throttle.over(failing).collect().runAll(i -> i))
        .cause()
        .isSameAs(failure);
  }

  @Test
  void oneThatCompletesAtOnceIsEmpty() throws Exception {
    Publisher<Integer> properly =
        subscriber -> {
          subscriber.onSubscribe(new Cancels());
          subscriber.onComplete();
        };
    Publisher<Integer> withoutSubscription = Subscriber::onComplete;
    Publisher<Integer> twice =
        subscriber -> {
          subscriber.onComplete();
          subscriber.onComplete();
          subscriber.onNext(1);
          subscriber.onError(new IOException("too late"));
        };
    for (Publisher<Integer> publisher : List.of(properly, withoutSubscription, twice)) {
      assertThat(throttle.over(publisher).runAll(i -> i)).isEmpty();
    }
  }

  @Test
  void moreThanWasAskedForIsAFailure() {
    Cancels cancels = new Cancels();
    Publisher<Integer> flood =
        subscriber -> {
          subscriber.onSubscribe(cancels);
          IntStream.range(0, 1000).forEach(subscriber::onNext);
          subscriber.onComplete();
        };
    assertThatThrownBy(() -> throttle.over(flood).runAll(i -> i))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the publisher gave more items than it was asked for");
    assertThat(cancels.count.get()).isPositive();
    Publisher<Integer> beforeAsked = subscriber -> subscriber.onNext(1);
    assertThatThrownBy(() -> throttle.over(beforeAsked).runAll(i -> i))
        .isInstanceOf(IllegalStateException.class);
  }

  /** Rules 2.13 and 2.5 of Reactive Streams. */
  static Stream<Arguments> nulls() {
    return Stream.of(
        arguments("a subscription", (Consumer<Subscriber<?>>) s -> s.onSubscribe(null)),
        arguments("an item", (Consumer<Subscriber<?>>) s -> s.onNext(null)),
        arguments("a failure", (Consumer<Subscriber<?>>) s -> s.onError(null)));
  }

  /** What a thread of the publisher throws reaches nobody, so the run has to end. */
  @ParameterizedTest
  @MethodSource("nulls")
  void nullIsRefusedAndEndsTheRun(String what, Consumer<Subscriber<?>> give) throws Exception {
    CompletableFuture<Throwable> thrown = new CompletableFuture<>();
    Publisher<Integer> publisher =
        subscriber -> {
          if (!what.equals("a subscription")) {
            subscriber.onSubscribe(new Cancels());
          }
          Thread.startVirtualThread(
              () -> thrown.complete(catchThrowable(() -> give.accept(subscriber))));
        };
    CompletableFuture<Void> run = FlowProbes.aside(() -> throttle.over(publisher).runAll(i -> i));
    assertThat(FlowProbes.failureOf(run))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("the publisher gave null in place of " + what);
    assertThat(FlowProbes.valueOf(thrown)).isInstanceOf(NullPointerException.class);
  }

  @Test
  void secondSubscriptionsAreCancelled() throws Exception {
    Cancels second = new Cancels();
    Publisher<Integer> publisher =
        subscriber -> {
          subscriber.onSubscribe(new Cancels());
          subscriber.onSubscribe(second);
          subscriber.onComplete();
        };
    assertThat(throttle.over(publisher).runAll(i -> i)).isEmpty();
    assertThat(second.count).hasValue(1);
  }

  @Test
  void whatSubscribingOrAskingThrowsIsTheFailureOfTheRun() {
    IllegalStateException failure = new IllegalStateException("broken");
    Publisher<Integer> throwing =
        _ -> {
          throw failure;
        };
    Publisher<Integer> throwingOnRequest =
        subscriber ->
            subscriber.onSubscribe(
                new Subscription() {
                  @Override
                  public void request(long n) {
                    throw failure;
                  }

                  @Override
                  public void cancel() {
                    throw failure;
                  }
                });
    for (Publisher<Integer> publisher : List.of(throwing, throwingOnRequest)) {
      assertThat(catchThrowable(() -> throttle.over(publisher).runAll(i -> i))).isSameAs(failure);
    }
  }

  @Test
  void oneThatNeverAnswersCanBeLeft() throws Exception {
    AtomicReference<Subscriber<? super Integer>> subscriber = new AtomicReference<>();
    Publisher<Integer> silent = subscriber::set;
    Results<Integer> results = throttle.over(silent).map(i -> i);
    results.close();
    Cancels late = new Cancels();
    subscriber.get().onSubscribe(late);
    assertThat(late.count).as("a subscription that comes after the end").hasValue(1);
    subscriber.get().onNext(1);
    assertThat(throttle.running()).isZero();
  }

  @Test
  void aFailedTaskCancelsTheSubscription() {
    Cancels cancels = new Cancels();
    CountDownLatch never = new CountDownLatch(1);
    Publisher<Integer> publisher =
        subscriber -> {
          subscriber.onSubscribe(cancels);
          subscriber.onNext(0);
          subscriber.onNext(1);
        };
    assertThatThrownBy(
            () ->
                throttle
                    .over(publisher)
                    .runOnEach(
                        i -> {
                          if (i == 1) {
                            throw new IllegalStateException("wrong");
                          }
                          never.await();
                          return i;
                        }))
        .hasMessage("wrong");
    assertThat(cancels.count).hasValue(1);
  }

  @Test
  void eachRunSubscribesAnew() throws Exception {
    AtomicInteger subscribers = new AtomicInteger();
    Publisher<Integer> publisher =
        subscriber -> {
          subscribers.incrementAndGet();
          subscriber.onSubscribe(new Cancels());
          subscriber.onNext(7);
          subscriber.onComplete();
        };
    Run<Integer> run = throttle.over(publisher);
    assertThat(run.runAll(i -> i)).containsExactly(7);
    assertThat(run.runAll(i -> i)).containsExactly(7);
    assertThat(subscribers).hasValue(2);
  }
}
