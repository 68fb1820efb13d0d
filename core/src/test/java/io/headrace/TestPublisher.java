package io.headrace;

import java.util.Iterator;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A publisher that gives what is asked for, on the thread that asks, and remembers what that was.
 */
final class TestPublisher<T> implements Flow.Publisher<T> {
  private final Iterable<T> items;
  final AtomicLong requested = new AtomicLong();
  final AtomicLong given = new AtomicLong();
  volatile long most;
  volatile boolean cancelled;

  private TestPublisher(Iterable<T> items) {
    this.items = items;
  }

  static <T> TestPublisher<T> of(Iterable<T> items) {
    return new TestPublisher<>(items);
  }

  @Override
  public void subscribe(Flow.Subscriber<? super T> subscriber) {
    Iterator<T> rest = items.iterator();
    subscriber.onSubscribe(
        new Flow.Subscription() {
          private boolean giving;
          private boolean done;

          @Override
          public void request(long count) {
            requested.addAndGet(count);
            most = Math.max(most, count);
            if (giving) {
              return;
            }
            giving = true;
            while (given.get() < requested.get() && rest.hasNext() && !cancelled) {
              given.incrementAndGet();
              subscriber.onNext(rest.next());
            }
            giving = false;
            if (!rest.hasNext() && !done && !cancelled) {
              done = true;
              subscriber.onComplete();
            }
          }

          @Override
          public void cancel() {
            cancelled = true;
          }
        });
  }
}
