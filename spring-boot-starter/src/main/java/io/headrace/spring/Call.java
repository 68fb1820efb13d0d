package io.headrace.spring;

import java.lang.reflect.Method;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.aopalliance.intercept.MethodInvocation;
import org.jspecify.annotations.Nullable;

/**
 * A call of an annotated method.
 *
 * @param invocation what executes the method, once
 * @param future makes a future of what the method returns; null if that is the result itself
 */
record Call(MethodInvocation invocation, @Nullable Reading future) {
  /** Reads what a method returned as a future. */
  interface Reading {
    CompletableFuture<Object> of(@Nullable Object returned);
  }

  /** The only argument. */
  @Nullable Object item() {
    return invocation.getArguments()[0];
  }

  Method method() {
    return invocation.getMethod();
  }

  /** Executes the method on this thread. Its result may be null, as those of services may. */
  @SuppressWarnings("NullAway")
  Object execute() throws Exception {
    try {
      return invocation.proceed();
    } catch (Exception | Error failure) {
      throw failure;
    } catch (Throwable failure) {
      throw new IllegalStateException(failure); // of a kind that nobody throws
    }
  }

  /** Executes the method, whose result comes later. Never throws. */
  CompletableFuture<Object> start() {
    try {
      Reading reading = future;
      if (reading == null) {
        throw new IllegalStateException(method() + " returns no future");
      }
      return reading.of(execute());
    } catch (Throwable failure) {
      return CompletableFuture.failedFuture(failure);
    }
  }

  /** The future of a stage that a method returned. */
  @SuppressWarnings("unchecked") // whatever it is of
  static CompletableFuture<Object> ofStage(@Nullable Object returned) {
    if (returned == null) {
      return CompletableFuture.failedFuture(
          new NullPointerException("the method returned null instead of a stage"));
    }
    return ((CompletionStage<Object>) returned).toCompletableFuture();
  }
}
