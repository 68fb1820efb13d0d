package io.headrace.examples.digits;

import io.headrace.WorkerStatus;
import io.headrace.server.LiveStats;
import io.headrace.server.Request;
import io.headrace.server.RequestException;
import io.headrace.server.Response;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Kills a worker process, as a crash or a lack of memory would: {@code ?worker=NAME}. */
final class WorkerKill {
  private static final String PARAMETER = "worker=";

  private final LiveStats stats;

  WorkerKill(LiveStats stats) {
    this.stats = stats;
  }

  CompletableFuture<Response> kill(Request request) {
    WorkerStatus worker = worker(request.query());
    if (!killed(worker.pid())) {
      throw new RequestException(404, "worker " + worker.name() + " has no process just now");
    }
    return CompletableFuture.completedFuture(
        Response.json(
            out -> {
              out.writeStartObject();
              out.writeStringProperty("killed", worker.name());
              out.writeNumberProperty("pid", worker.pid());
              out.writeEndObject();
            }));
  }

  private WorkerStatus worker(String query) {
    List<WorkerStatus> workers =
        stats.snapshot().steps().stream().flatMap(step -> step.workers().stream()).toList();
    List<String> queries = workers.stream().map(worker -> PARAMETER + worker.name()).toList();
    int i = queries.indexOf(query);
    if (i < 0) {
      throw new RequestException(
          404,
          queries.isEmpty()
              ? "there are no worker processes: start the demo with --workers processes:2"
              : "the query is \"" + query + "\", it must be one of " + queries);
    }
    return workers.get(i);
  }

  /** A process that has ended meanwhile, and left its number to another one, is none of ours. */
  private static boolean killed(long pid) {
    ProcessHandle self = ProcessHandle.current();
    return ProcessHandle.of(pid)
        .filter(process -> process.parent().filter(self::equals).isPresent())
        .map(ProcessHandle::destroyForcibly)
        .orElse(false);
  }
}
