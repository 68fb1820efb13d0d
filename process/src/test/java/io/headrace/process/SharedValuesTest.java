package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Tensor;
import io.headrace.TensorType;
import io.headrace.WorkerDiedException;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SharedValuesTest {
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final int SHARE = WorkerProcessesBuilder.SHARE_BYTES;

  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  /** Each step has memory for copies of much less than 16 MiB. */
  private static WorkerProcessesBuilder processes() {
    return WorkerProcesses.builder(1).inputMemoryBytes(1 << 20).resultMemoryBytes(1 << 20);
  }

  private static Flow<MemorySegment, MemorySegment> touchingTwice() throws InterruptedException {
    return Flow.<MemorySegment>builder("touching")
        .<MemorySegment>stepPerWorker(
            "touch",
            HandlerFactory.of(Touching::new),
            step -> step.batch(BatchPolicy.greedy(8)).workers(processes().build()))
        .<MemorySegment>stepPerWorker(
            "again",
            HandlerFactory.of(Touching::new),
            step -> step.batch(BatchPolicy.greedy(8)).workers(processes().build()))
        .build()
        .start(LONG);
  }

  @Test
  void valuesOfAnySizeStayWhereTheyAreAndAreWrittenInPlace() throws Exception {
    try (SharedValues values = SharedValues.create(32 << 20);
        Flow<MemorySegment, MemorySegment> flow = touchingTwice()) {
      for (int size : new int[] {1, SHARE - 1, SHARE, 16 << 20}) {
        MemorySegment value = values.allocate(size).fill((byte) 5);
        MemorySegment result = flow.call(value);
        assertThat(result.address()).as("address with %d bytes", size).isEqualTo(value.address());
        assertThat(result.byteSize()).isEqualTo(size);
        assertThat(value.get(JAVA_BYTE, 0)).as("after two steps").isEqualTo((byte) 7);
        assertThat(value.get(JAVA_BYTE, size - 1)).isEqualTo((byte) (size == 1 ? 7 : 5));
      }
      assertThat(flow.call(values.allocate(0)).byteSize()).isZero();
    }
  }

  /** Returns not what it is given, but the item before, or a buffer that it has for results. */
  private static final class Elsewhere implements Handler<MemorySegment, MemorySegment> {
    private final MemorySegment buffer;
    private MemorySegment before;

    /** The buffer is there before the memory of items is mapped, and so above it on Linux. */
    Elsewhere() {
      buffer = Arena.global().allocate(4 << 20).fill((byte) 3);
      before = buffer.asSlice(0, SHARE);
    }

    @Override
    public List<MemorySegment> handle(List<MemorySegment> items) {
      MemorySegment item = items.getFirst();
      boolean wantsBuffer = item.byteSize() == 1;
      MemorySegment result = wantsBuffer ? buffer.asSlice(0, SHARE) : before;
      before = item;
      return List.of(result);
    }
  }

  /** It is copied; the parent would not believe that it is of an item. */
  @Test
  void aResultIsOfNoItemThatItIsBesideOrOfABatchBefore() throws Exception {
    try (SharedValues values = SharedValues.create(1 << 20);
        Flow<MemorySegment, MemorySegment> flow =
            Flow.<MemorySegment>builder("elsewhere")
                .<MemorySegment>stepPerWorker(
                    "step",
                    HandlerFactory.of(Elsewhere::new),
                    step -> step.batch(BatchPolicy.greedy(1)).workers(processes().build()))
                .build()
                .start(LONG)) {
      byte[] threes = new byte[SHARE];
      Arrays.fill(threes, (byte) 3);
      MemorySegment kept = values.allocate(2 * SHARE).fill((byte) 5);
      assertThat(flow.call(kept).toArray(JAVA_BYTE)).isEqualTo(threes);
      MemorySegment copy = flow.call(values.allocate(SHARE));
      assertThat(copy.toArray(JAVA_BYTE)).isEqualTo(kept.toArray(JAVA_BYTE));
      assertThat(copy.address()).isNotEqualTo(kept.address());
      assertThat(flow.call(values.allocate(1)).toArray(JAVA_BYTE)).isEqualTo(threes);
    }
  }

  @Test
  void aPartOfAValueStaysWhereItIs() throws Exception {
    try (SharedValues values = SharedValues.create(1 << 20);
        Flow<MemorySegment, MemorySegment> flow = touchingTwice()) {
      MemorySegment value = values.allocate(100_000).fill((byte) 0);
      MemorySegment result = flow.call(value.asSlice(99_990, 10));
      assertThat(result.address()).isEqualTo(value.address() + 99_990);
      assertThat(value.get(JAVA_BYTE, 99_990)).isEqualTo((byte) 2);
    }
  }

  /** Gives back each tensor with a copy of it. */
  private static final class Pairing implements Handler<Tensor, List<Tensor>> {
    @Override
    public List<List<Tensor>> handle(List<Tensor> items) {
      return items.stream()
          .map(item -> List.of(item, Tensor.of(item.toDoubleArray(), item.shape())))
          .toList();
    }
  }

  @Test
  void aTensorWithoutDimensionsIsOneNumber() throws Exception {
    try (SharedValues values = SharedValues.create(1 << 20);
        Flow<Tensor, List<Tensor>> flow =
            Flow.<Tensor>builder("numbers")
                .<List<Tensor>>stepPerWorker(
                    "copy",
                    HandlerFactory.of(Pairing::new),
                    step -> step.workers(processes().build()))
                .build()
                .start(LONG)) {
      MemorySegment value = values.allocate(Double.BYTES);
      value.set(ValueLayout.JAVA_DOUBLE, 0, 42);
      List<Tensor> shared = flow.call(Tensor.ofSegment(TensorType.DOUBLE, value));
      assertThat(shared.getFirst().segment().address()).isEqualTo(value.address());
      Tensor number = Tensor.of(new double[] {42});
      assertThat(number.rank()).isZero();
      assertThat(shared).containsExactly(number, number);
      assertThat(flow.call(number)).containsExactly(number, number);
    }
  }

  @Test
  void tensorsAreMadeInPlace() {
    try (SharedValues values = SharedValues.create(1 << 20)) {
      Tensor tensor = values.tensor(TensorType.INT8, memory -> memory.fill((byte) 3), 2, 3);
      assertThat(tensor).isEqualTo(Tensor.of(new byte[] {3, 3, 3, 3, 3, 3}, 2, 3));
      assertThat(values.copy(tensor)).isEqualTo(tensor);
      assertThat(values.copy(tensor).segment().isNative()).isTrue();
      long before = values.usedBytes();
      assertThatThrownBy(
              () ->
                  values.tensor(
                      TensorType.INT8,
                      memory -> {
                        throw new UnsupportedOperationException("no filler");
                      },
                      5))
          .isInstanceOf(UnsupportedOperationException.class);
      assertThat(values.usedBytes()).isEqualTo(before);
      assertThatThrownBy(() -> values.tensor(TensorType.INT64, memory -> {}, Long.MAX_VALUE, 2))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("more bytes than can be counted");
    }
  }

  @Test
  void valuesThatAreNotReachableMakeRoom() {
    try (SharedValues values = SharedValues.create(1 << 20)) {
      for (int i = 0; i < 40; i++) {
        assertThat(values.copy(new byte[300_000]).byteSize()).isEqualTo(300_000);
      }
    }
  }

  @Test
  void whatDoesNotFitIsRefused() throws Exception {
    try (SharedValues values = SharedValues.create(1 << 20)) {
      MemorySegment kept = values.allocate(600_000);
      assertThatThrownBy(() -> values.allocate(600_000))
          .isInstanceOf(NoRoomException.class)
          .hasMessageContaining("no room for 600000 bytes")
          .hasMessageContaining("of 1048576 bytes of shared values 602112 are taken");
      assertThatThrownBy(() -> values.allocate(600_000, Duration.ofMillis(1)))
          .isInstanceOf(NoRoomException.class);
      assertThatThrownBy(() -> values.allocate((1 << 20) + 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("a value has 1048577 bytes, it can have from 0 to 1048576");
      assertThatThrownBy(() -> values.allocate(-1)).isInstanceOf(IllegalArgumentException.class);
      assertThat(SharedValues.release(kept)).isTrue();
      assertThat(SharedValues.release(values.allocate(1 << 20))).isTrue();
    }
    assertThatThrownBy(() -> SharedValues.create(1)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void whoIsInterruptedWhenThereIsNoRoomIsToldSo() {
    try (SharedValues values = SharedValues.create(4096)) {
      MemorySegment value = values.allocate(1);
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> values.allocate(1))
          .isInstanceOf(NoRoomException.class)
          .hasMessageContaining("interrupted before there was room for 1 bytes");
      assertThat(Thread.interrupted()).isTrue();
      SharedValues.release(value);
    }
  }

  @Test
  void whoFindsNoRoomWaitsAndNothingFails() throws Exception {
    try (SharedValues values = SharedValues.create(1 << 20);
        Flow<MemorySegment, MemorySegment> flow = touchingTwice()) {
      List<FutureTask<Byte>> callers = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        FutureTask<Byte> caller =
            new FutureTask<>(
                () -> {
                  MemorySegment value = values.allocate(300_000, LONG).fill((byte) 1);
                  MemorySegment result = flow.call(value);
                  byte first = result.get(JAVA_BYTE, 0);
                  SharedValues.release(result);
                  return first;
                });
        callers.add(caller);
        Thread.startVirtualThread(caller);
      }
      for (FutureTask<Byte> caller : callers) {
        assertThat(caller.get()).isEqualTo((byte) 3);
      }
      Awaitility.await("all memory").until(() -> values.usedBytes() == 0);
    }
  }

  @Test
  void aCloseTellsThoseWhoWait() throws Exception {
    SharedValues values = SharedValues.create(1 << 20);
    MemorySegment all = values.allocate(1 << 20);
    FutureTask<MemorySegment> waiting = new FutureTask<>(() -> values.allocate(1, LONG));
    Thread thread = Thread.ofPlatform().start(waiting);
    Awaitility.await("the wait").until(() -> thread.getState() == Thread.State.TIMED_WAITING);
    values.close();
    assertThatThrownBy(waiting::get)
        .cause()
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the shared values are closed");
    assertThatThrownBy(() -> values.allocate(1)).isInstanceOf(IllegalStateException.class);
    assertThat(all.fill((byte) 1).get(JAVA_BYTE, (1 << 20) - 1)).isEqualTo((byte) 1);
  }

  @Test
  void aReleaseGivesMemoryBackAtOnceAndHappensOnce() throws Exception {
    try (SharedValues values = SharedValues.create(1 << 20);
        Flow<MemorySegment, MemorySegment> flow = touchingTwice()) {
      MemorySegment value = values.allocate(1000).fill((byte) 0);
      MemorySegment result = flow.call(value);
      assertThat(values.usedBytes()).isEqualTo(4096);
      assertThat(SharedValues.release(result.asSlice(10, 10))).isTrue();
      assertThat(values.usedBytes()).isZero();
      for (MemorySegment released : List.of(value, result)) {
        assertThatThrownBy(() -> SharedValues.release(released))
            .isInstanceOf(IllegalStateException.class)
            .hasMessage("the value was released before");
        assertThatThrownBy(() -> flow.call(released))
            .isInstanceOf(IllegalStateException.class)
            .hasMessage("a shared value of the item was released before");
      }
      MemorySegment other = values.allocate(1000);
      assertThat(other.address()).as("the same memory").isEqualTo(value.address());
      assertThatThrownBy(() -> flow.call(value))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("a shared value of the item was released before");
      assertThatThrownBy(() -> SharedValues.release(value))
          .isInstanceOf(IllegalStateException.class);
      assertThat(SharedValues.release(other)).isTrue();
      assertThat(SharedValues.release(MemorySegment.ofArray(new byte[5]))).isFalse();
      assertThat(SharedValues.release(Tensor.of(new byte[5], 5))).isFalse();
    }
  }

  @Test
  void aReleasedValueThatIsReadDoesNotCrash() {
    SharedValues values = SharedValues.create(1 << 20);
    MemorySegment value = values.allocate(5000).fill((byte) 1);
    assertThat(SharedValues.release(value)).isTrue();
    values.close();
    assertThat(value.get(JAVA_BYTE, 4999)).isBetween((byte) 0, (byte) 1);
  }

  @Test
  void resultsThatAreKeptCanBeReleasedEarly() throws Exception {
    try (Flow<Tensor, Tensor> flow =
        Flow.<Tensor>builder("tensors")
            .<Tensor>stepPerWorker(
                "copy", HandlerFactory.of(Copying::new), step -> step.workers(processes().build()))
            .build()
            .start(LONG)) {
      Tensor tensor = Tensor.of(new byte[300_000], 300_000);
      List<Tensor> kept = new ArrayList<>();
      for (int i = 0; i < 30; i++) { // the worker has room for three
        Tensor result = flow.call(tensor);
        kept.add(result);
        assertThat(SharedValues.release(result)).isTrue();
      }
      assertThat(kept).hasSize(30);
    }
  }

  @Test
  void aWorkerThatDiesGivesBackWhatItHad() throws Exception {
    try (SharedValues values = SharedValues.create(1 << 20);
        Flow<MemorySegment, MemorySegment> flow =
            Flow.<MemorySegment>builder("exiting")
                .<MemorySegment>stepPerWorker(
                    "exit",
                    HandlerFactory.of(Exiting::new),
                    step -> step.workers(processes().build()))
                .build()
                .start(LONG)) {
      MemorySegment value = values.allocate(100_000).fill((byte) 0);
      CompletableFuture<MemorySegment> future = flow.submit(value);
      assertThatThrownBy(future::join).hasCauseInstanceOf(WorkerDiedException.class);
      assertThat(value.get(JAVA_BYTE, 0)).as("written before it died").isEqualTo((byte) 42);
      assertThat(SharedValues.release(value)).isTrue();
      assertThat(values.usedBytes()).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, SHARE, 200_000})
  void streamsAreReadStraightIntoSharedMemory(int size) throws Exception {
    byte[] bytes = new byte[size + 1];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) i;
    }
    try (SharedValues values = SharedValues.create(1 << 20)) {
      InputStream in = new ByteArrayInputStream(bytes);
      assertThat(values.read(in, size).mismatch(MemorySegment.ofArray(bytes))).isEqualTo(size);
      assertThat(in.read()).as("what follows stays").isEqualTo(size & 0xff);
      assertThatThrownBy(() -> values.read(new ByteArrayInputStream(bytes), size + 2L, LONG))
          .isInstanceOf(EOFException.class)
          .hasMessage(
              "the stream has ended after %d bytes, %d were expected"
                  .formatted(size + 1, size + 2));
    }
  }

  @Test
  void aStreamThatFailsGivesMemoryBack() throws Exception {
    try (SharedValues values = SharedValues.create(1 << 20)) {
      InputStream failing =
          new InputStream() {
            @Override
            public int read() throws IOException {
              throw new IOException("connection reset");
            }
          };
      assertThatThrownBy(() -> values.read(failing, 1000)).hasMessage("connection reset");
      assertThat(values.usedBytes()).isZero();
    }
  }

  /** Adds 1 to the first byte of each item, in place. */
  private static final class Touching implements Handler<MemorySegment, MemorySegment> {
    @Override
    public List<MemorySegment> handle(List<MemorySegment> items) {
      for (MemorySegment item : items) {
        if (item.byteSize() > 0) {
          item.set(JAVA_BYTE, 0, (byte) (item.get(JAVA_BYTE, 0) + 1));
        }
      }
      return items;
    }
  }

  private static final class Exiting implements Handler<MemorySegment, MemorySegment> {
    @Override
    public List<MemorySegment> handle(List<MemorySegment> items) {
      items.getFirst().set(JAVA_BYTE, 0, (byte) 42);
      Runtime.getRuntime().halt(17);
      return items;
    }
  }

  private static final class Copying implements Handler<Tensor, Tensor> {
    @Override
    public List<Tensor> handle(List<Tensor> items) {
      return items.stream()
          .map(item -> Tensor.of(item.segment().toArray(JAVA_BYTE), item.shape()))
          .toList();
    }
  }
}
