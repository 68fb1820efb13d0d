package io.headrace.benchmarks;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * Reactor's {@code bufferTimeout}. The sink is the one of {@code Flux.create}, which takes items
 * from several threads at once by itself; the sinks of {@code Sinks.many} make concurrent producers
 * spin.
 *
 * <p>As it is by default, {@code bufferTimeout} ends with an error when a batch is due and nobody
 * has asked for one, so the change of threads is before it, never after. It also lets a batch grow
 * above its maximum when the timer and items meet: batches of 47 were seen where 32 was the
 * maximum. The variant that keeps fair backpressure has neither fault.
 */
final class ReactorBatcher implements Contender {
  /** How the batches are made, and where they run. */
  enum Variant {
    /** A thread of its own makes the batches and runs them. */
    OWN_THREAD,
    /** The same with fair backpressure. */
    OWN_THREAD_FAIR,
    /**
     * The producer whose item fills a batch runs it; batches that are not full run on the timer's
     * thread.
     */
    CALLER
  }

  private final Scheduler timer = Schedulers.newSingle("reactor-timer", true);
  private final Scheduler worker = Schedulers.newSingle("reactor-worker", true);
  private final Disposable subscription;
  private volatile FluxSink<Call> sink;

  @SuppressWarnings("NullAway.Init") // subscribe calls the consumer of the sink before it returns
  ReactorBatcher(Variant variant, BatchFunction function) {
    Flux<Call> calls = Flux.create(emitter -> sink = emitter, FluxSink.OverflowStrategy.BUFFER);
    boolean fair = variant == Variant.OWN_THREAD_FAIR;
    Flux<List<Call>> batches =
        (variant == Variant.CALLER ? calls : calls.publishOn(worker))
            .bufferTimeout(Limits.MAX_BATCH, Limits.MAX_DELAY, timer, fair);
    subscription = batches.subscribe(batch -> Call.complete(batch, function));
  }

  @Override
  public CompletableFuture<Integer> submit(Integer item) {
    Call call = new Call(item);
    sink.next(call);
    return call;
  }

  @Override
  public void close() {
    sink.complete();
    subscription.dispose();
    timer.dispose();
    worker.dispose();
  }
}
