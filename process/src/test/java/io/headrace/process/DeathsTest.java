package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Observer;
import io.headrace.StoppedException;
import io.headrace.Tensor;
import io.headrace.WorkerDiedException;
import io.headrace.WorkerStatus;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Worker processes that are killed, write nonsense, or do not start. */
class DeathsTest {
  /** How many workers are killed at random; a nightly run kills more. */
  private static final int KILLS = Integer.getInteger("headrace.kills", 25);

  private static final int IN_FLIGHT = 64;

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  private static void assertDoubled(List<CompletableFuture<Object>> futures) {
    for (int i = 0; i < futures.size(); i++) {
      assertThat(futures.get(i).join()).as("result %d", i).isEqualTo(2 * i);
    }
  }

  static Stream<Arguments> pointsAndMechanisms() {
    return Stream.of(Fault.Point.values())
        .filter(point -> point != Fault.Point.RELEASING)
        .flatMap(point -> Stream.of(Arguments.of(point, false), Arguments.of(point, true)));
  }

  @ParameterizedTest
  @MethodSource("pointsAndMechanisms")
  void aDeathAtAnyStepOfTheProtocolLosesNothing(Fault.Point point, boolean isPortable)
      throws Exception {
    WorkerProcesses.Builder processes =
        WorkerProcesses.builder(1)
            .ahead(2)
            .retry(3)
            .jvmOptions(
                "-D" + Fault.PROPERTY + "=" + KillOnce.class.getName(),
                "-D" + KillOnce.POINT + "=" + point,
                "-D" + KillOnce.FILE + "=" + folder.resolve("killed"));
    try (Flow<Integer, Object> flow =
        Doubling.flow(isPortable ? processes.portable() : processes, 8)) {
      assertDoubled(flow.submitAll(IntStream.range(0, 100).boxed().toList()));
      Awaitility.await("the restart")
          .until(() -> flow.workers("double").getFirst().restarts() == 1);
    }
    assertThat(folder.resolve("killed")).exists();
  }

  @Test
  void aDeathWhileBlocksAreReleasedLosesNothing() throws Exception {
    try (Flow<Tensor, Tensor> flow =
        Flow.<Tensor>builder("tensors")
            .<Tensor>stepPerWorker(
                "copy",
                HandlerFactory.of(Copying::new),
                step ->
                    step.workers(
                        WorkerProcesses.builder(1)
                            .retry(3)
                            .resultMemory(1 << 20)
                            .jvmOptions(
                                "-D" + Fault.PROPERTY + "=" + KillOnce.class.getName(),
                                "-D" + KillOnce.POINT + "=" + Fault.Point.RELEASING,
                                "-D" + KillOnce.FILE + "=" + folder.resolve("killed"))
                            .build()))
            .build()
            .start(Duration.ofSeconds(30))) {
      Tensor tensor = Tensor.of(new byte[300_000], 300_000);
      for (int i = 0; i < 30; i++) {
        assertThat(flow.call(tensor)).isEqualTo(tensor);
      }
    }
    assertThat(folder.resolve("killed")).exists();
  }

  /** Copies tensors. */
  private static final class Copying implements io.headrace.Handler<Tensor, Tensor> {
    @Override
    public List<Tensor> handle(List<Tensor> items) {
      return items.stream()
          .map(
              item ->
                  Tensor.of(
                      item.segment().toArray(java.lang.foreign.ValueLayout.JAVA_BYTE),
                      item.shape()))
          .toList();
    }
  }

