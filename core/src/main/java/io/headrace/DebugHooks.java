package io.headrace;

import java.io.PrintStream;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Prints a line for each event. */
record DebugHooks(PrintStream out) implements CoalescerHooks {
  @Override
  public void onApplied(String function, Object key) {
    out.println("[" + key + "] applied to " + function);
  }

  @Override
  public void onExecuting(String function, Object key) {
    out.println("[" + key + "] executing " + function);
  }

  @Override
  public void onJoined(String function, Object key) {
    out.println("[" + key + "] joined " + function);
  }

  @Override
  public void onKept(String function, Object key) {
    out.println("[" + key + "] kept result of " + function);
  }

  @Override
  public void onRejected(String function, Object key, Throwable reason) {
    out.println("[" + key + "] rejected by " + function + ": " + reason);
  }

  @Override
  public void onResult(
      String function, Object key, @Nullable Object result, long nanos, int joiners) {
    out.println("[" + key + "] result of " + function + after(nanos, joiners) + ": " + result);
  }

  @Override
  public void onFailure(String function, Object key, Throwable failure, long nanos, int joiners) {
    out.println("[" + key + "] failure of " + function + after(nanos, joiners) + ": " + failure);
  }

  private static String after(long nanos, int joiners) {
    return " after " + Duration.ofNanos(nanos) + " for " + joiners + " joined";
  }
}
