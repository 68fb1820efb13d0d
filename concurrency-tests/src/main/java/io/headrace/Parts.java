package io.headrace;

import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/** Parts of a flow, so that they can be looked at without threads and without a start. */
final class Parts {
  /** A clock that stands still and never rings. */
  static final TimeSource NO_TIME = at(() -> 0);

  private static final Observers NOBODY = new Observers("parts", List.of());

  private Parts() {}

  /** A clock that says this and never rings. */
  static TimeSource at(LongSupplier nowNanos) {
    return new TimeSource() {
      @Override
      public long nanoTime() {
        return nowNanos.getAsLong();
      }

      @Override
      public Alarm schedule(long delayNanos, Runnable task) {
        return () -> {};
      }

      @Override
      public void execute(Runnable task) {
        task.run();
      }
    };
  }

  static Ticket ticket(Object value) {
    return new Ticket(value, CallOptions.DEFAULT, NOBODY, NO_TIME, false);
  }

  /** A step; made once, so that what is explored begins after its builders. */
  static Step step(Handler<Object, Object> handler, Consumer<StepOptions<Object>> setter) {
    StepOptions<Object> options = new StepOptions<>();
    setter.accept(options.workers(Workers.executor(Runnable::run, 1)));
    return options.toStep("flow", "step", null, HandlerSource.of(handler), 1024, OnFull.fail());
  }

  static Step step(Handler<Object, Object> handler, OnFull onFull, int capacity) {
    return step(handler, onFull, capacity, Runnable::run);
  }

  static Step step(
      Handler<Object, Object> handler, OnFull onFull, int capacity, Executor executor) {
    return new StepOptions<Object>()
        .workers(Workers.executor(executor, 1))
        .toStep("flow", "step", null, HandlerSource.of(handler), capacity, onFull);
  }

  /** A station for a step, the second of a flow that is not started; it has no worker yet. */
  static QueuedStation station(Step step) {
    return (QueuedStation)
        new Flow<>(
                new FlowPlan<>(
                    "parts", List.of(step, step), 1, NO_TIME, List.of(), List.of(), 0, 0))
            .station(1);
  }

  /** Gives a station the worker that its step describes, as a start does. */
  static void start(QueuedStation station) {
    Startup startup = new Startup();
    station.start(startup);
    startup.allAnnounced();
    startup.join();
  }

  /** Gives a station a worker that it does not shut down or end. */
  static void employ(QueuedStation station, Executor executor) {
    station.release(
        new TaskSlot(station, station.step.handlers().get(), executor, /* isStarted= */ true));
  }

  /** The same with a worker whose task runs on the thread that launches it. */
  static void employ(QueuedStation station) {
    employ(station, Runnable::run);
  }
}
