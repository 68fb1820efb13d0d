package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.BatchPolicy;
import io.headrace.CallOptions;
import io.headrace.DeadlineExceededException;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.OnFull;
import io.headrace.Service;
import io.headrace.WorkerStatus;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Everything at once, for long: changing load, values from nothing to 32 MiB, of the caller, shared
 * or through a socket, cancellations, expiries and kills. No request is lost or answered wrongly,
 * and what is held between two phases does not grow.
 */
class SoakTest {
  /** How long; a nightly run takes ten minutes. */
  private static final int SECONDS = Integer.getInteger("headrace.soak.seconds", 4);

  private static final int PHASES = Math.clamp(SECONDS / 10, 2, 60);
  private static final long PHASE_NANOS = Duration.ofSeconds(SECONDS).toNanos() / PHASES;
  private static final int[] CALLERS = {1, 4, 16, 48};
  private static final int MIB = 1 << 20;
  private static final long WORKER_HEAP_MIB = 256;
  private static final Duration LONG = Duration.ofMinutes(2);

  @TempDir Path folder;

  /** Of more than a MiB only two are on their way at once: both fit into each memory. */
  private final Semaphore large = new Semaphore(2);

  private final ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<String> deaths = new ConcurrentLinkedQueue<>();
  private final AtomicLong submitted = new AtomicLong();
  private final AtomicLong right = new AtomicLong();
  private final AtomicLong cancelled = new AtomicLong();
  private final AtomicLong expired = new AtomicLong();
  private final AtomicLong bytes = new AtomicLong();

  /** What is to be made of the bytes: where they come from, and where the answer is to be. */
  record Request(long id, boolean wantsBytes, Object bytes) {}

  /** The sum over the bytes, and the bytes themselves if they are wanted. */
  record Answer(long id, long sum, Object bytes) {}

  private static MemorySegment segment(Object bytes) {
    return bytes instanceof byte[] array ? MemorySegment.ofArray(array) : (MemorySegment) bytes;
  }

  private static long sum(MemorySegment bytes) {
    CRC32 sum = new CRC32();
    sum.update(bytes.asByteBuffer());
    return sum.getValue();
  }

  /** Passes on what is large, and copies half of the others. */
  private static final class Passing implements Handler<Request, Request> {
    @Override
    public List<Request> handle(List<Request> items) {
      return items.stream().map(Passing::passed).toList();
    }

    private static Request passed(Request request) {
      MemorySegment bytes = segment(request.bytes());
      boolean isCopied = request.id() % 2 == 0;
      return new Request(
          request.id(), request.wantsBytes(), isCopied ? bytes.toArray(JAVA_BYTE) : bytes);
    }
  }

  private static final class Summing implements Handler<Request, Answer> {
    @Override
    public List<Answer> handle(List<Request> items) {
      return items.stream().map(Summing::answer).toList();
    }

    private static Answer answer(Request request) {
      return new Answer(
          request.id(),
          sum(segment(request.bytes())),
          request.wantsBytes() ? request.bytes() : "none");
    }
  }

  private Flow<Request, Answer> flow() throws InterruptedException {
    return Flow.<Request>builder("soaked")
        .<Request>stepPerWorker(
            "pass",
            HandlerFactory.of(Passing::new),
            step ->
                step.batch(BatchPolicy.greedy(4))
                    .queue(Integer.MAX_VALUE, OnFull.fail())
                    .workers(processes(2, "-Xms" + WORKER_HEAP_MIB + "m", "-XX:+AlwaysPreTouch")))
        .<Answer>stepPerWorker(
            "sum",
            HandlerFactory.of(Summing::new),
            step -> step.batch(BatchPolicy.greedy(1)).workers(processes(1)))
        .observer(new DeathNotes(deaths))
        .build()
        .start(LONG);
  }

