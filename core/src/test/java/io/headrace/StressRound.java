package io.headrace;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A flow that many threads use at once, until it is closed or shut down in mid-flight. Counts what
 * happens to every item.
 */
final class StressRound {
  private static final int PRODUCERS = 3;
  private static final int CALLERS = 20;

  /** What a handler throws on purpose. */
  private static final class OnPurpose extends RuntimeException {
    private static final long serialVersionUID = 1;

    OnPurpose() {
      super("on purpose", null, false, false);
    }
  }

  private final Random random;
  private final int stepCount;
  private final Flow<Integer, Integer> flow;
  private final AtomicInteger nextItem = new AtomicInteger();
  private final CountDownLatch finished = new CountDownLatch(PRODUCERS + CALLERS + 1);
  private final Queue<CompletableFuture<Integer>> cancellable = new ConcurrentLinkedQueue<>();
  private final LongAdder submitted = new LongAdder();
  private final LongAdder completions = new LongAdder();
  private final Map<String, LongAdder> ends = new ConcurrentHashMap<>();
  private final Map<Observer.Outcome, LongAdder> outcomes = new ConcurrentHashMap<>();
  private final Map<Integer, AtomicInteger> handlings = new ConcurrentHashMap<>();
  private final List<AtomicInteger> running = new ArrayList<>();
  private final Queue<String> violations = new ConcurrentLinkedQueue<>();
  private final StringBuilder description = new StringBuilder();
  private final int itemsEach;

  StressRound(long seed) {
    random = Seeds.random(seed);
    stepCount = 1 + random.nextInt(3);
    itemsEach = 200 + random.nextInt(2_000);
    FlowBuilder<Integer, Integer> builder =
        Flow.<Integer>builder("stress").priorities(2).observer(new Counter());
    for (int i = 0; i < stepCount; i++) {
      builder = addStep(builder, i);
    }
    flow = builder.build();
  }

  private FlowBuilder<Integer, Integer> addStep(FlowBuilder<Integer, Integer> builder, int index) {
    int count = 1 + random.nextInt(3);
    Workers workers =
        switch (random.nextInt(6)) {
          case 0, 1 -> Workers.threads(count);
          case 2 -> Workers.virtualThreads(count);
          case 3 -> Workers.executor(FlowProbes.POOL, count);
          case 4 -> Workers.inline();
          default -> Workers.unlimited();
        };
    int limit = workers.count;
    int maxSize = 1 + random.nextInt(16);
    BatchPolicy policy =
        random.nextBoolean() || workers.kind == Workers.Kind.INLINE || maxSize == 1
            ? BatchPolicy.greedy(maxSize)
            : BatchPolicy.fixed(maxSize, Duration.ofNanos(random.nextInt(500_000)));
    int capacity = 1 + random.nextInt(200);
    OnFull onFull =
        switch (random.nextInt(3)) {
          case 0 -> OnFull.fail();
          case 1 -> OnFull.await();
          default -> OnFull.await(Duration.ofMillis(1 + random.nextInt(5)));
        };
    boolean isAsync = random.nextInt(4) == 0;
    AtomicInteger now = new AtomicInteger();
    running.add(now);
    description
        .append(" s" + index + "(" + workers + ", max " + maxSize + ", queue " + capacity)
        .append(" " + onFull + (isAsync ? ", async)" : ")"));
    return isAsync
        ? builder.asyncStep(
            "s" + index,
            items -> handleLater(items, index, maxSize, limit),
            step -> set(step.batch(policy).workers(workers), capacity, onFull))
        : builder.stepIf(
            item -> applies(item, index),
            "s" + index,
            items -> handle(items, index, maxSize, limit),
            step -> set(step.batch(policy).workers(workers), capacity, onFull));
  }

  private static void set(StepOptions<Integer> step, int capacity, OnFull onFull) {
    if (step.workers != null && step.workers.kind != Workers.Kind.INLINE) {
      step.queue(capacity, onFull);
    }
  }

  private static boolean applies(int item, int index) {
    if (item % 997 == 0) {
      throw new OnPurpose();
    }
    return (item + index) % 5 != 0;
  }

