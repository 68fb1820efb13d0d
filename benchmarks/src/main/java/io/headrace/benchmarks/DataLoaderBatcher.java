package io.headrace.benchmarks;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import org.dataloader.DataLoader;
import org.dataloader.DataLoaderFactory;
import org.dataloader.DataLoaderOptions;
import org.jspecify.annotations.Nullable;

/**
 * java-dataloader, without its cache. It collects keys, but has neither a thread nor a timer for
 * them: somebody has to call {@code dispatch}, and the batches run there. Nothing bounds what is
 * collected, and how many batches run at once is up to the callers.
 *
 * <p>Either each caller dispatches after its last item, or a thread of ours does so whenever there
 * is something.
 */
final class DataLoaderBatcher implements Contender {
  private final DataLoader<Integer, Integer> loader;
  private final @Nullable Thread dispatcher;
  private volatile boolean closed;
  private volatile boolean idle;

  DataLoaderBatcher(boolean ownThread, BatchFunction function) {
    loader =
        DataLoaderFactory.newDataLoader(
            keys -> CompletableFuture.completedFuture(function.handle(keys)),
            DataLoaderOptions.newOptions()
                .setCachingEnabled(false)
                .setMaxBatchSize(Limits.MAX_BATCH)
                .build());
    dispatcher = ownThread ? Thread.ofPlatform().daemon().start(this::dispatchAlways) : null;
  }

  @Override
  public CompletableFuture<Integer> submit(Integer item) {
    CompletableFuture<Integer> future = loader.load(item);
    if (dispatcher != null && idle) {
      idle = false;
      LockSupport.unpark(dispatcher);
    }
    return future;
  }

  @Override
  public void submitAll(Integer[] items, Future<?>[] futures) {
    Contender.super.submitAll(items, futures);
    flush();
  }

  @Override
  public Integer call(Integer item) {
    CompletableFuture<Integer> future = submit(item);
    flush();
    return future.join();
  }

  private void flush() {
    if (dispatcher == null) {
      var _ = loader.dispatch(); // each call has a future of its own
    }
  }

  private void dispatchAlways() {
    while (!closed) {
      idle = true;
      if (loader.dispatchDepth() == 0 && !closed) {
        LockSupport.park(this);
      }
      idle = false;
      var _ = loader.dispatch(); // each call has a future of its own
    }
  }

  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(dispatcher);
  }
}
