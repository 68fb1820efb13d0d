package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Observer;
import io.headrace.StoppedException;
import io.headrace.Tensor;
import io.headrace.WorkerDiedException;
import io.headrace.WorkerStatus;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Worker processes that are killed, or do not start again. */
class DeathsTest {
  /** How many flows are closed while a worker starts. */
  private static final int CLOSES = Integer.getInteger("headrace.closes", 2);

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

  private WorkerProcessesBuilder killedOnceAt(Fault.Point point) {
    return WorkerProcesses.builder(1)
        .retry(3)
        .restartDelay(Duration.ofMillis(1))
        .jvmOptions(
            "-D" + Fault.PROPERTY + "=" + KillOnce.class.getName(),
            "-D" + KillOnce.POINT + "=" + point,
            "-D" + KillOnce.FILE + "=" + folder.resolve("killed"));
  }

  private static void awaitRestarts(Flow<?, ?> flow, String step, int restarts) {
    Awaitility.await("the restart")
        .atMost(Duration.ofSeconds(30))
        .until(() -> flow.workers(step).getFirst().restarts() == restarts);
  }

  /** At those to which each process comes; the other tests have the others. */
  @ParameterizedTest
  @EnumSource(
      names = {
        "READY",
        "OFFERED",
        "MAPPED",
        "RECEIVED",
        "BEGUN",
        "HANDLED",
        "WRITTEN",
        "ANSWERED",
        "ENDED"
      })
  void aDeathAtAnyStepOfTheProtocolLosesNothing(Fault.Point point) throws Exception {
    try (Flow<Integer, Object> flow = Doubling.flow(killedOnceAt(point).ahead(2), 8)) {
      assertDoubled(flow.submitAll(IntStream.range(0, 100).boxed().toList()));
      awaitRestarts(flow, "double", 1);
      assertThat(flow.statistics().steps().getFirst().retried())
          .as("the batch of up to 8 that may have begun")
          .isBetween(isBegun(point) ? 1L : 0L, 8L);
    }
    assertThat(folder.resolve("killed")).exists();
  }

  private static boolean isBegun(Fault.Point point) {
    return point == Fault.Point.BEGUN
        || point == Fault.Point.HANDLED
        || point == Fault.Point.WRITTEN;
  }

