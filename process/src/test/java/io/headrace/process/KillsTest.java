package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.OnFull;
import io.headrace.Tensor;
import io.headrace.WorkerStatus;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;

/**
 * Workers are killed under load, by their parent at any moment and by themselves at each step of
 * the protocol: every request is answered once, and everything that they held is given back.
 */
class KillsTest {
  /** How many deaths there are; a nightly run has 1000. */
  private static final int KILLS = Integer.getInteger("headrace.kills", 25);

  private static final int IN_FLIGHT = 64;
  private static final Pattern POINT = Pattern.compile("killed at (\\w+)");

  private final Random random = new Random(1);
  private final Semaphore room = new Semaphore(IN_FLIGHT);
  private final ConcurrentLinkedQueue<String> deaths = new ConcurrentLinkedQueue<>();
  private final ConcurrentHashMap<Integer, String> wrong = new ConcurrentHashMap<>();
  private final AtomicInteger answered = new AtomicInteger();
  private int submitted;

  /** Twice each number; of a tensor each byte more by one, or, if it begins with 0, the same. */
  private static final class Answering implements Handler<Object, Object> {
    @Override
    public List<Object> handle(List<Object> items) {
      return items.stream().map(Answering::answer).toList();
    }

    static Object answer(Object item) {
      return switch (item) {
        case Integer number -> 2 * number;
        case Tensor tensor when tensor.segment().get(JAVA_BYTE, 0) == 0 -> tensor;
        case Tensor tensor -> more(tensor);
        default -> throw new IllegalArgumentException("a " + item.getClass());
      };
    }

    private static Tensor more(Tensor tensor) {
      byte[] bytes = tensor.segment().toArray(JAVA_BYTE);
      for (int i = 0; i < bytes.length; i++) {
        bytes[i]++;
      }
      return Tensor.of(bytes, bytes.length);
    }
  }

  private Flow<Object, Object> flow() throws InterruptedException {
    return Flow.<Object>builder("killed")
        .<Object>stepPerWorker(
            "answer",
            HandlerFactory.of(Answering::new),
            step ->
                step.batch(BatchPolicy.greedy(4))
                    .queue(Integer.MAX_VALUE, OnFull.fail())
                    .workers(
                        WorkerProcesses.builder(2)
                            .ahead(1)
                            .retry(Integer.MAX_VALUE)
                            .maxFailures(Integer.MAX_VALUE)
                            .restartDelay(Duration.ofMillis(1))
                            .inputMemoryBytes(8 << 20)
                            .resultMemoryBytes(4 << 20)
                            .jvmOptions(
                                "-XX:TieredStopAtLevel=1",
                                "-D" + Fault.PROPERTY + "=" + KillAtTimes.class.getName(),
                                "-D" + KillAtTimes.ONE_OF + "=500")
                            .build()))
        .observer(new DeathNotes(deaths))
        .build()
        .start(Duration.ofSeconds(30));
  }

  @Test
  @Timeout(7200)
  void everyRequestIsAnsweredOnceAndNothingIsLeft(TestReporter reporter) throws Exception {
    try (Flow<Object, Object> warmUp = flow()) {
      assertThat(warmUp.call(1)).isEqualTo(2);
    }
    deaths.clear();
    Leftovers before = Leftovers.now();
    long startNanos = System.nanoTime();
    try (Flow<Object, Object> flow = flow()) {
      while (deaths.size() < KILLS) {
        room.acquire();
        submit(flow);
        if (random.nextInt(200) == 0) {
          killOne(flow);
        }
      }
      room.acquire(IN_FLIGHT);
      Leftovers.awaitNoBlocks();
    }
    long seconds = Duration.ofNanos(System.nanoTime() - startNanos).toSeconds();
    reporter.publishEntry(
        "%d deaths %s, %d requests, %d answered, %d wrongly, in %d s"
            .formatted(deaths.size(), points(), submitted, answered.get(), wrong.size(), seconds));
    assertThat(wrong).as("wrong answers").isEmpty();
    assertThat(answered).as("answers").hasValue(submitted);
    assertThat(deaths)
        .as("deaths for another reason")
        .allMatch(death -> death.contains("signal 9 (SIGKILL"));
    before.awaitAgain("killed");
  }

  /** A request whose answer is checked, and not kept: it may be in shared memory. */
  private void submit(Flow<Object, Object> flow) {
    int number = submitted++;
    Object item = random.nextInt(4) == 0 ? tensor() : number;
    Object expected = Answering.answer(item);
    var _ =
        flow.submit(item)
            .whenComplete(
                (answer, failure) -> {
                  answered.incrementAndGet();
                  if (failure != null || !expected.equals(answer)) {
                    wrong.put(number, failure == null ? "not the answer" : failure.toString());
                  }
                  room.release();
                });
  }

  private Tensor tensor() {
    byte[] bytes = new byte[random.nextInt(1, 100_000)];
    random.nextBytes(bytes);
    if (random.nextBoolean()) {
      bytes[0] = 0;
    }
    return Tensor.of(bytes, bytes.length);
  }

  private void killOne(Flow<Object, Object> flow) {
    List<Long> pids =
        flow.workers("answer").stream().map(WorkerStatus::pid).filter(pid -> pid != 0).toList();
    if (!pids.isEmpty()) {
      ProcessHandle.of(pids.get(random.nextInt(pids.size())))
          .ifPresent(ProcessHandle::destroyForcibly);
    }
  }

  /** How many died at each point of the protocol; the others were killed by their parent. */
  private Map<String, Integer> points() {
    Map<String, Integer> points = new TreeMap<>();
    for (String death : deaths) {
      Matcher matcher = POINT.matcher(death);
      points.merge(matcher.find() ? matcher.group(1) : "anywhere", 1, Integer::sum);
    }
    return points;
  }
}
