package io.headrace.benchmarks;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** Reactor: a {@code map} for each step behind a {@code publishOn} with a thread of its own. */
final class ReactorFlow implements Contender {
  private final List<Scheduler> threads;
  private final Disposable subscription;
  private volatile FluxSink<FlowCall> sink;

  @SuppressWarnings("NullAway.Init") // subscribe calls the consumer of the sink before it returns
  ReactorFlow(int steps) {
    threads =
        Stream.generate(() -> Schedulers.newSingle("reactor-step", true)).limit(steps).toList();
    Flux<FlowCall> calls = Flux.create(emitter -> sink = emitter, FluxSink.OverflowStrategy.BUFFER);
    for (Scheduler thread : threads) {
      calls = calls.publishOn(thread).map(FlowCall::step);
    }
    subscription = calls.subscribe(FlowCall::finish);
  }

  @Override
  public CompletableFuture<Integer> submit(Integer item) {
    FlowCall call = new FlowCall(item, threads.size());
    sink.next(call);
    return call;
  }

  @Override
  public void close() {
    sink.complete();
    subscription.dispose();
    threads.forEach(Scheduler::dispose);
  }
}