  private static io.headrace.Workers processes(int count, String... options) {
    return WorkerProcesses.builder(count)
        .retry(Integer.MAX_VALUE)
        .maxFailures(Integer.MAX_VALUE)
        .inputMemoryBytes(80L * MIB)
        .resultMemoryBytes(80L * MIB)
        .jvmOptions("-Xmx" + WORKER_HEAP_MIB + "m")
        .jvmOptions(options)
        .register(Request.class, Answer.class)
        .build();
  }

  @Test
  @Timeout(7200)
  void nothingIsLostAndNothingGrows(TestReporter reporter) throws Exception {
    soak(1, 1, new ArrayList<>()); // what is loaded and opened once is not counted
    Leftovers before = Leftovers.now();
    List<Sample> samples = new ArrayList<>();
    soak(PHASES, PHASE_NANOS, samples);
    for (int phase = 0; phase < PHASES; phase++) {
      reporter.publishEntry("phase %d: %s".formatted(phase, samples.get(phase)));
    }
    reporter.publishEntry(
        "%d requests, %d MiB, %d answered, %d cancelled, %d expired, %d wrong; %d deaths"
            .formatted(
                submitted.get(),
                bytes.get() / MIB,
                right.get(),
                cancelled.get(),
                expired.get(),
                wrong.size(),
                deaths.size()));
    assertThat(wrong).isEmpty();
    assertThat(right.get() + cancelled.get() + expired.get())
        .as("every request has one outcome")
        .isEqualTo(submitted.get());
    assertThat(deaths)
        .as("deaths for another reason")
        .allMatch(death -> death.contains("signal 9 (SIGKILL"));
    Sample.assertFlat(samples);
    before.awaitAgain("soaked");
  }

