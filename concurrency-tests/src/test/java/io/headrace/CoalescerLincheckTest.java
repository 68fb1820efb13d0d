package io.headrace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Calls of one key come, end and are given up at once: the ways through the map of executions. */
class CoalescerLincheckTest {
  /** A coalescer whose executions the scenario ends. */
  private static final class Scene {
    final Queue<CompletableFuture<Integer>> stages = new ConcurrentLinkedQueue<>();
    final Coalescer<String, Integer> coalescer;

    Scene(Consumer<CoalescerBuilder<String, Integer>> options) {
      CoalescerBuilder<String, Integer> builder = Coalescer.asyncBuilder(key -> begin());
      options.accept(builder.timeSource(Parts.NO_TIME));
      coalescer = builder.build();
    }

    private CompletableFuture<Integer> begin() {
      CompletableFuture<Integer> stage = new CompletableFuture<>();
      stages.add(stage);
      return stage;
    }

    CompletableFuture<Integer> call() {
      return coalescer.submit("key");
    }

    void endOne() {
      CompletableFuture<Integer> stage = stages.poll();
      if (stage != null) {
        stage.complete(7);
      }
    }

    void endAll() {
      CompletableFuture<Integer> stage;
      while ((stage = stages.poll()) != null) {
        stage.complete(7);
      }
    }
  }

  @Test
  void twoFirstCallsShareOneExecution() {
    Depth.explore(
        () -> {
          Scene scene = new Scene(options -> {});
          Threads.run(List.of(scene), scene::call, scene::call);
          assertEquals(1, scene.stages.size());
          assertEquals(1, scene.coalescer.keys());
        });
  }

  @Test
  void aCallJoinsOrExecutesAgainWhileAnExecutionEnds() {
    Depth.explore(
        () -> {
          Scene scene = new Scene(options -> {});
          CompletableFuture<Integer> first = scene.call();
          Queue<CompletableFuture<Integer>> later = new ConcurrentLinkedQueue<>();
          Threads.run(
              List.of(scene, later),
              scene::endOne,
              () -> later.add(scene.call()),
              () -> later.add(scene.call()));
          assertEquals(7, first.join());
          scene.endAll();
          for (CompletableFuture<Integer> call : later) {
            assertEquals(7, call.join());
          }
          assertEquals(0, scene.coalescer.keys());
        });
  }

  /** The last caller leaves while another comes: it joins a living execution, or begins one. */
  @Test
  void nobodyJoinsADyingExecution() {
    Depth.explore(
        () -> {
          Scene scene = new Scene(options -> options.whenAbandoned(WhenAbandoned.CANCEL));
          CompletableFuture<Integer> first = scene.call();
          Queue<CompletableFuture<Integer>> later = new ConcurrentLinkedQueue<>();
          Threads.run(
              List.of(scene, later), () -> first.cancel(true), () -> later.add(scene.call()));
          scene.endAll();
          assertTrue(first.isCancelled());
          assertEquals(7, later.remove().join());
          assertEquals(0, scene.coalescer.keys());
        });
  }

  @Test
  void twoLastCallersLeave() {
    Depth.explore(
        () -> {
          Scene scene = new Scene(options -> options.whenAbandoned(WhenAbandoned.CANCEL));
          CompletableFuture<Integer> first = scene.call();
          CompletableFuture<Integer> second = scene.call();
          CompletableFuture<Integer> stage = scene.stages.remove();
          Threads.run(
              List.of(scene),
              () -> first.cancel(true),
              () -> second.cancel(true),
              () -> stage.complete(7));
          assertTrue(first.isDone() && second.isDone() && stage.isDone());
          assertEquals(0, scene.coalescer.keys());
        });
  }

