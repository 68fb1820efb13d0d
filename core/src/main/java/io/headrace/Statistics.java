package io.headrace;

import java.util.ArrayList;
import java.util.List;

/**
 * What has happened in a flow or batcher so far, and what is in it now. Each number is exact, and
 * they are read one after the other: while items are on their way the numbers may be of slightly
 * different moments. A call is counted when it ends, a moment after its caller is told: one that is
 * cancelled or late while its batch runs at once, though its item is among the running ones until
 * the batch ends. A warm-up is not counted.
 *
 * @param name the name of the flow or batcher
 * @param state where it is in its life
 * @param completed how many calls ended with a result
 * @param failed how many ended with an exception of a handler, a condition or the like
 * @param timedOut how many ended with {@link DeadlineExceededException}
 * @param cancelled how many were cancelled or completed by their callers
 * @param rejected how many ended with {@link QueueFullException}, {@link RejectedException} or
 *     {@link StoppedException}
 * @param steps the same for each step; a batcher has one
 */
public record Statistics(
    String name,
    Flow.State state,
    long completed,
    long failed,
    long timedOut,
    long cancelled,
    long rejected,
    List<Step> steps) {
  /**
   * What has happened in a step so far, and what is in it now.
   *
   * @param name the name of the step
   * @param workers how many batches may run at once; {@link Integer#MAX_VALUE} if there is no limit
   * @param queued how many items wait
   * @param running how many items are in batches
   * @param batches how many batches were formed
   * @param items how many items were in them
   * @param retried how many items were executed again, each time counted: in parts of a batch that
   *     {@link StepOptions#isolate} divides, or after the death of a worker
   * @param failed how many items failed here, and their calls with them
   * @param timedOut how many items left here because their timeout was over or could not be met,
   *     while they waited or were in a batch
   * @param cancelled how many left here because their calls were cancelled or completed by the
   *     callers, or because another branch has failed
   * @param rejected how many were refused or stopped here: the queue was full, a policy expected
   *     them to be late, or the flow was shut down
   */
  public record Step(
      String name,
      int workers,
      int queued,
      long running,
      long batches,
      long items,
      long retried,
      long failed,
      long timedOut,
      long cancelled,
      long rejected) {
    /**
     * How large the batches were on average.
     *
     * @return items per batch; 0 if there was no batch
     */
    public double meanBatchSize() {
      return batches == 0 ? 0 : (double) items / batches;
    }
  }

  /** Makes a copy of the list. */
  public Statistics {
    steps = List.copyOf(steps);
  }

  /**
   * How many calls have ended, one way or another.
   *
   * @return the sum of the five ways
   */
  public long ended() {
    return completed + failed + timedOut + cancelled + rejected;
  }

  static Statistics of(Flow<?, ?> flow) {
    List<Step> steps = new ArrayList<>();
    for (int i = 0; i < flow.stationCount(); i++) {
      steps.add(flow.station(i).statistics());
    }
    EndedCalls calls = flow.tally.calls;
    return new Statistics(
        flow.name(),
        flow.state(),
        calls.count(Observer.Outcome.COMPLETED),
        calls.count(Observer.Outcome.FAILED),
        calls.count(Observer.Outcome.TIMED_OUT),
        calls.count(Observer.Outcome.CANCELLED),
        calls.count(Observer.Outcome.REJECTED),
        steps);
  }
}
