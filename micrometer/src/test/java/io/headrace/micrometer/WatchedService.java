package io.headrace.micrometer;

import io.headrace.Flow;
import io.headrace.Observer.Observed;
import io.headrace.WorkerStatus;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A service as observers see it, whose state and workers a test sets. */
class WatchedService implements Observed {
  private final String name;
  private final List<String> steps;

  /** By step; those of a step that is not named here are threads. */
  final Map<String, List<WorkerStatus>> workers = new HashMap<>();

  Flow.State state = Flow.State.RUNNING;

  /** How often it was asked for workers. */
  int reads;

  WatchedService(String name, String... steps) {
    this.name = name;
    this.steps = List.of(steps);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public List<String> steps() {
    return steps;
  }

  @Override
  public Flow.State state() {
    return state;
  }

  @Override
  public int queued(String step) {
    return 0;
  }

  @Override
  public List<WorkerStatus> workers(String step) {
    reads++;
    return workers.getOrDefault(step, List.of());
  }
}
