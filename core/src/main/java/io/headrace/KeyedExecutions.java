package io.headrace;

import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The executions of a coalescer by their keys, and what holds for all of them. */
final class KeyedExecutions {
  /*
   * The map is asked before it is written to, so a call that joins takes no lock; the only code of
   * users that runs inside the map are hashCode and equals of the keys.
   *
   * An execution is put into the map before it has its place among maxKeys, so that two calls of
   * one key never compete for the last place: the second joins the first, and shares its place or
   * its refusal. It begins only with a place. Whoever takes it out of the map frees the place.
   *
   * An execution that has ended is out of the map, or about to be, and whoever meets it there
   * helps. Where results are kept it may be about to stay there with its result, which is certain
   * when it is sealed: that is waited for. One that could not be begun or ended, as there was no
   * room on the stack of its thread, is broken: whoever meets it ends it, so that no key is lost.
   *
   * An execution that is forgotten is taken out of the map, and so nobody meets it anymore; if it
   * ends later it is not kept. One that has no place yet is let be: it begins after it was to be
   * forgotten, and its place is freed by whoever takes it out with one.
   */

  /** How many characters of a key messages show. */
  private static final int MAX_TEXT = 200;

  final String name;
  final Executor executor;
  final TimeSource time;
  final @Nullable IsolatedHooks hooks;
  final @Nullable UnaryOperator<Object> copier;
  final boolean cancelsAbandoned;

  /** The timeout of calls that name none; 0 for none. */
  private final long timeoutNanos;

  private final ConcurrentHashMap<Object, SharedExecution> executions = new ConcurrentHashMap<>();
  private final @Nullable KeptResults kept;
  private final int maxKeys;
  private final AtomicInteger places = new AtomicInteger();
  private final Observers reports;

  KeyedExecutions(CoalescerBuilder<?, ?> options, String name, Executor executor) {
    this.name = name;
    this.executor = executor;
    time = options.time == null ? TimeSource.system() : options.time;
    reports = new Observers(name, List.of());
    hooks = options.hooks == null ? null : new IsolatedHooks(options.hooks, reports);
    copier = options.anyCopier();
    cancelsAbandoned = options.whenAbandoned == WhenAbandoned.CANCEL;
    timeoutNanos = options.timeoutNanos == null ? 0 : options.timeoutNanos;
    kept = options.keepNanos == null ? null : new KeptResults(this, time, options.keepNanos);
    maxKeys = options.maxKeys == null ? Integer.MAX_VALUE : options.maxKeys;
  }

  /**
   * Takes a call. Throws only where there is no stack for it: what else goes wrong is told by the
   * future.
   */
  CoalescedCall submit(Object key, CoalescedWork work, Object argument, CallOptions given) {
    StackRoom.require();
    CallOptions options = given.orTimeout(timeoutNanos);
    if (options.timeoutNanos == 0) {
      CoalescedCall call = new CoalescedCall();
      take(call, key, work, argument, options);
      return call;
    }
    TimedCoalescedCall call = new TimedCoalescedCall(work.function(), options.timeoutNanos, time);
    take(call, key, work, argument, options);
    call.arm();
    return call;
  }

  private void take(
      CoalescedCall call, Object key, CoalescedWork work, Object argument, CallOptions options) {
    IsolatedHooks hooks = this.hooks;
    if (hooks != null) {
      hooks.applied(work.function(), key);
    }
    SharedExecution led;
    try {
      call.starts();
      led = joinOrLead(call, key, work, argument, options);
    } catch (Throwable failure) { // of the key's hashCode or equals, or of the clock, or no memory
      reject(call, key, work, failure);
      return;
    }
    if (led == null) {
      return;
    }
    try {
      beginOrRefuse(led);
    } catch (Throwable failure) { // such as no memory, or no room on the stack
      led.broken = failure;
    }
    Throwable broken = led.broken;
    if (broken != null) {
      led.mend(broken); // may fail for the same reason
    }
  }

  private void beginOrRefuse(SharedExecution led) {
    if (takePlace()) {
      led.hasPlace = true;
      led.begin();
      return;
    }
    remove(led);
    HeadraceException reason =
        new QueueFullException(
            name + " has " + maxKeys + " keys, its maximum; " + text(led.key) + " was refused");
    led.refuse(reason);
  }

