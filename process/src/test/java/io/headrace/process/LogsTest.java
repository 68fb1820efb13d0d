package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;
import static org.awaitility.Awaitility.await;

import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Observer;
import io.headrace.WorkerDiedException;
import java.io.ByteArrayInputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.logging.Logger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What worker processes log and print. */
class LogsTest {
  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  /** No process says this, but for one whose memory is overwritten; it may work on. */
  @Test
  void whatCannotBeHeardIsToldOnce() {
    Queue<String> logged = new ConcurrentLinkedQueue<>();
    Logger logger = Logger.getLogger(Hearing.class.getName());
    logger.setFilter(logs -> !logged.add(logs.getMessage()));
    try {
      ByteArrayInputStream nonsense = new ByteArrayInputStream(new byte[] {-1, -1, -1, -1});
      new Hearing(Channels.newChannel(nonsense), "shouting-0", () -> fail("it may work on"))
          .awaitLast();
      assertThat(logged)
          .containsExactly(
              "what shouting-0 logs is not heard any more, because it cannot be understood: a frame"
                  + " of -1 bytes");
    } finally {
      logger.setFilter(null);
    }
  }

  /** Prints to both outputs, and says what its environment has. */
  private static final class Talking implements Handler<String, String> {
    @Override
    public List<String> handle(List<String> items) {
      System.out.println("to the output");
      System.err.println("to the errors");
      return items.stream().map(name -> System.getProperty(name, System.getenv(name))).toList();
    }
  }

  @Test
  void aProcessHasTheEnvironmentAndWhatItPrintsIsLogged() throws Exception {
    Queue<String> logged = new ConcurrentLinkedQueue<>();
    Logger logger = Logger.getLogger("io.headrace.process.output");
    logger.setFilter(logs -> logged.add(logs.getMessage()));
    try (Flow<String, String> flow =
        Flow.<String>builder("talking")
            .<String>stepPerWorker(
                "step",
                HandlerFactory.of(Talking::new),
                step ->
                    step.workers(
                        WorkerProcesses.builder(1)
                            .environment("HEADRACE_TEST", "yes")
                            .jvmOptions("-Dheadrace.lines=one\ntwo \\ \"three\"\r")
                            .build()))
            .build()
            .start(Duration.ofSeconds(30))) {
      assertThat(flow.call("HEADRACE_TEST")).isEqualTo("yes");
      assertThat(flow.call("headrace.lines")).isEqualTo("one\ntwo \\ \"three\"\r");
      await("what it has printed")
          .until(
              () ->
                  logged.containsAll(
                      List.of("[talking-step-0] to the output", "[talking-step-0] to the errors")));
    } finally {
      logger.setFilter(null);
    }
  }

  /** Logs from several threads at once, and from its own. */
  private static final class Chorus implements Handler<Integer, Integer> {
    static final int THREADS = 4;
    static final int LINES = 500;

    @Override
    public List<Integer> handle(List<Integer> items) throws InterruptedException {
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        threads.add(Thread.ofPlatform().name("voice-" + i).start(Chorus::sing));
      }
      sing();
      for (Thread thread : threads) {
        thread.join();
      }
      return items;
    }

