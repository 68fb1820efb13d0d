package io.headrace;

/**
 * Is told how one call went through each step: what a response header, a log line or a trace wants
 * to know. Given with {@link CallOptions#withListener}.
 *
 * <p>It runs on the thread that executed the batch, before the item moves on, and so must not
 * block. What it throws is logged once per service and touches nothing else.
 */
@FunctionalInterface
public interface CallListener {
  /**
   * A step has handled the item, well or not.
   *
   * @param step the name of the step; for a batcher its own name
   * @param batchSize the number of items in the batch that the item was part of
   * @param queueNanos nanoseconds that the item waited for this step, collecting included; if it is
   *     executed again, since its last execution
   * @param handleNanos nanoseconds that the handler took for the whole batch
   */
  void onStep(String step, int batchSize, long queueNanos, long handleNanos);
}
