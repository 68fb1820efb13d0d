package io.headrace.micrometer;

import io.headrace.Observer.BatchEvent;
import io.headrace.Observer.Observed;
import io.headrace.Observer.TransferEvent;
import io.headrace.WorkerStatus;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The steps of one flow under the names of aqueduct. */
final class AqueductSteps {
  private final Observed service;
  private final StatsdLines.Name running;
  private final StatsdLines.Name allMemory;
  private final Map<String, Names> names = new LinkedHashMap<>();

  private record Names(
      StatsdLines.Name handleTime,
      StatsdLines.Name transferTime,
      StatsdLines.Name batchTime,
      StatsdLines.Name batchSize,
      StatsdLines.Name queueSize,
      StatsdLines.Name taskSize,
      StatsdLines.Name memory,
      StatsdLines.Name memorySum) {
    Names(String root, String step, String hop, String stepFromZero) {
      this(
          new StatsdLines.Name(root + "handle_time." + step),
          new StatsdLines.Name(root + "transfer_time." + hop),
          new StatsdLines.Name(root + "batch_time." + step),
          new StatsdLines.Name(root + "batch_size." + step),
          new StatsdLines.Name(root + "qsize." + hop),
          new StatsdLines.Name(root + "task_size." + hop),
          new StatsdLines.Name(root + "memory_usage." + stepFromZero),
          new StatsdLines.Name(root + "memory_usage." + stepFromZero + "_nprocs_sum"));
    }
  }

  AqueductSteps(String root, Observed service) {
    this.service = service;
    running = new StatsdLines.Name(root + "processes.running");
    allMemory = new StatsdLines.Name(root + "memory_usage.all_memory_usage");
    String from = "main_process";
    int number = 0;
    for (String name : service.steps()) {
      String suffix = "_" + name.replaceAll("[^\\w-]", "_");
      String stepFromZero = "step" + number++ + suffix;
      String step = "step" + number + suffix;
      names.put(name, new Names(root, step, "from_" + from + "_to_" + step, stepFromZero));
      from = step;
    }
  }

  boolean hasEnded() {
    return HeadraceMetrics.isEnd(service.state());
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

  void writeTransfer(StatsdLines lines, TransferEvent transfer) {
    Names names = this.names.get(transfer.step());
    if (names != null) {
      for (long bytes : transfer.itemBytes()) {
        lines.amount(names.taskSize, bytes);
      }
    }
  }

  /** How many processes there are, and what they hold; nothing for steps without processes. */
  void writeProcesses(StatsdLines lines) {
    int processes = 0;
    long allBytes = 0;
    for (Map.Entry<String, Names> step : names.entrySet()) {
      List<WorkerStatus> workers = service.workers(step.getKey());
      long stepBytes = 0;
      for (WorkerStatus worker : workers) {
        if (worker.pid() != 0) {
          processes++;
          stepBytes += worker.residentBytes();
          lines.amount(step.getValue().memory, worker.residentBytes());
        }
      }
      if (workers.size() > 1) {
        lines.amount(step.getValue().memorySum, stepBytes);
      }
      allBytes += stepBytes;
    }
    if (processes > 0) {
      lines.count(running, processes);
      lines.amount(allMemory, allBytes);
    }
  }
}
