package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.WorkerStatus;
import io.headrace.shm.Mechanism;
import io.headrace.shm.OwnFolder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The parent is killed: no worker and no file outlives it. */
class ParentDeathTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** A worker that works sees the end of its parent within milliseconds. */
  private static final Duration END = Duration.ofSeconds(5);

  private static final int KILLS = 4;

  @TempDir Path folder;

  private final List<ProcessHandle> started = new ArrayList<>();

  @AfterEach
  void killAll() {
    started.forEach(ProcessHandle::destroyForcibly);
  }

  /** Never becomes ready. */
  private static final class Stuck implements Handler<Integer, Object> {
    @Override
    public void onStart() throws InterruptedException {
      System.out.println("starts");
      new CountDownLatch(1).await();
    }

    @Override
    public List<Object> handle(List<Integer> items) {
      return List.copyOf(items);
    }
  }

  /** Does what its argument says, and waits to be killed. */
  static final class Parent {
    private Parent() {}

    /**
     * Runs until it is killed.
     *
     * @param args what to do
     */
    public static void main(String[] args) throws Exception {
      switch (args[0]) {
        case "work" -> {
          Flow<Integer, Object> flow = flow(HandlerFactory.of(Doubling::new));
          flow.call(1);
          flow.submit(Doubling.HANG); // one of them is busy
          System.out.println(
              flow.workers("double").stream().map(WorkerStatus::pid).map(String::valueOf).toList());
        }
        case "start" -> flow(HandlerFactory.of(Stuck::new));
        case "exit" -> {
          flow(HandlerFactory.of(Doubling::new));
          System.exit(0);
        }
        case "share" -> System.out.println(SharedValues.create(1 << 20).allocate(1).byteSize());
        default -> {
          System.out.println(OwnFolder.get());
          return;
        }
      }
      Thread.currentThread().join();
    }

    private static Flow<Integer, Object> flow(
        HandlerFactory<? extends Handler<Integer, Object>> factory) throws InterruptedException {
      return Flow.<Integer>builder("orphans")
          .<Object>stepPerWorker("double", factory, step -> step.workers(WorkerProcesses.of(2)))
          .build()
          .start(Duration.ofSeconds(30));
    }
  }

  private Process start(String what) throws IOException {
    Process parent =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:-UsePerfData",
                "-Xmx64m",
                "-Djava.io.tmpdir=" + folder,
                "-D" + Mechanism.PROPERTY + "=" + Mechanism.best(),
                "-cp",
                System.getProperty("java.class.path"),
                Parent.class.getName(),
                what)
            .redirectErrorStream(true)
            .start();
    started.add(parent.toHandle());
    return parent;
  }

  private static BufferedReader lines(Process process) {
    return new BufferedReader(
        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  /** Kills a parent; its workers end within some time. */
  private void kill(Process parent, Duration limit) throws InterruptedException {
    List<ProcessHandle> workers = parent.descendants().toList();
    started.addAll(workers);
    parent.destroyForcibly().waitFor();
    for (ProcessHandle worker : workers) {
      Awaitility.await("the end of " + worker.pid()).atMost(limit).until(() -> !worker.isAlive());
    }
  }

  private void awaitNoFiles() {
    Awaitility.await("an empty folder")
        .atMost(PATIENCE)
        .untilAsserted(() -> assertThat(files()).isEmpty());
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }

  @Test
  void workersAndFilesGoWithTheirParent() throws Exception {
    Process parent = start("work");
    String line = lines(parent).readLine();
    assertThat(line).as("the identifiers").matches("\\[\\d+, \\d+]");
    List<Long> workers =
        Arrays.stream(line.substring(1, line.length() - 1).split(", ", -1))
            .map(Long::valueOf)
            .toList();
    assertThat(parent.descendants().map(ProcessHandle::pid)).containsAll(workers);
    kill(parent, END);
    awaitNoFiles();
  }

  /** At once, with all that it would have taken from them. */
  @Test
  void filesGoWithAParentThatExitsWithoutClosing() throws Exception {
    Process parent = start("exit");
    assertThat(parent.waitFor()).isZero();
    awaitNoFiles();
  }

  @Test
  void filesGoWithAParentThatIsKilledWhileItsWorkersStart() throws Exception {
    Process parent = start("start");
    try (BufferedReader lines = lines(parent)) {
      for (int starts = 0; starts < 2; ) {
        String line = lines.readLine();
        assertThat(line).as("both start").isNotNull();
        starts += line.contains("starts") ? 1 : 0;
      }
      kill(parent, END);
    }
    awaitNoFiles();
  }

  /** Where none of its workers has come so far that it does it. */
  @Test
  void theNextProcessDeletesWhatIsLeftOfAParentThatIsKilledAtAnyMoment() throws Exception {
    Process sharing = start("share");
    assertThat(lines(sharing).readLine()).isEqualTo("1");
    kill(sharing, PATIENCE);
    Random random = new Random(1);
    CountDownLatch never = new CountDownLatch(1);
    for (int i = 0; i < KILLS; i++) {
      List<Path> before = files();
      Process parent = start("start");
      Awaitility.await("its first file")
          .atMost(PATIENCE)
          .pollInterval(Duration.ofMillis(1))
          .until(() -> !before.containsAll(files()));
      var _ = never.await(random.nextInt(200), TimeUnit.MILLISECONDS);
      kill(parent, PATIENCE);
    }
    assertThat(start("nothing").waitFor()).isZero();
    awaitNoFiles();
  }
}
