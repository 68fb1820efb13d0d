package io.headrace.micrometer;

import static java.util.Objects.requireNonNull;

import io.headrace.Observer.WorkerEvent;
import io.headrace.Observer.WorkerEvent.Reason;
import io.headrace.WorkerStatus;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;

/** The meters of one worker that is not in this JVM, whichever process it has. */
final class WorkerMeters {
  private static final String MEMORY = "headrace.worker.memory";
  private static final String CPU = "headrace.worker.cpu";

  private final String worker;
  private final WorkerReadings readings;
  private final Counter restarts;
  private final Map<Reason, Counter> deaths = new EnumMap<>(Reason.class);

  /** What earlier processes have used. Guarded by this, as are the others. */
  private double earlierCpuSeconds;

  /** What this one has used. */
  private double cpuSeconds;

  private long pid;

  /**
   * Registers them.
   *
   * @param worker the name of the worker
   * @param readings the workers at this moment
   */
  WorkerMeters(MeterRegistry registry, Tags tags, String worker, WorkerReadings readings) {
    this.worker = worker;
    this.readings = readings;
    Gauge.builder(MEMORY, this, WorkerMeters::residentBytes)
        .description("Memory that the process of the worker holds")
        .baseUnit("bytes")
        .tags(tags)
        .strongReference(true)
        .register(registry);
    // A counter keeps its function alive, but not the object that it is applied to.
    FunctionCounter.builder(CPU, registry, any -> cpuSeconds())
        .description("Processor time that the processes of the worker have used")
        .baseUnit("seconds")
        .tags(tags)
        .register(registry);
    restarts = counter(registry, tags, "headrace.worker.restarts", "Processes that replaced one");
    for (Reason reason : Reason.values()) {
      Tags ofReason = tags.and("reason", reason.name().toLowerCase(Locale.ROOT));
      deaths.put(
          reason,
          counter(registry, ofReason, "headrace.worker.deaths", "Processes that ended untold"));
    }
  }

  private static Counter counter(
      MeterRegistry registry, Tags tags, String name, String description) {
    return Counter.builder(name).description(description).tags(tags).register(registry);
  }

  void record(WorkerEvent event) {
    switch (event.kind()) {
      case STARTED -> {}
      case RESTARTED -> restarts.increment();
      case DIED -> {
        Reason reason = event.reason();
        requireNonNull(deaths.get(reason == null ? Reason.OTHER : reason)).increment();
      }
    }
  }

  private double residentBytes() {
    WorkerStatus status = readings.of(worker, MEMORY);
    return status == null ? 0 : status.residentBytes();
  }

  /** Only grows, though each process begins at zero. */
  private synchronized double cpuSeconds() {
    WorkerStatus status = readings.of(worker, CPU);
    if (status != null && status.pid() != 0) { // it has a process
      if (status.pid() != pid) {
        earlierCpuSeconds += cpuSeconds;
        cpuSeconds = 0;
        pid = status.pid();
      }
      cpuSeconds = Math.max(cpuSeconds, status.cpu().toNanos() / 1e9);
    }
    return earlierCpuSeconds + cpuSeconds;
  }
}
