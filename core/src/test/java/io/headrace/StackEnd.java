package io.headrace;

import static io.headrace.FlowProbes.aside;
import static io.headrace.FlowProbes.valueOf;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * The program of {@link StackRoomTest}: calls services with more and more frames left until the
 * stack ends, and sees after each call whether they are whole. Fails at the first that is not.
 */
final class StackEnd {
  private static final int MOST_FRAMES = 110;
  private static final int STACK_BYTES = 256 * 1024;
  private static final int CAPACITY = 4;
  private static final int MANY = 1000;

  /** As often as compilers need to take note of it. */
  private static final int WARM_UP = 5000;

  private interface Scene {
    void play(int frames) throws Exception;
  }

  /** How many calls have failed for want of stack. */
  private static int overflows;

  private StackEnd() {}

  public static void main(String[] args) throws Exception {
    warmUp();
    play("submit", frames -> submit(frames, false));
    play("submit while the worker is busy", frames -> submit(frames, true));
    play("submitAll", StackEnd::submitAll);
    play("cancel", StackEnd::cancel);
    play("close", StackEnd::close);
    play("flush", StackEnd::flush);
    play("acquireAsync", StackEnd::acquire);
    play("cancel of acquireAsync", StackEnd::cancelAcquire);
    play("close of a permit", StackEnd::closePermit);
    play("submit to a coalescer", StackEnd::coalesce);
    System.exit(0);
  }

  private static void warmUp() throws Exception {
    Throttle throttle = Throttle.atMost(1);
    Coalescer<Integer, Integer> coalescer = Coalescer.<Integer, Integer>builder(key -> key).build();
    try (Batcher<Integer, Integer> batcher =
        Batcher.<Integer, Integer>builder(items -> items).queue(MANY, OnFull.fail()).build()) {
      for (int i = 0; i < WARM_UP; i++) {
        batcher.submit(i).cancel(true);
        batcher.call(i);
        Permit permit = throttle.acquire();
        throttle.acquireAsync().cancel(true);
        CompletableFuture<Permit> next = throttle.acquireAsync();
        permit.close();
        next.get().close();
        coalescer.call(i);
      }
    }
  }

  private static void play(String what, Scene scene) {
    overflows = 0;
    for (int frames = 0; frames < MOST_FRAMES; frames++) {
      try {
        scene.play(frames);
      } catch (Throwable failure) {
        System.out.println(what + " with " + frames + " frames left:");
        failure.printStackTrace(System.out);
        System.exit(1);
      }
    }
    if (overflows == 0) {
      System.out.println(what + " has never come to the end of the stack");
      System.exit(1);
    }
  }

  private static void atTheEnd(int frames, Runnable call) throws InterruptedException {
    Diver diver = new Diver(frames, call);
    Thread thread = new Thread(null, diver::dive, "end-of-stack", STACK_BYTES);
    thread.start();
    thread.join();
    assertThat(diver.risen).as("frames of the stack").isGreaterThan(frames);
    if (diver.hasOverflown) {
      overflows++;
    }
  }

  /** Goes to the end of a stack, and calls something where it has come back by some frames. */
  private static final class Diver {
    private final int frames;
    private final Runnable call;
    private int risen;
    private boolean hasOverflown;

    Diver(int frames, Runnable call) {
      this.frames = frames;
      this.call = call;
    }

    @SuppressWarnings("InfiniteRecursion") // until the stack ends
    void dive() {
      try {
        dive();
      } catch (StackOverflowError end) {
        // this frame is one of the last
      }
      if (risen++ == frames) {
        try {
          call.run();
        } catch (StackOverflowError end) {
          hasOverflown = true;
        }
      }
    }
  }

  /** A batcher whose only worker handles an item at a time, and whose handler waits at a gate. */
  private static final class Gated {
    private final Semaphore gate = new Semaphore(0);
    private final Semaphore begun = new Semaphore(0);
    private final List<CompletableFuture<Integer>> futures = new ArrayList<>();

    /** How many of the futures have failed. */
    private int failed;

    private final Batcher<Integer, Integer> batcher =
        Batcher.<Integer, Integer>builder(
                items -> {
                  begun.release();
                  gate.acquireUninterruptibly();
                  return items;
                })
            .batch(BatchPolicy.greedy(1))
            .queue(CAPACITY, OnFull.fail())
            .build();

    void submit() {
      futures.add(batcher.submit(1));
    }

    void makeBusy() throws InterruptedException {
      submit();
      assertThat(begun.tryAcquire(FlowProbes.PATIENCE.toSeconds(), TimeUnit.SECONDS))
          .as("the worker has the item")
          .isTrue();
    }

    void awaitAnswers() {
      gate.release(MANY);
      futures.forEach(FlowProbes::valueOf);
    }

    /** The call that came to the end of the stack is answered, or has failed for that. */
    void awaitEnd() {
      gate.release(MANY);
      failed = awaitAnswersOrOverflows(futures);
    }

