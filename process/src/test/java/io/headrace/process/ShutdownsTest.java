package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.OnFull;
import io.headrace.WorkerStatus;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Flows that are shut down, some by the thread that receives the answers of a worker. */
class ShutdownsTest {
  private static final String HOLD = "hold";
  private static final int MIB = 1 << 20;

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  /** Holds a batch that says so until there is a file with the number of the process. */
  public static final class Holding implements Handler<Object, Object> {
    private final Path file;

    public Holding(String folder) {
      file = Path.of(folder, Long.toString(ProcessHandle.current().pid()));
    }

    @Override
    public List<Object> handle(List<Object> items) {
      while (items.contains(HOLD) && !Files.exists(file)) {
        Thread.onSpinWait();
      }
      return Collections.nCopies(items.size(), "done");
    }
  }

  private Flow<Object, Object> flow(int processes, int maxSize) throws InterruptedException {
    return Flow.<Object>builder("shut")
        .<Object>stepPerWorker(
            "step",
            HandlerFactory.of(Holding.class, folder.toString()),
            step ->
                step.batch(BatchPolicy.greedy(maxSize))
                    .queue(1000, OnFull.fail())
                    .workers(
                        WorkerProcesses.builder(processes)
                            .ahead(100)
                            .inputMemoryBytes(1 << 20)
                            .build()))
        .build()
        .start(Duration.ofSeconds(30));
  }

  /** The first worker answers what it holds. */
  private void letGo(Flow<?, ?> flow) throws Exception {
    Files.createFile(folder.resolve(Long.toString(flow.workers("step").getFirst().pid())));
  }

  /**
   * The thread of the first worker ends its process, and waits for that of the second, which finds
   * batches that wait: a part of one that had no room.
   */
  @Test
  void batchesThatWaitHoldUpNobody() throws Exception {
    Flow<Object, Object> flow = flow(2, 20);
    CountDownLatch isShut = new CountDownLatch(1);
    Awaitility.await("a batch in the first")
        .atMost(Duration.ofSeconds(60))
        .until(
            () -> {
              var _ = flow.submit(HOLD).thenRun(() -> shutDown(flow, isShut));
              return isBusy(flow.workers("step").getFirst());
            });
    List<CompletableFuture<Object>> waiting =
        flow.submitAll(Collections.nCopies(60, new byte[300_000]));
    letGo(flow);
    assertThat(isShut.await(60, TimeUnit.SECONDS)).isTrue();
    assertThat(waiting)
        .allSatisfy(future -> assertThat(future).failsWithin(Duration.ofSeconds(60)));
    Awaitility.await("the end")
        .atMost(Duration.ofSeconds(60))
        .until(() -> flow.state() == Flow.State.STOPPED);
  }

  private static void shutDown(Flow<?, ?> flow, CountDownLatch isShut) {
    flow.shutdownNow();
    isShut.countDown();
  }

  private static boolean isBusy(WorkerStatus worker) {
    return worker.state() == WorkerStatus.State.BUSY;
  }

  /** Counts the values of an item, and leaves a file when it is closed. */
  public static final class Closing implements Handler<List<?>, Integer> {
    private final Path file;

    public Closing(String file) {
      this.file = Path.of(file);
    }

    @Override
    public List<Integer> handle(List<List<?>> items) {
      return items.stream().map(List::size).toList();
    }

    @Override
    public void close() throws IOException {
      Files.createFile(file);
    }
  }

  /** Once it has answered, a worker reads no orders until there is the one to close. */
  static final class ReadingLate implements Fault {
    @Override
    public void at(Point point, Channel channel) {
      while (point == Point.ANSWERED && !isToldToClose(channel.requests())) {
        VarHandle.fullFence();
      }
    }

    /** Whether it is in one of the slots, which are at the end of the ring. */
    @SuppressWarnings("EnumOrdinal") // as envelopes are written
    private static boolean isToldToClose(MemorySegment ring) {
      long slots = ring.byteSize() / Envelope.BYTES - 1;
      for (long slot = 1; slot <= slots; slot++) {
        long at = ring.byteSize() - slot * Envelope.BYTES;
        if (ring.get(ValueLayout.JAVA_SHORT, at) == Envelope.Kind.CLOSE.ordinal()) {
          return true;
        }
      }
      return false;
    }
  }

  /** Each value had a memory of its own, and each is to be unmapped. */
  @Test
  void aHandlerIsClosedAlsoIfItsProcessHasMoreOrdersThanTheRingTakes() throws Exception {
    Path closed = folder.resolve("closed");
    try (Flow<List<?>, Integer> flow =
        Flow.<List<?>>builder("shut")
            .<Integer>stepPerWorker(
                "count",
                HandlerFactory.of(Closing.class, closed.toString()),
                step ->
                    step.workers(
                        WorkerProcesses.builder(1)
                            .ahead(0)
                            .inputMemoryBytes(MIB)
                            .jvmOptions("-D" + Fault.PROPERTY + "=" + ReadingLate.class.getName())
                            .build()))
            .build()
            .start(Duration.ofSeconds(30))) {
      assertThat(flow.call(Collections.nCopies(40, new byte[MIB + 1]))).isEqualTo(40);
    }
    assertThat(closed).exists();
  }

  /** The worker has not read them, and never will. */
  @Test
  void whatIsOnItsWayIsGivenBack() throws Exception {
    try (SharedValues values = SharedValues.create(1 << 20)) {
      Flow<Object, Object> flow = flow(1, 1);
      CompletableFuture<Void> shut = flow.submit(HOLD).thenRun(flow::shutdownNow);
      List<MemorySegment> segments = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        MemorySegment segment = values.allocate(8192);
        segments.add(segment);
        var _ = flow.submit(segment);
        var _ = flow.submit(new byte[8192]);
      }
      letGo(flow);
      assertThat(shut).succeedsWithin(Duration.ofSeconds(60));
      segments.forEach(segment -> assertThat(SharedValues.release(segment)).isTrue());
      Awaitility.await("its memory")
          .atMost(Duration.ofSeconds(60))
          .until(() -> values.usedBytes() == 0);
    }
  }
}
