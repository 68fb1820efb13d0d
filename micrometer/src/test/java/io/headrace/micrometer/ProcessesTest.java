package io.headrace.micrometer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.WorkerDiedException;
import io.headrace.process.HandlerFactory;
import io.headrace.process.WorkerProcesses;
import io.headrace.process.WorkerProcessesBuilder;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** What real worker processes tell. */
class ProcessesTest {
  /** Does to its process what it is told. */
  private static final class Ending implements Handler<String, Long> {
    @Override
    public List<Long> handle(List<String> items) throws InterruptedException {
      for (String item : items) {
        switch (item) {
          case "exit" -> Runtime.getRuntime().halt(17);
          case "batch_timeout" -> new CountDownLatch(1).await();
          default -> {}
        }
      }
      return items.stream().map(item -> ProcessHandle.current().pid()).toList();
    }
  }

  private static WorkerProcessesBuilder processes() {
    return WorkerProcesses.builder(1).batchTimeout(Duration.ofSeconds(2));
  }

  @Test
  void theReasonsOfTheirDeathsAreKnown() throws Exception {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    try (Flow<String, Long> flow =
        Flow.<String>builder("texts")
            .<Long>stepPerWorker(
                "end", HandlerFactory.of(Ending::new), step -> step.workers(processes().build()))
            .observer(new HeadraceMetrics(registry))
            .build()
            .start(Duration.ofSeconds(30))) {
      for (String reason : List.of("exit", "batch_timeout")) {
        assertThatThrownBy(() -> flow.call(reason)).isInstanceOf(WorkerDiedException.class);
      }
      var killed = ProcessHandle.of(flow.call("pid")).orElseThrow();
      killed.destroyForcibly();
      killed.onExit().join();
      assertThat(flow.call("pid")).isNotEqualTo(killed.pid());
    }
    for (String reason : List.of("exit", "batch_timeout", "signal")) {
      assertThat(registry.get("headrace.worker.deaths").tag("reason", reason).counter().count())
          .as(reason)
          .isEqualTo(1);
    }
    assertThat(registry.get("headrace.worker.deaths").tag("reason", "other").counter().count())
        .isZero();
  }

  @Test
  void theirMemoryAndTheSizesOfTheirItemsAreSentToStatsd() throws Exception {
    try (var server = new StatsdServer();
        var statsd = AqueductStatsd.builder(server.address()).build();
        Flow<String, Long> flow =
            Flow.<String>builder("texts")
                .<Long>stepPerWorker(
                    "end",
                    HandlerFactory.of(Ending::new),
                    step -> step.workers(processes().build()))
                .observer(statsd)
                .build()
                .start(Duration.ofSeconds(30))) {
      flow.call("pid");
      Set<String> kinds = new HashSet<>();
      while (!kinds.containsAll(
          List.of(
              "aqueduct.task_size.from_main_process_to_step1_end|ms",
              "aqueduct.memory_usage.step0_end|ms",
              "aqueduct.memory_usage.all_memory_usage|ms",
              "aqueduct.processes.running|c"))) {
        server.lines(1).forEach(line -> kinds.add(line.replaceFirst(":[1-9]\\d*(\\.\\d+)?", "")));
      }
    }
  }
}
