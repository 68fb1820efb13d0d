package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.StartException;
import io.headrace.WorkerDiedException;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Processes that do not become ready. */
class StartsTest {
  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  /** Its second process stops itself while it starts. */
  public static final class Stopping implements Handler<Integer, Integer> {
    private final String folder;

    public Stopping(String folder) {
      this.folder = folder;
    }

    @Override
    public void onStart() throws Exception {
      if (KillOnce.number(Path.of(folder)) == 1) {
        String pid = Long.toString(ProcessHandle.current().pid());
        var _ = new ProcessBuilder("kill", "-STOP", pid).start().waitFor();
        new CountDownLatch(1).await(); // the signal may come a moment later
      }
    }

    @Override
    public List<Integer> handle(List<Integer> items) {
      if (items.contains(0)) {
        Runtime.getRuntime().halt(17);
      }
      return items;
    }
  }

  @Test
  void aProcessThatIsStoppedWhileItStartsAgainIsReplaced() throws Exception {
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("starting")
            .<Integer>stepPerWorker(
                "stop",
                HandlerFactory.of(Stopping.class, folder.toString()),
                step ->
                    step.workers(
                        WorkerProcesses.builder(1).heartbeat(Duration.ofSeconds(3)).build()))
            .build()
            .start(Duration.ofSeconds(30))) {
      assertThatThrownBy(() -> flow.call(0)).isInstanceOf(WorkerDiedException.class);
      assertThat(flow.submit(2)).succeedsWithin(Duration.ofSeconds(60)).isEqualTo(2);
      assertThat(folder.resolve("2")).as("the third process").exists();
    }
  }

  /** Starts when there are two of them. */
  public static final class Meeting implements Handler<Integer, Integer> {
    private final String folder;

    public Meeting(String folder) {
      this.folder = folder;
    }

    @Override
    public void onStart() {
      var _ = KillOnce.number(Path.of(folder));
      while (!Files.exists(Path.of(folder, "1"))) {
        Thread.onSpinWait();
      }
    }

    @Override
    public List<Integer> handle(List<Integer> items) {
      return items;
    }
  }

  @Test
  void processesStartSideBySide() throws Exception {
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("meeting")
            .<Integer>stepPerWorker(
                "meet",
                HandlerFactory.of(Meeting.class, folder.toString()),
                step -> step.workers(WorkerProcesses.of(2)))
            .build()
            .start(Duration.ofSeconds(60))) {
      assertThat(flow.call(1)).isEqualTo(1);
    }
  }

  /** Needs a library that there is not. */
  public static final class Linking implements Handler<Integer, Integer> {
    public Linking() {}

    @Override
    public void onStart() {
      System.loadLibrary("thereisnone");
    }

    @Override
    public List<Integer> handle(List<Integer> items) {
      return items;
    }
  }

  @Test
  void aLibraryThatIsNotFoundFailsTheStartWithTheRemedy() {
    assertThatThrownBy(
            () ->
                Flow.<Integer>builder("linking")
                    .<Integer>stepPerWorker(
                        "link",
                        HandlerFactory.of(Linking.class),
                        step -> step.workers(WorkerProcesses.of(1)))
                    .build()
                    .start(Duration.ofSeconds(30)))
        .isInstanceOf(StartException.class)
        .cause()
        .isExactlyInstanceOf(UnsatisfiedLinkError.class)
        .hasMessageContaining("no thereisnone in java.library.path")
        .hasMessageContaining("add jvmOptions(\"-Djava.library.path=FOLDER\")")
        .hasStackTraceContaining("Linking.onStart");
  }

  /** Never becomes ready. */
  public static final class Stuck implements Handler<Integer, Integer> {
    public Stuck() {}

    @Override
    public void onStart() throws InterruptedException {
      new CountDownLatch(1).await();
    }

    @Override
    public List<Integer> handle(List<Integer> items) {
      return items;
    }
  }

  private static WorkerProcess start(WorkerProcessesBuilder processes) throws Exception {
    Settings settings = processes.noStartCache().settings();
    byte[] factory = FactoryBytes.write(HandlerFactory.of(Stuck.class), "step", settings);
    long maxNanos = Duration.ofSeconds(2).toNanos();
    return WorkerProcess.start("stuck-0", 0, settings, settings.window(1), factory, maxNanos);
  }

  @Test
  void aHandlerThatHangsAtItsStartIsKilledWhenTheTimeIsOver() {
    assertThatThrownBy(() -> start(WorkerProcesses.builder(1)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("was killed, because it was not ready after PT2S");
  }

  /** Its JVM waits for a debugger before it does anything. */
  @Test
  void aProcessThatNeverSpeaksIsKilledWhenTheTimeIsOver() {
    assertThatThrownBy(() -> start(waitingForADebugger()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("was killed, because it was not ready after PT2S");
  }

  private static WorkerProcessesBuilder waitingForADebugger() {
    return WorkerProcesses.builder(1)
        .jvmOptions("-agentlib:jdwp=transport=dt_socket,server=y,suspend=y,address=127.0.0.1:0");
  }

  /** Has more with it than a pipe takes that nobody reads. */
  private static final class Heavy implements Handler<Integer, Integer> {
    private final byte[] table;

    Heavy(byte[] table) {
      this.table = table;
    }

    @Override
    public List<Integer> handle(List<Integer> items) {
      return items.stream().map(i -> (int) table[i]).toList();
    }
  }

  @Test
  @Timeout(60)
  void aFlowIsClosedWhileAProcessDoesNotReadALongFactory() throws Exception {
    byte[] table = new byte[1 << 20];
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("starting")
            .<Integer>stepPerWorker(
                "heavy",
                HandlerFactory.of(() -> new Heavy(table)),
                step -> step.workers(waitingForADebugger().noStartCache().build()))
            .build();
    assertThatThrownBy(() -> flow.start(Duration.ofMillis(500))).isInstanceOf(StartException.class);
    flow.close();
  }

  @Test
  void aRestartMayTakeMuchLongerThanTheFirstStart() {
    assertThat(Worker.maxStartNanos(Duration.ofMillis(300).toNanos()))
        .isEqualTo(Duration.ofMinutes(1).toNanos());
    assertThat(Worker.maxStartNanos(Duration.ofSeconds(90).toNanos()))
        .isEqualTo(Duration.ofMinutes(15).toNanos());
  }

  @Test
  void theWaitForARestartDoublesUpToTenSeconds() {
    assertThat(restartMillis(Duration.ofMillis(20), 1, 2, 3, 9, 10, 11, Integer.MAX_VALUE))
        .containsExactly(20L, 40L, 80L, 5_120L, 10_000L, 10_000L, 10_000L);
    assertThat(restartMillis(Duration.ofMinutes(1), 1, 2, Integer.MAX_VALUE))
        .as("never shorter than asked for")
        .containsExactly(60_000L, 60_000L, 60_000L);
    assertThat(restartMillis(Duration.ofDays(3650), 1, 40)).containsOnly(315_360_000_000L);
  }

  private static List<Long> restartMillis(Duration first, Integer... failures) {
    return Stream.of(failures)
        .map(failed -> Worker.restartNanos(first.toNanos(), failed))
        .map(TimeUnit.NANOSECONDS::toMillis)
        .toList();
  }

  @Test
  void memoryThatCannotBeReservedFailsTheStart() {
    assertThatThrownBy(
            () -> Doubling.flow(WorkerProcesses.builder(2).resultMemoryBytes(1L << 50), 1))
        .isInstanceOf(StartException.class)
        .hasMessageContaining("cannot reserve");
  }

  /** Never starts. */
  private static final class Hanging implements Handler<Integer, Integer> {
    @Override
    public void onStart() throws InterruptedException {
      new CountDownLatch(1).await();
    }

    @Override
    public List<Integer> handle(List<Integer> items) {
      return items;
    }
  }

  @Test
  void aHandlerThatHangsAtItsStartFailsTheStartWhenTheTimeIsOver() {
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("stuck")
            .<Integer>stepPerWorker(
                "step",
                HandlerFactory.of(Hanging::new),
                step -> step.workers(WorkerProcesses.of(2)))
            .build();
    assertThatThrownBy(() -> flow.start(Duration.ofSeconds(1))).isInstanceOf(StartException.class);
    flow.close();
  }

  @Test
  void aHandlerThatTheProcessCannotLoadFailsTheStartWithTheRemedy() {
    Path[] others =
        Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(path -> !path.contains("test"))
            .map(Path::of)
            .toArray(Path[]::new);
    assertThatThrownBy(() -> Doubling.flow(WorkerProcesses.builder(1).classPath(others), 1))
        .isInstanceOf(StartException.class)
        .cause()
        .isInstanceOf(ClassNotFoundException.class)
        .hasMessageContaining("cannot be loaded in the worker process: add it to the classPath");
  }

  @Test
  void aFolderThatIsNotThereFailsTheStartWithTheRemedy() {
    String usual = System.getProperty("java.io.tmpdir");
    System.setProperty("java.io.tmpdir", folder.resolve("nowhere").toString());
    try {
      assertThatThrownBy(() -> Doubling.flow(WorkerProcesses.builder(1), 1))
          .isInstanceOf(StartException.class)
          .cause()
          .hasMessageContaining("set java.io.tmpdir to a folder that is writable");
    } finally {
      System.setProperty("java.io.tmpdir", usual);
    }
  }

  @Test
  void aHandlerThatDoesNotStartFailsTheStart() {
    assertThatThrownBy(
            () ->
                Flow.<Integer>builder("broken")
                    .stepPerWorker(
                        "break",
                        HandlerFactory.of(() -> new Broken("no model")),
                        step -> step.workers(WorkerProcesses.of(2)))
                    .build()
                    .start(Duration.ofSeconds(30)))
        .isInstanceOf(StartException.class)
        .hasMessageContaining("no model")
        .cause()
        .isExactlyInstanceOf(java.io.FileNotFoundException.class)
        .satisfies(
            failure ->
                assertThat(failure.getStackTrace()[0].getClassName())
                    .isEqualTo(Broken.class.getName()));
  }

  @Test
  void aProcessThatDiesBeforeItSpeaksFailsTheStartWithWhatItPrinted() {
    assertThatThrownBy(
            () -> Doubling.flow(WorkerProcesses.builder(1).jvmOptions("-XX:+NoSuchOption"), 1))
        .isInstanceOf(StartException.class)
        .hasMessageContaining("has exited with code 1")
        .hasMessageContaining("Unrecognized VM option 'NoSuchOption'");
  }

  /** Fails in {@code onStart}. */
  private record Broken(String message) implements Handler<Integer, Integer> {
    @Override
    public void onStart() throws Exception {
      throw new java.io.FileNotFoundException(message);
    }

    @Override
    public List<Integer> handle(List<Integer> items) {
      return items;
    }
  }
}
