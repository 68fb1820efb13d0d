package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.Handler;
import io.headrace.HeadraceException;
import io.headrace.Observer;
import io.headrace.Placement;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** When garbage is collected because batches find no room. */
class RoomTest {
  private static final VarHandle LONG = JAVA_LONG.varHandle();
  private static final ByteBuffer ITEM = ByteBuffer.allocate(600_000);

  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  /** Returns what it is given, or a text instead. */
  public static final class Handling implements Handler<Object, Object> {
    private final boolean isPassing;

    public Handling(boolean isPassing) {
      this.isPassing = isPassing;
    }

    @Override
    public List<Object> handle(List<Object> items) {
      return isPassing ? items : Collections.nCopies(items.size(), "done");
    }
  }

  /** Hears nothing. */
  static class Deaf implements Placement.Host {
    @Override
    public void fail(HeadraceException reason) {}

    @Override
    public void report(Observer.WorkerEvent event) {}

    @Override
    public void wantsMore() {}

    @Override
    public void retried(int items) {}

    @Override
    public boolean isObserved() {
      return false;
    }

    @Override
    public void report(Observer.TransferEvent event) {}
  }

  private static Pool start(boolean isPassing) throws Exception {
    return start(
        WorkerProcesses.builder(2).ahead(9).inputMemoryBytes(1 << 20),
        HandlerFactory.of(Handling.class, isPassing));
  }

  /** The processes of a step whose batches are handed over by a test. */
  static Pool start(WorkerProcessesBuilder processes, HandlerFactory<?> factory) throws Exception {
    Settings settings = processes.noStartCache().settings();
    Pool pool =
        new Pool(
            new Placement.PlacedStep("room", "step", factory, 1),
            settings,
            FactoryBytes.write(factory, "step", settings));
    pool.start(new Deaf());
    return pool;
  }

  private static List<CompletableFuture<?>> execute(Pool pool, int batches, Object item) {
    List<CompletableFuture<?>> futures = new ArrayList<>();
    for (int i = 0; i < batches; i++) {
      CompletionStage<?> stage = pool.execute(List.of(item));
      futures.add(stage.toCompletableFuture());
    }
    return futures;
  }

  @Test
  void noneIsWhileBatchesHaveTheRoomThatGiveItBack() throws Exception {
    Pool pool = start(false);
    try {
      for (CompletableFuture<?> future : execute(pool, 20, ITEM)) { // as many as there are places
        assertThat(future).succeedsWithin(Duration.ofSeconds(60));
      }
      assertThat(pool.collections()).isZero();
    } finally {
      pool.close();
    }
  }

  /** A buffer that is passed on is copied to the heap if it takes too much room. */
  @Test
  void noneIsForBuffersThatArePassedOn() throws Exception {
    Pool pool = start(true);
    try {
      List<Object> kept = new ArrayList<>();
      for (int i = 0;
          i < 20;
          i++) { // one by one: several at once may need more than the views leave
        CompletableFuture<?> future = execute(pool, 1, ITEM).getFirst();
        assertThat(future).succeedsWithin(Duration.ofSeconds(60)).isEqualTo(List.of(ITEM));
        kept.add(future.join());
      }
      assertThat(pool.collections()).isZero();
      assertThat(kept).hasSize(20);
    } finally {
      pool.close();
    }
  }

  /** Whoever executes it may do so for any time. */
  @Test
  void someIsThoughABatchIsUnderWayIfThatDoesNotEnd() throws Exception {
    Pool pool =
        start(
            WorkerProcesses.builder(2).inputMemoryBytes(1 << 20), HandlerFactory.of(Waiting::new));
    try (SharedValues values = SharedValues.create(1 << 16)) {
      MemorySegment end = values.allocate(8).fill((byte) 0);
      assertThat(execute(pool, 1, MemorySegment.ofBuffer(ITEM)).getFirst()) // and is dropped
          .succeedsWithin(Duration.ofSeconds(60));
      CompletableFuture<?> held =
          execute(pool, 1, List.of(end, ByteBuffer.allocate(100_000))).getFirst();
      CompletableFuture<?> behind = execute(pool, 1, ITEM).getFirst();
      assertThat(behind).succeedsWithin(Duration.ofSeconds(60));
      assertThat(pool.collections()).isPositive();
      assertThat(held).isNotDone();
      LONG.setVolatile(end, 0L, 1L);
      assertThat(held).succeedsWithin(Duration.ofSeconds(60));
    } finally {
      pool.close();
    }
  }

  /** Results that were released are told of when the process asks for room. */
  @Test
  void noneIsForAProcessThatDoesNotKnowYetWhatWasReleased() throws Exception {
    Pool pool =
        start(
            WorkerProcesses.builder(1).resultMemoryBytes(1 << 20), HandlerFactory.of(Waiting::new));
    try (SharedValues values = SharedValues.create(1 << 16)) {
      MemorySegment end = values.allocate(8);
      LONG.setVolatile(end, 0L, 1L);
      Queue<MemorySegment> results = new ArrayDeque<>();
      for (int i = 0; i < 3; i++) {
        results.add(result(execute(pool, 1, List.of(end, 300_000)).getFirst()));
      }
      for (int i = 0; i < 50; i++) {
        LONG.setVolatile(end, 0L, 0L);
        CompletableFuture<?> next = execute(pool, 1, List.of(end, 300_000)).getFirst();
        assertThat(SharedValues.release(results.remove())).isTrue();
        LONG.setVolatile(end, 0L, 1L);
        results.add(result(next));
      }
      assertThat(pool.collections()).isZero();
      assertThat(results).allMatch(MemorySegment::isNative);
    } finally {
      pool.close();
    }
  }

  private static MemorySegment result(CompletableFuture<?> results) {
    assertThat(results).succeedsWithin(Duration.ofSeconds(60));
    return (MemorySegment) ((List<?>) results.join()).getFirst();
  }

  /**
   * Passes on what is no list. Of a list it waits until somebody has set the first number in shared
   * memory, and returns as many bytes as it says, if it says so.
   */
  public static final class Waiting implements Handler<Object, Object> {
    @Override
    public List<Object> handle(List<Object> items) {
      return items.stream().map(Waiting::awaited).toList();
    }

    private static Object awaited(Object item) {
      if (!(item instanceof List<?> list)) {
        return item;
      }
      MemorySegment end = (MemorySegment) list.getFirst();
      while ((long) LONG.getVolatile(end, 0L) == 0) {
        Thread.yield();
      }
      return list.getLast() instanceof Integer n ? MemorySegment.ofArray(new byte[n]) : "done";
    }
  }

  /** A segment stays where it is. */
  @Test
  void someIsIfAResultMayHaveIt() throws Exception {
    Pool pool = start(true);
    try {
      for (CompletableFuture<?> future : execute(pool, 5, MemorySegment.ofBuffer(ITEM))) {
        assertThat(future).succeedsWithin(Duration.ofSeconds(60));
      }
      assertThat(pool.collections()).isPositive();
    } finally {
      pool.close();
    }
  }
}
