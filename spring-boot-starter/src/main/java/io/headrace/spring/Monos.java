package io.headrace.spring;

import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.aopalliance.intercept.MethodInvocation;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.ProxyMethodInvocation;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/** Methods that return a {@link Mono}: loaded only if there are some. */
final class Monos {
  private Monos() {}

  /** Calls the method for each subscriber anew, who can cancel its call and lends its context. */
  static Object of(MethodInvocation invocation, Function<Call, CompletableFuture<Object>> calls) {
    return Mono.deferContextual(
        context -> {
          MethodInvocation own = ((ProxyMethodInvocation) invocation).invocableClone();
          return Mono.fromFuture(calls.apply(new Call(own, returned -> future(returned, context))));
        });
  }

  /** The future of a mono that a method returned; the methods of a batch have no subscriber. */
  static CompletableFuture<Object> future(@Nullable Object returned) {
    return future(returned, Context.empty());
  }

  @SuppressWarnings("NullAway") // an empty one is null, as results of services may be
  private static CompletableFuture<Object> future(@Nullable Object returned, ContextView context) {
    if (returned == null) {
      return CompletableFuture.failedFuture(
          new NullPointerException("the method returned null instead of a Mono"));
    }
    return ((Mono<?>) returned).contextWrite(context).map(Object.class::cast).toFuture();
  }
}
