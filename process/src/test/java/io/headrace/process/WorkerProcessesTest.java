package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Observer;
import io.headrace.Outcomes;
import io.headrace.StartException;
import io.headrace.Tensor;
import io.headrace.WorkerDiedException;
import io.headrace.shm.Mechanism;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.logging.Logger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WorkerProcessesTest {
  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  @Test
  void itemsAreHandledInAnotherProcess() throws Exception {
    try (Flow<Integer, Object> flow = Doubling.flow(WorkerProcesses.builder(1), 8)) {
      assertThat(flow.call(21)).isEqualTo(42);
      assertThat((long) flow.call(Doubling.PID)).isNotEqualTo(ProcessHandle.current().pid());
    }
  }

  /** Also when nothing else ends the wait in which both are. */
  @Test
  void aProcessAndItsParentWaitInEvents() throws Exception {
    if (Mechanism.best() != Mechanism.LINUX) {
      return;
    }
    long before = Leftovers.events();
    try (Flow<Integer, Object> flow = Doubling.flow(WorkerProcesses.builder(2), 8)) {
      await("two events for each process").until(() -> Leftovers.events() == before + 2 * 2);
      for (int i = 0; i < 100; i++) {
        assertThat(flow.call(i)).isEqualTo(2 * i);
      }
    }
    await("the events to be closed").until(() -> Leftovers.events() == before);
  }

  @Test
  void everyItemHasItsOwnResult() throws Exception {
    try (Flow<Integer, Object> flow = Doubling.flow(WorkerProcesses.builder(2).ahead(2), 16)) {
      for (int round = 0; round < 20; round++) {
        List<CompletableFuture<Object>> futures =
            flow.submitAll(IntStream.range(0, 500).boxed().toList());
        for (int i = 0; i < futures.size(); i++) {
          assertThat(futures.get(i).join()).isEqualTo(2 * i);
        }
      }
    }
  }

  @Test
  void soManyBatchesMayWaitInAProcess() throws Exception {
    int most = WorkerProcessesBuilder.MAX_AHEAD;
    assertThatThrownBy(() -> WorkerProcesses.builder(1).ahead(most + 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at most " + most);
    try (Flow<Integer, Object> flow = Doubling.flow(WorkerProcesses.builder(1).ahead(most), 1)) {
      List<CompletableFuture<Object>> futures =
          flow.submitAll(IntStream.range(0, 500).boxed().toList());
      for (int i = 0; i < futures.size(); i++) {
        assertThat(futures.get(i).join()).isEqualTo(2 * i);
      }
    }
  }

  @Test
  void aFailingBatchFailsWithTheHandlersOwnException() throws Exception {
    try (Flow<Integer, Object> flow = Doubling.flow(WorkerProcesses.builder(1), 1)) {
      assertThatThrownBy(() -> flow.call(Doubling.FAIL))
          .isExactlyInstanceOf(IllegalStateException.class)
          .hasMessage("told to fail")
          .satisfies(
              failure ->
                  assertThat(failure.getStackTrace()[0].getClassName())
                      .isEqualTo(Doubling.class.getName()));
      assertThat(flow.call(1)).isEqualTo(2);
    }
  }

  @Test
  void anItemFailsAlone() throws Exception {
    try (Flow<Integer, Object> flow = Doubling.flow(WorkerProcesses.builder(1), 8)) {
      List<CompletableFuture<Object>> futures = flow.submitAll(List.of(1, Doubling.FAIL_ITEM, 3));
      assertThat(futures.get(0).join()).isEqualTo(2);
      assertThatThrownBy(futures.get(1)::join)
          .isInstanceOf(CompletionException.class)
          .hasRootCauseInstanceOf(IllegalArgumentException.class);
      assertThat(futures.get(2).join()).isEqualTo(6);
    }
  }

  @Test
  void aDeathFailsItsBatchAndNothingElse() throws Exception {
    try (Flow<Integer, Object> flow = Doubling.flow(WorkerProcesses.builder(1), 1)) {
      assertThatThrownBy(() -> flow.call(Doubling.EXIT))
          .isInstanceOf(WorkerDiedException.class)
          .hasMessageContaining("has exited with code 17")
          .hasMessageContaining("about to exit");
      assertThatThrownBy(() -> flow.call(Doubling.KILL))
          .isInstanceOf(WorkerDiedException.class)
          .hasMessageContaining("signal 9 (SIGKILL");
      assertThat(flow.call(4)).isEqualTo(8);
      assertThat(flow.workers("double").getFirst().restarts()).isEqualTo(2);
    }
  }

  @Test
  void anItemThatKillsDoesItAloneInTheEnd() throws Exception {
    try (Flow<Integer, Object> flow = Doubling.flow(WorkerProcesses.builder(2).retry(4), 8)) {
      List<CompletableFuture<Object>> futures =
          flow.submitAll(List.of(1, 2, Doubling.EXIT, 4, 5, 6, 7, 8, 9));
      assertThatThrownBy(futures.get(2)::join).hasRootCauseInstanceOf(WorkerDiedException.class);
      for (int i : new int[] {0, 1, 3, 4, 5, 6, 7, 8}) {
        assertThat(futures.get(i).join()).isEqualTo(2 * (i + 1));
      }
    }
  }

  /** More than fit into the ring to a process that reads nothing while it executes one. */
  @Test
  void manyBatchesAheadWaitUntilTheProcessReadsThem() throws Exception {
    Path file = folder.resolve("go");
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("held")
            .<Integer>stepPerWorker(
                "hold",
                HandlerFactory.of(new Holding(file.toString())::self),
                step -> step.workers(WorkerProcesses.builder(1).ahead(99).build()))
            .build()
            .start(Duration.ofSeconds(30))) {
      List<CompletableFuture<Integer>> futures =
          flow.submitAll(IntStream.range(0, 100).boxed().toList());
      Files.createFile(file);
      for (int i = 0; i < futures.size(); i++) {
        assertThat(futures.get(i).join()).isEqualTo(i);
      }
    }
  }

  /** Gives back what it was given, when there is a file. */
  private record Holding(String file) implements Handler<Integer, Integer>, Serializable {
    Holding self() {
      return this;
    }

    @Override
    public List<Integer> handle(List<Integer> items) {
      while (!Files.exists(Path.of(file))) {
        Thread.onSpinWait();
      }
      return items;
    }
  }

  @Test
  void aProcessThatGivesNoSignOfLifeIsReplaced() throws Exception {
    WorkerProcessesBuilder workers =
        WorkerProcesses.builder(1).heartbeat(Duration.ofSeconds(3)).retry(Integer.MAX_VALUE);
    Queue<String> logged = new ConcurrentLinkedQueue<>();
    Logger logger = Logger.getLogger(Worker.class.getName());
    logger.setFilter(logs -> logged.add(logs.getMessage()));
    try (Flow<Integer, Object> flow = Doubling.flow(workers, 1)) {
      long stopped = (long) flow.call(Doubling.PID);
      Process stop = new ProcessBuilder("kill", "-STOP", Long.toString(stopped)).start();
      assertThat(stop.waitFor()).isZero();
      awaitStopped(stopped);
      assertThat((long) flow.call(Doubling.PID)).isNotEqualTo(stopped);
      assertThat(logged)
          .containsExactly(
              "doubling-double-0 (process %d) was killed, because it gave no sign of life for PT3S"
                  .formatted(stopped));
    } finally {
      logger.setFilter(null);
    }
  }

  @Test
  void whatATerminalSendsToAllProcessesOfItsGroupIsLeftToTheParent() throws Exception {
    try (Flow<Integer, Object> flow = Doubling.flow(WorkerProcesses.builder(1), 1)) {
      Object pid = flow.call(Doubling.PID);
      String kill = "kill -HUP " + pid + " && kill -INT " + pid + " && kill -TERM " + pid;
      assertThat(new ProcessBuilder("sh", "-c", kill).inheritIO().start().waitFor()).isZero();
      for (int i = 0; i < 1000; i++) {
        assertThat(flow.call(Doubling.PID)).isEqualTo(pid);
      }
      assertThat(flow.workers("double").getFirst().restarts()).isZero();
    }
  }

  /** Its end takes for ever. */
  private static final class Clinging implements Handler<Integer, Integer> {
    @Override
    public List<Integer> handle(List<Integer> items) {
      return items;
    }

    @Override
    public void close() throws InterruptedException {
      new CountDownLatch(1).await();
    }
  }

  @Test
  void aProcessThatDoesNotEndIsKilledAfterTheCloseTimeout() throws Exception {
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("clinging")
            .<Integer>stepPerWorker(
                "step",
                HandlerFactory.of(Clinging::new),
                step ->
                    step.workers(
                        WorkerProcesses.builder(2).closeTimeout(Duration.ofMillis(300)).build()))
            .build()
            .start(Duration.ofSeconds(30));
    assertThat(flow.call(1)).isEqualTo(1);
    flow.close();
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
    assertThat(ProcessHandle.current().children()).isEmpty();
  }

  @Test
  void timesThatMakeNoSenseAreRefused() {
    assertThatThrownBy(() -> WorkerProcesses.builder(1).closeTimeout(Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("close timeout is PT0S");
    for (Duration silence :
        List.of(Duration.ofNanos(199_999_999), Duration.ZERO, Duration.ofDays(-1))) {
      assertThatThrownBy(() -> WorkerProcesses.builder(1).heartbeat(silence))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("heartbeat is " + silence + ", it has to be at least 200 ms");
    }
    for (Duration silence : List.of(Duration.ofDays(200_000), Duration.ofSeconds(Long.MAX_VALUE))) {
      assertThatThrownBy(() -> WorkerProcesses.builder(1).heartbeat(silence))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("heartbeat is " + silence + ", it has to be above zero and below ten years");
    }
    assertThat(WorkerProcesses.builder(1).heartbeat(Duration.ofMillis(200)).build()).isNotNull();
  }

  @Test
  void variablesThatTheSystemCannotHaveAreRefused() {
    for (List<String> variable : List.of(List.of("A=B", ""), List.of("", ""), List.of("A", "\0"))) {
      assertThatThrownBy(
              () -> WorkerProcesses.builder(1).environment(variable.get(0), variable.get(1)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("environment has " + variable.get(0));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | an option begins with -",
        "Xmx1g | an option begins with -",
        "' -Xmx1g' | an option begins with -",
        "java.sql | an option begins with -",
        "@options.txt | give the options that are in the file",
        "-cp | set classPath instead",
        "-classpath | set classPath instead",
        "--class-path=a.jar | set classPath instead",
        "-p | set modulePath instead",
        "--module-path=modules | set modulePath instead",
        "-jar | what the process runs is its handler",
        "-m | what the process runs is its handler",
        "--module=a/b.C | what the process runs is its handler",
        "-version | the process would end at once",
        "--help | the process would end at once",
        "-Xmx64m -Xms32m | give each option as an argument of its own, without blanks",
        "-Xmx64m -Da=b | give each option as an argument of its own, without blanks",
        "-XX:+UseG1GC -Xms32m | give each option as an argument of its own, without blanks",
        "'-Xmx64m ' | give each option as an argument of its own, without blanks",
        "--add-modules java.sql | give each option as an argument of its own, without blanks",
        "--add-modules | its value has to follow",
      })
  void optionsThatCannotBeMeantAreRefused(String option, String because) {
    assertThatThrownBy(() -> WorkerProcesses.builder(1).jvmOptions("-ea", option))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("jvmOptions has \"" + option + "\": " + because);
  }

  @Test
  void optionsMayHaveBlanksInTheirValuesAndValuesBehindThem() {
    List<String> options =
        List.of(
            "-Xmx64m",
            "-Da=b -c",
            "-Da.b",
            "-Xlog:gc:my file.log",
            "-javaagent:my agent.jar",
            "-XX:OnOutOfMemoryError=kill -9 %p",
            "-XX:+UseG1GC",
            "--add-modules",
            "java.sql",
            "--add-opens=java.base/java.lang=ALL-UNNAMED",
            "--patch-module",
            "a=my folder");
    assertThat(
            WorkerProcesses.builder(1)
                .jvmOptions(options.toArray(String[]::new))
                .settings()
                .jvmOptions)
        .isEqualTo(options);
  }

  /** With two collectors, or a heap that begins with more than its most, no JVM would start. */
  @Test
  void aCollectorAndAHeapThatAreChosenTakeThePlaceOfTheDefaults() throws Exception {
    WorkerProcessesBuilder processes =
        WorkerProcesses.builder(1).jvmOptions("-XX:+UseParallelGC", "-Xmx24m");
    try (Flow<Integer, List<String>> flow =
        Flow.<Integer>builder("options")
            .<List<String>>stepPerWorker(
                "ask",
                HandlerFactory.of(() -> items -> List.of(ProcessorsTest.options())),
                step -> step.workers(processes.build()))
            .build()
            .start(Duration.ofSeconds(30))) {
      assertThat(flow.call(1))
          .contains("-XX:+UseParallelGC", "-Xmx24m")
          .noneMatch(option -> option.startsWith("-Xms") || option.equals("-XX:+UseSerialGC"));
    }
  }

  /** Fails with a long message, a deep stack, and a cause that has both. */
  private record Verbose(boolean atStart) implements Handler<Integer, Integer>, Serializable {
    static final String MESSAGE = "long ".repeat(40_000);
    static final int DEPTH = 400;

    Verbose self() {
      return this;
    }

    @Override
    public void onStart() {
      if (atStart) {
        throw failure(DEPTH);
      }
    }

    @Override
    public List<Integer> handle(List<Integer> items) {
      System.getLogger("verbose").log(System.Logger.Level.INFO, MESSAGE, failure(DEPTH));
      if (items.contains(0)) {
        throw failure(DEPTH);
      }
      Outcomes<Integer> outcomes = new Outcomes<>(items.size());
      items.forEach(item -> outcomes.addFailure(failure(DEPTH)));
      return outcomes;
    }

    private static IllegalStateException failure(int depth) {
      return depth == 0
          ? new IllegalStateException(MESSAGE, new IllegalArgumentException(MESSAGE + "cause"))
          : failure(depth - 1);
    }

    static void check(Throwable failure) {
      assertThat(failure).isExactlyInstanceOf(IllegalStateException.class);
      assertThat(failure.getMessage().equals(MESSAGE)).as("the message").isTrue();
      assertThat(failure.getStackTrace()).hasSizeGreaterThan(DEPTH);
      assertThat(failure.getCause()).isExactlyInstanceOf(IllegalArgumentException.class);
      assertThat(failure.getCause().getMessage().equals(MESSAGE + "cause")).isTrue();
      assertThat(failure.getCause().getStackTrace()).hasSizeGreaterThan(DEPTH);
    }
  }

  private static Flow<Integer, Integer> verbose(boolean atStart) throws InterruptedException {
    return Flow.<Integer>builder("verbose")
        .<Integer>stepPerWorker(
            "step",
            HandlerFactory.of(new Verbose(atStart)::self),
            step -> step.workers(WorkerProcesses.of(1)))
        .build()
        .start(Duration.ofSeconds(30));
  }

  @Test
  void aFailureMayBeAsLongAsItLikes() throws Exception {
    Queue<Throwable> logged = new ConcurrentLinkedQueue<>();
    Logger logger = Logger.getLogger("verbose");
    logger.setFilter(logs -> !logged.add(logs.getThrown()));
    try (Flow<Integer, Integer> flow = verbose(false)) {
      for (int item = 0; item < 4; item++) { // of a batch, and of its items
        assertThatThrownBy(flow.submit(item)::join).cause().satisfies(Verbose::check);
      }
      await("what was logged").until(() -> logged.size() == 4);
      assertThat(logged).allSatisfy(Verbose::check);
      assertThat(flow.workers("step").getFirst().restarts()).isZero();
    } finally {
      logger.setFilter(null);
    }
    assertThatThrownBy(() -> verbose(true))
        .isInstanceOf(StartException.class)
        .cause()
        .satisfies(Verbose::check);
  }

  /** Ends its JVM as if all were well. */
  private static final class Leaving implements Handler<Integer, Integer> {
    @Override
    public List<Integer> handle(List<Integer> items) {
      if (items.contains(0)) {
        System.exit(0);
      }
      return items;
    }
  }

  @Test
  void aProcessThatExitsByItselfHasDiedEvenWithoutAnError() throws Exception {
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("leaving")
            .<Integer>stepPerWorker(
                "step",
                HandlerFactory.of(Leaving::new),
                step -> step.workers(WorkerProcesses.of(1)))
            .build()
            .start(Duration.ofSeconds(30))) {
      assertThat(flow.call(1)).isEqualTo(1);
      assertThatThrownBy(() -> flow.call(0))
          .isInstanceOf(WorkerDiedException.class)
          .hasMessageContaining("has exited with code 0");
      assertThat(flow.call(2)).isEqualTo(2);
    }
  }

  /** Says in which process it is, and how many batches it has had. */
  private static final class Counting implements Handler<String, String> {
    private int batches;

    @Override
    public List<String> handle(List<String> items) {
      String here = " " + ProcessHandle.current().pid() + ":" + ++batches;
      return items.stream().map(item -> item + here).toList();
    }
  }

  @Test
  void aHandlerThatIsUsedInTwoStepsHasAProcessInEach() throws Exception {
    HandlerFactory<Counting> same = HandlerFactory.of(Counting::new);
    io.headrace.Workers processes = WorkerProcesses.of(1);
    try (Flow<String, String> flow =
        Flow.<String>builder("twice")
            .<String>stepPerWorker("first", same, step -> step.workers(processes))
            .<String>stepPerWorker("second", same, step -> step.workers(processes))
            .build()
            .start(Duration.ofSeconds(30))) {
      long first = flow.workers("first").getFirst().pid();
      long second = flow.workers("second").getFirst().pid();
      assertThat(flow.call("a")).isEqualTo("a " + first + ":1 " + second + ":1");
      ProcessHandle killed = ProcessHandle.of(first).orElseThrow();
      killed.destroyForcibly();
      killed.onExit().join();
      assertThat(flow.call("b")).endsWith(":1 " + second + ":2").doesNotContain(first + ":");
      assertThat(flow.workers("second").getFirst().restarts()).isZero();
    }
  }

  @Test
  void thereIsOneProcessAtLeast() {
    assertThatThrownBy(() -> WorkerProcesses.of(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("count is 0, it has to be at least 1");
    assertThatThrownBy(() -> WorkerProcesses.builder(40_000_000))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("count is 40000000, it has to be at most 4096");
  }

  /** Reads where nothing is. */
  private static final class Crashing implements Handler<Integer, Long> {
    @Override
    public List<Long> handle(List<Integer> items) {
      return List.of(MemorySegment.ofAddress(64).reinterpret(64).get(ValueLayout.JAVA_LONG, 0));
    }
  }

  /** Without a dump of its memory, which takes long: it exits with code 1 then. */
  @ParameterizedTest
  @ValueSource(strings = {"hs_err_pid", "other/crash-", "/crash-"})
  void aCrashOfNativeCodeIsToldWithItsReport(String file) throws Exception {
    Files.createDirectory(folder.resolve("other"));
    String report = file.startsWith("/") ? folder + file : file;
    List<String> options = new ArrayList<>(List.of("-XX:-CreateCoredumpOnCrash"));
    if (!file.equals("hs_err_pid")) {
      options.add("-XX:ErrorFile=" + report + "%p.txt");
    }
    Queue<Observer.WorkerEvent.Reason> reasons = new ConcurrentLinkedQueue<>();
    try (Flow<Integer, Long> flow =
        Flow.<Integer>builder("crashing")
            .<Long>stepPerWorker(
                "step",
                HandlerFactory.of(Crashing::new),
                step ->
                    step.workers(
                        WorkerProcesses.builder(1)
                            .workingFolder(folder)
                            .jvmOptions(options.toArray(String[]::new))
                            .build()))
            .observer(
                new Observer() {
                  @Override
                  public void onWorker(WorkerEvent event) {
                    if (event.kind() == WorkerEvent.Kind.DIED) {
                      reasons.add(event.reason());
                    }
                  }
                })
            .build()
            .start(Duration.ofSeconds(30))) {
      assertThatThrownBy(() -> flow.call(1))
          .isInstanceOf(WorkerDiedException.class)
          .hasMessageContaining("has crashed with code 1; see " + folder.resolve(report))
          .hasMessageContaining("SIGSEGV");
      assertThat(reasons).containsExactly(Observer.WorkerEvent.Reason.SIGNAL);
    }
  }

  /** A signal is on its way when its sender has ended already. */
  private static void awaitStopped(long pid) {
    Path threads = Path.of("/proc", Long.toString(pid), "task");
    await("the stop of all threads")
        .until(() -> !Files.isDirectory(threads) || areStopped(threads));
  }

  private static boolean areStopped(Path threads) {
    try (Stream<Path> all = Files.list(threads)) {
      for (Path thread : all.toList()) {
        if (!Files.readString(thread.resolve("stat")).contains(") T ")) {
          return false;
        }
      }
      return true;
    } catch (IOException | UncheckedIOException ending) {
      return false; // the next look finds none, or all of them
    }
  }

  @Test
  void aHandlerThatHangsIsKilled() throws Exception {
    try (Flow<Integer, Object> flow =
        Doubling.flow(WorkerProcesses.builder(1).batchTimeout(Duration.ofSeconds(2)), 1)) {
      assertThatThrownBy(() -> flow.call(Doubling.HANG))
          .isInstanceOf(WorkerDiedException.class)
          .hasMessageContaining("a batch took longer than PT2S");
      assertThat(flow.call(1)).isEqualTo(2);
    }
  }

  @Test
  void aShutdownDoesNotWaitForAHandlerThatHangs() throws Exception {
    Flow<Integer, Object> flow = Doubling.flow(WorkerProcesses.builder(1), 1);
    CompletableFuture<Object> future = flow.submit(Doubling.HANG);
    flow.shutdownNow();
    assertThatThrownBy(future::join).isInstanceOf(CompletionException.class);
    flow.close();
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
  }

  @Test
  void workersCanBeAskedAfterTheirOwnThreadHasClosedTheFlow() throws Exception {
    Flow<Integer, Object> flow = Doubling.flow(WorkerProcesses.builder(1), 1);
    flow.submit(1).thenRun(flow::close).join(); // on the thread that receives the answer
    assertThat(flow.workers("double")).hasSize(1).first().extracting("restarts").isEqualTo(0);
  }

  @Test
  void largeTensorsAreReadInPlaceAndComeBackInPlace() throws Exception {
    float[] data = new float[300_000];
    for (int i = 0; i < data.length; i++) {
      data[i] = i;
    }
    try (Flow<Tensor, Tensor> flow =
        Flow.<Tensor>builder("tensors")
            .<Tensor>stepPerWorker(
                "negate",
                HandlerFactory.of(Negating::new),
                step -> step.workers(WorkerProcesses.of(1)))
            .<Tensor>stepPerWorker(
                "again",
                HandlerFactory.of(Negating::new),
                step -> step.workers(WorkerProcesses.of(1)))
            .build()
            .start(Duration.ofSeconds(30))) {
      for (int i = 0; i < 300; i++) {
        Tensor result = flow.call(Tensor.of(data, 3, 100_000));
        assertThat(result.dimension(1)).isEqualTo(100_000);
        assertThat(result.segment().isNative()).isTrue();
        assertThat(result.floatAt(299_999)).isEqualTo(299_999f);
        assertThat(SharedValues.release(result)).isTrue(); // else some are copies
      }
    }
  }

  private static final class Negating implements Handler<Tensor, Tensor> {
    @Override
    public List<Tensor> handle(List<Tensor> items) {
      List<Tensor> results = new ArrayList<>();
      for (Tensor item : items) {
        if (!item.segment().isNative()) {
          throw new IllegalStateException("a copy");
        }
        float[] values = item.toFloatArray();
        for (int i = 0; i < values.length; i++) {
          values[i] = -values[i];
        }
        results.add(Tensor.of(values, item.shape()));
      }
      return results;
    }
  }
}
