package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Service;
import io.headrace.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Values of every kind go there and come back as they were, while many threads send others, some of
 * which are refused: also when everything is compiled by C2, which has compiled copies of few bytes
 * wrongly (JDK-8331133).
 */
class RoundTripTest {
  /** How long values go round; a nightly run takes minutes. */
  private static final Duration TIME =
      Duration.ofSeconds(Integer.getInteger("headrace.roundtrip.seconds", 2));

  private static final int THREADS = 4;
  private static final int AT_ONCE = 8;

  @TempDir Path folder;

  private final ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
  private final AtomicLong seeds = new AtomicLong();
  private final long endNanos = System.nanoTime() + TIME.toNanos();

  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  @Test
  @Timeout(7200)
  void throughASocket(TestReporter reporter) throws Exception {
    Path path = folder.resolve("echo.sock");
    Service<Object, Object> echo =
        (item, options) -> CompletableFuture.completedFuture(Echoing.copy(item));
    try (FlowServer _ = FlowServer.builder(echo, path).register(RandomValues.TYPES).start();
        FlowClient<Object, Object> client =
            FlowClient.builder(path).register(RandomValues.TYPES).build()) {
      sendAround(client, reporter);
    }
  }

  @Test
  @Timeout(7200)
  void throughWorkerProcesses(TestReporter reporter) throws Exception {
    try (Flow<Object, Object> flow =
        Flow.<Object>builder("round")
            .<Object>stepPerWorker(
                "copy",
                HandlerFactory.of(Echoing::new),
                step -> step.batch(BatchPolicy.greedy(8)).workers(processes()))
            .<Object>stepPerWorker(
                "again",
                HandlerFactory.of(Echoing::new),
                step -> step.batch(BatchPolicy.greedy(1)).workers(processes()))
            .build()
            .start(Duration.ofSeconds(30))) {
      sendAround(flow, reporter);
    }
  }

  private static io.headrace.Workers processes() {
    return WorkerProcesses.builder(1).register(RandomValues.TYPES).build();
  }

  private void sendAround(Service<Object, Object> service, TestReporter reporter)
      throws InterruptedException {
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      threads.add(Thread.ofPlatform().start(() -> sendAround(service)));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    reporter.publishEntry(seeds.get() + " round trips, wrong: " + wrong.size());
    assertThat(wrong).isEmpty();
  }

  private void sendAround(Service<Object, Object> service) {
    do {
      List<Long> sent = new ArrayList<>();
      List<CompletableFuture<Object>> futures = new ArrayList<>();
      for (int i = 0; i < AT_ONCE; i++) {
        long seed = seeds.incrementAndGet();
        sent.add(seed);
        futures.add(service.submit(value(seed)));
      }
      for (int i = 0; i < AT_ONCE; i++) {
        check(sent.get(i), futures.get(i));
      }
    } while (System.nanoTime() - endNanos < 0);
  }

  private static boolean isRefused(long seed) {
    return seed % 16 == 0;
  }

  private static Object value(long seed) {
    RandomValues values = new RandomValues(seed);
    return isRefused(seed) ? values.refused() : values.next();
  }

  private void check(long seed, CompletableFuture<Object> future) {
    try {
      Object value = value(seed);
      Object back = future.join();
      if (isRefused(seed) || !RandomValues.same(value, back)) {
        wrong.add("seed " + seed + ": " + value + " came back as " + back);
      }
    } catch (RuntimeException failure) {
      if (!isRefused(seed) || !String.valueOf(failure.getMessage()).contains("the URI ")) {
        wrong.add("seed " + seed + ": " + failure);
      }
    }
  }

  /** Gives back what it was given, or copies of it, so that results are written as items are. */
  private static final class Echoing implements Handler<Object, Object> {
    @Override
    public List<Object> handle(List<Object> items) {
      return items.stream().map(Echoing::copy).toList();
    }

    static Object copy(Object item) {
      List<@Nullable Object> copies = new ArrayList<>();
      for (Object element : (List<?>) item) {
        copies.add(copyOfOne(element));
      }
      return copies;
    }

    private static @Nullable Object copyOfOne(@Nullable Object element) {
      return switch (element) {
        case MemorySegment segment when segment.byteSize() % 2 == 0 ->
            MemorySegment.ofArray(segment.toArray(JAVA_BYTE));
        case Tensor tensor when tensor.byteSize() % 2 == 0 ->
            Tensor.ofSegment(
                tensor.type(),
                MemorySegment.ofArray(tensor.segment().toArray(JAVA_BYTE)),
                tensor.shape());
        case null, default -> element;
      };
    }
  }
}
