package io.headrace;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The hooks of one coalescer, isolated from it and from each other. */
final class IsolatedHooks {
  private final CoalescerHooks[] hooks;
  private final Observers reports;

  IsolatedHooks(CoalescerHooks hooks, Observers reports) {
    List<CoalescerHooks> all = new ArrayList<>();
    flatten(hooks, all);
    this.hooks = all.toArray(CoalescerHooks[]::new);
    this.reports = reports;
  }

  private static void flatten(CoalescerHooks hooks, List<CoalescerHooks> all) {
    if (hooks instanceof CoalescerHooksPair(CoalescerHooks first, CoalescerHooks second)) {
      flatten(first, all);
      flatten(second, all);
    } else {
      all.add(hooks);
    }
  }

  void applied(String function, Object key) {
    tell(hook -> hook.onApplied(function, key));
  }

  void executing(String function, Object key) {
    tell(hook -> hook.onExecuting(function, key));
  }

  void joined(String function, Object key) {
    tell(hook -> hook.onJoined(function, key));
  }

  void kept(String function, Object key) {
    tell(hook -> hook.onKept(function, key));
  }

  void rejected(String function, Object key, Throwable reason) {
    tell(hook -> hook.onRejected(function, key, reason));
  }

  void result(String function, Object key, @Nullable Object result, long nanos, int joiners) {
    tell(hook -> hook.onResult(function, key, result, nanos, joiners));
  }

  void failure(String function, Object key, Throwable failure, long nanos, int joiners) {
    tell(hook -> hook.onFailure(function, key, failure, nanos, joiners));
  }

  private void tell(Consumer<CoalescerHooks> event) {
    for (CoalescerHooks hook : hooks) {
      try {
        event.accept(hook);
      } catch (Throwable failure) {
        reports.report(hook, failure);
      }
    }
  }
}
