package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.WorkerDiedException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Worker processes that write what cannot be. */
class LiesTest {
  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  /** That it had not begun the batch is not believed. */
  @Test
  void whatAWorkerThatWritesNonsenseMayHaveExecutedIsNotExecutedAgain() throws Exception {
    try (Flow<Integer, Object> flow =
        Doubling.flow(
            WorkerProcesses.builder(1)
                .jvmOptions(
                    "-D" + Fault.PROPERTY + "=" + Lying.class.getName(),
                    "-D" + Lying.FILE + "=" + folder.resolve("lied")),
            1)) {
      assertThatThrownBy(() -> flow.call(1))
          .isInstanceOf(WorkerDiedException.class)
          .hasMessageContaining("it has written what cannot be");
      assertThat(flow.call(2)).isEqualTo(4);
    }
  }

  /** Says once that it has nothing, when it has executed a batch, and then writes nonsense. */
  static final class Lying implements Fault {
    static final String FILE = "test.file";

    @Override
    public void at(Point point, Channel channel) {
      if (point == Point.HANDLED && KillOnce.isFirst(Path.of(System.getProperty(FILE)))) {
        channel.end(0);
        channel.responses().fill((byte) -1);
        new Doubling().handle(List.of(Doubling.HANG));
      }
    }
  }

  /** Overwrites its lifeline, and is killed. */
  static final class Cutting implements Fault {
    @Override
    public void at(Point point, Channel channel) {
      if (point == Point.HANDLED && KillOnce.isFirst(Path.of(System.getProperty(Lying.FILE)))) {
        channel.lifeline().fill((byte) -1);
        Doubling.kill();
      }
    }
  }

  @Test
  void aWorkerThatOverwritesItsLifelineIsReplaced() throws Exception {
    WorkerProcessesBuilder processes =
        WorkerProcesses.builder(1)
            .retry(3)
            .jvmOptions(
                "-D" + Fault.PROPERTY + "=" + Cutting.class.getName(),
                "-D" + Lying.FILE + "=" + folder.resolve("cut"));
    try (Flow<Integer, Object> flow = Doubling.flow(processes, 1)) {
      Files.createFile(folder.resolve("cut"));
      assertThat(flow.call(1)).as("the parent watches").isEqualTo(2);
      Files.delete(folder.resolve("cut"));
      assertThat(flow.call(2)).isEqualTo(4);
      assertThat(flow.call(3)).isEqualTo(6);
      assertThat(flow.workers("double").getFirst().restarts()).isEqualTo(1);
    }
  }

  /** Says that its parent does not wait, before each answer and before it is killed by an item. */
  static final class Silencing implements Fault {
    @Override
    public void at(Point point, Channel channel) {
      if (point == Point.HANDLED || point == Point.BEGUN) {
        channel.parentBell().set(ValueLayout.JAVA_INT, 0, 0);
      }
    }
  }

  /**
   * It looks now and then even if nobody rings, and hears of the death of whoever keeps it waiting.
   */
  @Test
  void aWorkerThatSaysThatItsParentDoesNotWaitIsHeardAndReplaced() throws Exception {
    WorkerProcessesBuilder processes =
        WorkerProcesses.builder(1)
            .jvmOptions("-D" + Fault.PROPERTY + "=" + Silencing.class.getName());
    try (Flow<Integer, Object> flow = Doubling.flow(processes, 1)) {
      for (int i = 0; i < 5; i++) {
        assertThat(flow.submit(i)).succeedsWithin(Duration.ofSeconds(30)).isEqualTo(2 * i);
      }
      assertThat(flow.submit(Doubling.KILL))
          .failsWithin(Duration.ofSeconds(30))
          .withThrowableThat()
          .withCauseInstanceOf(WorkerDiedException.class);
      assertThat(flow.submit(7)).succeedsWithin(Duration.ofSeconds(30)).isEqualTo(14);
    }
  }

  /** Says that it has read what nobody has sent, when it has read as much as there is room for. */
  static final class Foretelling implements Fault {
    /** Beside one that says where the memory of items is. */
    static final int BATCHES = 32;

    private static final int HEAD_OFFSET = 256;
    private int batches;

