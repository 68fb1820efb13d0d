package io.headrace.benchmarks;

import io.headrace.BatchPolicy;
import io.headrace.Workers;
import java.util.Arrays;
import java.util.concurrent.Future;

/**
 * Headrace without threads: a burst is handed over in one call and executed there, in batches.
 * Somebody who brings one item at a time gets batches of one.
 */
final class HeadraceInlineBatcher extends HeadraceBatcher {
  HeadraceInlineBatcher(BatchFunction function) {
    super(BatchPolicy.greedy(Limits.MAX_BATCH), Workers.inline(), function);
  }

  @Override
  public void submitAll(Integer[] items, Future<?>[] futures) {
    batcher.submitAll(Arrays.asList(items)).toArray(futures);
  }
}
