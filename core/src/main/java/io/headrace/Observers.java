package io.headrace;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The observers of one service, isolated from it: the first failure is logged, none goes further.
 */
final class Observers {
  private static final Logger LOGGER = System.getLogger(Observers.class.getName());

  private final String service;
  private final AtomicBoolean reported = new AtomicBoolean();

  /** Replaced, never written to, so that who tells an event goes through one state of it. */
  private volatile Observer[] observers;

  /** Those that are being told of the start. Guarded by this. */
  private final Set<Observer> joining = Collections.newSetFromMap(new IdentityHashMap<>());

  /**
   * Whether it has started, which observers are told of first. Not what has: a future that is kept
   * for long keeps the observers of its call, but no handlers. Guarded by this.
   */
  private boolean isStarted;

  /** The state in which it has ended; null before. Guarded by this. */
  private Flow.@Nullable State ended;

  Observers(String service, List<Observer> observers) {
    this.service = service;
    this.observers = observers.toArray(Observer[]::new);
  }

  /**
   * Adds an observer while the service may be at work, if it is not there already.
   *
   * @param self what it is told of first
   */
  void add(Observer observer, Observer.Observed self) {
    boolean wasStarted;
    synchronized (this) {
      if (isKnown(observer)) {
        return;
      }
      wasStarted = isStarted;
      if (!wasStarted && ended == null) {
        append(observer);
        return;
      }
      joining.add(observer);
    }
    if (wasStarted) {
      tell(observer, told -> told.onStart(self)); // before anything else
    }
    Flow.State end;
    synchronized (this) {
      joining.remove(observer);
      append(observer);
      end = ended;
    }
    if (end != null) {
      tell(observer, told -> told.onState(service, end)); // all others were told before
    }
  }

  @SuppressWarnings("ReferenceEquality") // the same observer is meant
  private boolean isKnown(Observer observer) {
    return joining.contains(observer)
        || Arrays.stream(observers).anyMatch(known -> known == observer);
  }

  private void append(Observer observer) {
    Observer[] more = Arrays.copyOf(observers, observers.length + 1);
    more[observers.length] = observer;
    observers = more;
  }

  /** Whether anybody wants to know of batches and states. */
  boolean isObserved() {
    return observers.length != 0 || Flight.isRecording();
  }

  /** Whether anybody wants to know of calls. */
  boolean isToldOfCalls() {
    return observers.length != 0 || Flight.recordsCalls();
  }

  void starting(Observer.Observed self) {
    Flight.starting(self);
    Observer[] first;
    synchronized (this) {
      isStarted = true;
      first = observers;
    }
    for (Observer observer : first) {
      tell(observer, told -> told.onStart(self));
    }
  }

  /** Returns what each observer keeps of a call; null if none keeps anything. */
  @Nullable Object @Nullable [] submitted() {
    Observer[] observers = this.observers;
    @Nullable Object[] followed = null;
    for (int i = 0; i < observers.length; i++) {
      try {
        Object kept = observers[i].onSubmit(service);
        if (kept != null) {
          followed = followed == null ? new @Nullable Object[observers.length] : followed;
          followed[i] = kept;
        }
      } catch (Throwable failure) {
        report(observers[i], failure);
      }
    }
    return followed;
  }

  /** Observers that were added after the submission have kept nothing. */
  private static @Nullable Object kept(Terms terms, int observer) {
    @Nullable Object[] followed = terms.followed;
    return followed == null || observer >= followed.length ? null : followed[observer];
  }

  /** Tells those who follow a call of the batch, given as terms, that it is executed. */
  Executions executing(String step, List<@Nullable Terms> items, long[] queueNanos) {
    Observer[] observers = this.observers;
    Executions executions = new Executions(this);
    for (int i = 0; i < observers.length; i++) {
      List<@Nullable Object> calls = new ArrayList<>(items.size());
      boolean follows = false;
      for (Terms terms : items) {
        Object kept = terms == null ? null : kept(terms, i);
        calls.add(kept);
        follows |= kept != null;
      }
      if (follows) {
        executions.begin(
            observers[i],
            new Observer.ExecuteEvent(
                service, step, Collections.unmodifiableList(calls), queueNanos));
      }
    }
    return executions;
  }

  void batchHandled(Observer.BatchEvent batch, FlightEvents.@Nullable Batch flight) {
    if (flight != null) {
      flight.commit(batch);
    }
    tell(observer -> observer.onBatch(batch));
  }

  void retried(String step, int items) {
    tell(observer -> observer.onRetry(service, step, items));
  }

  void dropped(String step, Observer.Outcome outcome) {
    tell(observer -> observer.onDrop(service, step, outcome));
  }

  void callEnded(
      Terms terms, Observer.Outcome outcome, long nanos, FlightEvents.@Nullable Call flight) {
    if (flight != null) {
      flight.commit(service, outcome);
    }
    Observer[] observers = this.observers;
    for (int i = 0; i < observers.length; i++) { // no lambda: it would be an object for each call
      try {
        observers[i].onCallEnd(service, outcome, nanos, kept(terms, i));
      } catch (Throwable failure) {
        report(observers[i], failure);
      }
    }
  }

  void stateChanged(Flow.State state) {
    Flight.stateChanged(service, state);
    Observer[] told;
    synchronized (this) {
      if (state == Flow.State.STOPPED || state == Flow.State.FAILED) {
        ended = state;
      }
      told = observers;
    }
    for (Observer observer : told) {
      tell(observer, each -> each.onState(service, state));
    }
  }

  void workerChanged(Observer.WorkerEvent event) {
    tell(observer -> observer.onWorker(event));
  }

  void transferred(Observer.TransferEvent event) {
    tell(observer -> observer.onTransfer(event));
  }

  /** Tells the listener of one call. */
  void stepDone(
      CallListener listener, String step, int batchSize, long queueNanos, long handleNanos) {
    try {
      listener.onStep(step, batchSize, queueNanos, handleNanos);
    } catch (Throwable failure) {
      report(listener, failure);
    }
  }

  /**
   * Logs the first failure of code that a service calls but does not depend on. It throws nothing,
   * though a culprit that cannot say what it is, or a logger, may.
   */
  void report(Object culprit, Throwable failure) {
    if (!reported.compareAndSet(false, true)) {
      return;
    }
    try {
      LOGGER.log(
          Level.WARNING,
          culprit + " of " + service + " failed; it is ignored, further failures are not logged",
          failure);
    } catch (Throwable _) {
      // There is nobody left to tell, and who reports has to go on.
    }
  }

  private void tell(Consumer<Observer> event) {
    for (Observer observer : observers) {
      tell(observer, event);
    }
  }

  private void tell(Observer observer, Consumer<Observer> event) {
    try {
      event.accept(observer);
    } catch (Throwable failure) {
      report(observer, failure);
    }
  }
}
