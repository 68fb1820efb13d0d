package io.headrace;

import io.headrace.RandomCall.Work;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;

/** A random flow and what happens to it, in virtual time on one thread. */
final class RandomSchedule extends RandomModel implements RandomSchedules.Schedule {
  private static final int MAX_OPERATIONS = 80;

  private final Random random;

  RandomSchedule(long seed) {
    this(Seeds.random(seed));
  }

  private RandomSchedule(Random random) {
    super(random);
    this.random = random;
  }

  @Override
  public void run() throws InterruptedException {
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
      check(noteCount() < 100_000, "it goes on for ever");
      note("settle");
    } while (moved);
  }
}
