package io.headrace;

import io.headrace.RandomGraph.End;
import io.headrace.RandomGraph.OnPurpose;
import io.headrace.RandomGraph.Step;
import io.headrace.RandomGraph.Work;
import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** A random graph of steps and what happens to its items, in virtual time on one thread. */
final class RandomGraphSchedule implements RandomSchedules.Schedule {
  private record Call(
      Work work, CompletableFuture<Work> future, long deadlineNanos, boolean isAccepted) {}

  private final Random random;
  private final RandomGraph graph;
  private final VirtualTime time = new VirtualTime();
  private final SteppedExecutor stepped = new SteppedExecutor();
  private final Map<String, Workers> workers = new HashMap<>();
  private final Map<String, Boolean> answersLater = new HashMap<>();
  private final Set<String> handlings = ConcurrentHashMap.newKeySet();
  private final List<Counting> handlers = new ArrayList<>();
  private final List<Call> calls = new ArrayList<>();
  private final StringBuilder events = new StringBuilder();
  private final Flow<Work, Work> flow;
  private boolean isClosed;
  private boolean isShutDown;
  private int ended;

  RandomGraphSchedule(long seed) {
    random = Seeds.random(seed);
    graph = new RandomGraph(random);
    FlowBuilder<Work, Work> builder =
        Flow.<Work>builder("graph")
            .timeSource(time)
            .priorities(2)
            .observer(
                new Observer() {
                  @Override
                  public void onCallEnd(
                      String service, Outcome outcome, long nanos, @Nullable Object call) {
                    ended++;
                  }
                });
    if (random.nextInt(4) == 0) {
      builder.warmUp(List.of(new Work(-1, 0))); // may fail the start
    }
    flow = graph.addTo(builder, this::addStep).build();
  }

  private FlowBuilder<Work, Work> addStep(FlowBuilder<Work, Work> builder, Step step) {
    Workers place =
        switch (random.nextInt(4)) {
          case 0 -> Workers.inline();
          case 1 -> Workers.executor(Runnable::run, 1 + random.nextInt(3));
          default -> Workers.executor(stepped, 1 + random.nextInt(3));
        };
    workers.put(step.name(), place);
    boolean isLater = random.nextInt(3) == 0;
    answersLater.put(step.name(), isLater);
    int maxSize = 1 + random.nextInt(4);
    BatchPolicy policy =
        random.nextBoolean() || place.kind == Workers.Kind.INLINE || maxSize == 1
            ? BatchPolicy.greedy(maxSize)
            : BatchPolicy.fixed(maxSize, Duration.ofMillis(random.nextInt(20)));
    boolean isBounded = random.nextInt(3) == 0 && place.kind != Workers.Kind.INLINE;
    int capacity = isBounded ? 1 + random.nextInt(4) : 0;
    return isLater
        ? builder.asyncStepIf(
            step::applies, step.name(), later(step), s -> set(s, place, policy, capacity))
        : builder.stepIf(
            step::applies, step.name(), new Counting(step), s -> set(s, place, policy, capacity));
  }

  private static void set(
      StepOptions<Work> options, Workers place, BatchPolicy policy, int capacity) {
    options.batch(policy).workers(place);
    if (capacity > 0) {
      options.queue(capacity, OnFull.await());
    }
  }

  private Outcomes<Work> handle(Step step, List<Work> items) {
    Outcomes<Work> outcomes = new Outcomes<>(items.size());
    for (Work work : items) {
      check(
          handlings.add(step.name() + " " + work.id()) || work.id() < 0,
          "%s handles %s again",
          step.name(),
          work);
      try {
        outcomes.add(step.handle(work));
      } catch (OnPurpose failure) {
        outcomes.addFailure(failure);
      }
    }
    return outcomes;
  }

  private AsyncHandler<Work, Work> later(Step step) {
    return items -> time.after(handle(step, items), Duration.ofMillis(1 + items.size()));
  }

