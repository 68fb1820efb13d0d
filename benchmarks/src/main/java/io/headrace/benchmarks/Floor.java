package io.headrace.benchmarks;

import java.util.concurrent.CompletableFuture;

/** No queue, no batch, no other thread: what the futures and the benchmark itself cost. */
final class Floor implements Contender {
  @Override
  public CompletableFuture<Integer> submit(Integer item) {
    Call call = new Call(item);
    call.complete(item);
    return call;
  }

  @Override
  public void close() {}
}
