package io.headrace;

import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * What an execution of a coalescer does.
 *
 * @param function the name that hooks are told
 * @param isAsync whether the body returns a stage, and so runs on the thread of the caller
 * @param body the function
 */
record CoalescedWork(String function, boolean isAsync, Body body) {
  /** Gets the argument and the options of the call that began the execution. */
  @FunctionalInterface
  interface Body {
    @Nullable Object apply(Object argument, CallOptions options) throws Throwable;
  }

  /** Work whose argument is the function itself. */
  static CoalescedWork ofCallable(String function, boolean isAsync) {
    return new CoalescedWork(
        function, isAsync, (callable, options) -> ((Callable<?>) callable).call());
  }

  @Nullable Object apply(Object argument, CallOptions options) throws Throwable {
    return body.apply(argument, options);
  }
}
