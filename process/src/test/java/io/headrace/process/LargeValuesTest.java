package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.OnFull;
import io.headrace.QueueFullException;
import io.headrace.Tensor;
import io.headrace.shm.Mechanism;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Values that are larger than the shared memory have one of their own. */
class LargeValuesTest {
  private static final int MIB = 1 << 20;

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  /**
   * Makes a tensor or a text of it again, and of a number a tensor, or a segment if it is a long
   * one, of so many bytes.
   */
  public static final class Again implements Handler<Object, Object> {
    public Again() {}

    @Override
    public List<Object> handle(List<Object> items) {
      List<Object> results = new ArrayList<>();
      for (Object item : items) {
        results.add(
            switch (item) {
              case Tensor tensor -> Tensor.of(tensor.segment().toArray(JAVA_BYTE), tensor.shape());
              case String text -> text + "!";
              case Integer bytes -> tensor(bytes);
              case Long bytes -> tensor(bytes.intValue()).segment(); // which is never copied
              default -> item;
            });
      }
      return results;
    }
  }

  private static Tensor tensor(int bytes) {
    byte[] data = new byte[bytes];
    for (int i = 0; i < bytes; i += 1009) {
      data[i] = (byte) i;
    }
    return Tensor.of(data, bytes);
  }

  private static WorkerProcessesBuilder small() {
    return WorkerProcesses.builder(1).inputMemoryBytes(MIB).resultMemoryBytes(MIB);
  }

  private static Flow<Object, Object> flow(WorkerProcessesBuilder processes, int maxSize)
      throws InterruptedException {
    return Flow.<Object>builder("large")
        .<Object>stepPerWorker(
            "again",
            HandlerFactory.of(Again.class),
            step ->
                step.batch(BatchPolicy.greedy(maxSize))
                    .queue(1000, OnFull.fail())
                    .workers(processes.build()))
        .build()
        .start(Duration.ofSeconds(30));
  }

  @Test
  void itemsAndResultsMayBeLargerThanTheMemory() throws Exception {
    try (Flow<Object, Object> flow = flow(small(), 1)) {
      Tensor tensor = tensor(5 * MIB + 3);
      Tensor back = (Tensor) flow.call(tensor);
      assertThat(back.equals(tensor)).isTrue();
      assertThat(back.segment().isNative()).as("shared").isTrue();
      assertThat(((Tensor) flow.call(back)).equals(tensor)).as("sent again").isTrue();
      List<?> same = (List<?>) flow.call(List.of(back, 1));
      assertThat(((Tensor) same.get(0)).segment().address())
          .as("passed on")
          .isEqualTo(back.segment().address());
      String text = "t".repeat(3 * MIB); // a message that is larger than the memory
      assertThat(flow.call(text)).isEqualTo(text + "!");
      assertThat(flow.call(7)).isInstanceOf(Tensor.class);
    }
  }

  /** Each in a memory of its own, of which the worker has to be told. */
  @Test
  void anItemMayHaveMoreLargeValuesThanTheRingHasSlots() throws Exception {
    try (Flow<Object, Object> flow = flow(small(), 1)) {
      for (int n : new int[] {40, 200}) {
        List<Tensor> tensors = IntStream.range(0, n).mapToObj(i -> tensor(64 * 1024 + i)).toList();
        CompletableFuture<Object> many = flow.submit(tensors);
        CompletableFuture<Object> next = flow.submit("next");
        assertThat(many)
            .succeedsWithin(Duration.ofSeconds(60))
            .satisfies(back -> assertThat(back.equals(tensors)).isTrue());
        assertThat(next).succeedsWithin(Duration.ofSeconds(60)).isEqualTo("next!");
      }
    }
  }

