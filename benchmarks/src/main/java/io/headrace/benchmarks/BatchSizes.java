package io.headrace.benchmarks;

import java.util.Collection;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.profile.InternalProfiler;
import org.openjdk.jmh.results.AggregationPolicy;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.ScalarResult;

/**
 * A JMH profiler that shows the mean batch size beside the throughput: {@code -prof
 * io.headrace.benchmarks.BatchSizes}. Without it, a contender that made no batches at all would
 * look fast.
 */
public final class BatchSizes implements InternalProfiler {
  private static final LongAdder BATCHES = new LongAdder();
  private static final LongAdder ITEMS = new LongAdder();

  static void count(int size) {
    BATCHES.increment();
    ITEMS.add(size);
  }

  @Override
  public String getDescription() {
    return "Mean batch size";
  }

  @Override
  public void beforeIteration(BenchmarkParams benchmark, IterationParams iteration) {
    BATCHES.reset();
    ITEMS.reset();
  }

  @Override
  public Collection<? extends Result<?>> afterIteration(
      BenchmarkParams benchmark, IterationParams iteration, IterationResult result) {
    double mean = ITEMS.sum() / (double) Math.max(1, BATCHES.sum());
    return List.of(new ScalarResult("batch", mean, "items", AggregationPolicy.AVG));
  }
}