  private void soak(int phases, long phaseNanos, List<Sample> samples) throws Exception {
    Path path = folder.resolve("soak.sock");
    try (SharedValues values = SharedValues.create(80L * MIB);
        Flow<Request, Answer> flow = flow();
        FlowServer _ =
            FlowServer.builder(flow, path).register(Request.class, Answer.class).start();
        FlowClient<Request, Answer> client =
            FlowClient.builder(path).register(Request.class, Answer.class).build()) {
      long startNanos = System.nanoTime();
      for (int phase = 0; phase < phases; phase++) {
        long endNanos = startNanos + (phase + 1) * phaseNanos;
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < CALLERS[phase % CALLERS.length]; i++) {
          Random random = new Random(1000L * phase + i);
          threads.add(
              Thread.startVirtualThread(() -> callUntil(endNanos, random, values, flow, client)));
        }
        killOneUntil(endNanos, new Random(phase), flow);
        for (Thread thread : threads) {
          thread.join();
        }
        samples.add(Sample.take(flow, values, samples));
      }
      assertThat(flow.workers("pass").getFirst().restarts()).as("restarts of the first").isZero();
    }
  }

  private void callUntil(
      long endNanos,
      Random random,
      SharedValues values,
      Service<Request, Answer> flow,
      Service<Request, Answer> client) {
    do {
      int size = size(random);
      int permits = size > MIB ? 1 : 0;
      large.acquireUninterruptibly(permits);
      try {
        switch (random.nextInt(4)) {
          case 0 -> call(random, client, filled(random, new byte[size]));
          case 1 -> callShared(random, random.nextBoolean() ? flow : client, values, size);
          default -> call(random, flow, filled(random, new byte[size]));
        }
      } catch (InterruptedException | RuntimeException failure) {
        wrong.add(failure.toString());
      } finally {
        large.release(permits);
      }
    } while (System.nanoTime() - endNanos < 0);
  }

  private void callShared(
      Random random, Service<Request, Answer> service, SharedValues values, int size)
      throws InterruptedException {
    MemorySegment value = values.allocate(size, LONG);
    value.copyFrom(MemorySegment.ofArray(filled(random, new byte[size])));
    call(random, service, value);
    if (random.nextBoolean()) {
      SharedValues.release(value);
    }
  }

  private static int size(Random random) {
    int kind = random.nextInt(200);
    if (kind == 0) {
      return random.nextInt(32 * MIB + 1);
    }
    return random.nextInt(kind < 4 ? MIB : kind < 60 ? 100_000 : 1000);
  }

  private static byte[] filled(Random random, byte[] array) {
    random.nextBytes(array);
    return array;
  }

  private void call(Random random, Service<Request, Answer> service, Object item) {
    MemorySegment sent = segment(item);
    Request request =
        new Request(
            submitted.incrementAndGet(), sent.byteSize() < 64 || random.nextInt(4) == 0, item);
    long expected = sum(sent);
    bytes.addAndGet(sent.byteSize());
    boolean mayExpire = random.nextInt(10) == 0;
    boolean isWithdrawn = random.nextInt(10) == 0;
    CompletableFuture<Answer> future =
        service.submit(
            request,
            mayExpire
                ? CallOptions.timeout(Duration.ofNanos(random.nextInt(1, 20_000_000)))
                : CallOptions.DEFAULT);
    if (isWithdrawn) {
      for (int spins = random.nextInt(10_000); spins > 0; spins--) {
        Thread.onSpinWait();
      }
      future.cancel(true);
    }
    try {
      check(request, expected, sent, future.join());
    } catch (CancellationException withdrawn) {
      count(isWithdrawn, cancelled, withdrawn);
    } catch (CompletionException failure) {
      count(mayExpire && failure.getCause() instanceof DeadlineExceededException, expired, failure);
    }
  }

  private void check(Request request, long sum, MemorySegment sent, Answer answer) {
    boolean isRight =
        answer.id() == request.id()
            && answer.sum() == sum
            && (!request.wantsBytes() || segment(answer.bytes()).mismatch(sent) == -1);
    if (isRight) {
      right.incrementAndGet();
    } else {
      wrong.add(request.id() + " of " + sent.byteSize() + " bytes got " + answer);
    }
  }

  private void count(boolean isExpected, AtomicLong outcomes, RuntimeException outcome) {
    if (isExpected) {
      outcomes.incrementAndGet();
    } else {
      wrong.add(outcome.toString());
    }
  }

  /** Any but the first one of the first step. */
  private static void killOneUntil(long endNanos, Random random, Flow<Request, Answer> flow)
      throws InterruptedException {
    CountDownLatch never = new CountDownLatch(1);
    while (System.nanoTime() - endNanos < 0) {
      long untilEnd = Math.max(1, endNanos - System.nanoTime());
      var _ = never.await(Math.min(untilEnd, random.nextInt(2_000_000_000)), TimeUnit.NANOSECONDS);
      long pid = flow.workers(random.nextBoolean() ? "pass" : "sum").getLast().pid();
      if (pid != 0) {
        ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
      }
    }
  }

  /**
   * What is held when nothing is on its way.
   *
   * @param heap bytes of the parent after a collection
   * @param shared bytes of shared values that are taken
   * @param memories how many shared memories there are
   * @param parent bytes of the parent beside its heap and what it shares
   * @param largest bytes of the worker that holds the most, without what it shares
   * @param kept the same of the worker that is never killed, whose heap does not change
   * @param descriptors open files of the parent
   * @param threads platform threads of the parent
   */
  private record Sample(
      long heap,
      long shared,
      int memories,
      long parent,
      long largest,
      long kept,
      long descriptors,
      int threads) {
    /** Class loading and compilation go on, and deaths are noted. */
    private static final long HEAP_VARIES = 2L * MIB;

    /** Files and threads that the JVM makes when it needs them, such as pollers. */
    private static final int MADE_BY_JVM = 7;

    /** Of the values, of the items of each step, of each worker, and of values that are lent. */
    private static final int MOST_MEMORIES = 1 + 2 + 3 + FlowClientBuilder.DEFAULT_CONNECTIONS;

    /** A JVM beside its heap: classes, code, stacks. */
    private static final long BESIDE_HEAP = 120L * MIB;

    /** So much of that comes later: compiled code, and what its compilers keep. */
    private static final long GROWS = 40L * MIB;

    /** Of native results that were freed the C library keeps one for each thread that copies. */
    private static final long KEPT_OF_RESULTS = 32L * MIB * FlowClientBuilder.DEFAULT_CONNECTIONS;

    /** Waits for what it takes a while to give back: large calls that were withdrawn, views. */
    static Sample take(Flow<Request, Answer> flow, SharedValues values, List<Sample> before) {
      await("all workers")
          .until(() -> workers(flow).stream().noneMatch(worker -> worker.pid() == 0));
      Leftovers.awaitNoBlocks();
      if (!before.isEmpty()) {
        Sample first = before.getFirst();
        await("as small a heap as at first").until(() -> usedHeap() < first.heap + HEAP_VARIES);
        await("hardly more beside it than at first, %d MiB".formatted(first.parent / MIB))
            .until(() -> besideHeap() < first.parent + GROWS + KEPT_OF_RESULTS);
      }
      await("the end of all other memories").until(() -> Memories.ALL.count() <= MOST_MEMORIES);
      return new Sample(
          usedHeap(),
          values.usedBytes(),
          Memories.ALL.count(),
          besideHeap(),
          workers(flow).stream()
              .mapToLong(worker -> privateBytes(worker.pid()))
              .max()
              .orElseThrow(),
          privateBytes(flow.workers("pass").getFirst().pid()),
          Leftovers.openFiles(),
          Thread.getAllStackTraces().size());
    }

    private static ConditionFactory await(String what) {
      return Awaitility.await(what).atMost(LONG);
    }

    private static long usedHeap() {
      System.gc();
      Runtime runtime = Runtime.getRuntime();
      return runtime.totalMemory() - runtime.freeMemory();
    }

    /** Of the parent, as long as the JVM does not give back a part of its heap. */
    private static long besideHeap() {
      long bytes = privateBytes(ProcessHandle.current().pid());
      return Math.max(0, bytes - Runtime.getRuntime().totalMemory());
    }

    /** 0 where the system does not tell. */
    private static long privateBytes(long pid) {
      try (Stream<String> lines = Files.lines(Path.of("/proc/" + pid + "/status"))) {
        return lines
            .filter(line -> line.startsWith("RssAnon:"))
            .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
            .sum();
      } catch (IOException unknown) {
        return 0;
      }
    }

    private static List<WorkerStatus> workers(Flow<Request, Answer> flow) {
      List<WorkerStatus> workers = new ArrayList<>(flow.workers("pass"));
      workers.addAll(flow.workers("sum"));
      return workers;
    }

    /** What there is at the end is not more than in the first half, but for what varies. */
    static void assertFlat(List<Sample> samples) {
      List<Sample> first = samples.subList(0, (samples.size() + 1) / 2);
      Sample last = samples.getLast();
      assertThat(samples).as("shared memory").allMatch(sample -> sample.shared == 0);
      assertThat(last.descriptors)
          .as("open files")
          .isLessThanOrEqualTo(
              MADE_BY_JVM + first.stream().mapToLong(Sample::descriptors).max().orElseThrow());
      assertThat(last.threads)
          .as("threads")
          .isLessThanOrEqualTo(
              MADE_BY_JVM + first.stream().mapToInt(Sample::threads).max().orElseThrow());
      assertThat(last.kept)
          .as("bytes of the worker that is never killed")
          .isLessThanOrEqualTo(GROWS + first.stream().mapToLong(Sample::kept).max().orElseThrow());
      assertThat(samples)
          .as("no worker holds more than its heap and what a JVM needs beside it")
          .allMatch(sample -> sample.largest < WORKER_HEAP_MIB * MIB + BESIDE_HEAP);
    }

    @Override
    public String toString() {
      return ("heap %.1f MiB, %d beside it, shared %d bytes, %d memories, largest worker %d MiB,"
              + " the one never killed %d, %d files, %d threads")
          .formatted(
              (double) heap / MIB,
              parent / MIB,
              shared,
              memories,
              largest / MIB,
              kept / MIB,
              descriptors,
              threads);
    }
  }
}
