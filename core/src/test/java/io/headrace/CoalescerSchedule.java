package io.headrace;

import io.headrace.CoalescerModel.Call;
import io.headrace.CoalescerModel.Execution;
import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A random coalescer and what happens to it, in virtual time on one thread, beside its model. */
@SuppressWarnings("AnnotateFormatMethod") // the annotation is not among the dependencies
final class CoalescerSchedule implements RandomSchedules.Schedule {
  private static final int MAX_OPERATIONS = 120;

  private final Random random;
  private final VirtualTime time = new VirtualTime();
  private final SteppedExecutor executor = new SteppedExecutor();
  private final boolean isBlocking;
  private final boolean isCancelling;
  private final boolean isCopied;
  private final int keyCount;
  private final int maxKeys;
  private final long keepNanos;
  private final CoalescerModel model;
  private final Coalescer<String, String> coalescer;
  private final CoalescerStatistics statistics = CoalescerHooks.statistics();
  private final CoalescerFunctionStatistics perFunction = CoalescerHooks.statisticsPerFunction();
  private final List<Call> calls = new ArrayList<>();
  private final List<CompletableFuture<String>> futures = new ArrayList<>();
  private final List<CompletableFuture<String>> stages = new ArrayList<>();
  private final List<Execution> waitingInExecutor = new ArrayList<>();
  private final List<String> log = new ArrayList<>();
  private final List<String> told = new ArrayList<>();

  CoalescerSchedule(long seed) {
    random = Seeds.random(seed);
    isBlocking = random.nextInt(3) == 0;
    isCancelling = random.nextBoolean();
    isCopied = random.nextInt(4) == 0;
    keyCount = 1 + random.nextInt(6);
    maxKeys = random.nextBoolean() ? 1 + random.nextInt(keyCount) : Integer.MAX_VALUE;
    keepNanos = random.nextBoolean() ? Duration.ofMillis(1 + random.nextInt(40)).toNanos() : 0;
    model = new CoalescerModel(isCancelling, keepNanos, maxKeys);
    coalescer = build();
  }

  private Coalescer<String, String> build() {
    CoalescerBuilder<String, String> builder =
        isBlocking
            ? Coalescer.<String, String>builder(this::block).executor(executor)
            : Coalescer.<String, String>asyncBuilder(this::begin);
    builder.timeSource(time).keyedBy(String::length).hooks(new Teller());
    builder.hooks(statistics.and(perFunction));
    if (isCancelling) {
      builder.whenAbandoned(WhenAbandoned.CANCEL);
    }
    if (isCopied) {
      builder.copier(text -> new String(text.toCharArray()));
    }
    if (maxKeys != Integer.MAX_VALUE) {
      builder.maxKeys(maxKeys);
    }
    if (keepNanos != 0) {
      builder.keep(Duration.ofNanos(keepNanos));
    }
    return builder.build();
  }

  /** Remembers how executions end, and throws from every other event. */
  private final class Teller implements CoalescerHooks {
    @Override
    public void onApplied(String function, Object key) {
      throw new IllegalStateException("applied");
    }

    @Override
    public void onJoined(String function, Object key) {
      throw new AssertionError("joined");
    }

    @Override
    public void onResult(
        String function, Object key, @Nullable Object result, long nanos, int joiners) {
      told.add(result + " for " + joiners);
    }

    @Override
    public void onFailure(String function, Object key, Throwable failure, long nanos, int joiners) {
      told.add(failure.getMessage() + " for " + joiners);
    }
  }

  private CompletableFuture<String> begin(String argument) {
    CompletableFuture<String> stage = new CompletableFuture<>();
    stages.add(stage);
    return stage;
  }

  private String block(String argument) {
    Execution execution = waitingInExecutor.getFirst();
    check(!execution.isEnded, "execution %d was cancelled and begins", execution.number);
    boolean fails = random.nextInt(4) == 0;
    String end = "end of " + execution.number;
    model.end(execution, end, fails, time.nanoTime());
    if (fails) {
      throw new IllegalStateException(end);
    }
    return end;
  }

  @Override
  public void run() {
    int operations = 5 + random.nextInt(MAX_OPERATIONS - 5);
    for (int i = 0; i < operations; i++) {
      act();
      checkAll();
    }
    while (stages.stream().anyMatch(stage -> !stage.isDone()) || executor.pending() > 0) {
      endOne();
      checkAll();
    }
    log("the end");
    time.advance(Duration.ofHours(1));
    model.timeHasPassed(time.nanoTime());
    checkAll();
    check(futures.stream().allMatch(CompletableFuture::isDone), "a call hangs");
    check(coalescer.keys() == 0, "%d keys are left", coalescer.keys());
    check(time.alarms() == 0, "%d alarms are left", time.alarms());
  }

  private void act() {
    switch (random.nextInt(13)) {
      case 0, 1, 2, 3, 4 -> call();
      case 5, 6 -> giveUp();
      case 7, 8, 9 -> endOne();
      case 10 -> forget();
      default -> pass();
    }
  }

  private void forget() {
    if (random.nextInt(8) == 0) {
      log("forget all");
      model.forgetAll();
      coalescer.forgetAll();
      return;
    }
    int key = 1 + random.nextInt(keyCount);
    log("forget %d", key);
    model.forget(key);
    coalescer.forget("x".repeat(key));
  }