    @Override
    public void at(Point point, Channel channel) {
      if (point == Point.ANSWERED && ++batches == BATCHES) {
        channel.requests().asSlice(HEAD_OFFSET, Long.BYTES).fill((byte) 1);
        var _ = new Doubling().handle(List.of(Doubling.HANG));
      }
    }
  }

  @Test
  void aProcessThatHasWrittenNonsenseDoesNotKeepAFlowFromClosingTheOthers() throws Exception {
    WorkerProcessesBuilder processes =
        WorkerProcesses.builder(2)
            .ahead(0)
            .jvmOptions("-D" + Fault.PROPERTY + "=" + Foretelling.class.getName());
    Flow<Integer, Object> flow = Doubling.flow(processes, 1);
    for (int i = 0; i < Foretelling.BATCHES; i++) {
      assertThat(flow.call(i)).isEqualTo(2 * i);
    }
    flow.close();
    assertThat(ProcessHandle.current().children()).isEmpty();
    assertThat(Memories.ALL.count()).isZero();
  }

  /** Says after each answer that it has read what nobody has sent. */
  static final class ReadingAhead implements Fault {
    private static final int HEAD_OFFSET = 256;

    @Override
    public void at(Point point, Channel channel) {
      if (point == Point.WRITTEN) {
        channel.requests().set(ValueLayout.JAVA_LONG, HEAD_OFFSET, 1L << 40);
      }
    }
  }

  /** The parent finds out when it tells the worker that the memory of the item is gone. */
  @Test
  void anAnswerBesideWhichAWorkerHasWrittenNonsenseReachesItsCaller() throws Exception {
    ConcurrentLinkedQueue<String> deaths = new ConcurrentLinkedQueue<>();
    try (Flow<byte[], Integer> flow =
        Flow.<byte[]>builder("nonsense")
            .<Integer>stepPerWorker(
                "measure",
                HandlerFactory.of(() -> items -> items.stream().map(item -> item.length).toList()),
                step ->
                    step.batch(BatchPolicy.greedy(1))
                        .workers(
                            WorkerProcesses.builder(1)
                                .inputMemoryBytes(1 << 20)
                                .ahead(0)
                                .retry(5)
                                .jvmOptions(
                                    "-D" + Fault.PROPERTY + "=" + ReadingAhead.class.getName())
                                .build()))
            .observer(new DeathNotes(deaths))
            .build()
            .start(Duration.ofSeconds(30))) {
      while (deaths.isEmpty()) {
        assertThat(flow.submit(new byte[2 << 20]))
            .succeedsWithin(Duration.ofSeconds(30))
            .isEqualTo(2 << 20);
      }
    }
    assertThat(deaths).first().asString().contains("it has written what cannot be");
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void aWorkerThatWritesNonsenseFailsAlone(long seed) throws Exception {
    ConcurrentLinkedQueue<String> deaths = new ConcurrentLinkedQueue<>();
    try (Flow<Integer, Object> flow =
        Flow.<Integer>builder("scribbling")
            .<Object>stepPerWorker(
                "double",
                HandlerFactory.of(Doubling::new),
                step ->
                    step.batch(BatchPolicy.greedy(4))
                        .workers(
                            WorkerProcesses.builder(2)
                                .retry(Integer.MAX_VALUE)
                                .batchTimeout(Duration.ofSeconds(2)) // for answers that got lost
                                .jvmOptions(
                                    "-D" + Fault.PROPERTY + "=" + Scribble.class.getName(),
                                    "-D" + Scribble.FOLDER + "=" + folder,
                                    "-D" + Scribble.SEED + "=" + seed)
                                .build()))
            .observer(new DeathNotes(deaths))
            .build()
            .start(Duration.ofSeconds(30))) {
      List<CompletableFuture<Object>> futures =
          flow.submitAll(IntStream.range(0, 400).boxed().toList());
      for (CompletableFuture<Object> future : futures) {
        assertThat(future.handle((result, failure) -> true).join()).isTrue();
      }
      assertThat(flow.state()).isEqualTo(Flow.State.RUNNING);
    }
    assertThat(deaths).as("it was noticed").isNotEmpty();
  }
}
