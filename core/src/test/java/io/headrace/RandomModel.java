package io.headrace;

import io.headrace.RandomCall.Work;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A random flow, and a model that says what may happen to it. In a wild schedule continuations act
 * on the flow, too; fewer things can be foreseen then.
 */
@SuppressWarnings("AnnotateFormatMethod") // the annotation is not among the dependencies
abstract class RandomModel {
  final VirtualTime time = new VirtualTime();
  final List<RandomStep> steps = new ArrayList<>();
  final List<RandomCall> calls = new ArrayList<>();
  final int priorities;
  final boolean isWild;
  final Flow<Work, Work> flow;

  /** The number of the operation. */
  int op;

  boolean closed;
  boolean shutDown;

  private final boolean isObserved;
  private final Map<Observer.Outcome, Integer> outcomes = new EnumMap<>(Observer.Outcome.class);
  private final List<String> log = new ArrayList<>();
  private int ownAlarms;
  private @Nullable Violation violation;

  RandomModel(Random random) {
    int count = 1 + random.nextInt(4);
    for (int i = 0; i < count; i++) {
      steps.add(new RandomStep(this, i, random));
    }
    priorities = 1 + random.nextInt(3);
    isObserved = random.nextBoolean();
    isWild = random.nextInt(4) == 0;
    List<Observer> observers = isObserved ? List.of(new Thrower(), new Counter()) : List.of();
    flow =
        new Flow<>(
            new FlowPlan<>(
                "random",
                steps.stream().map(RandomStep::build).toList(),
                priorities,
                time,
                observers,
                List.of(),
                0,
                0));
  }

  /** Throws from every method. */
  private static final class Thrower implements Observer {
    @Override
    public void onBatch(BatchEvent batch) {
      throw new AssertionError("on batch");
    }

    @Override
    public void onCallEnd(String service, Outcome outcome, long nanos, @Nullable Object call) {
      throw new IllegalStateException("on call end");
    }
  }

  /** Counts how calls end. */
  private final class Counter implements Observer {
    @Override
    public void onCallEnd(String service, Outcome outcome, long nanos, @Nullable Object call) {
      outcomes.merge(outcome, 1, Integer::sum);
    }

    @Override
    public void onBatch(BatchEvent batch) {
      RandomStep step = steps.get(Integer.parseInt(batch.step().substring(1)));
      check(batch.size() <= step.maxSize, "%s", batch);
      for (long nanos : batch.queueNanos()) {
        check(nanos >= 0, "an item waited %d ns", nanos);
      }
    }
  }

  // For the steps.

  RandomCall call(int id) {
    return calls.get(id);
  }

  long now() {
    return time.nanoTime();
  }

  void later(Duration delay, Runnable task) {
    ownAlarms++;
    time.schedule(
        delay.toNanos(),
        () -> {
          ownAlarms--;
          task.run();
        });
  }

  /** The value that an item has when it comes to a step. */
  long valueBefore(int id, int index) {
    Work work = new Work(id, 1);
    for (RandomStep step : steps.subList(0, index)) {
      if (step.isFor(id)) {
        work = work.after(step.index);
      }
    }
    return work.value();
  }

  int noteCount() {
    return log.size();
  }

  void note(String format, Object... arguments) {
    log.add(
        op + " at " + (now() - Long.MAX_VALUE) / 1_000 + ": " + String.format(format, arguments));
  }

  /** Throws, now and, since handlers and conditions may throw anything, again at the next rest. */
  void check(boolean holds, String format, Object... arguments) {
    if (!holds && violation == null) {
      violation = new Violation(String.format(format, arguments));
    }
    if (violation != null) {
      throw violation;
    }
  }

  /** Something that must not happen. */
  static final class Violation extends AssertionError {
    private static final long serialVersionUID = 1;

    Violation(String message) {
      super(message);
    }
  }

