package io.headrace.micrometer;

import io.headrace.Observer.BatchEvent;
import io.headrace.Observer.Observed;
import java.util.LinkedHashMap;
import java.util.Map;

/** The steps of one flow under the names of aqueduct. */
final class AqueductSteps {
  private final Observed service;
  private final Map<String, Names> names = new LinkedHashMap<>();

  private record Names(
      StatsdLines.Name handleTime,
      StatsdLines.Name transferTime,
      StatsdLines.Name batchTime,
      StatsdLines.Name batchSize,
      StatsdLines.Name queueSize) {
    Names(String root, String step, String hop) {
      this(
          new StatsdLines.Name(root + "handle_time." + step),
          new StatsdLines.Name(root + "transfer_time." + hop),
          new StatsdLines.Name(root + "batch_time." + step),
          new StatsdLines.Name(root + "batch_size." + step),
          new StatsdLines.Name(root + "qsize." + hop));
    }
  }

  AqueductSteps(String root, Observed service) {
    this.service = service;
    String from = "main_process";
    int number = 1;
    for (String name : service.steps()) {
      String step = "step" + number++ + "_" + name.replaceAll("[^\\w-]", "_");
      names.put(name, new Names(root, step, "from_" + from + "_to_" + step));
      from = step;
    }
  }

  void writeBatch(StatsdLines lines, BatchEvent batch) {
    Names names = this.names.get(batch.step());
    if (names == null) {
      return;
    }
    long longestNanos = 0;
    for (long nanos : batch.queueNanos()) {
      lines.time(names.transferTime, nanos);
      lines.time(names.handleTime, batch.handleNanos());
      longestNanos = Math.max(longestNanos, nanos);
    }
    lines.time(names.batchTime, longestNanos);
    lines.amount(names.batchSize, batch.size());
  }

  void writeQueueSizes(StatsdLines lines) {
    names.forEach((step, names) -> lines.amount(names.queueSize, service.queued(step)));
  }
}