  @Test
  void workersThatAreKilledAtRandomLoseNothing() throws Exception {
    Random random = new Random(1);
    try (Flow<Integer, Object> flow =
        Doubling.flow(WorkerProcesses.builder(2).ahead(1).retry(Integer.MAX_VALUE), 4)) {
      int submitted = 0;
      List<CompletableFuture<Object>> futures = new ArrayList<>();
      int kills = 0;
      while (kills < KILLS) {
        for (int i = 0; i < IN_FLIGHT; i++) {
          futures.add(flow.submit(submitted++));
        }
        List<Long> pids =
            flow.workers("double").stream().map(WorkerStatus::pid).filter(pid -> pid != 0).toList();
        if (!pids.isEmpty()
            && ProcessHandle.of(pids.get(random.nextInt(pids.size())))
                .filter(ProcessHandle::destroyForcibly)
                .isPresent()) {
          kills++;
        }
        futures.get(futures.size() - 1).join();
      }
      assertDoubled(futures);
    }
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
                                    "-D" + Scribble.SEED + "=" + seed)
                                .build()))
            .observer(
                new Observer() {
                  @Override
                  public void onWorker(WorkerEvent event) {
                    if (event.kind() == WorkerEvent.Kind.DIED) {
                      deaths.add(event.detail());
                    }
                  }
                })
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

  @Test
  void aStepWhoseWorkersCannotBeKeptAliveFailsTheFlow() throws Exception {
    Path started = folder.resolve("started");
    Flow<Integer, Object> flow =
        Flow.<Integer>builder("dying")
            .<Object>stepPerWorker(
                "die",
                HandlerFactory.of(new StartsOnce(started.toString())::make),
                step ->
                    step.workers(
                        WorkerProcesses.builder(1)
                            .retry(10)
                            .maxFailures(3)
                            .restartDelay(Duration.ofMillis(1))
                            .build()))
            .build()
            .start(Duration.ofSeconds(30));
    CompletableFuture<Object> future = flow.submit(Doubling.EXIT);
    assertThatThrownBy(future::join)
        .hasRootCauseInstanceOf(WorkerDiedException.class)
        .hasMessageContaining("no worker of step die can be kept alive");
    Awaitility.await("the end").until(() -> flow.state() == Flow.State.FAILED);
    assertThatThrownBy(() -> flow.call(1))
        .isInstanceOf(StoppedException.class)
        .hasMessageContaining("dying is FAILED: no worker of step die can be kept alive");
    assertThat(flow.workers("die"))
        .extracting(WorkerStatus::state)
        .containsExactly(WorkerStatus.State.STOPPED);
    flow.close();
  }

  /** Makes a handler in the first process only. */
  private record StartsOnce(String file) implements java.io.Serializable {
    Doubling make() {
      try {
        java.nio.file.Files.createFile(Path.of(file));
        return new Doubling();
      } catch (java.io.IOException exists) {
        throw new IllegalStateException("there was one before");
      }
    }
  }

  @Test
  void observersAreToldOfDeathsAndRestarts() throws Exception {
    List<Observer.WorkerEvent> events = new java.util.concurrent.CopyOnWriteArrayList<>();
    try (Flow<Integer, Object> flow =
        Flow.<Integer>builder("observed")
            .<Object>stepPerWorker(
                "double",
                HandlerFactory.of(Doubling::new),
                step -> step.workers(WorkerProcesses.of(1)))
            .observer(
                new Observer() {
                  @Override
                  public void onWorker(WorkerEvent event) {
                    events.add(event);
                  }
                })
            .build()
            .start(Duration.ofSeconds(30))) {
      assertThat(flow.submit(Doubling.EXIT)).failsWithin(Duration.ofSeconds(30));
      assertThat(flow.call(1)).isEqualTo(2);
      WorkerStatus status = flow.workers("double").getFirst();
      assertThat(status.pid()).isEqualTo(events.getLast().pid());
      assertThat(status.residentBytes()).isPositive();
      assertThat(status.cpu()).isPositive();
    }
    assertThat(events)
        .extracting(Observer.WorkerEvent::kind)
        .containsExactly(
            Observer.WorkerEvent.Kind.STARTED,
            Observer.WorkerEvent.Kind.DIED,
            Observer.WorkerEvent.Kind.RESTARTED);
    assertThat(events.get(1).detail()).contains("has exited with code 17");
  }
}
