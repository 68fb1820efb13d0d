package io.headrace;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Two hooks as one: the first, then the second, whatever the first throws. A failure of one is
 * thrown when both are told.
 */
record CoalescerHooksPair(CoalescerHooks first, CoalescerHooks second) implements CoalescerHooks {
  @Override
  public void onApplied(String function, Object key) {
    both(hooks -> hooks.onApplied(function, key));
  }

  @Override
  public void onExecuting(String function, Object key) {
    both(hooks -> hooks.onExecuting(function, key));
  }

  @Override
  public void onJoined(String function, Object key) {
    both(hooks -> hooks.onJoined(function, key));
  }

  @Override
  public void onKept(String function, Object key) {
    both(hooks -> hooks.onKept(function, key));
  }

  @Override
  public void onRejected(String function, Object key, Throwable reason) {
    both(hooks -> hooks.onRejected(function, key, reason));
  }

  @Override
  public void onResult(
      String function, Object key, @Nullable Object result, long nanos, int joiners) {
    both(hooks -> hooks.onResult(function, key, result, nanos, joiners));
  }

  @Override
  public void onFailure(String function, Object key, Throwable failure, long nanos, int joiners) {
    both(hooks -> hooks.onFailure(function, key, failure, nanos, joiners));
  }

  private void both(Consumer<CoalescerHooks> event) {
    try {
      event.accept(first);
    } finally {
      event.accept(second);
    }
  }
}
