package io.headrace.server;

import io.headrace.Observer.Outcome;
import io.headrace.WorkerStatus;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import tools.jackson.core.JsonGenerator;

/** Writes the figures of a second as JSON. */
final class SnapshotJson {
  private SnapshotJson() {}

  static String write(LiveStats.Snapshot snapshot) {
    byte[] bytes =
        Json.write(
            out -> {
              out.writeStartObject();
              out.writeNumberProperty("requestsPerSecond", snapshot.requestsPerSecond());
              writeOutcomes(out, "outcomes", snapshot.outcomes());
              writeOutcomes(out, "totals", snapshot.totals());
              writeMillis(out, "latencyMillis", snapshot.latency());
              out.writeArrayPropertyStart("steps");
              snapshot.steps().forEach(step -> writeStep(out, step));
              out.writeEndArray();
              out.writeEndObject();
            });
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static void writeStep(JsonGenerator out, LiveStats.Step step) {
    out.writeStartObject();
    out.writeStringProperty("name", step.name());
    out.writeNumberProperty("itemsPerSecond", step.itemsPerSecond());
    out.writeNumberProperty("batchesPerSecond", step.batchesPerSecond());
    out.writeNumberProperty("meanBatchSize", step.meanBatchSize());
    out.writeNumberProperty("failed", step.failed());
    out.writeNumberProperty("queueLength", step.queueLength());
    writeMillis(out, "queueMillis", step.queue());
    writeMillis(out, "handleMillis", step.handle());
    out.writeArrayPropertyStart("batchSizes");
    for (LiveStats.BatchSizes sizes : step.batchSizes()) {
      out.writeStartObject();
      out.writeNumberProperty("from", sizes.from());
      out.writeNumberProperty("to", sizes.to());
      out.writeNumberProperty("batches", sizes.batches());
      out.writeEndObject();
    }
    out.writeEndArray();
    out.writeArrayPropertyStart("workers");
    step.workers().forEach(worker -> writeWorker(out, worker));
    out.writeEndArray();
    out.writeEndObject();
  }

  private static void writeWorker(JsonGenerator out, WorkerStatus worker) {
    out.writeStartObject();
    out.writeStringProperty("name", worker.name());
    out.writeNumberProperty("pid", worker.pid());
    out.writeStringProperty("state", worker.state().name().toLowerCase(Locale.ROOT));
    out.writeNumberProperty("restarts", worker.restarts());
    out.writeNumberProperty("residentBytes", worker.residentBytes());
    out.writeEndObject();
  }

  private static void writeOutcomes(JsonGenerator out, String name, Map<Outcome, Long> counts) {
    out.writeObjectPropertyStart(name);
    for (Outcome outcome : Outcome.values()) {
      out.writeNumberProperty(propertyName(outcome), counts.getOrDefault(outcome, 0L));
    }
    out.writeEndObject();
  }

  private static void writeMillis(JsonGenerator out, String name, LiveStats.Millis millis) {
    out.writeObjectPropertyStart(name);
    out.writeNumberProperty("p50", millis.p50());
    out.writeNumberProperty("p90", millis.p90());
    out.writeNumberProperty("p99", millis.p99());
    out.writeNumberProperty("max", millis.max());
    out.writeEndObject();
  }

  private static String propertyName(Outcome outcome) {
    return switch (outcome) {
      case COMPLETED -> "completed";
      case FAILED -> "failed";
      case TIMED_OUT -> "timedOut";
      case CANCELLED -> "cancelled";
      case REJECTED -> "rejected";
    };
  }
}
