package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Observer;
import io.headrace.OnFull;
import io.headrace.Placement;
import io.headrace.StartException;
import io.headrace.StoppedException;
import io.headrace.WorkerDiedException;
import io.headrace.WorkerStatus;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The number of processes of a step is changed while it runs. */
class ResizeTest {
  /** Stands for itself, and so does every other number but this: it waits for a file. */
  private static final int WAIT = -1;

  @TempDir Path folder;
  private final Queue<Observer.WorkerEvent> events = new ConcurrentLinkedQueue<>();

  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  /** Leaves a file for each process that starts and for each item that waits. */
  public static final class Marking implements Handler<Integer, Integer> {
    private final Path folder;

    public Marking(String folder) {
      this.folder = Path.of(folder);
    }

    @Override
    public void onStart() throws IOException {
      Files.createFile(folder.resolve("started-" + ProcessHandle.current().pid()));
      while (Files.exists(folder.resolve("hang"))) {
        Thread.onSpinWait();
      }
      if (Files.exists(folder.resolve("fail"))) {
        throw new IllegalStateException("told to fail");
      }
    }

    @Override
    public List<Integer> handle(List<Integer> items) throws IOException {
      if (items.contains(WAIT)) {
        Files.createFile(folder.resolve("waits-" + ProcessHandle.current().pid()));
        while (!Files.exists(folder.resolve("go"))) {
          Thread.onSpinWait();
        }
      }
      return items;
    }

    @Override
    public void close() throws InterruptedException {
      if (Files.exists(folder.resolve("cling"))) {
        new CountDownLatch(1).await();
      }
    }
  }

