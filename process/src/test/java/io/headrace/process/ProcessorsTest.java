package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.WorkerStatus;
import io.headrace.shm.Affinity;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** On which processors worker processes run. */
class ProcessorsTest {
  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  /**
   * Tells which processors its threads may use, and how many the JVM reckons with, once it runs.
   */
  public static final class Threads implements Handler<Integer, String> {
    public Threads() {}

    @Override
    public List<String> handle(List<Integer> items) throws IOException {
      String answer = allowed("self") + " " + Runtime.getRuntime().availableProcessors();
      return items.stream().map(item -> answer).toList();
    }

    /** Those of each thread of a process. */
    static Set<String> allowed(String process) throws IOException {
      Set<String> allowed = new TreeSet<>();
      try (Stream<Path> threads = Files.list(Path.of("/proc", process, "task"))) {
        for (Path thread : threads.toList()) {
          processors(thread).ifPresent(allowed::add);
        }
      }
      return allowed;
    }

    /** Nothing of a thread that has ended meanwhile. */
    private static Optional<String> processors(Path thread) {
      try {
        return Files.readString(thread.resolve("status"))
            .lines()
            .filter(line -> line.startsWith("Cpus_allowed_list"))
            .findAny();
      } catch (IOException ended) {
        return Optional.empty();
      }
    }
  }

  private static Flow<Integer, String> flow(WorkerProcessesBuilder processes)
      throws InterruptedException {
    return Flow.<Integer>builder("threads")
        .<String>stepPerWorker(
            "ask", HandlerFactory.of(Threads.class), step -> step.workers(processes.build()))
        .build()
        .start(Duration.ofSeconds(30));
  }

  @Test
  void allThreadsRunOnTheProcessorsThatWereChosen() throws Exception {
    if (!Affinity.isAvailable()) {
      assertThatThrownBy(() -> WorkerProcesses.builder(1).processors(0))
          .isInstanceOf(IllegalStateException.class);
      return;
    }
    int last = Affinity.current().last();
    try (Flow<Integer, String> flow = flow(WorkerProcesses.builder(1).processors(last, last))) {
      assertThat(flow.call(1)).isEqualTo("[Cpus_allowed_list:\t" + last + "] 1");
    }
  }

  /** So that it makes no more threads, for garbage and to compile, than so many can use. */
  @Test
  void theJvmKnowsTheirNumberWhenItStarts() throws Exception {
    if (!Affinity.isAvailable()) {
      return;
    }
    try (Flow<Integer, List<String>> flow =
        Flow.<Integer>builder("options")
            .<List<String>>stepPerWorker(
                "ask",
                HandlerFactory.of(() -> items -> List.of(options())),
                step ->
                    step.workers(
                        WorkerProcesses.builder(1).processors(Affinity.current().last()).build()))
            .build()
            .start(Duration.ofSeconds(30))) {
      assertThat(flow.call(1)).contains("-XX:ActiveProcessorCount=1");
    }
  }

  static List<String> options() {
    return ManagementFactory.getRuntimeMXBean().getInputArguments();
  }

  @Test
  void eachProcessCanHaveItsOwn() throws Exception {
    if (!Affinity.isAvailable()) {
      return;
    }
    int first = Affinity.current().first();
    int last = Affinity.current().last();
    WorkerProcessesBuilder builder =
        WorkerProcesses.builder(3).processors(List.of(Set.of(first), List.of(last)));
    Settings settings = builder.settings();
    assertThat(settings.processorsOf(0)).containsExactly(first);
    assertThat(settings.processorsOf(1)).containsExactly(last);
    assertThat(settings.processorsOf(2)).containsExactly(first);
    assertThat(WorkerProcesses.builder(1).settings().processorsOf(0)).isEmpty();
    try (Flow<Integer, String> flow = flow(builder)) {
      List<WorkerStatus> workers = flow.workers("ask");
      for (int worker = 0; worker < 3; worker++) {
        assertThat(Threads.allowed(Long.toString(workers.get(worker).pid())))
            .as(workers.get(worker).name())
            .containsExactly("Cpus_allowed_list:\t" + (worker == 1 ? last : first));
      }
    }
  }

  @Test
  void whatCannotBeIsRefused() {
    if (!Affinity.isAvailable()) {
      return;
    }
    assertThatThrownBy(() -> WorkerProcesses.builder(1).processors(8191))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[8191] are not");
    assertThatThrownBy(() -> WorkerProcesses.builder(1).processors())
        .isInstanceOf(IllegalArgumentException.class);
    for (List<List<Integer>> none :
        List.of(List.<List<Integer>>of(), List.of(List.<Integer>of()))) {
      assertThatThrownBy(() -> WorkerProcesses.builder(1).processors(none))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("processors are " + none + ", there has to be one at least for each process");
    }
  }
}
