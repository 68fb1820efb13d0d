package io.headrace.spring;

import io.headrace.CallOptions;
import io.headrace.Service;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.aopalliance.intercept.MethodInvocation;

/**
 * What happens to the calls of one annotated method.
 *
 * @param method the method of the class of the bean
 * @param returns how it gives its result
 * @param link where calls go that wait for their result
 * @param service where all others go
 */
record AnnotatedMethod(Method method, Returns returns, Link link, Service<Call, Object> service) {
  /** Answers a call, and blocks until it can. */
  interface Link {
    Object call(Call call) throws Exception;
  }

  Object invoke(MethodInvocation invocation) throws Throwable {
    return switch (returns) {
      case VALUE -> await(new Call(invocation, null));
      case FUTURE -> submit(new Call(invocation, Call::ofStage));
      case MONO -> Monos.of(invocation, this::submit);
    };
  }

  private CompletableFuture<Object> submit(Call call) {
    return service.submit(call, CallOptions.DEFAULT);
  }

  private Object await(Call call) throws Exception {
    try {
      return link.call(call);
    } catch (InterruptedException e) {
      throw declares(e) ? e : interrupted(e);
    }
  }

  private CancellationException interrupted(InterruptedException interruption) {
    Thread.currentThread().interrupt();
    CancellationException cancellation =
        new CancellationException("interrupted while it waited for " + method.getName());
    cancellation.initCause(interruption);
    return cancellation;
  }

  private boolean declares(Exception failure) {
    return declares(method, failure);
  }

  private static boolean declares(Method method, Exception failure) {
    return Arrays.stream(method.getExceptionTypes()).anyMatch(type -> type.isInstance(failure));
  }

  /**
   * Throws the failure that a caller without the annotation would see, if the method may throw it.
   *
   * @param method the method
   * @param service throws failures as services do
   */
  static Link unwrapping(Method method, Link service) {
    return call -> {
      try {
        return service.call(call);
      } catch (CompletionException e) {
        throw switch (e.getCause()) {
          case Error error -> throw error;
          case RuntimeException failure -> failure;
          case Exception failure when declares(method, failure) -> failure;
          case null, default -> e;
        };
      }
    };
  }
}