    private static void sing() {
      for (int line = 0; line < LINES; line++) {
        System.getLogger("chorus").log(System.Logger.Level.INFO, "line " + line);
      }
    }
  }

  @Test
  void whatThreadsOfAWorkerLogHasTheirNamesAndTheirOrder() throws Exception {
    Queue<String> logged = new ConcurrentLinkedQueue<>();
    Logger logger = Logger.getLogger("chorus");
    logger.setFilter(logs -> !logged.add(logs.getMessage()));
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("chorus")
            .<Integer>stepPerWorker(
                "step", HandlerFactory.of(Chorus::new), step -> step.workers(WorkerProcesses.of(1)))
            .build()
            .start(Duration.ofSeconds(30))) {
      assertThat(flow.call(1)).isEqualTo(1);
      await("all lines").until(() -> logged.size() == (Chorus.THREADS + 1) * Chorus.LINES);
    } finally {
      logger.setFilter(null);
    }
    for (String thread : List.of("chorus-step-0", "voice-0", "voice-1", "voice-2", "voice-3")) {
      String prefix = "[chorus-step-0 " + thread + "] ";
      assertThat(logged.stream().filter(line -> line.startsWith(prefix)))
          .containsExactlyElementsOf(
              IntStream.range(0, Chorus.LINES).mapToObj(line -> prefix + "line " + line).toList());
    }
  }

  /** Logs what it is told, by a logger and a level, and says whether that one lets it through. */
  private static final class Levels implements Handler<String, Boolean> {
    @Override
    public List<Boolean> handle(List<String> items) {
      return items.stream().map(Levels::log).toList();
    }

    private static boolean log(String item) {
      String[] parts = item.split(" ", -1);
      System.Logger logger = System.getLogger(parts[0]);
      System.Logger.Level level = System.Logger.Level.valueOf(parts[1]);
      logger.log(level, item);
      return logger.isLoggable(level);
    }
  }

  private static Flow<String, Boolean> levels(String... jvmOptions) throws InterruptedException {
    return Flow.<String>builder("levels")
        .<Boolean>stepPerWorker(
            "step",
            HandlerFactory.of(Levels::new),
            step -> step.workers(WorkerProcesses.builder(1).jvmOptions(jvmOptions).build()))
        .build()
        .start(Duration.ofSeconds(30));
  }

  @Test
  void levelsOfLoggersHoldInWorkersUnlessTheyHaveAConfiguration() throws Exception {
    Path configuration = Files.writeString(folder.resolve("logging.properties"), ".level=INFO\n");
    Queue<String> logged = new ConcurrentLinkedQueue<>();
    Logger root = Logger.getLogger("");
    Logger fine = Logger.getLogger("levels.fine");
    Logger quiet = Logger.getLogger("levels.quiet");
    Logger below = Logger.getLogger("levels.fine.below");
    fine.setLevel(java.util.logging.Level.FINE);
    quiet.setLevel(java.util.logging.Level.SEVERE);
    root.setLevel(java.util.logging.Level.SEVERE);
    below.setFilter(logs -> !logged.add(logs.getMessage()));
    try {
      try (Flow<String, Boolean> flow = levels()) {
        assertThat(flow.call("levels.fine.below DEBUG")).isTrue();
        assertThat(flow.call("levels.fine.below TRACE")).isFalse();
        assertThat(flow.call("levels.quiet WARNING")).isFalse();
        assertThat(flow.call("levels.other INFO")).as("a bridge may take it").isTrue();
        await("the line").until(() -> logged.size() == 1);
        assertThat(logged).first().asString().endsWith("] levels.fine.below DEBUG");
      }
      try (Flow<String, Boolean> flow =
          levels("-Djava.util.logging.config.file=" + configuration)) {
        assertThat(flow.call("levels.fine.below DEBUG")).isFalse();
        assertThat(flow.call("levels.quiet WARNING")).isTrue();
      }
    } finally {
      root.setLevel(java.util.logging.Level.INFO);
      fine.setLevel(null);
      quiet.setLevel(null);
      below.setFilter(null);
    }
  }

  /** Something that cannot be made a text. */
  private static final class Mute {
    @Override
    public String toString() {
      throw new AssertionError("on purpose");
    }
  }

  /** Logs a text of so many characters, or something that cannot be logged as it is. */
  private static final class Logging implements Handler<Integer, Integer> {
    static final String LOGGER = "logging";

    @Override
    public List<Integer> handle(List<Integer> items) {
      for (int characters : items) {
        Logger logger = Logger.getLogger(LOGGER);
        if (characters < 0) {
          logger.log(java.util.logging.Level.INFO, "{0}", new Mute());
        } else {
          logger.info("x".repeat(characters));
        }
      }
      return items;
    }
  }

  @Test
  void recordsThatAreTooLongOrCannotBeWrittenAreToldOf() throws Exception {
    Queue<String> logged = new ConcurrentLinkedQueue<>();
    Logger logger = Logger.getLogger(Logging.LOGGER);
    Logger own = Logger.getLogger(Hearing.class.getName());
    logger.setFilter(logs -> !logged.add(logs.getMessage()));
    own.setFilter(logs -> !logged.add(logs.getMessage()));
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("logging")
            .<Integer>stepPerWorker(
                "step",
                HandlerFactory.of(Logging::new),
                step -> step.workers(WorkerProcesses.of(1)))
            .build()
            .start(Duration.ofSeconds(30))) {
      for (int item : List.of(17 << 20, -1, 3)) {
        assertThat(flow.call(item)).isEqualTo(item);
      }
      await("all three").until(() -> logged.size() == 3);
      assertThat(logged.remove()).endsWith("... of 17825792 characters");
      assertThat(logged.remove()).contains("a record of logging is lost: java.lang.AssertionError");
      assertThat(logged.remove()).endsWith("] xxx");
    } finally {
      logger.setFilter(null);
      own.setFilter(null);
    }
  }

  /** Logs and prints more than fits into a pipe, before it is ready and in each batch. */
  private static final class Talkative implements Handler<Integer, Integer> {
    static final String LOGGER = "talkative";

    @Override
    public void onStart() {
      var _ = handle(List.of());
    }

    @Override
    public List<Integer> handle(List<Integer> items) {
      String line = "x".repeat(100_000);
      System.getLogger(LOGGER).log(System.Logger.Level.INFO, line);
      System.out.println(line);
      return items;
    }
  }

  @Test
  void aLoggerThatFailsHoldsUpNobody() throws Exception {
    List<Logger> broken =
        List.of(Logger.getLogger(Talkative.LOGGER), Logger.getLogger("io.headrace.process.output"));
    PrintStream errors = System.err;
    System.setErr(new PrintStream(OutputStream.nullOutputStream()));
    broken.forEach(
        logger ->
            logger.setFilter(
                logs -> {
                  throw new NoClassDefFoundError("of a bridge");
                }));
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("talkative")
            .<Integer>stepPerWorker(
                "step",
                HandlerFactory.of(Talkative::new),
                step -> step.workers(WorkerProcesses.of(1)))
            .build()
            .start(Duration.ofSeconds(30))) {
      for (int i = 0; i < 5; i++) {
        assertThat(flow.call(i)).isEqualTo(i);
      }
      assertThat(flow.workers("step").getFirst().restarts()).isZero();
    } finally {
      System.setErr(errors);
      broken.forEach(logger -> logger.setFilter(null));
    }
  }

  /** Logs with an interrupt, and leaves it behind. Says in which process, and how it came. */
  private static final class Interrupted implements Handler<Integer, String> {
    @Override
    public List<String> handle(List<Integer> items) {
      String found = ProcessHandle.current().pid() + " " + Thread.currentThread().isInterrupted();
      Thread.currentThread().interrupt();
      System.getLogger("interrupted").log(System.Logger.Level.INFO, "batch of " + items);
      if (!Thread.currentThread().isInterrupted()) {
        throw new IllegalStateException("to log has taken the interrupt away");
      }
      return items.stream().map(item -> found).toList();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void anInterruptOfAHandlerIsForItsOwnBatch(boolean isPortable) throws Exception {
    WorkerProcessesBuilder processes = WorkerProcesses.builder(1);
    Queue<String> logged = new ConcurrentLinkedQueue<>();
    Logger logger = Logger.getLogger("interrupted");
    logger.setFilter(logs -> logged.add(logs.getMessage()));
    try (Flow<Integer, String> flow =
        Flow.<Integer>builder("interrupted")
            .<String>stepPerWorker(
                "step",
                HandlerFactory.of(Interrupted::new),
                step -> step.workers((isPortable ? processes.portable() : processes).build()))
            .build()
            .start(Duration.ofSeconds(30))) {
      String first = flow.call(0);
      assertThat(first).endsWith(" false");
      for (int i = 1; i < 5; i++) {
        assertThat(flow.call(i)).isEqualTo(first);
      }
      await("what was logged").until(() -> logged.size() == 5);
      assertThat(logged).last().asString().endsWith("batch of [4]");
    } finally {
      logger.setFilter(null);
    }
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
}