  @Test
  void theirMemoryIsGivenBackAndOthersWaitForIt() throws Exception {
    Leftovers.awaitNone(); // of other tests
    try (Flow<Object, Object> flow = flow(small().largeMemoryBytes(7 * MIB), 1)) {
      int common = Memories.ALL.count();
      List<CompletableFuture<Long>> sizes = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        sizes.add(flow.submit(tensor(2 * MIB + i)).thenApply(back -> ((Tensor) back).byteSize()));
      }
      for (int i = 0; i < sizes.size(); i++) {
        assertThat(sizes.get(i).join()).isEqualTo(2 * MIB + i);
      }
      Awaitility.await("all but the common memories to be gone")
          .until(
              () -> {
                System.gc();
                return Memories.ALL.count() == common;
              });
    }
  }

  @Test
  void whatIsAboveTheLimitFailsAlone() throws Exception {
    try (Flow<Object, Object> flow = flow(small().largeMemoryBytes(2 * MIB), 4)) {
      List<CompletableFuture<Object>> futures =
          flow.submitAll(List.of(tensor(2 * MIB + 1), 2 * MIB + 1, 2 * MIB, 1));
      assertThatThrownBy(futures.get(0)::join)
          .hasRootCauseInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("2097153 bytes find no room");
      assertThatThrownBy(futures.get(1)::join)
          .hasRootCauseInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("a result takes 2097153 bytes")
          .hasMessageContaining(
              "and 2097152 for large ones: set resultMemoryBytes and largeMemoryBytes");
      assertThat(((Tensor) futures.get(2).join()).byteSize()).isEqualTo(2 * MIB);
      assertThat(((Tensor) futures.get(3).join()).byteSize()).isEqualTo(1);
    }
  }

  @Test
  void whoKeepsMoreThanTheMemoryHoldsUpNobody() throws Exception {
    try (Flow<Object, Object> flow = flow(small(), 1)) {
      List<Object> kept = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        kept.add(flow.call(400_000L)); // two of them fill the memory of results
      }
      for (int i = 0; i < 5; i++) { // and the memory of items
        kept.add(((List<?>) flow.call(List.of(tensor(400_000).segment()))).getFirst());
      }
      assertThat(kept).allMatch(value -> ((MemorySegment) value).byteSize() == 400_000);
    }
  }

  @Test
  void whoKeepsAllThatThereIsGetsFailures() throws Exception {
    try (Flow<Object, Object> flow = flow(small().largeMemoryBytes(2 * MIB), 1)) {
      Object kept = flow.call(2 * MIB);
      assertThatThrownBy(() -> flow.call(2 * MIB))
          .hasMessageContaining("results that are kept, take all: set largeMemoryBytes");
      assertThat(flow.call(1000)).isInstanceOf(Tensor.class);
      assertThat(((Tensor) kept).byteSize()).isEqualTo(2 * MIB);
    }
  }

  /** The process waits once until it knows that nothing is given back, and not for each result. */
  @Test
  @Timeout(30)
  void whatFollowsKeptResultsDoesNotWait() throws Exception {
    try (Flow<Object, Object> flow = flow(small(), 1)) {
      Object kept = flow.call(900_000L);
      for (int i = 0; i < 60; i++) {
        assertThat(flow.call(200_000)).isInstanceOf(Tensor.class);
        System.gc();
      }
      assertThat(((MemorySegment) kept).byteSize()).isEqualTo(900_000);
    }
  }

  /** As long as something is given back it is waited for more. */
  @Test
  void aResultWaitsForManySmallOnes() throws Exception {
    int count = 30;
    try (Flow<Object, Object> flow = flow(small().largeMemoryBytes(0), 1)) {
      List<MemorySegment> small = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        small.add((MemorySegment) flow.call(MIB / 32 - 16L));
      }
      CompletableFuture<Object> large = flow.submit(MIB - 4096);
      CountDownLatch never = new CountDownLatch(1);
      for (MemorySegment segment : small) {
        assertThat(never.await(5, TimeUnit.MILLISECONDS)).as("so the process hears each").isFalse();
        assertThat(SharedValues.release(segment)).isTrue();
      }
      assertThat(((Tensor) large.join()).byteSize()).isEqualTo(MIB - 4096);
    }
  }

  /** Twice what they have so far is too much, and what they need is not. */
  @Test
  void aMessageThatGrowsTakesNoMoreThanThereIs() throws Exception {
    WorkerProcessesBuilder processes =
        WorkerProcesses.builder(1)
            .inputMemoryBytes(2_086_000)
            .resultMemoryBytes(2_086_000)
            .largeMemoryBytes(0);
    try (Flow<Object, Object> flow = flow(processes, 64)) {
      List<Object> texts = java.util.Collections.nCopies(64, "t".repeat(20_000));
      for (CompletableFuture<Object> future : flow.submitAll(texts)) {
        assertThat((String) future.join()).hasSize(20_001);
      }
    }
  }

  /** The text takes what it needs; twice that is too much for what is behind it. */
  @Test
  void aMessageOfResultsThatGrowsTakesNoMoreThanThereIs() throws Exception {
    try (Flow<Object, Object> flow = flow(small().largeMemoryBytes(5 * MIB), 1)) {
      String text = "t".repeat(2 * MIB + 1000);
      assertThat(flow.call(text)).isEqualTo(text + "!");
    }
  }

  /** What a message has outgrown is used again, in the parent and in the process. */
  @Test
  void messagesThatGrowLeaveNothing() throws Exception {
    try (Flow<Object, Object> flow = flow(small().largeMemoryBytes(0), 64)) {
      List<Object> texts = java.util.Collections.nCopies(64, "t".repeat(2_000));
      for (int i = 0; i < 20; i++) {
        for (CompletableFuture<Object> future : flow.submitAll(texts)) {
          assertThat((String) future.join()).hasSize(2_001);
        }
      }
      Leftovers.awaitNoBlocks();
    }
  }

  @Test
  void aMessageThatHasGrownForAnItemThatCannotTravelLeavesNothing() throws Exception {
    try (Flow<Object, Object> flow = flow(small(), 1)) {
      List<Object> item = List.of("t".repeat(200_000), new Object());
      assertThat(flow.submit(item)).failsWithin(Duration.ofSeconds(30));
      Leftovers.awaitNoBlocks();
    }
  }

  /** What a process has mapped, as the system says. */
  private static long mapped(long process) throws IOException {
    try (Stream<String> maps = Files.lines(Path.of("/proc", Long.toString(process), "maps"))) {
      return maps.filter(line -> line.contains("headrace")).count();
    }
  }

  @Test
  void aProcessUnmapsWhatItWasGivenForABatch() throws Exception {
    if (!Files.exists(Path.of("/proc/self/maps"))) {
      return; // nobody tells what a process maps
    }
    try (Flow<Object, Object> flow = flow(small(), 1)) {
      assertThat(flow.call("text")).isEqualTo("text!");
      long process = flow.workers("again").getFirst().pid();
      long before = mapped(process);
      for (int i = 0; i < 3; i++) {
        assertThat(((Tensor) flow.call(tensor(5 * MIB))).byteSize()).isEqualTo(5 * MIB);
      }
      Leftovers.awaitNoBlocks();
      Awaitility.await("what it had before").until(() -> mapped(process) <= before);
    }
  }

  /** Of several items each is tried by itself. */
  @Test
  void aMessageThatIsLongerThanABufferIsRefused() {
    Region inputs = new Memories(System::nanoTime).own(MIB, Mechanism.best(), free -> {});
    MemorySegment full = MemorySegment.ofArray(new byte[8]);
    try {
      assertThatThrownBy(() -> shipment(List.of(1), inputs).grow(full, 1L << 31))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("takes 2147483648 bytes")
          .hasMessageContaining("the most is 2147483647");
      assertThatThrownBy(() -> shipment(List.of(1, 2), inputs).grow(full, 1L << 31))
          .isInstanceOf(NoRoomException.class);
    } finally {
      inputs.retire();
    }
  }

  private static Shipment shipment(List<Object> items, Region inputs) {
    return new Shipment(
        new Execution(items, Map.of()),
        1,
        0,
        0,
        small().settings(),
        inputs,
        new LargeMemories(0, Mechanism.best(), () -> {}),
        number -> null);
  }

  /** Each fits into the memory, and all together do not; nothing else could be given back. */
  @Test
  void theResultsOfABatchMayBeLargerThanTheMemory() throws Exception {
    try (Flow<Object, Object> flow = flow(small(), 8)) {
      List<Object> items = java.util.Collections.nCopies(8, 300_000);
      for (CompletableFuture<Object> future : flow.submitAll(items)) {
        assertThat(((Tensor) future.join()).byteSize()).isEqualTo(300_000);
      }
      List<Tensor> one = List.of(tensor(300_000), tensor(300_000), tensor(MIB), tensor(MIB));
      assertThat((List<?>) flow.call(one)).as("an item of several values").hasSize(4);
    }
    try (Flow<Object, Object> flow = flow(small().largeMemoryBytes(MIB), 8)) {
      List<CompletableFuture<Object>> futures =
          flow.submitAll(java.util.Collections.nCopies(8, 500_000));
      int failed = 0;
      for (CompletableFuture<Object> future : futures) {
        Throwable failure = future.handle((result, thrown) -> thrown).join();
        if (failure != null) {
          assertThat(failure).hasMessageContaining("take all: set largeMemoryBytes");
          failed++;
        }
      }
      assertThat(failed).isLessThan(8);
    }
  }

  /** The batch that finds no room waits with its place taken, and so do those behind it. */
  @Test
  void whileThereIsNoRoomAQueueThatIsFullRefuses() throws Exception {
    try (Flow<Object, Object> flow =
        Flow.<Object>builder("large")
            .<Object>stepPerWorker(
                "again",
                HandlerFactory.of(Again.class),
                step ->
                    step.batch(BatchPolicy.greedy(1))
                        .queue(2, OnFull.fail())
                        .workers(small().ahead(0).largeMemoryBytes(450_000).build()))
            .build()
            .start(Duration.ofSeconds(30))) {
      List<MemorySegment> kept = new ArrayList<>();
      for (int bytes : new int[] {400_000, 400_000, 450_000}) { // the last has one of its own
        List<?> back = (List<?>) flow.call(List.of(tensor(bytes).segment()));
        kept.add((MemorySegment) back.getFirst());
      }
      List<CompletableFuture<Long>> waiting = new ArrayList<>();
      for (int i = 0; i < 3; i++) { // one has the place, two are in the queue
        waiting.add(
            flow.submit(List.of(tensor(400_000)))
                .thenApply(back -> ((Tensor) ((List<?>) back).getFirst()).byteSize()));
        int queued = i;
        Awaitility.await("its place")
            .pollDelay(Duration.ZERO)
            .pollInterval(Duration.ofMillis(1))
            .until(() -> flow.statistics().steps().getFirst().queued() == queued);
      }
      assertThatThrownBy(flow.submit(1)::join).hasCauseInstanceOf(QueueFullException.class);
      assertThat(waiting).noneMatch(CompletableFuture::isDone);
      kept.forEach(segment -> assertThat(SharedValues.release(segment)).isTrue());
      for (CompletableFuture<Long> future : waiting) {
        assertThat(future.join()).isEqualTo(400_000);
      }
      assertThat(flow.call(1)).isInstanceOf(Tensor.class);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"RECEIVED", "HANDLED", "WRITTEN", "ANSWERED"})
  void aDeathLeavesNoMemory(String point) throws Exception {
    WorkerProcessesBuilder dying =
        small()
            .retry(3)
            .jvmOptions(
                "-D" + Fault.PROPERTY + "=" + KillOnce.class.getName(),
                "-D" + KillOnce.POINT + "=" + point,
                "-D" + KillOnce.FILE + "=" + folder.resolve("killed"));
    try (Flow<Object, Object> flow = flow(dying, 1)) {
      Tensor tensor = tensor(3 * MIB);
      assertThat(((Tensor) flow.call(tensor)).equals(tensor)).isTrue();
      assertThat(((Tensor) flow.call(tensor)).equals(tensor)).isTrue();
    }
  }
}
