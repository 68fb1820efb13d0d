package io.headrace;

import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;

/** What tests of flows look at: outcomes, threads, conditions that come true in the end. */
final class FlowProbes {
  /** Far beyond what anything here takes; only a test that fails waits for it. */
  static final Duration PATIENCE =
      Duration.ofSeconds(Integer.getInteger("headrace.test.patience.seconds", 20));

  /** Daemon threads, as many as are needed: handlers of tests block. */
  static final Executor POOL =
      Executors.newCachedThreadPool(Thread.ofPlatform().daemon().name("test-pool-", 1).factory());

  private FlowProbes() {}

  /** Waits until a condition holds that real threads bring about. */
  static void awaitThat(String condition, BooleanSupplier holds) {
    await(condition).atMost(PATIENCE).pollInterval(Duration.ofMillis(1)).until(holds::getAsBoolean);
  }

  static void awaitLatch(String what, CountDownLatch latch) {
    try {
      if (!latch.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        throw new AssertionError("did not happen: " + what);
      }
    } catch (InterruptedException e) {
      throw new AssertionError("interrupted while waiting for: " + what, e);
    }
  }

  /** The value of a future that real threads complete. */
  static <T> T valueOf(CompletableFuture<T> future) {
    try {
      return future.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    } catch (InterruptedException | ExecutionException | TimeoutException e) {
      throw new AssertionError("there is no value: " + future, e);
    }
  }

  /** What a future failed with, not wrapped. */
  static Throwable failureOf(CompletableFuture<?> future) {
    try {
      Object value = future.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      throw new AssertionError("there is a value: " + value);
    } catch (ExecutionException e) {
      return e.getCause();
    } catch (InterruptedException | TimeoutException e) {
      throw new AssertionError("there is no failure: " + future, e);
    }
  }

  /** The names of the platform threads that workers of a flow have now. */
  static List<String> threadsOf(String flow) {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.startsWith("headrace-" + flow + "-"))
        .sorted()
        .toList();
  }

  static void awaitNoThreadsOf(String flow) {
    awaitThat("no thread of " + flow + " is left", () -> threadsOf(flow).isEmpty());
  }

  /** Runs something on another thread; the future tells how it ended. */
  static CompletableFuture<Void> aside(ThrowingRunnable task) {
    CompletableFuture<Void> future = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .name("aside")
        .start(
            () -> {
              try {
                task.run();
                future.complete(null);
              } catch (Throwable failure) {
                future.completeExceptionally(failure);
              }
            });
    return future;
  }

  /** A task that may throw anything. */
  @FunctionalInterface
  interface ThrowingRunnable {
    void run() throws Exception;
  }
}
