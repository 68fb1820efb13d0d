package io.headrace.process;

import io.headrace.CallOptions;
import io.headrace.Service;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A service whose calls the test answers. */
final class HeldCalls implements Service<Object, Object> {
  record Held(Object item, CallOptions options, CompletableFuture<Object> future) {}

  private final BlockingQueue<Held> calls = new LinkedBlockingQueue<>();

  @Override
  public CompletableFuture<Object> submit(Object item, CallOptions options) {
    CompletableFuture<Object> future = new CompletableFuture<>();
    calls.add(new Held(item, options, future));
    return future;
  }

  /** The next call; waits for it. */
  Held next() throws InterruptedException {
    Held held = calls.poll(30, TimeUnit.SECONDS);
    if (held == null) {
      throw new AssertionError("no call has come");
    }
    return held;
  }

  boolean isEmpty() {
    return calls.isEmpty();
  }
}
