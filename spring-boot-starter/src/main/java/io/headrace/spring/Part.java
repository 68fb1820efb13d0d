package io.headrace.spring;

import io.headrace.Batcher;
import io.headrace.Coalescer;
import io.headrace.Flow;
import io.headrace.Observer;
import io.headrace.Throttle;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A batcher, flow, throttle or coalescer of the context. Observes it if that is possible, and
 * begins and ends it once, whoever asks.
 */
final class Part implements Observer {
  private static final Logger LOGGER = System.getLogger(Part.class.getName());

  private final String name;
  private final Object object;
  private final @Nullable CoalescerWatch watch;
  private final Consumer<Part> whenFailed;
  private final AtomicBoolean hasBegun = new AtomicBoolean();
  private final AtomicBoolean hasEnded = new AtomicBoolean();
  private final AtomicBoolean hasFailed = new AtomicBoolean();
  private volatile boolean hasRun;
  private volatile @Nullable Observed observed;

  /**
   * A part.
   *
   * @param name the name of the bean
   * @param object what it is
   * @param watch knows it if it is a coalescer that was built here
   * @param whenFailed is told if it fails after it has run
   */
  Part(String name, Object object, @Nullable CoalescerWatch watch, Consumer<Part> whenFailed) {
    this.name = name;
    this.object = object;
    this.watch = watch;
    this.whenFailed = whenFailed;
  }

  /** Whether an object is one that a context looks after. */
  static boolean is(Object bean) {
    return bean instanceof Flow
        || bean instanceof Batcher
        || bean instanceof Throttle
        || bean instanceof Coalescer;
  }

  String name() {
    return name;
  }

  Object object() {
    return object;
  }

  @SuppressWarnings("ReferenceEquality") // the bean itself is meant
  boolean isOf(Object bean) {
    return object == bean;
  }

  /** Whether health, which has batchers and flows, or the endpoint would show one for both. */
  boolean isShownAs(Part other) {
    return name.equals(other.name)
        && (object.getClass() == other.object.getClass()
            || (state() != null && other.state() != null));
  }

  /** The batcher or flow as its observers see it; null for others, and before it starts. */
  @Nullable Observed observed() {
    return observed;
  }

  /** Where a batcher or flow is in its life; null for others. */
  Flow.@Nullable State state() {
    return stateOf(object);
  }

  static Flow.@Nullable State stateOf(Object object) {
    return switch (object) {
      case Flow<?, ?> flow -> flow.state();
      case Batcher<?, ?> batcher -> batcher.state();
      default -> null;
    };
  }

  /** Begins to observe, and starts a flow. A second call does nothing. */
  void begin(Iterable<Observer> observers, Duration timeout) {
    if (!hasBegun.compareAndSet(false, true)) {
      return;
    }
    observe(this);
    if (state() == Flow.State.FAILED) {
      failed(); // which nobody may have told while this became an observer
    }
    observers.forEach(this::observe);
    if (object instanceof Flow<?, ?> flow && flow.state() == Flow.State.NEW) {
      start(flow, timeout);
    }
  }

  private void observe(Observer observer) {
    if (object instanceof Flow<?, ?> flow) {
      flow.observe(observer);
    } else if (object instanceof Batcher<?, ?> batcher) {
      batcher.observe(observer);
    }
  }

  private static void start(Flow<?, ?> flow, Duration timeout) {
    try {
      flow.start(timeout);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while " + flow.name() + " started", e);
    }
  }

  /** Accepts nothing more, and waits for what was accepted. A second call does nothing. */
  void end(Duration timeout) {
    if (!hasEnded.compareAndSet(false, true)) {
      return;
    }
    boolean isDrained =
        switch (object) {
          case Flow<?, ?> flow -> flow.close(timeout);
          case Batcher<?, ?> batcher -> batcher.close(timeout);
          default -> isIdle(timeout);
        };
    if (!isDrained) {
      LOGGER.log(
          Level.WARNING,
          "{0} has not answered all that it had accepted: it was stopped, or that took longer than"
              + " headrace.drain-timeout",
          name);
    }
  }

  private boolean isIdle(Duration timeout) {
    try {
      return watch == null || watch.awaitIdle(timeout);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  @Override
  public void onStart(Observed service) {
    hasRun = service.state() != Flow.State.STARTING;
    observed = service;
  }

  @Override
  public void onState(String service, Flow.State state) {
    if (state == Flow.State.RUNNING) {
      hasRun = true;
    } else if (state == Flow.State.FAILED) {
      failed();
    }
  }

  /** A flow that has never run fails the start of the context. */
  private void failed() {
    if (hasRun && hasFailed.compareAndSet(false, true)) {
      LOGGER.log(Level.ERROR, "{0} has failed: a step has lost all its workers for good", name);
      whenFailed.accept(this);
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