    void assertWhole(int cancelled) throws InterruptedException {
      awaitEnd();
      gate.drainPermits();
      begun.drainPermits();
      makeBusy();
      for (int i = 0; i < CAPACITY; i++) {
        submit();
      }
      awaitAnswers();
      assertCloses(cancelled);
    }

    void assertCloses(int cancelled) {
      valueOf(aside(batcher::close));
      Statistics statistics = batcher.statistics();
      assertThat(statistics.completed()).isEqualTo(futures.size());
      assertThat(statistics.cancelled()).isEqualTo(cancelled);
      assertThat(statistics.ended()).isEqualTo(futures.size() + failed + cancelled);
      assertThat(statistics.steps().getFirst().queued()).isZero();
      assertThat(statistics.steps().getFirst().running()).isZero();
    }
  }

  /** Returns how many have failed; they are not in the list afterwards. */
  private static <T> int awaitAnswersOrOverflows(List<CompletableFuture<T>> futures) {
    int before = futures.size();
    futures.removeIf(
        future -> {
          valueOf(future.handle((_, _) -> true));
          return future.isCompletedExceptionally()
              && future.exceptionNow() instanceof StackOverflowError;
        });
    futures.forEach(FlowProbes::valueOf);
    return before - futures.size();
  }

  private static void submit(int frames, boolean isBusy) throws InterruptedException {
    Gated gated = new Gated();
    if (isBusy) {
      gated.makeBusy();
    }
    atTheEnd(frames, gated::submit);
    gated.assertWhole(0);
  }

  private static void submitAll(int frames) throws InterruptedException {
    Gated gated = new Gated();
    atTheEnd(frames, () -> gated.futures.addAll(gated.batcher.submitAll(List.of(1, 2))));
    gated.assertWhole(0);
  }

  private static void cancel(int frames) throws InterruptedException {
    Gated gated = new Gated();
    gated.makeBusy();
    CompletableFuture<Integer> victim = gated.batcher.submit(1);
    atTheEnd(frames, () -> victim.cancel(true));
    if (!victim.isCancelled()) {
      gated.futures.add(victim);
    }
    gated.assertWhole(victim.isCancelled() ? 1 : 0);
  }

  private static void close(int frames) throws InterruptedException {
    Gated gated = new Gated();
    gated.submit();
    gated.gate.release();
    atTheEnd(frames, gated.batcher::close);
    gated.awaitEnd();
    gated.assertCloses(0);
  }

  private static void flush(int frames) throws InterruptedException {
    try (Batcher<Integer, Integer> batcher =
        Batcher.<Integer, Integer>builder(items -> items)
            .batch(BatchPolicy.fixed(2, Duration.ofHours(1)))
            .build()) {
      CompletableFuture<Integer> future = batcher.submit(1);
      atTheEnd(frames, batcher::flush);
      batcher.flush();
      assertThat(valueOf(future)).isOne();
      valueOf(aside(batcher::close));
    }
  }

  private static void assertWhole(Throttle throttle) {
    valueOf(aside(() -> throttle.acquire().close()));
    assertThat(throttle.running()).isZero();
    assertThat(throttle.waiting()).isZero();
  }

  private static void acquire(int frames) throws InterruptedException {
    Throttle throttle = Throttle.atMost(1);
    List<CompletableFuture<Permit>> futures = new ArrayList<>();
    Permit held = throttle.acquire();
    atTheEnd(frames, () -> futures.add(throttle.acquireAsync()));
    held.close();
    futures.forEach(future -> valueOf(future).close());
    assertWhole(throttle);
  }

  private static void cancelAcquire(int frames) throws InterruptedException {
    Throttle throttle = Throttle.atMost(1);
    Permit held = throttle.acquire();
    CompletableFuture<Permit> victim = throttle.acquireAsync();
    atTheEnd(frames, () -> victim.cancel(true));
    held.close();
    if (!victim.isCancelled()) {
      valueOf(victim).close();
    }
    assertWhole(throttle);
  }

  /** Where even a thread cannot be started who waits goes on with the next request. */
  private static void closePermit(int frames) throws InterruptedException {
    Throttle throttle = Throttle.atMost(1);
    Permit held = throttle.acquire();
    CompletableFuture<Permit> next = throttle.acquireAsync();
    atTheEnd(frames, held::close);
    held.close(); // if it was not even begun
    CompletableFuture<Permit> request = throttle.acquireAsync();
    valueOf(next).close();
    valueOf(request).close();
    assertWhole(throttle);
  }

  private static void coalesce(int frames) throws InterruptedException {
    Coalescer<Integer, Integer> coalescer =
        Coalescer.<Integer, Integer>builder(key -> key).maxKeys(1).build();
    List<CompletableFuture<Integer>> futures = new ArrayList<>();
    atTheEnd(frames, () -> futures.add(coalescer.submit(1)));
    var _ = awaitAnswersOrOverflows(futures);
    FlowProbes.awaitThat("the key is free", () -> coalescer.keys() == 0);
    assertThat(valueOf(coalescer.submit(2))).isEqualTo(2);
  }
}
