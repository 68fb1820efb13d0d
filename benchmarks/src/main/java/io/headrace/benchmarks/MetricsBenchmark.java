package io.headrace.benchmarks;

import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.Observer;
import io.headrace.Workers;
import io.headrace.micrometer.AqueductStatsd;
import io.headrace.micrometer.HeadraceMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import jdk.jfr.Recording;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What observing costs: one producer that submits bursts through batches of at most 32 for a
 * function that does nothing. An operation is one item.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class MetricsBenchmark {
  /** Who watches. */
  public enum Watcher {
    /** Nobody. */
    NONE,
    /** An observer that does nothing: what it costs to tell. */
    OBSERVER,
    /** {@link HeadraceMetrics} into a registry for Prometheus. */
    PROMETHEUS,
    /** {@link AqueductStatsd} to a socket that nobody reads. */
    STATSD,
    /** A recording of JDK Flight Recorder with its default events. */
    JFR,
    /** The same with every call. */
    JFR_CALLS
  }

  /** A batcher that is watched. */
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init") // JMH calls setUp first
  public static class Batching {
    /** Who watches. */
    @Param public Watcher watcher;

    private Batcher<Integer, Integer> batcher;
    private Bursts bursts;
    private @Nullable DatagramSocket socket;
    private @Nullable AqueductStatsd statsd;
    private @Nullable Recording recording;
    Contender contender;

    /** Starts the watcher and the batcher. */
    @Setup(Level.Trial)
    public void setUp() throws IOException {
      var builder =
          Batcher.<Integer, Integer>builder(BatchFunction.NO_OP::handle)
              .batch(BatchPolicy.greedy(Limits.MAX_BATCH))
              .workers(Workers.threads(1));
      switch (watcher) {
        case NONE -> {}
        case OBSERVER -> builder.observer(new Observer() {});
        case PROMETHEUS ->
            builder.observer(
                new HeadraceMetrics(new PrometheusMeterRegistry(PrometheusConfig.DEFAULT)));
        case STATSD -> {
          socket = new DatagramSocket(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
          statsd =
              AqueductStatsd.builder((InetSocketAddress) socket.getLocalSocketAddress()).build();
          builder.observer(statsd);
        }
        case JFR, JFR_CALLS -> {
          recording = new Recording();
          if (watcher == Watcher.JFR_CALLS) {
            recording.enable("io.headrace.Call").withoutThreshold();
          }
          recording.start();
        }
      }
      batcher = builder.build();
      bursts = new Bursts(1_000_000, BatcherBenchmark.BURST);
      contender = new Watched(batcher);
    }

    /** Ends them. */
    @TearDown(Level.Trial)
    public void tearDown() {
      batcher.close();
      if (statsd != null) {
        statsd.close();
      }
      if (socket != null) {
        socket.close();
      }
      if (recording != null) {
        recording.close();
      }
    }
  }

  private record Watched(Batcher<Integer, Integer> batcher) implements Contender {
    @Override
    public CompletableFuture<Integer> submit(Integer item) {
      return batcher.submit(item);
    }

    @Override
    public Integer call(Integer item) throws InterruptedException {
      return batcher.call(item);
    }

    @Override
    public void close() {}
  }

  /** One thread that submits bursts and waits for each. */
  @Benchmark
  @Threads(1)
  @OperationsPerInvocation(BatcherBenchmark.BURST)
  public void oneProducer(Batching batching) throws Exception {
    batching.bursts.run(batching.contender);
  }
}