  @Override
  public String toString() {
    return flow.state()
        + (isWild ? " wild" : "")
        + " priorities "
        + priorities
        + (isObserved ? " observed " : " ")
        + steps
        + "\n"
        + String.join("\n", log.subList(Math.max(0, log.size() - 60), log.size()));
  }

  // The model.

  /** Whether a worker took the right items: no others should have gone before. */
  void checkChoice(RandomStep step, List<RandomCall> batch) {
    if (isWild || shutDown) {
      return;
    }
    for (RandomCall call : batch) {
      if (step.kind != RandomStep.Kind.STEPPED) {
        check(!call.isDone(), "%s has ended and is handled by %s", call, step.name());
      }
      if (step.kind == RandomStep.Kind.DIRECT || step.kind == RandomStep.Kind.ASYNC) {
        check(!call.isOutOfTime(now()), "%s is out of time, handled by %s", call, step.name());
      }
    }
    if (step.workers != 1) {
      return;
    }
    for (RandomCall other : step.waiting) {
      boolean waits = !batch.contains(other) && hasRoom(step, other);
      for (RandomCall call : batch) {
        boolean isBefore =
            other.priority == call.priority
                ? other.arrivedOp[step.index] < call.arrivedOp[step.index]
                : other.priority > call.priority && other.arrivedOp[step.index] < op - 1;
        check(
            !waits || !isBefore || step.kind == RandomStep.Kind.STEPPED,
            "%s went before %s in %s at %s, where waited %s",
            call,
            other,
            batch,
            step.name(),
            step.waiting);
      }
    }
  }

  /**
   * Whether a call is one of those that a batch may be made of, whatever the order in which those
   * came that came in one operation.
   */
  private boolean hasRoom(RandomStep step, RandomCall call) {
    int at = step.index;
    boolean mayHaveGivenUp = now() - call.arrivedNanos[at] >= step.onFull.waitNanos;
    if (call.isDone() || call.isOutOfTime(now()) || (step.admits() && mayHaveGivenUp)) {
      return false;
    }
    long before =
        step.waiting.stream()
            .filter(other -> other.priority == call.priority && !other.isDone() && other != call)
            .filter(other -> other.arrivedOp[at] <= call.arrivedOp[at])
            .count();
    return !step.admits() || before < step.capacity;
  }

  /** What holds whenever nothing is under way but time. */
  final void checkAtRest() {
    for (RandomCall call : calls) {
      if (call.isDone() && !call.checked) {
        checkOutcome(call);
      }
      check(call.isDone() || !call.isOutOfTime(now()), "%s is out of time and has not ended", call);
    }
    for (RandomStep step : steps) {
      step.waiting.removeIf(RandomCall::isDone);
      checkQueue(step);
      if (!isWild && !shutDown && !step.kind.isInline()) {
        checkIdle(step);
      }
    }
    int deadlines = (int) calls.stream().filter(RandomCall::hasTimeout).count();
    check(
        time.alarms() - ownAlarms <= deadlines + 4 * steps.size(),
        "%d alarms are set",
        time.alarms() - ownAlarms);
  }

  private void checkQueue(RandomStep step) {
    int queued = flow.queued(step.name());
    if (step.isBounded()) {
      check(queued <= (long) step.capacity * priorities, "%d wait at %s", queued, step.name());
    }
    if (step.kind.isInline()) {
      check(isWild || step.waiting.isEmpty(), "%s wait at %s", step.waiting, step.name());
      return;
    }
    int expected = 0;
    for (int priority = 0; priority < priorities; priority++) {
      expected +=
          step.admits()
              ? Math.min(step.capacity, waiting(step, priority))
              : waiting(step, priority);
    }
    check(
        step.kind == RandomStep.Kind.STEPPED ? queued <= expected : queued == expected,
        "%d are queued at %s, not %d: %s",
        queued,
        step.name(),
        expected,
        step.waiting);
  }

  private static int waiting(RandomStep step, int priority) {
    return (int) step.waiting.stream().filter(call -> call.priority == priority).count();
  }

