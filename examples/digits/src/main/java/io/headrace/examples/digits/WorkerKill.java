package io.headrace.examples.digits;

import io.headrace.WorkerStatus;
import io.headrace.server.LiveStats;
import io.headrace.server.Request;
import io.headrace.server.RequestException;
import io.headrace.server.Response;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;

/**
 * Kills a worker process, as a crash or a lack of memory would: {@code ?worker=NAME}, with {@code
 * -X POST -H 'Content-Type: application/json'} for curl.
 */
final class WorkerKill {
  private static final String PARAMETER = "worker=";

  private final LiveStats stats;
  private final Pattern ownHost;

  WorkerKill(LiveStats stats, String host) {
    this.stats = stats;
    this.ownHost =
        Pattern.compile(
            "(localhost|[0-9.]+|\\[[0-9a-f:.]+]|" + Pattern.quote(host) + ")(:[0-9]+)?",
            Pattern.CASE_INSENSITIVE);
  }

  CompletableFuture<Response> kill(Request request) {
    refuseOtherPages(request);
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

  /**
   * A page from elsewhere must not kill. Browsers say where a request comes from, or ask before
   * they send JSON to another server than the page's; and a name from elsewhere that is made to
   * lead here, as to the page's own server, is none that a user calls this server by.
   */
  private void refuseOtherPages(Request request) {
    String site = request.header("Sec-Fetch-Site");
    if (site != null && !site.equals("same-origin") && !site.equals("none")) {
      throw new RequestException(403, "only the page of this server may kill, or a command line");
    }
    String host = request.header("Host");
    if (host == null || !ownHost.matcher(host).matches()) {
      throw new RequestException(
          403,
          "the host is \"" + host + "\", it has to be an address, localhost or what --host says");
    }
    if (!request.contentType().equals("application/json")) {
      throw new RequestException(
          415,
          "the content type is \"" + request.contentType() + "\", it has to be application/json");
    }
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
              : "the query is \"" + query + "\", it has to be one of " + queries);
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