  private long files(String prefix) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.getFileName().toString().startsWith(prefix)).count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void make(String file) throws IOException {
    Files.createFile(folder.resolve(file));
  }

  private HandlerFactory<Marking> factory() {
    return HandlerFactory.of(Marking.class, folder.toString());
  }

  private Flow<Integer, Integer> flow(int processes) throws InterruptedException {
    return flow(WorkerProcesses.builder(processes));
  }

  private Flow<Integer, Integer> flow(WorkerProcessesBuilder processes)
      throws InterruptedException {
    return Flow.<Integer>builder("resized")
        .<Integer>stepPerWorker(
            "step",
            factory(),
            step ->
                step.batch(BatchPolicy.greedy(1))
                    .queue(Integer.MAX_VALUE, OnFull.fail())
                    .workers(processes.ahead(0).retry(9).build()))
        .observer(
            new Observer() {
              @Override
              public void onWorker(WorkerEvent event) {
                events.add(event);
              }
            })
        .build()
        .start(Duration.ofSeconds(60));
  }

  private static List<String> names(Flow<?, ?> flow) {
    return flow.workers("step").stream().map(WorkerStatus::name).toList();
  }

  private static void awaitWorkers(Flow<?, ?> flow, int count) {
    await("%d workers".formatted(count)).until(() -> names(flow).size() == count);
  }

  @Test
  void thoseThatAreAddedWorkBesideTheOthers() throws Exception {
    try (Flow<Integer, Integer> flow = flow(1)) {
      flow.resize("step", 3);
      assertThat(names(flow)).containsExactly("resized-step-0", "resized-step-1", "resized-step-2");
      var futures = flow.submitAll(List.of(WAIT, WAIT, WAIT));
      await().until(() -> files("waits-") == 3);
      make("go");
      assertThat(futures).allSatisfy(future -> assertThat(future.join()).isEqualTo(WAIT));
    }
    assertThat(events)
        .hasSize(3)
        .allMatch(event -> event.kind() == Observer.WorkerEvent.Kind.STARTED);
  }

  @Test
  void oneThatIsTooManyEndsWhenItHasNoBatch() throws Exception {
    try (Flow<Integer, Integer> flow = flow(2)) {
      var futures = flow.submitAll(List.of(WAIT, WAIT));
      await().until(() -> files("waits-") == 2);
      flow.resize("step", 1);
      var third = flow.submit(7);
      assertThat(names(flow)).hasSize(2);
      make("go");
      assertThat(futures).allSatisfy(future -> assertThat(future.join()).isEqualTo(WAIT));
      assertThat(third.join()).isEqualTo(7);
      awaitWorkers(flow, 1);
      assertThat(names(flow)).containsExactly("resized-step-0");
      await().until(() -> ProcessHandle.current().children().count() == 1);
    }
    assertThat(events).noneMatch(event -> event.kind() == Observer.WorkerEvent.Kind.DIED);
  }

  /** But not as long as it has a batch, which here is longer than a process takes to start. */
  @Test
  void oneThatIsTooManyAndDoesNotEndIsKilledAfterTheCloseTimeout() throws Exception {
    try (Flow<Integer, Integer> flow =
        flow(WorkerProcesses.builder(2).closeTimeout(Duration.ofMillis(1)))) {
      var futures = flow.submitAll(List.of(WAIT, WAIT));
      await().until(() -> files("waits-") == 2);
      make("cling");
      flow.resize("step", 1);
      flow.resize("step", 2);
      assertThat(names(flow)).containsExactly("resized-step-0", "resized-step-1", "resized-step-2");
      assertThat(deaths()).isEmpty();
      make("go");
      assertThat(futures).allSatisfy(future -> assertThat(future.join()).isEqualTo(WAIT));
      awaitWorkers(flow, 2);
      assertThat(names(flow)).containsExactly("resized-step-0", "resized-step-2");
      assertThat(deaths())
          .singleElement()
          .satisfies(
              death -> {
                assertThat(death.worker()).isEqualTo("resized-step-1");
                assertThat(death.detail()).contains("it did not end when it was told to");
              });
    }
  }

  private List<Observer.WorkerEvent> deaths() {
    return events.stream().filter(e -> e.kind() == Observer.WorkerEvent.Kind.DIED).toList();
  }

  @Test
  void nothingIsLostWhileTheNumberChanges() throws Exception {
    try (Flow<Integer, Integer> flow = flow(2)) {
      List<CompletableFuture<Integer>> futures = new ArrayList<>();
      for (int workers : new int[] {3, 1, 2, 1, 3, 2}) {
        futures.addAll(flow.submitAll(IntStream.range(0, 2_000).boxed().toList()));
        flow.resize("step", workers);
      }
      for (int i = 0; i < futures.size(); i++) {
        assertThat(futures.get(i).join()).isEqualTo(i % 2_000);
      }
      awaitWorkers(flow, 2);
      assertThat(flow.statistics().completed()).isEqualTo(futures.size());
    }
    assertThat(events).noneMatch(event -> event.kind() == Observer.WorkerEvent.Kind.DIED);
  }

  @Test
  void nothingIsLostIfProcessesDieMeanwhile() throws Exception {
    try (Flow<Integer, Integer> flow = flow(3)) {
      List<CompletableFuture<Integer>> futures = new ArrayList<>();
      for (int workers : new int[] {1, 3, 2, 3}) {
        futures.addAll(flow.submitAll(IntStream.range(0, 2_000).boxed().toList()));
        long pid = flow.workers("step").getLast().pid();
        ProcessHandle.of(pid).filter(_ -> pid != 0).ifPresent(ProcessHandle::destroyForcibly);
        flow.resize("step", workers);
      }
      for (int i = 0; i < futures.size(); i++) {
        assertThat(futures.get(i).join()).isEqualTo(i % 2_000);
      }
      awaitWorkers(flow, 3);
    }
  }

  @Test
  void theNumberStaysIfOneFailsToStart() throws Exception {
    try (Flow<Integer, Integer> flow = flow(1)) {
      make("fail");
      assertThatThrownBy(() -> flow.resize("step", 3))
          .isInstanceOf(StartException.class)
          .hasMessageContaining("step step of resized was not resized")
          .hasRootCauseInstanceOf(IllegalStateException.class)
          .hasStackTraceContaining("told to fail");
      awaitWorkers(flow, 1);
      assertThat(flow.call(1)).isEqualTo(1);
      Files.delete(folder.resolve("fail"));
      flow.resize("step", 2);
      assertThat(names(flow)).containsExactlyInAnyOrder("resized-step-0", "resized-step-1");
    }
  }

  /** Gets threads for as many workers as it is told. */
  private static final class ShortOfThreads extends Pool {
    private int threadsLeft = Integer.MAX_VALUE;

    ShortOfThreads(HandlerFactory<?> factory, Settings settings) {
      super(
          new Placement.PlacedStep("resized", "step", factory, 1),
          settings,
          FactoryBytes.write(factory, "step", settings));
    }

    @Override
    void begin(Thread ofWorker) {
      if (threadsLeft-- == 0) {
        throw new OutOfMemoryError("no thread");
      }
      super.begin(ofWorker);
    }
  }

  @Test
  void noWorkerIsThereThatGotNoThread() throws Exception {
    ShortOfThreads pool =
        new ShortOfThreads(factory(), WorkerProcesses.builder(1).noStartCache().settings());
    try {
      pool.start(new RoomTest.Deaf());
      pool.threadsLeft = 1;
      assertThatThrownBy(() -> pool.resize(3)).hasMessage("no thread");
      await("the end of the one that got a thread").until(() -> pool.workers().size() == 1);
      pool.threadsLeft = Integer.MAX_VALUE;
      pool.resize(2);
      assertThat(pool.workers())
          .extracting(WorkerStatus::name)
          .containsExactlyInAnyOrder("resized-step-0", "resized-step-1");
    } finally {
      pool.close();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void anInterruptOrACloseEndsTheWaitForThoseThatStart(boolean isClosed) throws Exception {
    try (Flow<Integer, Integer> flow = flow(1)) {
      make("hang");
      CompletableFuture<Throwable> thrown = new CompletableFuture<>();
      Thread resizing = resizing(flow, thrown);
      await().until(() -> files("started-") == 2);
      if (isClosed) {
        flow.close();
        assertThat(thrown.get()).isInstanceOf(StoppedException.class);
      } else {
        resizing.interrupt();
        assertThat(thrown.get()).isInstanceOf(InterruptedException.class);
        awaitWorkers(flow, 1);
        assertThat(flow.call(1)).isEqualTo(1);
      }
    }
  }

  private static Thread resizing(Flow<?, ?> flow, CompletableFuture<Throwable> thrown) {
    return Thread.ofPlatform()
        .start(
            () -> {
              try {
                flow.resize("step", 2);
                thrown.complete(new AssertionError("it was resized"));
              } catch (Throwable failure) {
                thrown.complete(failure);
              }
            });
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void theFlowFailsIfTheOthersAreGivenUpBeforeTheResizeFails(boolean isInterrupted)
      throws Exception {
    try (Flow<Integer, Integer> flow = flow(WorkerProcesses.builder(1).maxFailures(1))) {
      make("hang");
      CompletableFuture<Throwable> thrown = new CompletableFuture<>();
      Thread resizing = resizing(flow, thrown);
      await().until(() -> files("started-") == 2);
      ProcessHandle.of(flow.workers("step").getFirst().pid()).orElseThrow().destroyForcibly();
      await().until(() -> flow.workers("step").getFirst().state() == WorkerStatus.State.STOPPED);
      CompletableFuture<Integer> call = flow.submit(1);
      if (isInterrupted) {
        resizing.interrupt();
        assertThat(thrown.get()).isInstanceOf(InterruptedException.class);
      } else {
        make("fail");
        Files.delete(folder.resolve("hang"));
        assertThat(thrown.get()).isInstanceOf(StoppedException.class);
      }
      assertThat(flow.state()).isEqualTo(Flow.State.FAILED);
      assertThat(call)
          .failsWithin(Duration.ofSeconds(30))
          .withThrowableThat()
          .withCauseInstanceOf(WorkerDiedException.class)
          .withMessageContaining("no worker of step step can be kept alive; the last one: ");
    }
  }

  @Test
  void aHandlerThatIsSwappedHasAsManyProcesses() throws Exception {
    try (Flow<Integer, Integer> flow = flow(1)) {
      flow.resize("step", 2);
      flow.swapPerWorker("step", factory());
      awaitWorkers(flow, 2);
      assertThat(files("started-")).isEqualTo(4);
      flow.resize("step", 1);
      awaitWorkers(flow, 1);
      flow.swapPerWorker("step", factory());
      assertThat(files("started-")).isEqualTo(5);
      assertThat(flow.call(1)).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, WorkerProcessesBuilder.MAX_COUNT + 1})
  void numbersThatCannotBeAreRefused(int workers) throws Exception {
    try (Flow<Integer, Integer> flow = flow(1)) {
      assertThatThrownBy(() -> flow.resize("step", workers))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("workers is " + workers);
      assertThat(names(flow)).hasSize(1);
    }
  }
}
