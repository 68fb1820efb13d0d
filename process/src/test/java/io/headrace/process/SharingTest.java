package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Tensor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Large values in shared memory: where they are, and what happens when there is no room. */
class SharingTest {
  private static final int MIB = 1 << 20;

  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  /** Gives back what it was given. */
  private static final class Same implements Handler<Object, Object> {
    @Override
    public List<Object> handle(List<Object> items) {
      return items;
    }
  }

  /** Copies tensors. */
  private static final class Copy implements Handler<Object, Object> {
    @Override
    public List<Object> handle(List<Object> items) {
      List<Object> copies = new ArrayList<>();
      for (Object item : items) {
        Tensor tensor = (Tensor) item;
        copies.add(Tensor.of(tensor.segment().toArray(JAVA_BYTE), tensor.shape()));
      }
      return copies;
    }
  }

  private static Flow<Object, Object> flow(
      WorkerProcessesBuilder processes, HandlerFactory<? extends Handler<Object, Object>> factory)
      throws InterruptedException {
    return Flow.<Object>builder("sharing")
        .<Object>stepPerWorker(
            "step", factory, step -> step.batch(BatchPolicy.greedy(2)).workers(processes.build()))
        .build()
        .start(Duration.ofSeconds(30));
  }

  private static Tensor tensor(int bytes) {
    byte[] data = new byte[bytes];
    for (int i = 0; i < bytes; i++) {
      data[i] = (byte) (i * 31);
    }
    return Tensor.of(data, bytes);
  }

  @Test
  void sizesAroundTheThresholdAndLargeOnesComeBackAsTheyWere() throws Exception {
    try (Flow<Object, Object> flow =
        flow(WorkerProcesses.builder(1), HandlerFactory.of(Copy::new))) {
      for (int bytes : new int[] {0, 1, 4095, 4096, 4097, 40_000, MIB, 16 * MIB}) {
        Tensor tensor = tensor(bytes);
        Tensor back = (Tensor) flow.call(tensor);
        assertThat(back.equals(tensor)).as("%d bytes", bytes).isTrue();
        assertThat(back.segment().isNative()).as("%d bytes", bytes).isEqualTo(bytes >= 4096);
        assertThat(SharedValues.release(back)).as("%d bytes", bytes).isEqualTo(bytes >= 4096);
      }
    }
  }

  @Test
  void whatIsPassedOnStaysWhereItIs() throws Exception {
    try (Flow<Object, Object> first =
            flow(WorkerProcesses.builder(1), HandlerFactory.of(Same::new));
        Flow<Object, Object> second =
            flow(WorkerProcesses.builder(1), HandlerFactory.of(Same::new))) {
      Tensor tensor = (Tensor) first.call(tensor(MIB));
      Tensor same = (Tensor) first.call(tensor);
      Tensor elsewhere = (Tensor) second.call(tensor);
      assertThat(same.segment().address()).isEqualTo(tensor.segment().address());
      assertThat(elsewhere.segment().address()).isEqualTo(tensor.segment().address());
      assertThat(elsewhere.equals(tensor(MIB))).isTrue();
    }
  }

  @Test
  void whatAHandlerWritesIntoASharedSegmentIsSeen() throws Exception {
    try (Flow<Object, Object> flow =
        flow(WorkerProcesses.builder(1), HandlerFactory.of(Mark::new))) {
      byte[] data = new byte[10_000];
      var marked = (java.lang.foreign.MemorySegment) flow.call(data);
      assertThat(marked.get(JAVA_BYTE, 9_999)).isEqualTo((byte) 7);
      var again = (java.lang.foreign.MemorySegment) flow.call(marked);
      assertThat(again.get(JAVA_BYTE, 9_999)).isEqualTo((byte) 14);
      assertThat(marked.get(JAVA_BYTE, 9_999)).as("the same memory").isEqualTo((byte) 14);
    }
  }

  /** Adds to the last byte; of an array it makes a segment. */
  private static final class Mark implements Handler<Object, Object> {
    @Override
    public List<Object> handle(List<Object> items) {
      return items.stream().map(Mark::marked).toList();
    }

