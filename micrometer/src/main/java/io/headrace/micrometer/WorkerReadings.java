package io.headrace.micrometer;

import io.headrace.WorkerStatus;
import io.micrometer.core.instrument.Clock;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The workers of a step, read once for all meters of a scrape. A scrape has no begin and no end
 * here: a reading serves each meter once, and none after a second.
 */
final class WorkerReadings {
  private static final long VALID_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Supplier<List<WorkerStatus>> statuses;
  private final Clock clock;

  // Guarded by this.
  private final Map<String, WorkerStatus> reading = new HashMap<>();
  private final Set<String> served = new HashSet<>();
  private long readNanos;

  WorkerReadings(Supplier<List<WorkerStatus>> statuses, Clock clock) {
    this.statuses = statuses;
    this.clock = clock;
  }

  /** A worker for a meter; null if there is none of this name. */
  synchronized @Nullable WorkerStatus of(String worker, String meter) {
    long nowNanos = clock.monotonicTime();
    boolean isServed = !served.add(meter + "/" + worker);
    if (isServed || reading.isEmpty() || nowNanos - readNanos >= VALID_NANOS) {
      reading.clear();
      statuses.get().forEach(status -> reading.put(status.name(), status));
      readNanos = nowNanos;
      served.clear();
      served.add(meter + "/" + worker);
    }
    return reading.get(worker);
  }
}
