package io.headrace;

import java.util.concurrent.atomic.LongAdder;

/**
 * Counts what happens in the coalescers that it is given to as hooks, all functions together.
 * Thread safe; made by {@link CoalescerHooks#statistics()}.
 */
public final class CoalescerStatistics implements CoalescerHooks {
  private final LongAdder executed = new LongAdder();
  private final LongAdder joined = new LongAdder();
  private final LongAdder kept = new LongAdder();
  private final LongAdder rejected = new LongAdder();
  private final LongAdder errors = new LongAdder();

  CoalescerStatistics() {}

  /**
   * The counters at one moment. {@link CoalescerFunctionStatistics} counts the same.
   *
   * @param executed executions begun, whatever their outcome
   * @param joined calls that joined an execution in flight
   * @param kept calls that were given a kept result
   * @param rejected calls that were refused
   * @param errors executions that failed or were cancelled; they are among those executed
   */
  public record Snapshot(long executed, long joined, long kept, long rejected, long errors) {
    /**
     * All calls: executed, joined, kept and rejected.
     *
     * @return their sum
     */
    public long total() {
      return executed + joined + kept + rejected;
    }

    @Override
    public String toString() {
      return "Stats(total=%d, executed=%d, joined=%d, kept=%d, rejected=%d, errors=%d)"
          .formatted(total(), executed, joined, kept, rejected, errors);
    }
  }

  /**
   * The counters now.
   *
   * @return a snapshot; calls that come meanwhile may be in it or not
   */
  public Snapshot snapshot() {
    long failed = errors.sum(); // first, so that none is missing among those executed
    return new Snapshot(executed.sum(), joined.sum(), kept.sum(), rejected.sum(), failed);
  }

  @Override
  public void onExecuting(String function, Object key) {
    executed.increment();
  }

  @Override
  public void onJoined(String function, Object key) {
    joined.increment();
  }

  @Override
  public void onKept(String function, Object key) {
    kept.increment();
  }

  @Override
  public void onRejected(String function, Object key, Throwable reason) {
    rejected.increment();
  }

  @Override
  public void onFailure(String function, Object key, Throwable failure, long nanos, int joiners) {
    errors.increment();
  }

  @Override
  public String toString() {
    return snapshot().toString();
  }
}