  /** A worker is idle only if there is nothing for it to do. */
  private void checkIdle(RandomStep step) {
    boolean isStepped = step.kind == RandomStep.Kind.STEPPED;
    int busy = isStepped ? step.stepped.pending() : step.running;
    if (busy >= step.workers || mayBeHeld(step)) {
      return;
    }
    int queued = flow.queued(step.name());
    boolean isFull = !isStepped && step.isBounded() && isFull(step);
    if (step.delayNanos < 0 || queued >= step.maxSize || isFull) {
      check(queued == 0, "%d wait at %s while a worker is idle", queued, step.name());
    } else if (!isStepped) {
      for (RandomCall call : step.waiting) {
        check(
            now() - call.arrivedNanos[step.index] < step.delayNanos,
            "%s has waited too long at %s",
            call,
            step.name());
      }
    }
  }

  private boolean isFull(RandomStep step) {
    return IntStream.range(0, priorities).anyMatch(p -> waiting(step, p) >= step.capacity);
  }

  /** Whether workers may be kept from their next batch by what their last one does further on. */
  private boolean mayBeHeld(RandomStep step) {
    for (RandomStep later : steps.subList(step.index + 1, steps.size())) {
      if (later.kind == RandomStep.Kind.INLINE_ASYNC && later.running > 0) {
        return true;
      }
      for (int priority = 0; priority < priorities; priority++) {
        if (later.admits() && waiting(later, priority) > later.capacity) {
          return true;
        }
      }
    }
    return false;
  }

  private void checkOutcome(RandomCall call) {
    call.checked = true;
    CompletableFuture<Work> future = call.future;
    if (future == null) {
      return;
    }
    if (call.withdrawn) {
      return;
    }
    if (!future.isCompletedExceptionally()) {
      check(
          future.resultNow().value() == valueBefore(call.id, steps.size()),
          "%s has the wrong value",
          call);
      check(!call.hasTimeout() || now() - call.submittedNanos >= 0, "%s", call);
      for (RandomStep step : steps) {
        check(call.handled[step.index] == step.isFor(call.id), "%s and %s", call, step.name());
      }
      return;
    }
    Throwable failure = future.exceptionNow();
    boolean isAllowed =
        switch (failure) {
          case DeadlineExceededException e -> call.isOutOfTime(now());
          case QueueFullException e -> steps.stream().anyMatch(RandomStep::isBounded);
          case StoppedException e -> shutDown || !call.wasOpen || (isWild && closed);
          case RejectedException e -> steps.stream().anyMatch(step -> step.rejects);
          case BatchSizeMismatchException e -> call.mismatched;
          default -> call.failures.contains(failure);
        };
    check(isAllowed, "%s must not fail with %s", call, failure);
  }

  final void checkEnd() {
    for (RandomCall call : calls) {
      checkOutcome(call);
    }
    for (RandomStep step : steps) {
      check(step.running == 0, "%d batches run at %s", step.running, step.name());
      if (!step.kind.isAsync()) {
        check(
            step.starts == 1 && step.closes == 1,
            "%d starts and %d closes",
            step.starts,
            step.closes);
      }
    }
    if (isObserved) {
      int ended = outcomes.values().stream().mapToInt(Integer::intValue).sum();
      check(ended == calls.size(), "%d of %d calls have ended", ended, calls.size());
      check(
          outcomes.getOrDefault(Observer.Outcome.CANCELLED, 0)
              == calls.stream().filter(call -> call.withdrawn).count(),
          "cancelled: %s",
          outcomes);
      check(
          outcomes.getOrDefault(Observer.Outcome.TIMED_OUT, 0)
              == count(DeadlineExceededException.class),
          "timed out: %s",
          outcomes);
    }
  }

  private long count(Class<? extends Throwable> type) {
    return calls.stream()
        .filter(call -> call.future != null && call.future.isCompletedExceptionally())
        .filter(call -> !call.withdrawn && type.isInstance(call.future.exceptionNow()))
        .count();
  }
}
