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
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.logging.Logger;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Worker processes that are killed, write nonsense, or do not start. */
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

  private WorkerProcesses.Builder killedOnceAt(Fault.Point point) {
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
      names = {"READY", "MAPPED", "RECEIVED", "BEGUN", "HANDLED", "WRITTEN", "ANSWERED", "ENDED"})
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
                        killedOnceAt(point).inputMemory(1 << 20).resultMemory(1 << 20).build()))
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

  private Flow<Object, Object> ending(WorkerProcesses.Builder processes)
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
                            .resultMemory(1 << 20)
                            .largeMemory(400_000)
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
    WorkerProcesses.Builder processes =
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
    WorkerProcesses.Builder processes =
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

  /** Logs, and ends its process at once. */
  private static final class LastWords implements Handler<Integer, Object> {
    static final int RECORDS = 50;
    static final String LOGGER = "last words";

    @Override
    public List<Object> handle(List<Integer> items) {
      for (int i = 0; i < RECORDS; i++) {
        System.getLogger(LOGGER).log(System.Logger.Level.INFO, "record " + i);
      }
      Runtime.getRuntime().halt(17);
      return List.of();
    }
  }

  @Test
  void whatAWorkerLogsBeforeItsEndIsLoggedBeforeAnybodyLearnsOfThat() throws Exception {
    CountDownLatch isKnown = new CountDownLatch(1);
    List<String> logged = new CopyOnWriteArrayList<>();
    Logger logger = Logger.getLogger(LastWords.LOGGER);
    logger.setFilter(
        logs -> {
          if (logged.isEmpty()) {
            awaitEndUnless(isKnown);
          }
          return logged.add(logs.getMessage());
        });
    Queue<Integer> loggedBefore = new ConcurrentLinkedQueue<>();
    try (Flow<Integer, Object> flow =
        Flow.<Integer>builder("ending")
            .<Object>stepPerWorker(
                "step",
                HandlerFactory.of(LastWords::new),
                step -> step.workers(WorkerProcesses.of(1)))
            .observer(
                new Observer() {
                  @Override
                  public void onWorker(WorkerEvent event) {
                    if (event.kind() == WorkerEvent.Kind.DIED) {
                      loggedBefore.add(logged.size());
                      isKnown.countDown();
                    }
                  }
                })
            .build()
            .start(Duration.ofSeconds(30))) {
      assertThatThrownBy(() -> flow.call(1)).isInstanceOf(WorkerDiedException.class);
      assertThat(loggedBefore).containsExactly(LastWords.RECORDS);
      assertThat(logged)
          .containsExactlyElementsOf(
              IntStream.range(0, LastWords.RECORDS)
                  .mapToObj(i -> "[ending-step-0 ending-step-0] record " + i)
                  .toList());
    } finally {
      logger.setFilter(null);
    }
  }

  /** Prints more than is read at once, and ends its process. */
  private static final class LastLines implements Handler<Integer, Object> {
    static final int LINES = 3000;

    @Override
    public List<Object> handle(List<Integer> items) {
      for (int i = 0; i < LINES; i++) {
        System.out.println("line " + i);
      }
      Runtime.getRuntime().halt(17);
      return List.of();
    }
  }

  @Test
  void whatAWorkerPrintsBeforeItsEndIsInTheFailureAndInTheLog() throws Exception {
    CountDownLatch isKnown = new CountDownLatch(1);
    Queue<String> logged = new ConcurrentLinkedQueue<>();
    Logger logger = Logger.getLogger("io.headrace.process.output");
    logger.setFilter(
        logs -> {
          if (logged.isEmpty()) { // while the others wait in the pipe, or in the parent
            awaitEndUnless(isKnown);
          }
          return !logged.add(logs.getMessage());
        });
    try (Flow<Integer, Object> flow =
        Flow.<Integer>builder("ending")
            .<Object>stepPerWorker(
                "step",
                HandlerFactory.of(LastLines::new),
                step -> step.workers(WorkerProcesses.of(1)))
            .build()
            .start(Duration.ofSeconds(30))) {
      assertThatThrownBy(flow.submit(1).whenComplete((_, _) -> isKnown.countDown())::join)
          .hasRootCauseInstanceOf(WorkerDiedException.class)
          .hasMessageContaining("line " + (LastLines.LINES - 1))
          .hasMessageNotContaining("Stream closed");
      assertThat(logged)
          .containsExactlyElementsOf(
              IntStream.range(0, LastLines.LINES)
                  .mapToObj(i -> "[ending-step-0] line " + i)
                  .toList());
    } finally {
      logger.setFilter(null);
    }
  }

  /** Waits for the end of all processes, and then a while for what must not come before this. */
  private static void awaitEndUnless(CountDownLatch isKnown) {
    ProcessHandle.current().children().forEach(child -> child.onExit().join());
    try {
      var _ = isKnown.await(100, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
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
                                .inputMemory(1 << 20)
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
              () -> failures.toFile().list().length > WorkerProcesses.Builder.DEFAULT_MAX_FAILURES);
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