  /** Two calls of one key never compete for the last place. */
  @Test
  void theLastPlaceIsShared() {
    Depth.explore(
        () -> {
          Scene scene = new Scene(options -> options.maxKeys(1));
          Queue<CompletableFuture<Integer>> calls = new ConcurrentLinkedQueue<>();
          Threads.run(
              List.of(scene, calls), () -> calls.add(scene.call()), () -> calls.add(scene.call()));
          scene.endAll();
          for (CompletableFuture<Integer> call : calls) {
            assertEquals(7, call.join());
          }
          CompletableFuture<Integer> next = scene.call();
          assertFalse(next.isDone());
        });
  }

  /** Of two keys that compete for one place, at least one gets it, and it is freed once. */
  @Test
  void aPlaceIsFreedOnce() {
    Depth.explore(
        () -> {
          Scene scene = new Scene(options -> options.maxKeys(1));
          scene.call();
          Queue<CompletableFuture<Integer>> calls = new ConcurrentLinkedQueue<>();
          Threads.run(
              List.of(scene, calls),
              scene::endOne,
              () -> calls.add(scene.coalescer.submit("other")),
              () -> calls.add(scene.call()));
          scene.endAll();
          assertTrue(calls.stream().allMatch(CompletableFuture::isDone));
          assertFalse(scene.call().isDone());
          assertTrue(scene.coalescer.submit("other").isCompletedExceptionally());
        });
  }

  /** What is forgotten while it begins and ends is kept at most once, in the one place there is. */
  @Test
  void whatIsForgottenFreesItsPlaceOnce() {
    Depth.explore(
        () -> {
          Scene scene = new Scene(options -> options.maxKeys(1).keep(Duration.ofHours(1)));
          CompletableFuture<Integer> first = scene.call();
          Queue<CompletableFuture<Integer>> later = new ConcurrentLinkedQueue<>();
          Threads.run(
              List.of(scene, later),
              scene::endOne,
              () -> scene.coalescer.forget("key"),
              () -> later.add(scene.call()));
          scene.endAll();
          assertEquals(7, first.join());
          assertTrue(later.stream().allMatch(CompletableFuture::isDone));
          assertEquals(scene.coalescer.keys(), scene.coalescer.kept());
          scene.coalescer.forgetAll();
          assertEquals(0, scene.coalescer.keys());
          assertFalse(scene.call().isDone());
          assertTrue(scene.coalescer.submit("other").isCompletedExceptionally());
        });
  }

  /**
   * A sweep, a call that joins and the end meet: everybody who waits is told, in the order of the
   * calls, by who ends the execution.
   */
  @Test
  void aSweepLosesNobody() {
    Depth.explore(
        () -> {
          Scene scene = new Scene(options -> {});
          CompletableFuture<Integer> first = scene.call();
          cancel(scene, SharedCalls.SWEEP_AT_LEAST - 1);
          CompletableFuture<Integer> last = scene.call();
          Queue<CompletableFuture<Integer>> later = new ConcurrentLinkedQueue<>();
          Queue<Object> told = new ConcurrentLinkedQueue<>();
          AtomicReference<Thread> swept = new AtomicReference<>();
          first.thenRun(() -> told.add(Thread.currentThread()));
          Threads.run(
              List.of(scene, later, told, swept),
              () -> {
                swept.set(Thread.currentThread());
                last.cancel(true);
              },
              scene::endOne,
              () -> {
                CompletableFuture<Integer> call = scene.call();
                later.add(call);
                call.thenRun(() -> told.add(call));
              });
          assertEquals(7, first.join());
          scene.endAll();
          CompletableFuture<Integer> second = later.remove();
          assertEquals(7, second.join());
          assertNotSame(swept.get(), told.remove());
          assertEquals(second, told.remove());
        });
  }

  /** In short loops: the exploration takes a long one for one that hangs. */
  private static void cancel(Scene scene, int count) {
    for (int done = 0; done < count; done += 8) {
      for (int i = done; i < Math.min(count, done + 8); i++) {
        scene.call().cancel(true);
      }
    }
  }
}
