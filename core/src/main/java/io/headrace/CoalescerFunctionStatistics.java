package io.headrace;

import io.headrace.CoalescerStatistics.Snapshot;
import java.util.Comparator;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToLongFunction;

/**
 * Counts for each function what {@link CoalescerStatistics} counts for all together. Thread safe;
 * made by {@link CoalescerHooks#statisticsPerFunction()}.
 */
public final class CoalescerFunctionStatistics implements CoalescerHooks {
  private final Map<String, CoalescerStatistics> functions = new ConcurrentHashMap<>();

  CoalescerFunctionStatistics() {}

  /**
   * The counters now.
   *
   * @return a snapshot for each function that was called, by its name
   */
  public SortedMap<String, Snapshot> snapshot() {
    SortedMap<String, Snapshot> snapshots = new TreeMap<>();
    functions.forEach((function, counters) -> snapshots.put(function, counters.snapshot()));
    return snapshots;
  }

  @Override
  public void onExecuting(String function, Object key) {
    of(function).onExecuting(function, key);
  }

  @Override
  public void onJoined(String function, Object key) {
    of(function).onJoined(function, key);
  }

  @Override
  public void onKept(String function, Object key) {
    of(function).onKept(function, key);
  }

  @Override
  public void onRejected(String function, Object key, Throwable reason) {
    of(function).onRejected(function, key, reason);
  }

  @Override
  public void onFailure(String function, Object key, Throwable failure, long nanos, int joiners) {
    of(function).onFailure(function, key, failure, nanos, joiners);
  }

  private CoalescerStatistics of(String function) {
    CoalescerStatistics counters = functions.get(function);
    return counters != null
        ? counters
        : functions.computeIfAbsent(function, name -> new CoalescerStatistics());
  }

  /** For each counter the functions with the highest figures first; zeros are left out. */
  @Override
  public String toString() {
    SortedMap<String, Snapshot> snapshots = snapshot();
    StringBuilder text = new StringBuilder();
    append(text, "total", snapshots, Snapshot::total);
    append(text, "executed", snapshots, Snapshot::executed);
    append(text, "joined", snapshots, Snapshot::joined);
    append(text, "kept", snapshots, Snapshot::kept);
    append(text, "rejected", snapshots, Snapshot::rejected);
    append(text, "errors", snapshots, Snapshot::errors);
    return text.toString();
  }

  private static void append(
      StringBuilder text,
      String title,
      SortedMap<String, Snapshot> snapshots,
      ToLongFunction<Snapshot> counter) {
    text.append(text.isEmpty() ? "" : "\n").append("Top ").append(title).append(":");
    snapshots.entrySet().stream()
        .filter(entry -> counter.applyAsLong(entry.getValue()) != 0)
        .sorted(
            Comparator.comparingLong(
                    (Map.Entry<String, Snapshot> entry) -> counter.applyAsLong(entry.getValue()))
                .reversed())
        .forEach(
            entry ->
                text.append("\n\t")
                    .append(entry.getKey())
                    .append(": ")
                    .append(counter.applyAsLong(entry.getValue())));
  }
}
