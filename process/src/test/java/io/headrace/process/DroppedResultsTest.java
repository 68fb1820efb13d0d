package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Large results that are dropped, kept or released: where they are, and what collects them. */
@Timeout(120)
class DroppedResultsTest {
  private static final int MIB = 1 << 20;
  private static final int RESULT_BYTES = 64 * 1024;
  private static final int CALLS = 3000;

  /** So many results may be views. */
  private static final int VIEWS = MIB / 2 / RESULT_BYTES;

  private static final String FLAG = "-XX:+DisableExplicitGC";

  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  /** What a result is. */
  enum Kind {
    TENSOR,
    BUFFER,
    ARRAY,
    SEGMENT
  }

  /** Makes of the first byte of each item a fresh result that is full of the next number. */
  public static final class Filling implements Handler<Object, Object> {
    private final Kind kind;
    private final int bytes;

    public Filling(Kind kind, int bytes) {
      this.kind = kind;
      this.bytes = bytes;
    }

    @Override
    public List<Object> handle(List<Object> items) {
      return items.stream().map(this::filled).toList();
    }

    private Object filled(Object item) {
      byte[] array = new byte[bytes];
      Arrays.fill(array, (byte) (first(item) + 1));
      return switch (kind) {
        case TENSOR -> Tensor.of(array, bytes);
        case BUFFER -> ByteBuffer.wrap(array).order(ByteOrder.LITTLE_ENDIAN);
        case ARRAY -> array;
        case SEGMENT -> MemorySegment.ofArray(array);
      };
    }
  }

  private static byte first(Object value) {
    return value instanceof Byte number ? number : bytes(value).get(JAVA_BYTE, 0);
  }

  private static MemorySegment bytes(Object value) {
    return switch (value) {
      case Tensor tensor -> tensor.segment();
      case ByteBuffer buffer -> MemorySegment.ofBuffer(buffer);
      case byte[] array -> MemorySegment.ofArray(array);
      case MemorySegment segment -> segment;
      default -> fail("unexpected " + value);
    };
  }

  private static void assertFull(Object value, int of) {
    byte[] expected = new byte[RESULT_BYTES];
    Arrays.fill(expected, (byte) of);
    assertThat(bytes(value).mismatch(MemorySegment.ofArray(expected))).isEqualTo(-1);
  }

  private static Pool start(Kind kind, int bytes) throws Exception {
    return RoomTest.start(
        WorkerProcesses.builder(1).resultMemoryBytes(MIB).inputMemoryBytes(MIB),
        HandlerFactory.of(Filling.class, kind, bytes));
  }

  private static Object call(Pool pool, Object item) {
    return pool.execute(List.of(item)).toCompletableFuture().join().getFirst();
  }

