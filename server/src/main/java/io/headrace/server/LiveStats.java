package io.headrace.server;

import static java.util.Objects.requireNonNull;

import io.headrace.Observer;
import io.headrace.TimeSource;
import io.headrace.WorkerStatus;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Watches a batcher or a flow and tells what happened in the last second: what a live page shows.
 *
 * <p>The second moves on every half second while anything happens; when nothing does, no timer
 * runs. Recording costs some tens of nanoseconds per item and step.
 *
 * <p><b>Thread safety.</b> Any thread may call any method; none blocks.
 */
public final class LiveStats implements Observer {
  private static final long SLICE_NANOS = 500_000_000;

  private final TimeSource time;
  private final Map<Outcome, WindowCount> outcomes = new EnumMap<>(Outcome.class);
  private final Percentiles latency = new Percentiles();
  private final Map<String, StepStats> stepsByName = new ConcurrentHashMap<>();
  private final ConcurrentLinkedQueue<StepStats> steps = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean rolling = new AtomicBoolean();
  private final AtomicBoolean somethingHappened = new AtomicBoolean();
  private volatile Snapshot latest;

  /** What is watched; null until it starts. */
  private volatile @Nullable Observed watched;

  /** Written by the one thread that wakes the timer, then by the timer. */
  private long lastRollNanos;

  private int quietRolls;

  LiveStats(TimeSource time, List<String> stepNames) {
    this.time = time;
    for (Outcome outcome : Outcome.values()) {
      outcomes.put(outcome, new WindowCount());
    }
    stepNames.forEach(this::step);
    latest = figures(1);
  }

  /**
   * Makes figures with nothing in them.
   *
   * @param stepNames the steps to show first and in this order; others follow as they appear
   * @return an observer to give to a batcher or a flow
   * @throws NullPointerException if a name is null; the message says which
   */
  public static LiveStats create(String... stepNames) {
    for (int i = 0; i < stepNames.length; i++) {
      requireNonNull(stepNames[i], "stepNames[" + i + "]");
    }
    return new LiveStats(TimeSource.system(), List.of(stepNames));
  }

  /**
   * The last second.
   *
   * @return the figures, at most half a second old, and the queues and workers as they are now
   */
  public Snapshot snapshot() {
    Snapshot figures = latest;
    return new Snapshot(
        figures.requestsPerSecond(),
        figures.outcomes(),
        figures.totals(),
        figures.latency(),
        figures.steps().stream().map(this::asItIsNow).toList());
  }

  private Step asItIsNow(Step step) {
    Observed service = watched;
    return service == null || !service.steps().contains(step.name())
        ? step
        : step.with(service.queued(step.name()), service.workers(step.name()));
  }

  /**
   * The last second as a JSON document.
   *
   * @return the document
   */
  public String snapshotJson() {
    return SnapshotJson.write(snapshot());
  }

  @Override
  public void onStart(Observed service) {
    watched = service;
  }

  @Override
  public void onBatch(BatchEvent batch) {
    StepStats step = stepsByName.get(batch.step());
    (step == null ? step(batch.step()) : step).record(batch);
    wake();
  }

  @Override
  public void onDrop(String service, String step, Outcome outcome) {
    if (outcome == Outcome.FAILED) {
      step(step).recordFailure();
      wake();
    }
  }

  @Override
  public void onCallEnd(String service, Outcome outcome, long nanos, @Nullable Object call) {
    WindowCount count = outcomes.get(outcome);
    if (count != null) {
      count.add(1);
    }
    latency.record(nanos);
    wake();
  }

  private StepStats step(String name) {
    return stepsByName.computeIfAbsent(
        name,
        n -> {
          StepStats added = new StepStats(n);
          steps.add(added);
          return added;
        });
  }

  private void wake() {
    if (!somethingHappened.get()) {
      somethingHappened.set(true);
      if (rolling.compareAndSet(false, true)) {
        lastRollNanos = time.nanoTime();
        quietRolls = 0;
        scheduleRoll();
      }
    }
  }

  private void scheduleRoll() {
    time.schedule(SLICE_NANOS, this::roll);
  }

  /** Two quiet slices have emptied the second; a third would tell nothing new. */
  private void roll() {
    quietRolls = somethingHappened.getAndSet(false) ? 0 : quietRolls + 1;
    long nowNanos = time.nanoTime();
    double seconds = (nowNanos - lastRollNanos + SLICE_NANOS) / 1e9;
    lastRollNanos = nowNanos;
    latest = figures(seconds);
    if (quietRolls < 2) {
      scheduleRoll();
    } else {
      rolling.set(false);
      if (somethingHappened.get() && rolling.compareAndSet(false, true)) {
        quietRolls = 0;
        scheduleRoll();
      }
    }
  }

  private Snapshot figures(double windowSeconds) {
    Map<Outcome, Long> inWindow = new EnumMap<>(Outcome.class);
    Map<Outcome, Long> totals = new EnumMap<>(Outcome.class);
    long ended = 0;
    for (Map.Entry<Outcome, WindowCount> entry : outcomes.entrySet()) {
      long growth = entry.getValue().roll();
      inWindow.put(entry.getKey(), growth);
      totals.put(entry.getKey(), entry.getValue().total());
      ended += growth;
    }
    return new Snapshot(
        perSecond(ended, windowSeconds),
        Map.copyOf(inWindow),
        Map.copyOf(totals),
        latency.roll(),
        steps.stream().map(step -> step.roll(windowSeconds)).toList());
  }

  static double perSecond(long count, double seconds) {
    return Math.round(10 * count / seconds) / 10.0;
  }

  /**
   * What happened in one second.
   *
   * @param requestsPerSecond calls that ended, well or not
   * @param outcomes how many calls ended in which way
   * @param totals the same since the start
   * @param latency from the submission of a call to its end
   * @param steps the figures of each step
   */
  public record Snapshot(
      double requestsPerSecond,
      Map<Outcome, Long> outcomes,
      Map<Outcome, Long> totals,
      Millis latency,
      List<Step> steps) {}

  /**
   * What a step did in one second.
   *
   * @param name the name of the step
   * @param itemsPerSecond items that were handled
   * @param batchesPerSecond batches that were handled
   * @param meanBatchSize items per batch; zero if there was none
   * @param batchSizes how many batches had which size
   * @param failed items that failed
   * @param queueLength items that wait for the step now
   * @param queue how long items waited for the step
   * @param handle how long the handler took for a batch
   * @param workers the workers that are not in this JVM, such as processes
   */
  public record Step(
      String name,
      double itemsPerSecond,
      double batchesPerSecond,
      double meanBatchSize,
      List<BatchSizes> batchSizes,
      long failed,
      int queueLength,
      Millis queue,
      Millis handle,
      List<WorkerStatus> workers) {
    Step with(int queued, List<WorkerStatus> others) {
      return new Step(
          name,
          itemsPerSecond,
          batchesPerSecond,
          meanBatchSize,
          batchSizes,
          failed,
          queued,
          queue,
          handle,
          others);
    }
  }

  /**
   * The batches of a class of sizes.
   *
   * @param from the smallest size
   * @param to the largest size
   * @param batches how many batches there were
   */
  public record BatchSizes(long from, long to, long batches) {}

  /**
   * Durations in milliseconds.
   *
   * @param p50 the median
   * @param p90 nine of ten are not above this
   * @param p99 99 of 100 are not above this
   * @param max the longest
   */
  public record Millis(double p50, double p90, double p99, double max) {}
}