  /** Returns the execution that the call is to begin, or null if it has all it needs. */
  private @Nullable SharedExecution joinOrLead(
      CoalescedCall call, Object key, CoalescedWork work, Object argument, CallOptions options) {
    SharedExecution fresh = null;
    while (true) {
      SharedExecution execution = executions.get(key);
      if (execution == null) {
        if (fresh == null) {
          fresh = new SharedExecution(this, key, work, argument, options);
        }
        fresh.ledBy(call);
        try {
          execution = executions.putIfAbsent(key, fresh);
        } catch (Throwable failure) {
          fresh.broken = failure; // it may be in the map
          throw failure;
        }
        if (execution == null) {
          return fresh;
        }
      }
      Throwable broken = execution.broken;
      if (broken != null) {
        execution.mend(broken);
      } else if (execution.isSealed()) {
        if (giveKept(execution, call, key, work)) {
          return null;
        }
      } else if (execution.isExecutedByCaller()) {
        reject(call, key, work, new RejectedException(fromWithin(key), null));
        return null;
      } else if (execution.join(call)) {
        if (hooks != null) {
          hooks.joined(work.function(), key);
        }
        return null;
      } else if (kept != null) {
        execution.awaitSeal();
        continue;
      }
      // it has ended: whoever ended it may not have come to this yet
      if (executions.remove(key, execution)) {
        freePlace(execution);
      }
    }
  }

  private boolean giveKept(
      SharedExecution execution, CoalescedCall call, Object key, CoalescedWork work) {
    if (kept == null) {
      return false;
    }
    Object outcome = execution.keptOutcome(time.nanoTime());
    if (outcome == null) {
      kept.expire();
      return false;
    }
    if (hooks != null) {
      hooks.kept(work.function(), key);
    }
    call.deliver(outcome, copier);
    return true;
  }

  private void reject(CoalescedCall call, Object key, CoalescedWork work, Throwable reason) {
    call.execution = null;
    if (hooks != null) {
      hooks.rejected(work.function(), key, reason);
    }
    call.fail(reason);
  }

  private String fromWithin(Object key) {
    return text(key)
        + " of "
        + name
        + " was called from inside its own execution, which would wait for itself";
  }

  /**
   * The beginning of a key for a message; what its toString throws must not keep a call from its
   * outcome.
   */
  private static String text(Object key) {
    try {
      String text = key.toString();
      return text.length() <= MAX_TEXT ? text : text.substring(0, MAX_TEXT) + "...";
    } catch (Throwable failure) {
      return "a " + key.getClass().getName();
    }
  }

  /** Blocks for the outcome; the call fails if that would never come. */
  @Nullable Object await(CoalescedCall call) throws InterruptedException {
    awaitEnd(call);
    return call.await();
  }

  /** Blocks until the call has ended; it fails if that would never come. */
  void awaitEnd(CoalescedCall call) throws InterruptedException {
    SharedExecution awaited = call.execution;
    if (!SharedExecution.CURRENT.isBound() || awaited == null) {
      call.awaitEnd();
      return;
    }
    SharedExecution waiting = SharedExecution.CURRENT.get();
    try {
      if (waiting.waitFor(awaited)
          && call.fail(new RejectedException(fromWithin(awaited.key), null))) {
        awaited.left();
      }
      call.awaitEnd();
    } finally {
      waiting.waitsNoMore(awaited);
    }
  }

  private boolean takePlace() {
    if (maxKeys == Integer.MAX_VALUE) {
      return true;
    }
    while (true) {
      int taken = places.get();
      if (taken < maxKeys) {
        if (places.compareAndSet(taken, taken + 1)) {
          return true;
        }
      } else if (kept == null || !kept.evictOldest()) {
        return false;
      }
    }
  }

  /** Keeps an execution in the map with its result. Returns false if its result is not kept. */
  boolean keep(SharedExecution execution) {
    if (kept == null) {
      return false;
    }
    try {
      return kept.add(execution);
    } catch (Throwable failure) { // such as no memory; callers wait for the end of this
      report(failure);
      return false;
    }
  }

  /** Lets the next call of a key begin an execution. */
  void forget(Object key) {
    SharedExecution execution = executions.get(key);
    if (execution != null) {
      forget(execution);
    }
  }

  void forgetAll() {
    executions.values().forEach(this::forget);
  }

  private void forget(SharedExecution execution) {
    if (!execution.hasPlace) {
      return;
    }
    if (kept == null) {
      remove(execution);
    } else {
      kept.forget(execution);
    }
  }

  /** Takes an execution out of the map. */
  void remove(SharedExecution execution) {
    try {
      if (executions.remove(execution.key, execution)) {
        freePlace(execution);
      }
    } catch (Throwable failure) { // of the key's equals; the next call of this key tries again
      report(failure);
    }
  }

  private void freePlace(SharedExecution execution) {
    if (execution.hasPlace && maxKeys != Integer.MAX_VALUE) {
      places.getAndDecrement();
    }
  }

  void report(Throwable failure) {
    reports.report("code", failure);
  }

  int size() {
    return executions.size();
  }

  int kept() {
    return kept == null ? 0 : kept.size();
  }
}