  @ParameterizedTest
  @EnumSource(names = {"TENSOR", "BUFFER", "ARRAY"})
  void noGarbageIsCollectedForThem(Kind kind) throws Exception {
    Pool pool = start(kind, RESULT_BYTES);
    try {
      for (int i = 0; i < CALLS; i++) {
        Object result = call(pool, (byte) i);
        assertFull(result, i + 1);
        if (result instanceof ByteBuffer buffer) {
          assertThat(buffer.order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
        }
      }
      assertThat(pool.collections()).isZero();
    } finally {
      pool.close();
    }
  }

  /** Nobody sees the value between them, and so nobody can release it. */
  @Test
  void noGarbageIsCollectedForThoseOfTwoSteps() throws Exception {
    Pool first = start(Kind.TENSOR, RESULT_BYTES);
    Pool second = start(Kind.TENSOR, RESULT_BYTES);
    try {
      for (int i = 0; i < CALLS; i++) {
        assertFull(call(second, call(first, (byte) i)), i + 2);
      }
      assertThat(first.collections()).isZero();
      assertThat(second.collections()).isZero();
    } finally {
      first.close();
      second.close();
    }
  }

  /** Views take less room from then on. */
  @Test
  void someIsCollectedForBatchesThatNeedMoreThanHalfAndThenNoMore() throws Exception {
    Pool pool = start(Kind.TENSOR, 100_000);
    try {
      long collections = 0;
      for (int i = 0; i < 500; i++) {
        List<?> results =
            pool.execute(Collections.nCopies(8, (byte) i)).toCompletableFuture().join();
        assertThat(results).hasSize(8).allMatch(result -> ((Tensor) result).byteSize() == 100_000);
        collections = i < 100 ? pool.collections() : collections;
      }
      assertThat(collections).isBetween(1L, 10L);
      assertThat(pool.collections()).isEqualTo(collections);
    } finally {
      pool.close();
    }
  }

  @Test
  void arraysLeaveNothingInSharedMemory() throws Exception {
    Pool pool = start(Kind.ARRAY, RESULT_BYTES);
    try {
      for (int i = 0; i < 100; i++) {
        assertFull(call(pool, (byte) i), i + 1);
        assertThat(Memories.ALL.blockCount()).isZero();
      }
    } finally {
      pool.close();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"TENSOR", "BUFFER"})
  void thoseThatAreKeptAreInPlaceUpToHalfAndStayAsTheyAre(Kind kind) throws Exception {
    Pool pool = start(kind, RESULT_BYTES);
    try {
      List<Object> kept = new ArrayList<>();
      for (int i = 0; i < 3 * VIEWS; i++) {
        kept.add(call(pool, (byte) i));
        assertThat(bytes(kept.getLast()).isNative()).isEqualTo(i < VIEWS);
      }
      for (int i = 0; i < CALLS; i++) {
        assertThat(bytes(call(pool, (byte) 100)).isNative()).isFalse();
      }
      for (int i = 0; i < kept.size(); i++) {
        assertFull(kept.get(i), i + 1);
        assertThat(SharedValues.release(bytes(kept.get(i)))).isEqualTo(i < VIEWS);
      }
      assertThat(bytes(call(pool, (byte) 1)).isNative()).as("there is room again").isTrue();
      assertThat(pool.collections()).isZero();
    } finally {
      pool.close();
    }
  }

  @Test
  void thoseThatAreReleasedAreAlwaysInPlace() throws Exception {
    Pool pool = start(Kind.TENSOR, RESULT_BYTES);
    try {
      for (int i = 0; i < CALLS; i++) {
        assertThat(SharedValues.release((Tensor) call(pool, (byte) i))).isTrue();
      }
      assertThat(pool.collections()).isZero();
    } finally {
      pool.close();
    }
  }

  @Test
  void segmentsAreAlwaysInPlace() throws Exception {
    Pool pool = start(Kind.SEGMENT, RESULT_BYTES);
    try {
      List<MemorySegment> kept = new ArrayList<>();
      for (int i = 0; i < 2 * VIEWS; i++) {
        kept.add((MemorySegment) call(pool, (byte) i));
        assertFull(kept.getLast(), i + 1);
      }
      assertThat(kept).allMatch(SharedValues::release);
    } finally {
      pool.close();
    }
  }

  /** What is not kept does not need it; what is named in messages is. */
  @Test
  void whereTheJvmIgnoresWhoAsksForCollectionsDroppedTensorsDoNoHarm() throws Exception {
    Process program =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:-UsePerfData",
                "-Xmx128m",
                FLAG,
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                DroppedResultsTest.class.getName())
            .redirectErrorStream(true)
            .start();
    String output = new String(program.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(program.waitFor()).as(output).isZero();
    assertThat(output.lines())
        .contains("%d tensors".formatted(CALLS))
        .filteredOn(line -> line.contains(FLAG))
        .satisfiesExactly(
            logged -> assertThat(logged).contains("WARNING").contains("SharedValues.release"),
            failed ->
                assertThat(failed)
                    .startsWith("failed: ")
                    .contains("set largeMemoryBytes; this JVM ignores System.gc()"));
  }

  /** In a JVM of its own: drops tensors, then keeps segments until there is no room for them. */
  public static void main(String[] args) throws Exception {
    try (Flow<Object, Object> flow = flow(Kind.TENSOR)) {
      for (int i = 0; i < CALLS; i++) {
        assertFull(flow.call((byte) i), i + 1);
      }
      System.out.println(CALLS + " tensors");
    }
    List<Object> kept = new ArrayList<>();
    try (Flow<Object, Object> flow = flow(Kind.SEGMENT)) {
      while (kept.size() < CALLS) {
        kept.add(flow.call((byte) 1));
      }
    } catch (IllegalStateException | CompletionException noRoom) {
      System.out.println("failed: " + noRoom.getMessage());
    }
  }

  private static Flow<Object, Object> flow(Kind kind) throws InterruptedException {
    return Flow.<Object>builder("dropping")
        .<Object>stepPerWorker(
            "fill",
            HandlerFactory.of(Filling.class, kind, RESULT_BYTES),
            step ->
                step.workers(
                    WorkerProcesses.builder(1)
                        .resultMemoryBytes(MIB)
                        .largeMemoryBytes(MIB)
                        .noStartCache()
                        .build()))
        .build()
        .start(Duration.ofSeconds(60));
  }
}