  @Test
  void batchesKeepTheirOrderWhenTheirProcessDies() throws Exception {
    ConcurrentLinkedQueue<Integer> order = new ConcurrentLinkedQueue<>();
    try (Flow<Integer, Object> flow = Doubling.flow(killedOnceAt(Fault.Point.BEGUN).ahead(9), 1)) {
      List<CompletableFuture<Void>> ends = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        int item = i;
        ends.add(flow.submit(item).thenAccept(_ -> order.add(item)));
      }
      ends.forEach(CompletableFuture::join);
      awaitRestarts(flow, "double", 1);
    }
    assertThat(order).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
  }

  @Test
  void aDeathBeforeItIsReadyAgainLosesNothing() throws Exception {
    Files.createFile(folder.resolve("killed")); // not at the start of the flow
    try (Flow<Integer, Object> flow = Doubling.flow(killedOnceAt(Fault.Point.STARTING), 8)) {
      Files.delete(folder.resolve("killed"));
      ProcessHandle.of(flow.workers("double").getFirst().pid()).orElseThrow().destroyForcibly();
      assertDoubled(flow.submitAll(IntStream.range(0, 100).boxed().toList()));
      awaitRestarts(flow, "double", 2);
    }
    assertThat(folder.resolve("killed")).exists();
  }

  @Test
  void aDeathOfAWorkerThatIsToldToEndIsItsEnd() throws Exception {
    ConcurrentLinkedQueue<String> deaths = new ConcurrentLinkedQueue<>();
    Flow<Integer, Object> flow = Doubling.flow(killedOnceAt(Fault.Point.CLOSING), 8);
    flow.observe(new DeathNotes(deaths));
    assertDoubled(flow.submitAll(IntStream.range(0, 100).boxed().toList()));
    flow.close();
    assertThat(folder.resolve("killed")).exists();
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
    assertThat(deaths).isEmpty();
  }

  /** With values in the common memories, and in some of their own. */
  @ParameterizedTest
  @EnumSource(names = {"WANTING", "GRANTED", "RELEASING", "UNMAPPED"})
  void aDeathWhileMemoryIsGivenOrReleasedLosesNothing(Fault.Point point) throws Exception {
    try (Flow<Tensor, Tensor> flow =
        Flow.<Tensor>builder("tensors")
            .<Tensor>stepPerWorker(
                "copy",
                HandlerFactory.of(Copying::new),
                step ->
                    step.workers(
                        killedOnceAt(point)
                            .inputMemoryBytes(1 << 20)
                            .resultMemoryBytes(1 << 20)
                            .build()))
            .build()
            .start(Duration.ofSeconds(30))) {
      for (int i = 0; i < 30; i++) {
        int length = i % 3 == 0 ? 2_000_000 : 300_000;
        Tensor tensor = Tensor.of(new byte[length], length);
        assertThat(flow.call(tensor)).isEqualTo(tensor);
      }
      awaitRestarts(flow, "copy", 1);
    }
    assertThat(folder.resolve("killed")).exists();
  }

  /** Copies tensors. */
  private static final class Copying implements Handler<Tensor, Tensor> {
    @Override
    public List<Tensor> handle(List<Tensor> items) {
      return items.stream()
          .map(item -> Tensor.of(item.segment().toArray(ValueLayout.JAVA_BYTE), item.shape()))
          .toList();
    }
  }

  /** Makes values, passes values on, and ends at the first one while there is a file. */
  public static final class Ending implements Handler<Object, Object> {
    static final String MAKE = "make";

    private final Path file;

    public Ending(String file) {
      this.file = Path.of(file);
    }

    @Override
    public List<Object> handle(List<Object> items) {
      if (items.contains(MAKE)) {
        return List.of(Tensor.of(new byte[100_000], 100_000));
      }
      try {
        if (Files.deleteIfExists(file)) {
          Runtime.getRuntime().halt(17);
        }
      } catch (IOException failure) {
        throw new UncheckedIOException(failure);
      }
      return items;
    }
  }

  private Flow<Object, Object> ending(WorkerProcessesBuilder processes)
      throws InterruptedException {
    return Flow.<Object>builder("ending")
        .<Object>stepPerWorker(
            "end",
            HandlerFactory.of(Ending.class, folder.resolve("end").toString()),
            step -> step.workers(processes.retry(3).build()))
        .build()
        .start(Duration.ofSeconds(30));
  }

  /** The memory of results would keep the process, and that the results that it was sent. */
  @Test
  void aDeathWithAResultAsAnItemLeavesNoMemory() throws Exception {
    try (Flow<Object, Object> flow = ending(WorkerProcesses.builder(1))) {
      Object made = flow.call(Ending.MAKE);
      Files.createFile(folder.resolve("end"));
      assertThat(flow.call(made)).isEqualTo(made);
      assertThat(flow.workers("end").getFirst().restarts()).isEqualTo(1);
    }
  }

  @Test
  void aBatchThatWaitsWhenTheFlowIsShutDownLeavesNoMemory() throws Exception {
    Flow<Object, Object> flow =
        ending(WorkerProcesses.builder(1).restartDelay(Duration.ofSeconds(30)));
    Object passedOn = flow.call(Tensor.of(new byte[100_000], 100_000));
    Files.createFile(folder.resolve("end"));
    CompletableFuture<Object> waiting = flow.submit(passedOn);
    Awaitility.await("the death")
        .atMost(Duration.ofSeconds(30))
        .until(() -> flow.workers("end").getFirst().state() == WorkerStatus.State.DEAD);
    assertThat(waiting).isNotDone();
    flow.shutdownNow();
    flow.close();
    assertThat(waiting).isCompletedExceptionally();
  }

  /** Copies bytes, which are viewed in any case, and makes a file for each batch, of its number. */
  private static final class Counting implements Handler<Tensor, MemorySegment> {
    private final String folder;

    Counting(String folder) {
      this.folder = folder;
    }

    @Override
    public List<MemorySegment> handle(List<Tensor> items) {
      var _ = KillOnce.number(Path.of(folder));
      return new Copying().handle(items).stream().map(Tensor::segment).toList();
    }
  }

  /**
   * What it has asked for cannot be given to it anymore. The large memory is taken, too, so that it
   * waits for some seconds.
   */
  @Test
  void aDeathWhileAWorkerWaitsForRoomLeavesNoMemory() throws Exception {
    String batches = folder.toString();
    try (Flow<Tensor, MemorySegment> flow =
        Flow.<Tensor>builder("tensors")
            .<MemorySegment>stepPerWorker(
                "copy",
                HandlerFactory.of(() -> new Counting(batches)),
                step ->
                    step.workers(
                        WorkerProcesses.builder(1)
                            .resultMemoryBytes(1 << 20)
                            .largeMemoryBytes(400_000)
                            .build()))
            .build()
            .start(Duration.ofSeconds(30))) {
      Tensor tensor = Tensor.of(new byte[300_000], 300_000);
      List<MemorySegment> kept = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        kept.add(flow.call(tensor));
      }
      CompletableFuture<MemorySegment> noRoom = flow.submit(tensor);
      Awaitility.await("its batch").until(() -> Files.exists(folder.resolve("4")));
      long before = collections();
      Awaitility.await("the search for room").until(() -> collections() > before);
      ProcessHandle.of(flow.workers("copy").getFirst().pid()).orElseThrow().destroyForcibly();
      assertThatThrownBy(noRoom::join).hasCauseInstanceOf(WorkerDiedException.class);
      assertThat(kept).hasSize(4);
    }
  }

  private static long collections() {
    return ManagementFactory.getGarbageCollectorMXBeans().stream()
        .mapToLong(GarbageCollectorMXBean::getCollectionCount)
        .sum();
  }

  /** Fails with what fails, too, when it is asked why. */
  static final class Failing implements Fault {
    @Override
    public void at(Point point, Channel channel) {
      if (point == Point.ANSWERED) {
        throw new IllegalStateException("on purpose") {
          private static final long serialVersionUID = 1;

          @Override
          public synchronized Throwable getCause() {
            throw new UnsupportedOperationException();
          }
        };
      }
    }
  }

  @Test
  void aWorkerEndsAtOnceEvenIfItCannotSayWhyItHasFailed() throws Exception {
    ConcurrentLinkedQueue<String> deaths = new ConcurrentLinkedQueue<>();
    try (Flow<Integer, Object> flow =
        Flow.<Integer>builder("failing")
            .<Object>stepPerWorker(
                "double",
                HandlerFactory.of(Doubling::new),
                step ->
                    step.workers(
                        WorkerProcesses.builder(1)
                            .jvmOptions("-D" + Fault.PROPERTY + "=" + Failing.class.getName())
                            .build()))
            .observer(new DeathNotes(deaths))
            .build()
            .start(Duration.ofSeconds(30))) {
      assertThat(flow.call(1)).isEqualTo(2);
      Awaitility.await("its end").atMost(Duration.ofSeconds(30)).until(() -> !deaths.isEmpty());
    }
    assertThat(deaths).first().asString().contains("has exited with code 5");
  }

  /** Waits for a file. */
  private static final class Held implements Handler<Integer, Integer> {
    private final Path file;

    Held(String file) {
      this.file = Path.of(file);
    }

    @Override
    public List<Integer> handle(List<Integer> items) {
      while (!Files.exists(file)) {
        Thread.onSpinWait();
      }
      return items;
    }
  }

  /** The continuations are executed by the thread that is to start the next process. */
  @Test
  void anInterruptThatACallerLeavesBehindIsForNobodyElse() throws Exception {
    String go = folder.resolve("go").toString();
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("interrupted")
            .<Integer>stepPerWorker(
                "hold",
                HandlerFactory.of(() -> new Held(go)),
                step ->
                    step.batch(BatchPolicy.greedy(1))
                        .workers(WorkerProcesses.builder(1).ahead(1).maxFailures(1).build()))
            .build()
            .start(Duration.ofSeconds(30))) {
      CompletableFuture<Void> first =
          flow.submit(1).thenRun(() -> Thread.currentThread().interrupt());
      CompletableFuture<Boolean> next =
          flow.submit(2).thenApply(_ -> Thread.currentThread().isInterrupted());
      CompletableFuture<Void> last =
          flow.submit(3).thenRun(() -> Thread.currentThread().interrupt());
      Files.createFile(Path.of(go));
      assertThat(first).succeedsWithin(Duration.ofSeconds(30));
      assertThat(next).succeedsWithin(Duration.ofSeconds(30)).isEqualTo(false);
      assertThat(last).succeedsWithin(Duration.ofSeconds(30));
      ProcessHandle.of(flow.workers("hold").getFirst().pid()).orElseThrow().destroyForcibly();
      Awaitility.await("the restart")
          .atMost(Duration.ofSeconds(30))
          .until(() -> flow.workers("hold").getFirst().restarts() == 1);
      assertThat(flow.submit(4)).succeedsWithin(Duration.ofSeconds(30)).isEqualTo(4);
    }
  }

  @Test
  void aProcessThatHasWorkedIsReplacedHoweverFewFailuresAreAllowed() throws Exception {
    try (Flow<Integer, Object> flow = Doubling.flow(WorkerProcesses.builder(1).maxFailures(1), 1)) {
      for (int i = 0; i < 2; i++) {
        assertThat(flow.call(i)).isEqualTo(2 * i);
        assertThatThrownBy(() -> flow.call(Doubling.EXIT)).isInstanceOf(WorkerDiedException.class);
        assertThatThrownBy(() -> flow.call(Doubling.EXIT))
            .as("its first batch")
            .isInstanceOf(WorkerDiedException.class);
      }
      assertThat(flow.call(5)).isEqualTo(10);
    }
  }

  /** At each moment of a start. */
  @Test
  @Timeout(7200)
  void aCloseWhileAWorkerStartsAgainEnds() throws Exception {
    Random random = new Random(1);
    for (int round = 0; round < CLOSES; round++) {
      Path starts = Files.createDirectory(folder.resolve("round" + round));
      Flow<Integer, Object> flow =
          Flow.<Integer>builder("closing")
              .<Object>stepPerWorker(
                  "double",
                  HandlerFactory.of(new TellsOfStarts(starts.toString())::make),
                  step ->
                      step.workers(
                          WorkerProcesses.builder(1).restartDelay(Duration.ofMillis(1)).build()))
              .build()
              .start(Duration.ofSeconds(30));
      assertThatThrownBy(() -> flow.call(Doubling.EXIT)).isInstanceOf(WorkerDiedException.class);
      while (starts.toFile().list().length < 2) {
        Thread.onSpinWait();
      }
      for (int spins = random.nextInt(20_000); spins > 0; spins--) {
        Thread.onSpinWait();
      }
      flow.close();
      assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
    }
  }

  /** Makes a file each time a handler starts. */
  private record TellsOfStarts(String folder) implements Serializable {
    Doubling make() {
      try {
        Files.createTempFile(Path.of(folder), "started", "");
        return new Doubling();
      } catch (IOException failure) {
        throw new UncheckedIOException(failure);
      }
    }
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

  @Test
  void aWorkerThatIsGivenUpLeavesItsWorkToTheOthersAndIsTheFirstToGo() throws Exception {
    try (Flow<Integer, Object> flow = Doubling.flow(WorkerProcesses.builder(2).maxFailures(1), 8)) {
      WorkerStatus first = flow.workers("double").getFirst();
      ProcessHandle.of(first.pid()).orElseThrow().destroyForcibly();
      Awaitility.await("its end")
          .atMost(Duration.ofSeconds(30))
          .until(() -> flow.workers("double").getFirst().state() == WorkerStatus.State.STOPPED);
      assertDoubled(flow.submitAll(IntStream.range(0, 100).boxed().toList()));
      flow.resize("double", 1);
      assertThat(flow.workers("double"))
          .extracting(WorkerStatus::name)
          .containsExactly("doubling-double-1");
      assertThat(flow.call(1)).isEqualTo(2);
    }
  }

  @Test
  void aBatchIsTriedAgainOnceAsItIsAndThenItemByItem() throws Exception {
    try (Flow<Integer, Object> flow =
        Flow.<Integer>builder("doubled")
            .<Object>stepPerWorker(
                "double",
                HandlerFactory.of(Doubling::new),
                step ->
                    step.batch(BatchPolicy.fixed(3, Duration.ofSeconds(60)))
                        .workers(
                            WorkerProcesses.builder(1)
                                .retry(4)
                                .restartDelay(Duration.ofMillis(1))
                                .build()))
            .build()
            .start(Duration.ofSeconds(30))) {
      List<CompletableFuture<Object>> futures = flow.submitAll(List.of(1, Doubling.EXIT, 3));
      assertThat(futures.get(0).join()).isEqualTo(2);
      assertThatThrownBy(futures.get(1)::join).hasCauseInstanceOf(WorkerDiedException.class);
      assertThat(futures.get(2).join()).isEqualTo(6);
      assertThat(flow.workers("double").getFirst().restarts()).isEqualTo(4);
      assertThat(flow.statistics().steps().getFirst().retried())
          .as("all three twice, and one of them once more")
          .isEqualTo(7);
    }
  }

  /** Makes a handler in the first process only. */
  private record StartsOnce(String file) implements Serializable {
    Doubling make() {
      try {
        Files.createFile(Path.of(file));
        return new Doubling();
      } catch (IOException exists) {
        throw new IllegalStateException("there was one before");
      }
    }
  }

  /** Makes a handler unless there is a file; each time it makes none it leaves one in a folder. */
  private record StartsUnless(String broken, String folder) implements Serializable {
    Doubling make() {
      if (Files.exists(Path.of(broken))) {
        var _ = KillOnce.number(Path.of(folder));
        throw new IllegalStateException("broken");
      }
      return new Doubling();
    }
  }

  @Test
  void aStepThatNeverGivesUpAnswersWhoWaitsWhenItsWorkersStartAgain() throws Exception {
    Path broken = folder.resolve("broken");
    Path failures = Files.createDirectory(folder.resolve("failures"));
    try (Flow<Integer, Object> flow =
        Flow.<Integer>builder("recovering")
            .<Object>stepPerWorker(
                "double",
                HandlerFactory.of(new StartsUnless(broken.toString(), failures.toString())::make),
                step ->
                    step.workers(
                        WorkerProcesses.builder(1)
                            .maxFailures(Integer.MAX_VALUE)
                            .restartDelay(Duration.ofMillis(1))
                            .build()))
            .build()
            .start(Duration.ofSeconds(30))) {
      Files.createFile(broken);
      assertThatThrownBy(() -> flow.call(Doubling.EXIT)).isInstanceOf(WorkerDiedException.class);
      List<CompletableFuture<Object>> waiting = flow.submitAll(List.of(0, 1, 2));
      Awaitility.await("more failures than are allowed by default")
          .atMost(Duration.ofSeconds(60))
          .until(
              () -> failures.toFile().list().length > WorkerProcessesBuilder.DEFAULT_MAX_FAILURES);
      assertThat(flow.state()).isEqualTo(Flow.State.RUNNING);
      assertThat(waiting).noneMatch(CompletableFuture::isDone);
      Files.delete(broken);
      assertDoubled(waiting);
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
