package io.headrace;

import java.util.ArrayDeque;
import java.util.concurrent.Flow.Publisher;
import java.util.concurrent.Flow.Subscriber;
import java.util.concurrent.Flow.Subscription;
import org.jspecify.annotations.Nullable;

/**
 * The inputs of a publisher: it is asked for a few at first, and for more whenever half of them are
 * taken, so that no more than that wait here.
 */
final class PublisherInputs implements Inputs, Subscriber<Object> {
  /** How many items wait here at most. */
  static final int AHEAD = 32;

  private final ArrayDeque<Object> items = new ArrayDeque<>(AHEAD);

  // All guarded by this; signals to the publisher are given outside.
  private @Nullable Subscription subscription;
  private @Nullable Throwable failure;
  private boolean ended;
  private boolean cancelled;
  private int requested;

  static PublisherInputs of(Publisher<?> publisher) {
    PublisherInputs inputs = new PublisherInputs();
    try {
      publisher.subscribe(inputs);
    } catch (Throwable failure) {
      inputs.end(failure);
    }
    return inputs;
  }

  @Override
  public Object next() throws Throwable {
    Object item;
    int more;
    synchronized (this) {
      while (items.isEmpty() && !ended && !cancelled) {
        wait();
      }
      if (items.isEmpty() || cancelled) {
        return endOrFailure();
      }
      item = items.poll();
      more = missing();
    }
    request(more);
    return item;
  }

  private Object endOrFailure() throws Throwable {
    if (failure != null && !cancelled) {
      throw failure;
    }
    return End.END;
  }

  /** How many to ask for now: nothing until half of them are missing. */
  private int missing() {
    int missing = AHEAD - requested - items.size();
    if (ended || cancelled || missing < AHEAD / 2) {
      return 0;
    }
    requested += missing;
    return missing;
  }

  private void request(int more) {
    Subscription current = subscription();
    if (more == 0 || current == null) {
      return;
    }
    try {
      current.request(more);
    } catch (Throwable broken) {
      end(broken);
    }
  }

  private synchronized @Nullable Subscription subscription() {
    return subscription;
  }

  @Override
  public void onSubscribe(Subscription given) {
    if (given == null) {
      end(new NullPointerException("the publisher gave null in place of a subscription"));
      throw new NullPointerException("subscription");
    }
    int first;
    synchronized (this) {
      if (subscription != null || ended || cancelled) {
        first = 0;
      } else {
        subscription = given;
        first = missing();
      }
    }
    if (first == 0) {
      quietly(given);
    } else {
      request(first);
    }
  }

  @Override
  public void onNext(Object item) {
    if (item == null) {
      stop(new NullPointerException("the publisher gave null in place of an item"));
      throw new NullPointerException("item");
    }
    if (!accept(item)) {
      stop(new IllegalStateException("the publisher gave more items than it was asked for"));
    }
  }

  private synchronized boolean accept(Object item) {
    if (ended || cancelled) {
      return true;
    }
    if (requested == 0) {
      return false;
    }
    requested--;
    items.add(item);
    notifyAll();
    return true;
  }

  @Override
  public void onError(Throwable cause) {
    if (cause == null) {
      end(new NullPointerException("the publisher gave null in place of a failure"));
      throw new NullPointerException("cause");
    }
    end(cause);
  }

  @Override
  public void onComplete() {
    end(null);
  }

  private synchronized void end(@Nullable Throwable cause) {
    if (!ended) {
      ended = true;
      failure = cause;
      notifyAll();
    }
  }

  /** The publisher broke its rules: nothing more is taken from it. */
  private void stop(Throwable cause) {
    end(cause);
    quietly(subscription());
  }

  @Override
  public void cancel() {
    Subscription current;
    synchronized (this) {
      current = ended || cancelled ? null : subscription;
      cancelled = true;
      items.clear();
      notifyAll();
    }
    quietly(current);
  }

  @Override
  public long total() {
    return UNKNOWN;
  }

  /** A subscription that does not let itself be cancelled is left alone. */
  private static void quietly(@Nullable Subscription subscription) {
    if (subscription == null) {
      return;
    }
    try {
      subscription.cancel();
    } catch (Throwable ignored) {
      // nobody to tell: whoever cancels has a result or a failure of its own
    }
  }
}
