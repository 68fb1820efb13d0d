package io.headrace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The parts of an item end at once, while one of them fails or its caller gives it up. */
class SplittingLincheckTest {
  /** An item that went in two parts. */
  private static final class Scene implements Splitter<String, String> {
    final CompletableFuture<String> left = new CompletableFuture<>();
    final CompletableFuture<String> right = new CompletableFuture<>();
    final AtomicInteger joins = new AtomicInteger();
    final AtomicInteger ends = new AtomicInteger();
    final CompletableFuture<String> whole =
        new Splitting<>("batcher", this, String::length, 1).joined("ab", List.of(left, right));

    Scene() {
      var _ = whole.whenComplete((result, failure) -> ends.incrementAndGet());
    }

    @Override
    public List<String> split(String item, int maxWeight) {
      throw new AssertionError("it is split already");
    }

    @Override
    public String join(String item, List<String> results) {
      joins.incrementAndGet();
      return String.join("+", results);
    }

    /** Each task on a thread of its own; then the item has ended once, and so have its parts. */
    void run(Runnable... tasks) {
      Threads.run(List.of(this, left, right, whole), tasks);
      assertTrue(whole.isDone());
      assertEquals(1, ends.get());
      assertTrue(left.isDone() && right.isDone());
    }
  }

  private static void fail(CompletableFuture<String> part) {
    part.completeExceptionally(new IllegalStateException("on purpose"));
  }

  @Test
  void lastPartJoinsBoth() {
    Depth.explore(
        () -> {
          Scene scene = new Scene();
          scene.run(() -> scene.left.complete("a"), () -> scene.right.complete("b"));
          assertEquals("a+b", scene.whole.join());
          assertEquals(1, scene.joins.get());
        });
  }

  @Test
  void itemIsJoinedOrCancelled() {
    Depth.explore(
        () -> {
          Scene scene = new Scene();
          scene.run(
              () -> scene.left.complete("a"),
              () -> scene.right.complete("b"),
              () -> scene.whole.cancel(true));
          assertTrue(scene.whole.isCancelled() || scene.whole.join().equals("a+b"));
          assertTrue(scene.joins.get() <= 1);
        });
  }

  /** With the failure of a part, not with the cancellation of the other that follows. */
  @Test
  void partThatFailsFailsTheItem() {
    Depth.explore(
        () -> {
          Scene scene = new Scene();
          scene.run(() -> scene.left.complete("a"), () -> fail(scene.right));
          assertInstanceOf(IllegalStateException.class, scene.whole.exceptionNow());
          assertEquals(0, scene.joins.get());
        });
  }
}
