package io.headrace.process;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Observer;
import io.headrace.Placement;
import io.headrace.WorkerDiedException;
import io.headrace.shm.Mechanism;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ForkJoinPool;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** When others learn of the death of a worker process. */
@Timeout(120)
class DeathNewsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @TempDir Path folder;

  private final Queue<String> events = new ConcurrentLinkedQueue<>();

  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  /**
   * Prints, starts a process that has what it prints to and more of its open files, and kills
   * itself.
   */
  private static final class Leaving implements Handler<Integer, Integer> {
    static final int LEAVE = -1;
    static final String LATE = "late";
    static final String GO = "go";

    /** Longer than the news of a death takes. It does not wait for ever if the test fails. */
    private static final String CHILD =
        "sleep 1.5; touch late; for i in $(seq 1000); do test -e go || sleep 0.03; done";

    private final String folder;
    private final boolean isNative;

    Leaving(String folder, boolean isNative) {
      this.folder = folder;
      this.isNative = isNative;
    }

    @Override
    public List<Integer> handle(List<Integer> items) throws IOException {
      if (items.contains(LEAVE)) {
        System.out.println("the last line");
        if (isNative) {
          startWithAllFiles();
        } else {
          var _ =
              new ProcessBuilder("sh", "-c", CHILD)
                  .directory(Path.of(folder).toFile())
                  .inheritIO()
                  .start();
        }
        Doubling.kill();
      }
      return items;
    }

    /** As native code does, with the pipe of what it logs, too. */
    private void startWithAllFiles() {
      Linker linker = Linker.nativeLinker();
      MethodHandle system =
          linker.downcallHandle(
              linker.defaultLookup().findOrThrow("system"),
              FunctionDescriptor.of(JAVA_INT, ADDRESS));
      try (Arena arena = Arena.ofConfined()) {
        var _ =
            (int) system.invokeExact(arena.allocateFrom("(cd " + folder + "; " + CHILD + ") &"));
      } catch (Throwable failure) {
        throw new IllegalStateException(failure);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aDeathIsToldOfThoughThereAreProcessesThatTheWorkerHasStarted(boolean isNative)
      throws Exception {
    String child = folder.toString();
    Path late = folder.resolve(Leaving.LATE);
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("leaving")
            .<Integer>stepPerWorker(
                "step",
                HandlerFactory.of(() -> new Leaving(child, isNative)),
                step ->
                    step.workers(
                        WorkerProcesses.builder(1).restartDelay(Duration.ofMillis(1)).build()))
            .observer(
                new Observer() {
                  @Override
                  public void onWorker(WorkerEvent event) {
                    events.add(event.kind() + (Files.exists(late) ? " late" : ""));
                  }
                })
            .build()
            .start(PATIENCE)) {
      assertThat(flow.submit(Leaving.LEAVE))
          .failsWithin(PATIENCE)
          .withThrowableThat()
          .withCauseInstanceOf(WorkerDiedException.class)
          .withMessageContaining("the last line");
      assertThat(events).last().isEqualTo("DIED");
      assertThat(flow.call(1)).isEqualTo(1);
      Files.createFile(folder.resolve(Leaving.GO));
    }
    await("the end of all who read").until(() -> !Leftovers.hasThreads("leaving"));
  }

  /** Which the JDK uses for what follows the end of a process. */
  @Test
  void aDeathIsToldOfThoughTheCommonPoolIsBusy() throws Exception {
    CountDownLatch over = new CountDownLatch(1);
    try (Flow<Integer, Object> flow = Doubling.flow(WorkerProcesses.builder(1), 1)) {
      for (int i = 0; i < Math.max(1, ForkJoinPool.getCommonPoolParallelism()); i++) {
        ForkJoinPool.commonPool().execute(() -> awaitEnd(over));
      }
      assertThat(flow.submit(Doubling.KILL))
          .failsWithin(PATIENCE)
          .withThrowableThat()
          .withCauseInstanceOf(WorkerDiedException.class);
      assertThat(flow.submit(2)).succeedsWithin(PATIENCE).isEqualTo(4);
    } finally {
      over.countDown();
    }
  }

  private static void awaitEnd(CountDownLatch over) {
    try {
      over.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Says which process it is in. While there is a file, the thread that executes batches ends
   * instead, as far as the system knows, and its process lives on.
   */
  private static final class EndingThread implements Handler<Integer, Long> {
    private static final boolean IS_ARM = System.getProperty("os.arch").equals("aarch64");
    private static final long SET_TID_ADDRESS = IS_ARM ? 96 : 218;
    private static final long EXIT = IS_ARM ? 93 : 60;

    private final Path file;

    EndingThread(String file) {
      this.file = Path.of(file);
    }

    @Override
    public List<Long> handle(List<Integer> items) {
      try {
        if (Files.deleteIfExists(file)) {
          endThread();
        }
      } catch (IOException failure) {
        throw new UncheckedIOException(failure);
      }
      return items.stream().map(_ -> ProcessHandle.current().pid()).toList();
    }

    private static void endThread() {
      Linker linker = Linker.nativeLinker();
      MethodHandle syscall =
          linker.downcallHandle(
              linker.defaultLookup().findOrThrow("syscall"),
              FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG),
              Linker.Option.firstVariadicArg(1));
      try { // nobody is told of its end who waits for it: the JVM would end
        var _ = (long) syscall.invokeExact(SET_TID_ADDRESS, 0L);
        var _ = (long) syscall.invokeExact(EXIT, 0L);
      } catch (Throwable failure) {
        throw new IllegalStateException(failure);
      }
    }
  }

  /** Looks after a death no further before a batch is executed that the process had. */
  private final class Waiting extends Pool {
    volatile CompletableFuture<?> awaited = CompletableFuture.completedFuture(null);
    private volatile boolean isQueuedAgain;

    Waiting(HandlerFactory<?> factory, Settings settings) {
      super(
          new Placement.PlacedStep("ending", "step", factory, 1),
          settings,
          FactoryBytes.write(factory, "step", settings));
    }

    @Override
    void dispatch() {
      super.dispatch();
      if (isQueuedAgain) {
        isQueuedAgain = false;
        assertThat(awaited).succeedsWithin(PATIENCE);
        events.add("executed");
      }
    }

    /** Hears of what is queued again, and of deaths. */
    private final class Host extends RoomTest.Deaf {
      @Override
      public void retried(int items) {
        isQueuedAgain = true;
        events.add("queued again");
      }

      @Override
      public void report(Observer.WorkerEvent event) {
        if (event.kind() == Observer.WorkerEvent.Kind.DIED) {
          boolean isAlive = ProcessHandle.of(event.pid()).isPresent();
          events.add("died" + (isAlive ? " and lives" : ""));
        }
      }
    }
  }

  @Test
  void whatAWorkerHadIsExecutedByOthersBeforeItsProcessEnds() throws Exception {
    if (Mechanism.best() != Mechanism.LINUX) {
      return; // the end of a process is all that is seen
    }
    Path end = folder.resolve("end");
    String file = end.toString();
    Waiting pool =
        new Waiting(
            HandlerFactory.of(() -> new EndingThread(file)),
            WorkerProcesses.builder(2).ahead(0).retry(2).noStartCache().settings());
    try {
      pool.start(pool.new Host());
      Set<Long> processes = new HashSet<>();
      while (processes.size() < 2) {
        List<CompletableFuture<Long>> both = List.of(execute(pool), execute(pool));
        both.forEach(one -> processes.add(one.join()));
      }
      Files.createFile(end);
      CompletableFuture<Long> executed = execute(pool);
      pool.awaited = executed;
      assertThat(executed).succeedsWithin(PATIENCE);
      assertThat(processes).contains(executed.join());
      await("the death").until(() -> events.size() == 3);
      assertThat(events).containsExactly("queued again", "executed", "died");
    } finally {
      pool.close();
    }
  }

  private static CompletableFuture<Long> execute(Pool pool) {
    return pool.execute(List.of(0))
        .thenApply(results -> (Long) results.getFirst())
        .toCompletableFuture();
  }

  private static org.awaitility.core.ConditionFactory await(String what) {
    return Awaitility.await(what).atMost(PATIENCE);
  }
}
