package io.headrace.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.Placement;
import io.headrace.RejectedException;
import io.headrace.WorkerStatus;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Workers that are elsewhere and answer each item with itself, until they are lost for good. */
final class LostWorkers implements Placement, Placement.BatchExecutor {
  private volatile Host host;

  /** What becomes of workers that cannot be kept alive. */
  void lose() {
    assertThat(host).as("the flow has started").isNotNull();
    host.fail(new RejectedException("all workers are lost", null));
  }

  @Override
  public BatchExecutor place(PlacedStep step) {
    return this;
  }

  @Override
  public int places() {
    return 1;
  }

  @Override
  public void start(Host host) {
    this.host = host;
  }

  @Override
  public CompletionStage<List<?>> execute(List<?> items) {
    return CompletableFuture.completedFuture(items);
  }

  @Override
  public List<WorkerStatus> workers() {
    return List.of(
        new WorkerStatus(
            "elsewhere-0", 7, WorkerStatus.State.IDLE, 3, 1 << 20, Duration.ofMillis(5)));
  }

  @Override
  public void close() {}
}
