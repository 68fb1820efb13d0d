package io.headrace.examples.digits;

import io.headrace.Flow;
import io.headrace.server.HttpServer;
import io.headrace.server.LiveStats;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command {@code demo}: serves the digits until it is told to end. */
@Command(
    name = "demo",
    description = "Recognises handwritten digits: a page to draw on, and an HTTP service.",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    optionListHeading = "%nOptions:%n",
    footer = {"", "Ctrl-C ends it; requests that were accepted are answered first."})
final class DemoCommand implements Callable<Integer> {
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(10);

  @Option(
      names = "--host",
      paramLabel = "HOST",
      defaultValue = HttpServer.DEFAULT_HOST,
      description = "The address to listen on; 0.0.0.0 opens it to the network.")
  private String host = HttpServer.DEFAULT_HOST;

  @Option(
      names = "--port",
      paramLabel = "PORT",
      defaultValue = "" + HttpServer.DEFAULT_PORT,
      description = "The port to listen on, 0 for any.")
  private int port;

  @Option(
      names = "--max-batch",
      paramLabel = "N",
      defaultValue = "" + DigitsFlow.MAX_BATCH,
      description = "The most images that the model gets at once.")
  private int maxBatch;

  @Option(
      names = "--workers",
      paramLabel = "KIND:N",
      defaultValue = ModelWorkers.DEFAULT,
      converter = ModelWorkers.Converter.class,
      description =
          "What runs the model: threads:N in this process, or processes:N of their own, which the"
              + " page can kill.")
  private ModelWorkers workers = ModelWorkers.threads(1);

  @Option(
      names = "--queue",
      paramLabel = "N",
      defaultValue = "" + DigitsFlow.QUEUE_CAPACITY,
      description = "How many requests may wait for each step; more are refused with 503.")
  private int queue;

  @Option(
      names = "--timeout",
      paramLabel = "TIME",
      defaultValue = "5s",
      converter = ShortDuration.class,
      description =
          "How long a request may take, as 500ms, 5s or 2m; then it is answered with 504.")
  private Duration timeout = Duration.ofSeconds(5);

  @Spec
  @SuppressWarnings("NullAway.Init") // set by picocli before the call
  private CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException {
    check(port >= 0 && port <= 65535, "--port is " + port + ", it has to be from 0 to 65535");
    check(maxBatch >= 1, "--max-batch is " + maxBatch + ", it has to be at least 1");
    check(queue >= 1, "--queue is " + queue + ", it has to be at least 1");
    check(timeout.isPositive(), "--timeout is zero, it has to be above zero");
    LiveStats stats = LiveStats.create(DigitsFlow.DECODE, DigitsFlow.CLASSIFY);
    MetricsPage metrics = new MetricsPage();
    Flow<DigitInput, Digit> flow =
        DigitsFlow.builder(Runtime.getRuntime().availableProcessors(), maxBatch, queue, workers)
            .observer(stats)
            .observer(metrics.observer())
            .warmUp(List.of(DigitsFlow.sample()))
            .build()
            .start();
    HttpServer server = startServer(flow, stats, metrics);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> end(server, flow), "headrace-stop"));
    out().print(Greeting.text(server.url(), host));
    out().flush();
    new CountDownLatch(1).await();
    return 0;
  }

  private HttpServer startServer(Flow<DigitInput, Digit> flow, LiveStats stats, MetricsPage metrics)
      throws IOException {
    try {
      return DigitsServer.addRoutes(
              HttpServer.builder()
                  .host(host)
                  .port(port)
                  .route("GET", "/metrics", metrics::answer)
                  .readiness(() -> flow.state() == Flow.State.RUNNING),
              flow,
              stats,
              timeout,
              host)
          .start();
    } catch (IOException | RuntimeException e) {
      flow.shutdownNow();
      throw e;
    }
  }

  private static void end(HttpServer server, Flow<?, ?> flow) {
    server.close(CLOSE_TIMEOUT);
    flow.shutdownNow();
  }

  private void check(boolean holds, String sentence) {
    if (!holds) {
      throw new ParameterException(spec.commandLine(), sentence);
    }
  }

  private PrintWriter out() {
    return spec.commandLine().getOut();
  }
}