    private static Object marked(Object item) {
      var segment =
          item instanceof byte[] array
              ? java.lang.foreign.MemorySegment.ofArray(array)
              : (java.lang.foreign.MemorySegment) item;
      long last = segment.byteSize() - 1;
      segment.set(JAVA_BYTE, last, (byte) (segment.get(JAVA_BYTE, last) + 7));
      return segment;
    }
  }

  @Test
  void whatFindsNoRoomWaitsForIt() throws Exception {
    WorkerProcessesBuilder small =
        WorkerProcesses.builder(1).ahead(1).inputMemoryBytes(MIB).resultMemoryBytes(MIB);
    try (Flow<Object, Object> flow = flow(small, HandlerFactory.of(Copy::new))) {
      List<CompletableFuture<Long>> sizes = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        Tensor tensor = tensor(200_000 + 1000 * i);
        sizes.add(flow.submit(tensor).thenApply(back -> ((Tensor) back).byteSize()));
      }
      for (int i = 0; i < sizes.size(); i++) {
        assertThat(sizes.get(i).join()).isEqualTo(200_000 + 1000 * i);
      }
    }
  }

  @Test
  void whatIsLargerThanTheMemoryFailsAloneIfItMayNotHaveItsOwn() throws Exception {
    WorkerProcessesBuilder small =
        WorkerProcesses.builder(1)
            .inputMemoryBytes(2 * MIB)
            .resultMemoryBytes(MIB)
            .largeMemoryBytes(0);
    try (Flow<Object, Object> flow = flow(small, HandlerFactory.of(Copy::new))) {
      CompletableFuture<Object> tooLarge = flow.submit(tensor(2 * MIB + 1));
      CompletableFuture<Object> resultTooLarge = flow.submit(tensor(MIB + 1));
      CompletableFuture<Object> fine = flow.submit(tensor(MIB));
      assertThatThrownBy(tooLarge::join)
          .hasRootCauseInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("2097153 bytes find no room");
      assertThatThrownBy(resultTooLarge::join)
          .hasRootCauseInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("a result takes 1048577 bytes of shared memory")
          .hasMessageContaining("set resultMemoryBytes and largeMemoryBytes");
      assertThat(((Tensor) fine.join()).byteSize()).isEqualTo(MIB);
    }
  }

  /** Each fits alone, and both together never do. */
  @Test
  void aBatchThatDoesNotFitIntoTheMemoryGoesItemByItem() throws Exception {
    WorkerProcessesBuilder small =
        WorkerProcesses.builder(1).inputMemoryBytes(2 * MIB).largeMemoryBytes(0);
    try (Flow<Object, Object> flow = flow(small, HandlerFactory.of(Copy::new))) {
      for (CompletableFuture<Object> future :
          flow.submitAll(List.of(tensor(MIB + 1), tensor(MIB + 1), tensor(MIB + 1)))) {
        assertThat(((Tensor) future.join()).byteSize()).isEqualTo(MIB + 1);
      }
      CompletableFuture<Object> never = flow.submit(List.of(tensor(MIB + 1), tensor(MIB + 1)));
      assertThatThrownBy(never::join)
          .hasRootCauseInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("above the limit of 0 for memory of their own");
    }
  }

  @Test
  void anItemThatCannotTravelFailsAloneOnBothWays() throws Exception {
    try (Flow<Object, Object> flow =
        flow(WorkerProcesses.builder(1), HandlerFactory.of(Odd::new))) {
      List<CompletableFuture<Object>> futures =
          flow.submitAll(List.of(1, new StringBuilder("no"), "odd", 2));
      assertThat(futures.get(0).join()).isEqualTo(1);
      assertThatThrownBy(futures.get(1)::join)
          .hasMessageContaining("java.lang.StringBuilder is not registered");
      assertThatThrownBy(futures.get(2)::join)
          .hasMessageContaining("java.lang.Object is not registered");
      assertThat(futures.get(3).join()).isEqualTo(2);
    }
  }

  /** Answers a text with something that cannot travel. */
  private static final class Odd implements Handler<Object, Object> {
    @Override
    public List<Object> handle(List<Object> items) {
      return items.stream().map(item -> item instanceof String ? new Object() : item).toList();
    }
  }
}