  /** Sees how often it is started and closed. */
  private final class Counting implements Handler<Work, Work> {
    private final Step step;
    private volatile int starts;
    private volatile int closes;

    Counting(Step step) {
      this.step = step;
      handlers.add(this);
    }

    @Override
    public void onStart() {
      starts = starts + 1;
    }

    @Override
    public List<Work> handle(List<Work> items) {
      check(starts == 1 && closes == 0, "%s is used, %d starts, %d closes", step, starts, closes);
      return RandomGraphSchedule.this.handle(step, items);
    }

    @Override
    public void close() {
      closes = closes + 1;
    }
  }

  private static void check(boolean holds, String message, Object... arguments) {
    if (!holds) {
      throw new AssertionError(String.format(message, arguments));
    }
  }

  @Override
  public void run() throws Exception {
    if (!start()) {
      return;
    }
    int operations = 5 + random.nextInt(60);
    for (int i = 0; i < operations; i++) {
      act();
    }
    if (!isClosed) {
      settle();
      checkQueues();
    }
    flow.beginClose();
    settle();
    CompletableFuture<Void> close = FlowProbes.aside(flow::close);
    FlowProbes.awaitThat("it has closed", () -> isDoneSoon(close));
    check(flow.state() == Flow.State.STOPPED, "the flow is %s", flow.state());
    checkEnd();
  }

  /** Lets happen what another thread may wait for, but no alarm that it has set far ahead. */
  private boolean isDoneSoon(CompletableFuture<Void> future) {
    stepped.runAll();
    time.advance(Duration.ofMillis(10));
    return future.isDone();
  }

  /** Returns whether the flow runs; the item that warms it up may fail it. */
  private boolean start() {
    CompletableFuture<Void> start = FlowProbes.aside(flow::start);
    FlowProbes.awaitThat("it starts", () -> isDoneSoon(start));
    if (flow.state() == Flow.State.RUNNING) {
      check(flow.statistics().ended() == 0, "the warm-up is counted");
      return true;
    }
    check(flow.state() == Flow.State.FAILED, "the flow is %s", flow.state());
    End end = graph.endOf(new Work(-1, 0), new HashSet<>());
    check(!end.failures().isEmpty(), "the warm-up failed for nothing: %s", start);
    CompletableFuture<Void> close = FlowProbes.aside(flow::close);
    FlowProbes.awaitThat("the failed flow closes", () -> isDoneSoon(close));
    checkHandlers();
    return false;
  }

  private void act() {
    switch (random.nextInt(16)) {
      case 0, 1, 2, 3 -> submit(1);
      case 4, 5 -> submit(2 + random.nextInt(6));
      case 6, 7, 8 -> advance(random.nextInt(15));
      case 9, 10, 11 -> {
        note("run");
        if (stepped.pending() > 0) {
          stepped.runNext();
        }
      }
      case 12 -> cancel();
      case 13 -> swap();
      case 14 -> resize();
      default -> stopSeldom();
    }
  }

