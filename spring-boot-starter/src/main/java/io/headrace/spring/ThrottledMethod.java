package io.headrace.spring;

import io.headrace.CallOptions;
import io.headrace.DeadlineExceededException;
import io.headrace.Permit;
import io.headrace.Service;
import io.headrace.Throttle;
import io.headrace.spring.AnnotatedMethod.Link;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Lets calls of a method wait for a permit. The timeout is for that alone: what follows may take
 * longer.
 *
 * @param throttle who has the permits
 * @param name the name of the throttle
 * @param place the method
 * @param timeout how long a call waits for a permit; null for any time
 */
record ThrottledMethod(Throttle throttle, String name, String place, @Nullable Duration timeout) {
  /** Calls that block until they have their result. */
  Link around(Link link) {
    return call -> {
      try (Permit _ = acquire()) {
        return link.call(call);
      }
    };
  }

  private Permit acquire() throws InterruptedException {
    if (timeout == null) {
      return throttle.acquire();
    }
    Permit permit = throttle.tryAcquire(timeout);
    if (permit == null) {
      throw tooLate();
    }
    return permit;
  }

  private DeadlineExceededException tooLate() {
    return new DeadlineExceededException(
        "throttle " + name + " had no permit for " + place + " within " + timeout);
  }

  /** Calls whose result comes later. */
  Service<Call, Object> around(Service<Call, Object> service) {
    return (call, _) -> {
      CompletableFuture<Permit> permit =
          timeout == null ? throttle.acquireAsync() : throttle.acquireAsync(timeout);
      var result = new CompletableFuture<Object>();
      var awaited = new AtomicReference<CompletableFuture<?>>(permit);
      var _ = result.whenComplete((_, _) -> awaited.get().cancel(true)); // by its caller
      var _ =
          permit.whenComplete(
              (granted, failure) -> {
                if (granted != null) {
                  execute(service, call, granted, awaited, result);
                } else {
                  result.completeExceptionally(
                      failure instanceof DeadlineExceededException ? tooLate() : failure);
                }
              });
      return result;
    };
  }

  private void execute(
      Service<Call, Object> service,
      Call call,
      Permit permit,
      AtomicReference<CompletableFuture<?>> awaited,
      CompletableFuture<Object> result) {
    if (result.isDone()) {
      permit.close();
      return;
    }
    CompletableFuture<Object> answer = service.submit(call, CallOptions.DEFAULT);
    awaited.set(answer);
    if (result.isDone()) { // whoever completed it may not have seen the answer
      answer.cancel(true);
    }
    boolean isOnCaller = answer.isDone();
    var _ =
        answer.whenComplete(
            (value, failure) -> {
              close(permit, isOnCaller);
              if (failure == null) {
                result.complete(value);
              } else {
                result.completeExceptionally(failure);
              }
            });
  }

  /** Who gets the permit next is called on this thread, unless that did not come to do so. */
  private void close(Permit permit, boolean isOnCaller) {
    if (isOnCaller && throttle.waiting() > 0) {
      Thread.startVirtualThread(permit::close);
    } else {
      permit.close();
    }
  }
}
