package io.headrace;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** A method of a proxy whose equal calls share one execution. */
final class CoalescedMethod {
  private final Method method;
  private final Object target;
  private final KeyedExecutions executions;
  private final boolean isAsync;
  private final CoalescedWork work;

  CoalescedMethod(Method method, Object target, KeyedExecutions executions) {
    this.method = method;
    this.target = target;
    this.executions = executions;
    isAsync = isAsync(method, target);
    work =
        new CoalescedWork(
            executions.name + "." + method.getName(),
            isAsync,
            (arguments, options) -> invoke(method, target, ((Invocation) arguments).arguments));
  }

  /** Whether it returns a stage; other futures cannot be shared. */
  static boolean isAsync(Method method, Object target) {
    Class<?> type = returnType(method, target);
    if (type == CompletableFuture.class || type == CompletionStage.class) {
      return true;
    }
    if (Future.class.isAssignableFrom(type) || CompletionStage.class.isAssignableFrom(type)) {
      throw new IllegalArgumentException(
          method
              + " returns a "
              + type.getName()
              + ", a coalesced method returns its result, a CompletableFuture or a"
              + " CompletionStage");
    }
    return false;
  }

  /** Of a method of a generic interface: what the target returns. */
  private static Class<?> returnType(Method method, Object target) {
    Class<?> type = method.getReturnType();
    if (type != Object.class) {
      return type;
    }
    return Arrays.stream(target.getClass().getMethods())
        .filter(own -> !own.isBridge() && own.getName().equals(method.getName()))
        .filter(own -> accepts(method.getParameterTypes(), own.getParameterTypes()))
        .findFirst()
        .<Class<?>>map(Method::getReturnType)
        .orElse(type);
  }

  private static boolean accepts(Class<?>[] general, Class<?>[] special) {
    if (general.length != special.length) {
      return false;
    }
    for (int i = 0; i < general.length; i++) {
      if (!general[i].isAssignableFrom(special[i])) {
        return false;
      }
    }
    return true;
  }

  /** Calls a method of the target; throws what it throws. */
  static @Nullable Object invoke(Method method, Object target, @Nullable Object[] arguments)
      throws Throwable {
    try {
      return method.invoke(target, arguments);
    } catch (InvocationTargetException e) {
      throw e.getTargetException();
    }
  }

  /** A failure that the method may throw: itself, or as the cause of another. */
  static Throwable declared(Method method, Throwable failure) {
    return Failures.isChecked(failure)
            && Arrays.stream(method.getExceptionTypes()).noneMatch(type -> type.isInstance(failure))
        ? new CompletionException(failure)
        : failure;
  }

  @SuppressWarnings("FutureReturnValueIgnored") // it is what the method returns
  @Nullable Object call(@Nullable Object[] arguments) throws Throwable {
    Invocation invocation = new Invocation(method, arguments);
    CoalescedCall call = executions.submit(invocation, work, invocation, CallOptions.DEFAULT);
    if (isAsync) {
      return call;
    }
    try {
      executions.awaitEnd(call);
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
    return switch (call.state()) {
      case SUCCESS -> call.resultNow();
      case CANCELLED -> throw call.cancellation();
      default -> throw Failures.ownOf(declared(method, call.exceptionNow()));
    };
  }

  private Throwable interrupted(InterruptedException interruption) {
    if (Arrays.stream(method.getExceptionTypes()).anyMatch(type -> type.isInstance(interruption))) {
      return interruption;
    }
    Thread.currentThread().interrupt();
    CancellationException cancellation =
        new CancellationException("interrupted while it waited for " + work.function());
    cancellation.initCause(interruption);
    return cancellation;
  }

  @Override
  public String toString() {
    return work.function() + " of " + target;
  }

  /** A method and its arguments: the key. The hash is that of the call's beginning. */
  private static final class Invocation {
    private final Method method;
    private final @Nullable Object[] arguments;
    private final int hash;

    Invocation(Method method, @Nullable Object[] arguments) {
      this.method = method;
      this.arguments = arguments;
      hash = 31 * method.hashCode() + Arrays.deepHashCode(arguments);
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Invocation that
          && hash == that.hash
          && method.equals(that.method)
          && Arrays.deepEquals(arguments, that.arguments);
    }

    @Override
    public int hashCode() {
      return hash;
    }

    @Override
    public String toString() {
      String all = Arrays.deepToString(arguments);
      return method.getName() + "(" + all.substring(1, all.length() - 1) + ")";
    }
  }
}
