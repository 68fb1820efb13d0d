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
import java.util.function.Consumer;
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

  static final int HEAVIEST = 4;

  /** What the batches of a step keep to. */
  private record Limits(
      int index,
      int batches,
      int maxSize,
      boolean isIsolated,
      boolean isWeighed,
      boolean isSorted) {}

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
  private final List<StressService> services = new ArrayList<>();
  private final Queue<String> violations = new ConcurrentLinkedQueue<>();
  private final StringBuilder description = new StringBuilder();
  private final int itemsEach;

  /** Whether the workers of some step are limited in number. */
  private boolean isLimited;

  StressRound(long seed) {
    random = Seeds.random(seed);
    stepCount = 1 + random.nextInt(3);
    itemsEach = 200 + random.nextInt(2_000);
    FlowBuilder<Integer, Integer> builder =
        Flow.<Integer>builder("stress").priorities(2).observer(new Counter());
    if (random.nextInt(4) == 0) {
      builder.timeout(Duration.ofMillis(20));
    }
    for (int i = 0; i < stepCount; i++) {
      builder =
          switch (random.nextInt(6)) {
            case 0 -> builder.parallel(this::addStep, this::addStep, (one, other) -> one);
            case 1 ->
                builder
                    .choose((Integer item) -> item % 2)
                    .when(0, this::addStep)
                    .otherwise(this::addStep);
            default -> addStep(builder);
          };
    }
    if (isLimited && random.nextInt(3) == 0) {
      builder.answerWithin(Duration.ofMillis(5));
    }
    flow = builder.build();
  }

  private FlowBuilder<Integer, Integer> addStep(FlowBuilder<Integer, Integer> builder) {
    int index = running.size();
    int count = 1 + random.nextInt(3);
    Workers workers =
        switch (random.nextInt(6)) {
          case 0, 1 -> Workers.threads(count);
          case 2 -> Workers.virtualThreads(count);
          case 3 -> Workers.executor(FlowProbes.POOL, count);
          case 4 -> Workers.inline();
          default -> Workers.unlimited();
        };
    isLimited |= workers.count != Workers.UNLIMITED;
    int maxSize = 1 + random.nextInt(16);
    boolean isQueued = workers.kind != Workers.Kind.INLINE;
    BatchPolicy policy =
        switch (isQueued && maxSize > 1 ? random.nextInt(3) : 0) {
          case 0 -> BatchPolicy.greedy(maxSize);
          case 1 -> BatchPolicy.fixed(maxSize, Duration.ofNanos(random.nextInt(500_000)));
          default -> BatchPolicy.adaptive(maxSize, Duration.ofMillis(1 + random.nextInt(20)));
        };
    boolean isIsolated = maxSize > 1 && random.nextInt(4) == 0;
    boolean isWeighed = isQueued && maxSize >= HEAVIEST && random.nextInt(4) == 0;
    boolean isSorted = isQueued && random.nextInt(4) == 0;
    Limits limits = new Limits(index, workers.count, maxSize, isIsolated, isWeighed, isSorted);
    int capacity = 1 + random.nextInt(200);
    OnFull onFull =
        switch (random.nextInt(3)) {
          case 0 -> OnFull.fail();
          case 1 -> OnFull.await();
          default -> OnFull.await(Duration.ofMillis(1 + random.nextInt(5)));
        };
    boolean isAsync = random.nextInt(3) == 0;
    StressService service =
        isAsync && random.nextBoolean() ? new StressService(random, violations) : null;
    if (service != null) {
      services.add(service);
    }
    AtomicInteger now = new AtomicInteger();
    running.add(now);
    description
        .append(" s" + index + "(" + workers + ", " + policy + ", queue " + capacity)
        .append(" " + onFull + ", " + limits + (isAsync ? ", async" : "") + ")")
        .append(service == null ? "" : " that asks " + service);
    Consumer<StepOptions<Integer>> options =
        step -> {
          step.batch(policy).workers(workers);
          if (isQueued) {
            step.queue(capacity, onFull);
          }
          if (isIsolated) {
            step.isolate(4);
          }
          if (isWeighed) {
            step.weight(StressRound::weight);
          }
          if (isSorted) {
            step.bucket(StressRound::bucket);
          }
        };
    return isAsync
        ? builder.asyncStep("s" + index, items -> handleLater(items, limits, service), options)
        : builder.stepIf(
            item -> applies(item, index), "s" + index, items -> handle(items, limits), options);
  }

  static int weight(int item) {
    return 1 + item % HEAVIEST;
  }

  private static int bucket(int item) {
    return item % 5;
  }

  private static boolean applies(int item, int index) {
    if (item % 997 == 0) {
      throw new OnPurpose();
    }
    return (item + index) % 5 != 0;
  }

  private List<Integer> handle(List<Integer> items, Limits limits) {
    begin(items, limits);
    try {
      return answer(items);
    } finally {
      running.get(limits.index).decrementAndGet();
    }
  }

  private CompletionStage<List<Integer>> handleLater(
      List<Integer> items, Limits limits, @Nullable StressService service) {
    begin(items, limits);
    if (service != null) {
      return service
          .handle(items)
          .whenComplete((_, _) -> running.get(limits.index).decrementAndGet());
    }
    return CompletableFuture.supplyAsync(
        () -> {
          running.get(limits.index).decrementAndGet();
          return answer(items);
        },
        FlowProbes.POOL);
  }

  private void begin(List<Integer> items, Limits limits) {
    int runningNow = running.get(limits.index).incrementAndGet();
    int size = items.stream().mapToInt(item -> limits.isWeighed ? weight(item) : 1).sum();
    if (runningNow > limits.batches || size > limits.maxSize) {
      violations.add(runningNow + " batches, one of size " + size + ", at " + limits);
    }
    if (limits.isSorted && items.stream().mapToInt(StressRound::bucket).distinct().count() > 1) {
      violations.add("buckets are mixed in " + items + " at " + limits);
    }
    for (int item : items) {
      int bit = 1 << limits.index;
      int before = handlings.get(item).getAndAccumulate(bit, (a, b) -> a | b);
      if ((before & bit) != 0 && !limits.isIsolated) {
        violations.add(item + " was handled twice at " + limits);
      }
    }
    for (int i = ThreadLocalRandom.current().nextInt(2_000); i > 0; i--) {
      Thread.onSpinWait();
    }
  }

  static List<Integer> failOnPurpose() {
    throw new OnPurpose();
  }

  static List<Integer> answer(List<Integer> items) {
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
    services.forEach(service -> service.closeAndCheck(describe()));
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
    FlowProbes.awaitThat(
        "every call is counted once; " + flow.statistics() + "; " + describe(),
        () -> flow.statistics().ended() == count());
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
    compare(
        Observer.Outcome.REJECTED, "QueueFullException", "StoppedException", "RejectedException");
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
