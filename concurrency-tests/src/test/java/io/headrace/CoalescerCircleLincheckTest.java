package io.headrace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Executions begin to wait for each other at once: who closes a circle is refused. */
class CoalescerCircleLincheckTest {
  private static final KeyedExecutions OWNER =
      new KeyedExecutions(Coalescer.builder(), "coalescer", Runnable::run);
  private static final CoalescedWork WORK = CoalescedWork.ofCallable("coalescer", false);

  private static SharedExecution execution(String key) {
    return new SharedExecution(OWNER, key, WORK, key, CallOptions.DEFAULT);
  }

  @Test
  void oneOfTwoSeesTheCircle() {
    Depth.explore(
        () -> {
          SharedExecution a = execution("a");
          SharedExecution b = execution("b");
          Queue<Boolean> seen = new ConcurrentLinkedQueue<>();
          Threads.run(
              List.of(a, b, seen), () -> seen.add(a.waitFor(b)), () -> seen.add(b.waitFor(a)));
          assertTrue(seen.contains(true));
        });
  }

  @Test
  void oneOfThreeSeesTheCircle() {
    Depth.explore(
        () -> {
          SharedExecution a = execution("a");
          SharedExecution b = execution("b");
          SharedExecution c = execution("c");
          Queue<Boolean> seen = new ConcurrentLinkedQueue<>();
          Threads.run(
              List.of(a, b, c, seen),
              () -> seen.add(a.waitFor(b)),
              () -> seen.add(b.waitFor(c)),
              () -> seen.add(c.waitFor(a)));
          assertTrue(seen.contains(true));
        });
  }

  @Test
  void nobodySeesACircleThatIsNone() {
    Depth.explore(
        () -> {
          SharedExecution a = execution("a");
          SharedExecution b = execution("b");
          SharedExecution c = execution("c");
          Queue<Boolean> seen = new ConcurrentLinkedQueue<>();
          Threads.run(
              List.of(a, b, c, seen),
              () -> seen.add(a.waitFor(b)),
              () -> seen.add(a.waitFor(c)),
              () -> seen.add(b.waitFor(c)));
          assertFalse(seen.contains(true));
        });
  }

  /** Two threads of one execution: one begins to wait while the other ends to. */
  @Test
  void whoWaitsNoMoreLeavesTheOther() {
    Depth.explore(
        () -> {
          SharedExecution a = execution("a");
          SharedExecution b = execution("b");
          SharedExecution c = execution("c");
          a.waitFor(b);
          Threads.run(List.of(a, b, c), () -> a.waitsNoMore(b), () -> a.waitFor(c));
          assertFalse(b.waitFor(a));
          assertTrue(c.waitFor(a));
        });
  }

  /** Calls of two keys, each of which calls the other: whatever joins what, all of them end. */
  @Test
  void functionsThatCallEachOtherEnd() {
    Depth.explore(
        () -> {
          AtomicReference<Coalescer<String, String>> self = new AtomicReference<>();
          Map<String, String> other = Map.of("a", "b", "b", "a");
          Coalescer<String, String> coalescer =
              Coalescer.<String, String>builder(key -> self.get().call(other.get(key)))
                  .executor(Runnable::run)
                  .timeSource(Parts.NO_TIME)
                  .build();
          self.set(coalescer);
          Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
          Threads.run(
              List.of(coalescer, self, failures),
              () -> failures.add(failureOf(coalescer, "a")),
              () -> failures.add(failureOf(coalescer, "b")));
          assertEquals(2, failures.size());
          assertTrue(failures.stream().allMatch(RejectedException.class::isInstance));
          assertEquals(0, coalescer.keys());
        });
  }

  private static Throwable failureOf(Coalescer<String, String> coalescer, String key) {
    try {
      return new AssertionError(coalescer.call(key));
    } catch (Throwable failure) {
      return failure;
    }
  }
}
