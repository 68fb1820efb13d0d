package io.headrace.examples.guide;

import io.headrace.CallOptions;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Workers;
import io.headrace.server.HttpServer;
import io.headrace.server.Request;
import io.headrace.server.RequestException;
import io.headrace.server.Response;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * The sum service of aqueduct: {@code curl -d 1000 localhost:8080/sum} answers with the sum of the
 * squares below 1000. The event loops of the server only submit; the sums are made by workers.
 */
final class SumService {
  private static final CallOptions IN_TIME = CallOptions.timeout(Duration.ofSeconds(5));

  private SumService() {}

  public static void main(String[] args) throws Exception {
    Flow<Integer, Long> flow = flow().start(Duration.ofSeconds(30));
    HttpServer server = serve(flow, HttpServer.DEFAULT_PORT);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(server, flow), "stop"));
    System.out.println("POST a number to " + server.url() + "/sum");
    Thread.currentThread().join();
  }

  static Flow<Integer, Long> flow() {
    int processors = Runtime.getRuntime().availableProcessors();
    return Flow.<Integer>builder("sums")
        .step(
            "sum",
            Handler.each(SumService::sumOfSquares),
            step -> step.workers(Workers.threads(processors)))
        .build();
  }

  // @start region="httpServer"
  static HttpServer serve(Flow<Integer, Long> flow, int port) throws IOException {
    return HttpServer.builder()
        .port(port)
        .route(
            "POST",
            "/sum",
            request ->
                Response.when(
                    flow.submit(number(request), IN_TIME),
                    sum -> Response.json(200, "{\"result\":" + sum + "}")))
        .readiness(() -> flow.state() == Flow.State.RUNNING)
        .start();
  }

  private static int number(Request request) {
    String body = new String(request.body(), StandardCharsets.UTF_8).strip();
    try {
      return Integer.parseInt(body);
    } catch (NumberFormatException e) {
      throw new RequestException(400, "the body is '" + body + "', it has to be a number");
    }
  }

  // @end

  // @start region="httpStop"
  static void stop(HttpServer server, Flow<?, ?> flow) {
    server.close(Duration.ofSeconds(10)); // takes no more requests, those that are there finish
    flow.close(Duration.ofSeconds(10));
  }

  // @end

  private static long sumOfSquares(int number) {
    long sum = 0;
    for (long i = 0; i < number; i++) {
      sum += i * i;
    }
    return sum;
  }
}
