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
import org.jspecify.annotations.Nullable;

/**
 * A random flow and what happens to it, in virtual time on one thread, beside a model that says
 * what may happen. In a wild schedule continuations and observers act on the flow, too; fewer
 * things can be foreseen then.
 */
final class RandomSchedule {
  private static final int MAX_OPERATIONS = 80;

  private final Random random;
  private final VirtualTime time = new VirtualTime();
  private final List<RandomStep> steps = new ArrayList<>();
  private final List<RandomCall> calls = new ArrayList<>();
  private final Map<Observer.Outcome, Integer> outcomes = new EnumMap<>(Observer.Outcome.class);
  private final List<String> log = new ArrayList<>();
  private final int priorities;
  private final boolean isObserved;
  private final boolean isWild;
  private final Flow<Work, Work> flow;
  private int op;
  private int ownAlarms;
  private boolean closed;
  private boolean shutDown;
  private @Nullable Violation violation;

  RandomSchedule(long seed) {
    random = new Random(seed);
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
            "random", steps.stream().map(RandomStep::build).toList(), priorities, time, observers);
  }

  /** Throws from every method. */
  private final class Thrower implements Observer {
    @Override
    public void onBatch(BatchEvent batch) {
      throw new AssertionError("on batch");
    }

    @Override
    public void onCallEnd(String service, Outcome outcome, long nanos) {
      throw new IllegalStateException("on call end");
    }
  }

  /** Counts how calls end. */
  private final class Counter implements Observer {
    @Override
    public void onCallEnd(String service, Outcome outcome, long nanos) {
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

  void run() throws InterruptedException {
    flow.start();
    int operations = 5 + random.nextInt(MAX_OPERATIONS - 5);
    while (op < operations) {
      op++;
      act();
      checkAtRest();
    }
    op++;
    settle();
    for (RandomCall call : calls) {
      check(call.isDone(), "nothing can happen anymore, and it hangs: %s", call);
    }
    if (!closed) {
      closeFromWithin();
      settle();
    }
    FlowProbes.awaitThat("the flow has stopped", () -> flow.state() == Flow.State.STOPPED);
    check(time.alarms() == 0, "%d alarms are left", time.alarms());
    checkEnd();
  }

  private void act() {
    switch (random.nextInt(20)) {
      case 0, 1, 2, 3, 4, 5 -> submit(1);
      case 6, 7 -> submit(2 + random.nextInt(8));
      case 8, 9, 10, 11, 12 -> advance(random.nextInt(12));
      case 13 -> advance(random.nextInt(60));
      case 14, 15 -> runStepped();
      case 16, 17 -> withdraw();
      case 18 -> advanceToNext();
      default -> stopSeldom();
    }
  }

  private void stopSeldom() {
    int draw = random.nextInt(6);
    if (draw == 0) {
      closeFromWithin();
    } else if (draw == 1) {
      shutdown();
    }
  }

  private void submit(int count) {
    List<Work> items = new ArrayList<>();
    int priority = random.nextInt(priorities);
    CallOptions options = CallOptions.priority(priority);
    long timeoutNanos = 0;
    if (random.nextInt(3) == 0) {
      Duration timeout = Duration.ofMillis(1 + random.nextInt(60));
      timeoutNanos = timeout.toNanos();
      options = options.withTimeout(timeout);
    }
    List<RandomCall> batch = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      RandomCall call =
          new RandomCall(calls.size(), priority, now(), timeoutNanos, !closed, steps.size());
      calls.add(call);
      batch.add(call);
      items.add(new Work(call.id, 1));
    }
    if (count == 1 && random.nextInt(4) == 0) {
      RandomCall call = batch.getFirst();
      options = options.withListener((step, size, queue, handle) -> listen(call, step));
    }
    note(
        "submit %d from %d, priority %d, timeout %d",
        count, batch.getFirst().id, priority, timeoutNanos / 1_000_000);
    if (count == 1) {
      submitted(batch.getFirst(), flow.submit(items.getFirst(), options));
    } else {
      List<CompletableFuture<Work>> futures = flow.submitAll(items, options);
      for (int i = 0; i < count; i++) {
        submitted(batch.get(i), futures.get(i));
      }
    }
  }

  private static void listen(RandomCall call, String step) {
    call.listened.add(step);
    throw new IllegalStateException("listener");
  }

  private void submitted(RandomCall call, CompletableFuture<Work> future) {
    call.future = future;
    if (isWild && random.nextInt(5) == 0) {
      var _ = future.whenComplete((value, failure) -> actWithin());
    }
  }

  /** What a continuation does, wherever it runs. */
  private void actWithin() {
    switch (random.nextInt(8)) {
      case 0, 1 -> withdraw();
      case 2, 3, 4 -> submit(1 + random.nextInt(3));
      case 5 -> stopSeldom();
      default -> note("a continuation");
    }
  }

  private void withdraw() {
    if (calls.isEmpty()) {
      return;
    }
    RandomCall call = calls.get(calls.size() - 1 - random.nextInt(Math.min(calls.size(), 12)));
    CompletableFuture<Work> future = call.future;
    if (future == null || future.isDone()) {
      return;
    }
    note("withdraw %d", call.id);
    call.withdrawn = true;
    switch (random.nextInt(4)) {
      case 0 -> future.complete(new Work(-1, -1));
      case 1 -> future.completeExceptionally(new IllegalStateException("by its caller"));
      default -> future.cancel(random.nextBoolean());
    }
  }

  private void advance(int millis) {
    note("advance %d ms", millis);
    time.advance(Duration.ofMillis(millis));
  }

  private void advanceToNext() {
    note("next alarm");
    time.advanceToNext();
    time.advance(Duration.ZERO);
  }

  private void runStepped() {
    RandomStep step = steps.get(random.nextInt(steps.size()));
    if (step.stepped.pending() > 0) {
      note("run %s", step.name());
      step.stepped.runNext();
    }
  }

  private void closeFromWithin() {
    note("close");
    closed = true;
    flow.inside(flow::close);
  }

  private void shutdown() {
    note("shutdown");
    closed = true;
    shutDown = true;
    flow.shutdownNow();
  }

  /** Lets everything happen that still can. */
  private void settle() {
    boolean moved;
    do {
      moved = false;
      for (RandomStep step : steps) {
        moved |= step.stepped.runAll() > 0;
      }
      moved |= time.advanceToNext();
      check(log.size() < 100_000, "it goes on for ever");
      note("settle");
    } while (moved);
  }

  // For the steps.

  RandomCall call(int id) {
    return calls.get(id);
  }

  int op() {
    return op;
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

  String describe() {
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
  private void checkAtRest() {
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
    if (step.delayNanos < 0 || queued >= step.maxSize) {
      check(queued == 0, "%d wait at %s while a worker is idle", queued, step.name());
    } else if (!isStepped) {
      for (RandomCall call : step.waiting) {
        check(
            now() - call.arrivedNanos[step.index] < step.delayNanos
                || waiting(step, call.priority) > step.capacity,
            "%s has waited too long at %s",
            call,
            step.name());
      }
    }
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

  private void checkEnd() {
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
