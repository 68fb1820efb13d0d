package io.headrace;

import java.lang.reflect.Array;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A method of a proxy whose equal calls share one execution. */
final class CoalescedMethod {
  private final List<Method> same;
  private final Method method;
  private final Object target;
  private final KeyedExecutions executions;
  private final boolean isAsync;
  private final CoalescedWork work;

  /**
   * Of methods of equal name and parameter types that several interfaces declare: calls of any of
   * them are calls of one.
   */
  CoalescedMethod(List<Method> same, Object target, KeyedExecutions executions) {
    this.same = same;
    this.target = target;
    this.executions = executions;
    Method method = same.getFirst();
    this.method = method;
    isAsync = isAsync(same, target);
    work =
        new CoalescedWork(
            executions.name + "." + method.getName(),
            isAsync,
            (arguments, options) -> invoke(method, target, ((Invocation) arguments).arguments));
  }

  /** Whether it returns a stage; other futures cannot be shared. */
  static boolean isAsync(List<Method> same, Object target) {
    TypeArguments arguments = new TypeArguments(target.getClass());
    Class<?> type =
        same.stream()
            .<Class<?>>map(arguments::returnType)
            .reduce((one, other) -> one.isAssignableFrom(other) ? other : one)
            .orElseThrow();
    if (type == CompletableFuture.class || type == CompletionStage.class) {
      return true;
    }
    if (Future.class.isAssignableFrom(type) || CompletionStage.class.isAssignableFrom(type)) {
      throw new IllegalArgumentException(
          same.getFirst()
              + " returns a "
              + type.getName()
              + ", a coalesced method returns its result, a CompletableFuture or a"
              + " CompletionStage");
    }
    return false;
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

  /** A failure that all of the methods may throw: itself, or as the cause of another. */
  static Throwable declared(List<Method> same, Throwable failure) {
    return Failures.isChecked(failure) && !isDeclared(same, failure)
        ? new CompletionException(failure)
        : failure;
  }

  private static boolean isDeclared(List<Method> same, Throwable failure) {
    return same.stream()
        .allMatch(
            method ->
                Arrays.stream(method.getExceptionTypes())
                    .anyMatch(type -> type.isInstance(failure)));
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
      default -> throw Failures.ownOf(declared(same, call.failure()));
    };
  }

  private Throwable interrupted(InterruptedException interruption) {
    if (isDeclared(same, interruption)) {
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

  /** A method and its arguments: the key. Its hash is that of the beginning of the call. */
  private static final class Invocation {
    private final Method method;
    private final @Nullable Object[] arguments;
    private int hash; // 0 until it is asked for, by the call itself, which may fail

    Invocation(Method method, @Nullable Object[] arguments) {
      this.method = method;
      this.arguments = arguments;
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Invocation that
          && hashCode() == that.hashCode()
          && method.equals(that.method)
          && Arrays.deepEquals(arguments, that.arguments);
    }

    @Override
    public int hashCode() {
      int known = hash;
      if (known == 0) {
        known = 31 * method.hashCode() + Arrays.deepHashCode(arguments);
        known = known == 0 ? 1 : known;
        hash = known;
      }
      return known;
    }

    /** For messages: arrays, which may be large, are shown by their types and lengths. */
    @Override
    public String toString() {
      return Arrays.stream(arguments)
          .map(Invocation::text)
          .collect(Collectors.joining(", ", method.getName() + "(", ")"));
    }

    private static String text(@Nullable Object argument) {
      return argument != null && argument.getClass().isArray()
          ? argument.getClass().getComponentType().getSimpleName()
              + "["
              + Array.getLength(argument)
              + "]"
          : String.valueOf(argument);
    }
  }
}
