package io.headrace.benchmarks;

import io.reactivex.rxjava3.core.Observable;
import io.reactivex.rxjava3.core.ObservableEmitter;
import io.reactivex.rxjava3.core.Scheduler;
import io.reactivex.rxjava3.disposables.Disposable;
import io.reactivex.rxjava3.plugins.RxJavaPlugins;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;

/**
 * RxJava's {@code buffer(time, size)} behind a serialized emitter, which takes items from several
 * threads at once. Its timer ticks whether there is something or not, and hands on what is there,
 * also empty buffers, which are dropped here. So an item waits for the next tick, a full delay at
 * most.
 */
final class RxJavaBatcher implements Contender {
  private final Scheduler timer = RxJavaPlugins.createSingleScheduler(daemons("rxjava-timer"));
  private final Scheduler worker = RxJavaPlugins.createSingleScheduler(daemons("rxjava-worker"));
  private final Disposable subscription;
  private volatile ObservableEmitter<Call> sink;

  /**
   * Subscribes.
   *
   * @param ownThread whether a thread of its own makes the batches and runs those that are full;
   *     otherwise the producer does whose item fills a batch. The timer's thread runs the others.
   */
  @SuppressWarnings("NullAway.Init") // subscribe calls the consumer of the sink before it returns
  RxJavaBatcher(boolean ownThread, BatchFunction function) {
    Observable<Call> calls = Observable.create(emitter -> sink = emitter.serialize());
    subscription =
        (ownThread ? calls.observeOn(worker) : calls)
            .buffer(Limits.MAX_DELAY.toNanos(), TimeUnit.NANOSECONDS, timer, Limits.MAX_BATCH)
            .filter(batch -> !batch.isEmpty())
            .subscribe(batch -> Call.complete(batch, function));
  }

  private static ThreadFactory daemons(String name) {
    return Thread.ofPlatform().daemon().name(name).factory();
  }

  @Override
  public CompletableFuture<Integer> submit(Integer item) {
    Call call = new Call(item);
    sink.onNext(call);
    return call;
  }

  @Override
  public void close() {
    subscription.dispose();
    timer.shutdown();
    worker.shutdown();
  }
}