  private void call() {
    int key = 1 + random.nextInt(keyCount);
    long timeoutNanos =
        random.nextInt(3) == 0 ? Duration.ofMillis(1 + random.nextInt(30)).toNanos() : 0;
    log("call %d of %d with timeout %d ms", calls.size(), key, timeoutNanos / 1_000_000);
    int before = model.executions.size();
    Call call = model.call(key, time.nanoTime(), timeoutNanos);
    if (isBlocking && model.executions.size() > before) {
      waitingInExecutor.add(call.execution);
    }
    calls.add(call);
    CallOptions options =
        timeoutNanos == 0
            ? CallOptions.DEFAULT
            : CallOptions.timeout(Duration.ofNanos(timeoutNanos));
    futures.add(coalescer.submit("x".repeat(key), options));
  }

  private void giveUp() {
    if (calls.isEmpty()) {
      return;
    }
    int index = calls.size() - 1 - random.nextInt(Math.min(calls.size(), 10));
    CompletableFuture<String> future = futures.get(index);
    log("give up %d", index);
    switch (random.nextInt(3)) {
      case 0 -> {
        model.giveUp(calls.get(index), "own");
        future.complete("own");
      }
      case 1 -> {
        model.giveUp(calls.get(index), "IllegalArgumentException");
        future.completeExceptionally(new IllegalArgumentException());
      }
      default -> {
        model.giveUp(calls.get(index), "CancellationException");
        future.cancel(true);
      }
    }
  }

  private void endOne() {
    if (isBlocking) {
      if (executor.pending() > 0) {
        log("run the execution %d", waitingInExecutor.getFirst().number);
        executor.runNext();
        waitingInExecutor.removeFirst();
      }
      return;
    }
    List<Integer> open = new ArrayList<>();
    for (int i = 0; i < stages.size(); i++) {
      if (!stages.get(i).isDone()) {
        open.add(i);
      }
    }
    if (!open.isEmpty()) {
      end(open.get(random.nextInt(open.size())), random.nextInt(4) == 0);
    }
  }

  private void end(int number, boolean isFailure) {
    log("end %d %s", number, isFailure ? "badly" : "well");
    String end = "end of " + number;
    model.end(model.executions.get(number), end, isFailure, time.nanoTime());
    if (isFailure) {
      stages.get(number).completeExceptionally(new IllegalStateException(end));
    } else {
      stages.get(number).complete(end);
    }
  }

  private void pass() {
    Duration duration = Duration.ofMillis(random.nextInt(20));
    log("%s pass", duration);
    time.advance(duration);
    model.timeHasPassed(time.nanoTime());
  }

  private void checkAll() {
    for (int i = 0; i < calls.size(); i++) {
      String end = endOf(futures.get(i));
      check(end.equals(calls.get(i).end), "call %d: %s, not %s", i, end, calls.get(i).end);
    }
    check(coalescer.keys() == model.keys(), "%d keys, not %d", coalescer.keys(), model.keys());
    check(coalescer.kept() == model.keptKeys(), "%d kept", coalescer.kept());
    for (int i = 0; i < stages.size(); i++) {
      check(
          stages.get(i).isCancelled() == model.executions.get(i).isCancelled,
          "stage %d is%s cancelled",
          i,
          stages.get(i).isCancelled() ? "" : " not");
    }
    CoalescerStatistics.Snapshot expected =
        new CoalescerStatistics.Snapshot(
            model.executed, model.joined, model.kept, model.rejected, model.errors);
    check(statistics.snapshot().equals(expected), "%s, not %s", statistics, expected);
    check(expected.total() == calls.size(), "%s of %d calls", expected, calls.size());
    check(
        calls.isEmpty() || perFunction.snapshot().get("coalescer").equals(expected),
        "%s, not %s",
        perFunction,
        expected);
    checkJoiners();
  }

  /** Each execution is told of once, with the number of calls that joined it. */
  private void checkJoiners() {
    List<String> expected =
        model.executions.stream()
            .filter(execution -> execution.isEnded)
            .map(
                execution ->
                    (execution.isCancelled
                            ? "nobody waits for it any more"
                            : "end of " + execution.number)
                        + " for "
                        + (execution.calls.size() - 1))
            .sorted()
            .toList();
    List<String> actual = told.stream().sorted().toList();
    check(actual.equals(expected), "told %s, not %s", actual, expected);
  }

  private static String endOf(CompletableFuture<String> future) {
    return switch (future.state()) {
      case RUNNING -> "";
      case SUCCESS -> future.resultNow();
      case CANCELLED -> CancellationException.class.getSimpleName();
      case FAILED ->
          future.exceptionNow() instanceof IllegalStateException failure
              ? failure.getMessage()
              : future.exceptionNow().getClass().getSimpleName();
    };
  }

  private void log(String format, Object... arguments) {
    log.add(String.format(format, arguments));
  }

  private static void check(boolean holds, String format, Object... arguments) {
    if (!holds) {
      throw new AssertionError(String.format(format, arguments));
    }
  }

  @Override
  public String toString() {
    return (isBlocking ? "blocking" : "asynchronous")
        + (isCancelling ? ", cancelling" : "")
        + (isCopied ? ", copied" : "")
        + ", at most "
        + maxKeys
        + " keys, kept "
        + Duration.ofNanos(keepNanos)
        + "\n"
        + String.join("\n", log);
  }
}