  private List<Integer> handle(List<Integer> items, int index, int maxSize, int limit) {
    begin(items, index, maxSize, limit);
    try {
      return answer(items);
    } finally {
      running.get(index).decrementAndGet();
    }
  }

  private CompletionStage<List<Integer>> handleLater(
      List<Integer> items, int index, int maxSize, int limit) {
    begin(items, index, maxSize, limit);
    return CompletableFuture.supplyAsync(
        () -> {
          running.get(index).decrementAndGet();
          return answer(items);
        },
        FlowProbes.POOL);
  }

  private void begin(List<Integer> items, int index, int maxSize, int limit) {
    int runningNow = running.get(index).incrementAndGet();
    if (runningNow > limit || items.size() > maxSize) {
      violations.add(runningNow + " batches of " + items.size() + " at s" + index);
    }
    for (int item : items) {
      int bit = 1 << index;
      int before = handlings.get(item).getAndAccumulate(bit, (a, b) -> a | b);
      if ((before & bit) != 0) {
        violations.add(item + " was handled twice by s" + index);
      }
    }
    for (int i = ThreadLocalRandom.current().nextInt(2_000); i > 0; i--) {
      Thread.onSpinWait();
    }
  }

  private static List<Integer> answer(List<Integer> items) {
    int draw = ThreadLocalRandom.current().nextInt(40);
    if (draw == 0) {
      throw new OnPurpose();
    }
    if (draw == 1) {
      return List.of();
    }
    Outcomes<Integer> outcomes = new Outcomes<>(items.size());
    for (int item : items) {
      if (draw == 2 && item % 3 == 0) {
        outcomes.addFailure(new OnPurpose());
      } else {
        outcomes.add(item);
      }
    }
    return outcomes;
  }

  /** Counts, then throws. */
  private final class Counter implements Observer {
    @Override
    public void onCallEnd(String service, Outcome outcome, long nanos, @Nullable Object call) {
      outcomes.computeIfAbsent(outcome, o -> new LongAdder()).increment();
      throw new OnPurpose();
    }

    @Override
    public void onBatch(BatchEvent batch) {
      throw new OnPurpose();
    }
  }

