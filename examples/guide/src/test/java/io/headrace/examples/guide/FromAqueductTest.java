package io.headrace.examples.guide;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.BatchPolicy;
import io.headrace.CallOptions;
import io.headrace.Flow;
import io.headrace.FlowBuilder;
import io.headrace.Handler;
import io.headrace.InPlaceHandler;
import io.headrace.Observer;
import io.headrace.OnFull;
import io.headrace.micrometer.AqueductStatsd;
import io.headrace.process.FlowClient;
import io.headrace.process.FlowServer;
import io.headrace.process.HandlerFactory;
import io.headrace.process.SharedValues;
import io.headrace.process.WorkerProcesses;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples of docs/from-python.md that were written with aqueduct before. */
class FromAqueductTest {
  // @start region="aqueductHandler"
  static final class SumHandler implements Handler<Integer, Long> {
    private Model model;

    @Override
    public void onStart() {
      model = new Model(); // in the worker process, if the step has such
    }

    @Override
    public List<Long> handle(List<Integer> numbers) {
      return numbers.stream().map(model::process).toList();
    }
  }

  // @end

  static final class Model {
    long process(int number) {
      return (long) number * number;
    }
  }

  /** Cuts what is longer. */
  public static final class CutHandler implements Handler<String, String> {
    @Override
    public List<String> handle(List<String> texts) {
      return texts.stream().map(text -> text.substring(0, 3)).toList();
    }
  }

  @Test
  void flow() throws Exception {
    // @start region="aqueductFlow"
    Flow<Integer, Long> flow =
        Flow.<Integer>builder("sums")
            .<Long>stepPerWorker(
                "sum",
                HandlerFactory.of(() -> new SumHandler()),
                step ->
                    step.workers(WorkerProcesses.of(2)) // nprocs=2
                        .batch(BatchPolicy.fixed(32, Duration.ofMillis(10))) // batch_size, _timeout
                        .queue(96, OnFull.await())) // queue_size; process() waits for room
            .priorities(2) // queue_priorities=2
            .build()
            .start(Duration.ofSeconds(30)); // flow.start(timeout=30)

    long sum = flow.call(7, CallOptions.timeout(Duration.ofSeconds(5)).withPriority(1));

    flow.close(); // await flow.stop()
    // @end
    assertThat(sum).isEqualTo(49);
  }

  @Test
  void inPlace() throws Exception {
    // @start region="aqueductTask"
    class Task {
      final int number;
      long sum; // result will be here

      Task(int number) {
        this.number = number;
      }
    }

    InPlaceHandler<Task> sums =
        tasks -> tasks.forEach(task -> task.sum = (long) task.number * task.number);

    Flow<Task, Task> flow = Flow.<Task>builder("sums").inPlace("sum", sums).build().start();
    Task task = new Task(7);
    flow.call(task);
    // @end
    assertThat(task.sum).isEqualTo(49);
    flow.close();
  }

  @Test
  void conditions() throws Exception {
    FlowBuilder<String, String> builder = Flow.builder("texts");
    // @start region="aqueductCondition"
    FlowBuilder<String, String> next =
        builder.stepPerWorkerIf(
            text -> text.length() > 3, // handle_condition=lambda task: len(task.text) > 3
            "cut",
            HandlerFactory.of(CutHandler.class),
            step -> step.workers(WorkerProcesses.of(2))); // nprocs=2
    // @end
    try (Flow<String, String> flow = next.build().start()) {
      assertThat(flow.call("abcdef")).isEqualTo("abc");
      assertThat(flow.call("ab")).isEqualTo("ab");
    }
  }

  @Test
  void sharedValues() throws Exception {
    byte[] bytes = new byte[10_000];
    InputStream body = new ByteArrayInputStream(bytes);
    long contentLength = bytes.length;
    try (Flow<MemorySegment, Integer> flow = ImageService.flow().start(Duration.ofSeconds(30));
        SharedValues values = SharedValues.create(1 << 20)) {
      // @start region="aqueductShared"
      MemorySegment copied = values.copy(bytes); // task.share_value('image')
      MemorySegment read = // await task.share_value_with_data('image', content, size)
          values.read(body, contentLength, Duration.ofSeconds(5));
      List<CompletableFuture<Integer>> answers = flow.submitAll(List.of(copied, read));
      // @end
      assertThat(answers).extracting(CompletableFuture::join).containsExactly(0, 0);
    }
  }

  @Test
  void sockets(@TempDir Path folder) throws Exception {
    try (Flow<String, Integer> flow =
        Flow.<String>builder("lengths").step("length", Handler.each(String::length)).build()) {
      flow.start();
      List<Integer> lengths = new ArrayList<>();
      // @start region="aqueductSocket"
      Path socket = folder.resolve("flow.sock"); // SOCKET_PATH
      try (FlowServer server = FlowServer.builder(flow, socket).start(); // in one process
          FlowClient<String, Integer> client = // in each of the others
              FlowClient.builder(socket)
                  .connections(10) // SOCKET_POOL_SIZE
                  .connectTimeout(Duration.ofSeconds(5)) // SOCKET_POOL_CONNECT_TIMEOUT
                  .build()) {
        lengths.add(client.call("hello", CallOptions.timeout(Duration.ofSeconds(5))));
      }
      // @end
      assertThat(lengths).containsExactly(5);
    }
  }

  @Test
  void metrics() throws Exception {
    List<Integer> lengths = new ArrayList<>();
    try (DatagramSocket server = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
      InetSocketAddress address = (InetSocketAddress) server.getLocalSocketAddress();
      // @start region="aqueductMetrics"
      try (AqueductStatsd statsd = // ToStatsDMetricsExporter(target, export_period, prefix)
              AqueductStatsd.builder(address)
                  .prefix("shop")
                  .exportPeriod(Duration.ofMillis(500))
                  .collect(
                      AqueductStatsd.Group.TASK_TIMERS) // Collector([MetricsTypes.TASK_TIMERS])
                  .build();
          Flow<String, Integer> flow =
              Flow.<String>builder("lengths")
                  .step("length", Handler.each(String::length))
                  .observer(statsd)
                  .build()
                  .start()) {
        lengths.add(flow.call("hello"));
      }
      // @end
    }
    assertThat(lengths).containsExactly(5);
  }

  @Test
  void exitOnFail() throws Exception {
    List<String> exits = new ArrayList<>();
    // @start region="aqueductExit"
    Observer exitOnFail =
        new Observer() {
          @Override
          public void onState(String service, Flow.State state) {
            if (state == Flow.State.FAILED) {
              exits.add(service); // in a service: Runtime.getRuntime().exit(1), on another thread
            }
          }
        };
    // @end
    exitOnFail.onState("sums", Flow.State.FAILED);
    assertThat(exits).containsExactly("sums");
  }
}
