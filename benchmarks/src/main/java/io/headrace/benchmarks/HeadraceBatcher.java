package io.headrace.benchmarks;

import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.Workers;
import java.util.concurrent.CompletableFuture;

/** Headrace with one worker. {@code call} is the form for threads that wait. */
class HeadraceBatcher implements Contender {
  final Batcher<Integer, Integer> batcher;

  HeadraceBatcher(BatchPolicy policy, Workers workers, BatchFunction function) {
    batcher = Batcher.builder(function::handle).batch(policy).workers(workers).build();
  }

  @Override
  public CompletableFuture<Integer> submit(Integer item) {
    return batcher.submit(item);
  }

  @Override
  public Integer call(Integer item) throws InterruptedException {
    return batcher.call(item);
  }

  @Override
  public void close() {
    batcher.close();
  }
}
