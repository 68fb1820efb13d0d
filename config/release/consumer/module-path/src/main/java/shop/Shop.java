package shop;

import io.headrace.Batcher;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Workers;
import io.headrace.micrometer.HeadraceMetrics;
import io.headrace.opentelemetry.HeadraceTracing;
import io.headrace.opentelemetry.TraceCarrier;
import io.headrace.process.HandlerFactory;
import io.headrace.process.WorkerProcesses;
import io.headrace.testkit.SteppedExecutor;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.time.Duration;
import java.util.List;

/** Uses the libraries of Headrace as they are published. */
public final class Shop {
  public record Order(String article, int count) {}

  /** In a worker process. */
  public static final class Pricing implements Handler<Order, Integer> {
    @Override
    public List<Integer> handle(List<Order> orders) {
      return orders.stream().map(order -> order.article().length() * order.count()).toList();
    }
  }

  public static void main(String[] args) throws Exception {
    var registry = new SimpleMeterRegistry();
    try (Flow<Order, Integer> flow =
        Flow.<Order>builder("orders")
            .<Integer>stepPerWorker(
                "price",
                HandlerFactory.of(Pricing.class),
                step ->
                    step.workers(
                        WorkerProcesses.builder(1)
                            .register(Order.class)
                            .propagate(new TraceCarrier())
                            .build()))
            .observer(new HeadraceMetrics(registry))
            .observer(new HeadraceTracing(OpenTelemetry.noop()))
            .build()
            .start(Duration.ofSeconds(60))) {
      check("a worker process", flow.call(new Order("pear", 3)) == 12);
    }
    check(
        "metrics", registry.get("headrace.calls").tag("outcome", "completed").timer().count() == 1);

    var executor = new SteppedExecutor();
    try (Batcher<Integer, Integer> batcher =
        Batcher.<Integer, Integer>builder(items -> items)
            .workers(Workers.executor(executor, 1))
            .build()) {
      var answer = batcher.submit(7);
      executor.runAll();
      check("a batcher", answer.join() == 7);
    }
    boolean isModular = Shop.class.getModule().isNamed() && Flow.class.getModule().isNamed();
    check(args[0], isModular == args[0].equals("module path"));
  }

  private static void check(String what, boolean holds) {
    if (!holds) {
      throw new AssertionError(what);
    }
    System.out.println("works: " + what);
  }
}
