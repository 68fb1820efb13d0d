package io.headrace.micrometer;

import io.headrace.Observer.WorkerEvent;
import io.headrace.WorkerStatus;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The meters of one worker that is not in this JVM, whichever process it has. */
final class WorkerMeters {
  private final Supplier<@Nullable WorkerStatus> status;
  private final Counter restarts;
  private final Counter deaths;

  /** What earlier processes have used. Guarded by this, as is the other. */
  private double earlierCpuSeconds;

  private double cpuSeconds;

  /**
   * Registers them.
   *
   * @param status the worker at this moment; null if there is none of this name
   */
  WorkerMeters(MeterRegistry registry, Tags tags, Supplier<@Nullable WorkerStatus> status) {
    this.status = status;
    Gauge.builder("headrace.worker.memory", this, WorkerMeters::residentBytes)
        .description("Memory that the process of the worker holds")
        .baseUnit("bytes")
        .tags(tags)
        .strongReference(true)
        .register(registry);
    // A counter keeps its function alive, but not the object that it is applied to.
    FunctionCounter.builder("headrace.worker.cpu", registry, any -> cpuSeconds())
        .description("Processor time that the processes of the worker have used")
        .baseUnit("seconds")
        .tags(tags)
        .register(registry);
    restarts = counter(registry, tags, "headrace.worker.restarts", "Processes that replaced one");
    deaths = counter(registry, tags, "headrace.worker.deaths", "Processes that ended untold");
  }

  private static Counter counter(
      MeterRegistry registry, Tags tags, String name, String description) {
    return Counter.builder(name).description(description).tags(tags).register(registry);
  }

  void record(WorkerEvent event) {
    switch (event.kind()) {
      case STARTED -> {}
      case RESTARTED -> restarts.increment();
      case DIED -> deaths.increment();
    }
  }

  private double residentBytes() {
    WorkerStatus worker = status.get();
    return worker == null ? 0 : worker.residentBytes();
  }

  /** Only grows, though each process begins at zero. */
  private synchronized double cpuSeconds() {
    WorkerStatus worker = status.get();
    double now = worker == null ? 0 : worker.cpu().toNanos() / 1e9;
    if (now < cpuSeconds) {
      earlierCpuSeconds += cpuSeconds;
    }
    cpuSeconds = now;
    return earlierCpuSeconds + cpuSeconds;
  }
}
