package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.Flow;
import io.headrace.WorkerStatus;
import io.headrace.shm.Mechanism;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The parent is killed: no worker and no file outlives it. */
class ParentDeathTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @TempDir Path folder;

  /** Starts a flow, tells the identifiers of its workers, and waits to be killed. */
  static final class Parent {
    private Parent() {}

    /**
     * Runs until it is killed.
     *
     * @param args none
     */
    public static void main(String[] args) throws Exception {
      Flow<Integer, Object> flow =
          Flow.<Integer>builder("orphans")
              .<Object>stepPerWorker(
                  "double",
                  HandlerFactory.of(Doubling::new),
                  step -> step.workers(WorkerProcesses.of(2)))
              .build()
              .start(Duration.ofSeconds(30));
      flow.call(1);
      flow.submit(Doubling.HANG); // one of them is busy
      System.out.println(
          flow.workers("double").stream().map(WorkerStatus::pid).map(String::valueOf).toList());
      Thread.currentThread().join();
    }
  }

  @Test
  void workersAndFilesGoWithTheirParent() throws Exception {
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
                Parent.class.getName())
            .redirectErrorStream(true)
            .start();
    List<ProcessHandle> workers = List.of();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(parent.getInputStream(), StandardCharsets.UTF_8))) {
      String line = lines.readLine();
      assertThat(line).as("the identifiers").matches("\\[\\d+, \\d+]");
      workers =
          Arrays.stream(line.substring(1, line.length() - 1).split(", ", -1))
              .flatMap(pid -> ProcessHandle.of(Long.parseLong(pid)).stream())
              .toList();
      assertThat(workers).hasSize(2).allMatch(ProcessHandle::isAlive);
      parent.destroyForcibly().waitFor();
      for (ProcessHandle worker : workers) {
        Awaitility.await("the end of " + worker.pid())
            .atMost(PATIENCE)
            .until(() -> !worker.isAlive());
      }
    } finally {
      parent.destroyForcibly();
      workers.forEach(ProcessHandle::destroyForcibly);
    }
    Awaitility.await("an empty folder")
        .atMost(PATIENCE)
        .untilAsserted(
            () -> {
              try (Stream<Path> files = Files.list(folder)) {
                assertThat(files).isEmpty();
              }
            });
  }
}