  void run() throws Exception {
    flow.start();
    for (int i = 0; i < PRODUCERS; i++) {
      Thread.ofPlatform().daemon().start(() -> use(this::produce));
    }
    for (int i = 0; i < CALLERS; i++) {
      Thread.ofVirtual().start(() -> use(this::call));
    }
    Thread.ofPlatform().daemon().start(() -> use(this::cancel));
    stop();
    awaitOrDump("all producers end", finished);
    CountDownLatch closed = new CountDownLatch(1);
    Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              flow.close();
              closed.countDown();
            });
    awaitOrDump("the flow closes", closed);
    check();
  }

  private void use(Runnable user) {
    try {
      user.run();
    } catch (Throwable failure) {
      violations.add("a user failed: " + failure);
    } finally {
      finished.countDown();
    }
  }

  private boolean goesOn() {
    return nextItem.get() < itemsEach * (PRODUCERS + 1);
  }

  private int newItem() {
    int item = nextItem.incrementAndGet();
    handlings.put(item, new AtomicInteger());
    submitted.increment();
    return item;
  }

  private static CallOptions someOptions() {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    CallOptions options = CallOptions.priority(random.nextInt(2));
    return random.nextInt(4) == 0
        ? options.withTimeout(Duration.ofNanos(1 + random.nextInt(3_000_000)))
        : options;
  }

  private void produce() {
    while (goesOn()) {
      if (ThreadLocalRandom.current().nextInt(10) == 0) {
        List<Integer> items = List.of(newItem(), newItem(), newItem());
        List<CompletableFuture<Integer>> futures = flow.submitAll(items, someOptions());
        for (int i = 0; i < items.size(); i++) {
          watch(items.get(i), futures.get(i));
        }
      } else {
        int item = newItem();
        watch(item, flow.submit(item, someOptions()));
      }
    }
  }

  private void watch(int item, CompletableFuture<Integer> future) {
    if (item % 7 == 0) {
      cancellable.add(future);
    }
    var _ =
        future.whenComplete(
            (value, failure) -> {
              ended(item, value, failure);
              completions.increment();
            });
  }

  private void call() {
    while (goesOn()) {
      int item = newItem();
      try {
        ended(item, flow.call(item, someOptions()), null);
      } catch (InterruptedException | RuntimeException failure) {
        ended(item, null, failure);
      }
      completions.increment();
    }
  }

  private void ended(int item, Integer value, Throwable failure) {
    if (failure == null && value != item) {
      violations.add(item + " has the result " + value);
    }
    String end = failure == null ? "value" : failure.getClass().getSimpleName();
    ends.computeIfAbsent(end, e -> new LongAdder()).increment();
    boolean isKnown =
        failure == null
            || failure instanceof HeadraceException
            || failure instanceof OnPurpose
            || failure instanceof CancellationException;
    if (!isKnown) {
      violations.add(item + " failed with " + failure);
    }
  }

  private void cancel() {
    while (goesOn()) {
      CompletableFuture<Integer> future = cancellable.poll();
      if (future != null) {
        future.cancel(true);
      } else {
        Thread.onSpinWait();
      }
    }
  }

  /** In two of three rounds the flow is stopped while it is used. */
  private void stop() {
    int way = random.nextInt(6);
    int when = random.nextInt(itemsEach * PRODUCERS);
    while (way < 4 && goesOn() && nextItem.get() < when) {
      Thread.onSpinWait();
    }
    description.append(" stopped in way ").append(way).append(" after ").append(when);
    switch (way) {
      case 0 -> flow.shutdownNow();
      case 1 -> Thread.ofVirtual().start(flow::shutdownNow);
      case 2 -> Thread.ofVirtual().start(flow::close);
      case 3 -> Thread.ofVirtual().start(() -> flow.close(Duration.ofMillis(1)));
      default -> {}
    }
  }

  private void awaitOrDump(String what, CountDownLatch latch) throws InterruptedException {
    if (latch.await(FlowProbes.PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      return;
    }
    String threads =
        Thread.getAllStackTraces().entrySet().stream()
            .map(
                entry ->
                    entry.getKey()
                        + "\n    "
                        + Arrays.stream(entry.getValue())
                            .map(Object::toString)
                            .collect(Collectors.joining("\n    ")))
            .collect(Collectors.joining("\n"));
    throw new AssertionError("did not happen: " + what + "; " + describe() + "\n" + threads);
  }

  private void check() {
    FlowProbes.awaitThat("every call ends; " + describe(), () -> completions.sum() >= count());
    FlowProbes.awaitThat("observers are told; " + describe(), () -> observed() >= count());
    if (completions.sum() != count() || observed() != count()) {
      violations.add("not every call has ended once");
    }
    if (flow.state() != Flow.State.STOPPED) {
      violations.add("the flow is " + flow.state());
    }
    compare(Observer.Outcome.COMPLETED, "value");
    compare(Observer.Outcome.TIMED_OUT, "DeadlineExceededException");
    compare(Observer.Outcome.CANCELLED, "CancellationException");
    compare(Observer.Outcome.FAILED, "OnPurpose", "BatchSizeMismatchException");
    compare(Observer.Outcome.REJECTED, "QueueFullException", "StoppedException");
    if (!violations.isEmpty()) {
      throw new AssertionError(
          violations.stream().limit(10).collect(Collectors.joining("\n")) + "\n" + describe());
    }
  }

  private long count() {
    return submitted.sum();
  }

  private long observed() {
    return outcomes.values().stream().mapToLong(LongAdder::sum).sum();
  }

  /** What observers and callers were told is the same. */
  private void compare(Observer.Outcome outcome, String... told) {
    long observed = outcomes.getOrDefault(outcome, new LongAdder()).sum();
    long seen = 0;
    for (String end : told) {
      seen += ends.getOrDefault(end, new LongAdder()).sum();
    }
    if (observed != seen) {
      violations.add(observed + " calls were observed as " + outcome + ", not " + seen);
    }
  }

  String describe() {
    return "flow is "
        + flow.state()
        + description
        + ", submitted "
        + submitted
        + ", ended "
        + ends
        + ", observed "
        + outcomes;
  }
}