  private void submit(int n) {
    note("submit " + n);
    CallOptions options = CallOptions.priority(random.nextInt(2));
    long deadlineNanos = Long.MAX_VALUE;
    if (random.nextInt(5) == 0) {
      Duration timeout = Duration.ofMillis(1 + random.nextInt(30));
      options = options.withTimeout(timeout);
      deadlineNanos = timeout.toNanos() + time.nanoTime();
    }
    List<Work> items = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      items.add(new Work(calls.size() + i, random.nextInt(1000)));
    }
    List<CompletableFuture<Work>> futures =
        n == 1 ? List.of(flow.submit(items.getFirst(), options)) : flow.submitAll(items, options);
    for (int i = 0; i < n; i++) {
      calls.add(new Call(items.get(i), futures.get(i), deadlineNanos, !isClosed));
    }
  }

  private void cancel() {
    if (!calls.isEmpty()) {
      Call call = calls.get(random.nextInt(calls.size()));
      note("cancel " + call.work.id());
      call.future.cancel(false);
    }
  }

  private void swap() {
    Step step = graph.steps.get(random.nextInt(graph.steps.size()));
    note("swap " + step.name());
    try {
      if (random.nextInt(4) == 0) {
        flow.swapAsync(step.name(), later(step));
      } else {
        Counting handler = new Counting(step);
        try {
          flow.swap(step.name(), handler);
        } finally {
          if (handler.starts == 0) {
            handlers.remove(handler);
          }
        }
      }
    } catch (StoppedException e) {
      check(isClosed, "it was refused by a flow that runs");
    }
  }

  private void resize() {
    Step step = graph.steps.get(random.nextInt(graph.steps.size()));
    if (workers.get(step.name()).kind == Workers.Kind.INLINE) {
      return;
    }
    note("resize " + step.name());
    try {
      flow.resize(step.name(), 1 + random.nextInt(4));
    } catch (StoppedException e) {
      check(isClosed, "it was refused by a flow that runs");
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private void advance(int millis) {
    note("advance " + millis);
    time.advance(Duration.ofMillis(millis));
  }

  private void stopSeldom() {
    int draw = random.nextInt(12);
    if (draw < 2) {
      note(draw == 0 ? "close" : "shut down");
      isClosed = true;
      isShutDown |= draw == 1;
      if (draw == 0) {
        flow.beginClose();
      } else {
        flow.shutdownNow();
      }
    }
  }

  private void settle() {
    while (stepped.runAll() > 0 || time.advanceToNext()) {}
  }

  private void note(String event) {
    events.append(event).append("; ");
  }

  private void checkQueues() {
    for (Statistics.Step step : flow.statistics().steps()) {
      check(step.queued() == 0 && step.running() == 0, "something is left: %s", step);
    }
  }

  private void checkEnd() {
    checkQueues();
    check(time.alarms() == 0, "%d alarms are left", time.alarms());
    check(ended == calls.size(), "%d calls were observed, not %d", ended, calls.size());
    long counted = flow.statistics().ended();
    check(counted == calls.size(), "%d calls were counted, not %d", counted, calls.size());
    Set<String> allowed = new HashSet<>();
    for (Call call : calls) {
      Set<String> handledBy = new HashSet<>();
      End end = graph.endOf(call.work, handledBy);
      handledBy.forEach(step -> allowed.add(step + " " + call.work.id()));
      check(call.future.isDone(), "it hangs: %s", call);
      check(isAllowed(call, end), "%s is not %s", call, end);
    }
    for (String handling : handlings) {
      check(allowed.contains(handling) || handling.endsWith(" -1"), "handled: %s", handling);
    }
    checkHandlers();
  }

  private void checkHandlers() {
    for (Counting handler : handlers) {
      check(
          handler.starts == 1 && handler.closes == 1,
          "%s had %d starts and %d closes",
          handler.step,
          handler.starts,
          handler.closes);
    }
  }

  private boolean isAllowed(Call call, End end) {
    if (call.future.isCancelled()) {
      return true;
    }
    if (!call.future.isCompletedExceptionally()) {
      Work result = call.future.join();
      return end.failures().isEmpty()
          && result.id() == call.work.id()
          && result.value() == end.value()
          && call.isAccepted;
    }
    return switch (call.future.exceptionNow()) {
      case DeadlineExceededException _ -> call.deadlineNanos != Long.MAX_VALUE;
      case StoppedException _ -> isShutDown || !call.isAccepted;
      case OnPurpose failure -> end.failures().contains(failure.getMessage());
      case IllegalArgumentException _ -> end.failures().contains("no branch");
      default -> false;
    };
  }

  @Override
  public String toString() {
    return graph + "\n" + workers + "\n" + answersLater + "\n" + events;
  }
}
