package io.headrace.spring;

import io.headrace.Batcher;
import io.headrace.Coalescer;
import io.headrace.CoalescerStatistics;
import io.headrace.Flow;
import io.headrace.Observer.Observed;
import io.headrace.Statistics;
import io.headrace.Throttle;
import io.headrace.WorkerStatus;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Reads the numbers of all parts, for the endpoint. */
final class Snapshots {
  private final HeadraceLifecycle lifecycle;
  private final HeadraceBuilders builders;

  Snapshots(HeadraceLifecycle lifecycle, HeadraceBuilders builders) {
    this.lifecycle = lifecycle;
    this.builders = builders;
  }

  /** All parts by the names of their beans. */
  record Snapshot(
      Map<String, FlowSnapshot> batchers,
      Map<String, FlowSnapshot> flows,
      Map<String, ThrottleSnapshot> throttles,
      Map<String, CoalescerSnapshot> coalescers) {}

  /** A batcher or flow: how calls ended so far, and its steps. */
  record FlowSnapshot(
      Flow.State state,
      long completed,
      long failed,
      long timedOut,
      long cancelled,
      long rejected,
      List<StepSnapshot> steps) {}

  /** A step. Its workers are null if their number has no limit. */
  record StepSnapshot(
      String name,
      @Nullable Integer workers,
      int queued,
      long running,
      long batches,
      long items,
      double meanBatchSize,
      List<ProcessSnapshot> processes) {}

  /** A worker that is a process of its own. */
  record ProcessSnapshot(
      String name,
      long pid,
      WorkerStatus.State state,
      int restarts,
      long residentBytes,
      double cpuSeconds) {}

  /** A throttle. */
  record ThrottleSnapshot(String limits, int running, int waiting) {}

  /** A coalescer; its calls are null if nobody counts them. */
  record CoalescerSnapshot(int keys, int kept, CoalescerStatistics.@Nullable Snapshot calls) {}

  Snapshot now() {
    Snapshot all = new Snapshot(new TreeMap<>(), new TreeMap<>(), new TreeMap<>(), new TreeMap<>());
    for (Part part : lifecycle.parts()) {
      switch (part.object()) {
        case Batcher<?, ?> batcher ->
            all.batchers().put(part.name(), of(batcher.statistics(), part.observed()));
        case Flow<?, ?> flow -> all.flows().put(part.name(), of(flow.statistics(), flow));
        case Throttle throttle -> all.throttles().put(part.name(), of(throttle));
        case Coalescer<?, ?> coalescer -> all.coalescers().put(part.name(), of(coalescer));
        default -> {}
      }
    }
    return all;
  }

  private static FlowSnapshot of(Statistics flow, @Nullable Observed observed) {
    return new FlowSnapshot(
        flow.state(),
        flow.completed(),
        flow.failed(),
        flow.timedOut(),
        flow.cancelled(),
        flow.rejected(),
        flow.steps().stream().map(step -> of(step, observed)).toList());
  }

  private static StepSnapshot of(Statistics.Step step, @Nullable Observed observed) {
    List<WorkerStatus> workers = observed == null ? List.of() : observed.workers(step.name());
    return new StepSnapshot(
        step.name(),
        step.workers() == Integer.MAX_VALUE ? null : step.workers(),
        step.queued(),
        step.running(),
        step.batches(),
        step.items(),
        step.meanBatchSize(),
        workers.stream().map(Snapshots::of).toList());
  }

  private static ProcessSnapshot of(WorkerStatus worker) {
    return new ProcessSnapshot(
        worker.name(),
        worker.pid(),
        worker.state(),
        worker.restarts(),
        worker.residentBytes(),
        worker.cpu().toNanos() / 1e9);
  }

  private static ThrottleSnapshot of(Throttle throttle) {
    return new ThrottleSnapshot(throttle.toString(), throttle.running(), throttle.waiting());
  }

  private CoalescerSnapshot of(Coalescer<?, ?> coalescer) {
    CoalescerWatch watch = builders.watch(coalescer.name());
    return new CoalescerSnapshot(
        coalescer.keys(), coalescer.kept(), watch == null ? null : watch.statistics().snapshot());
  }
}
