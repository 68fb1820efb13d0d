package io.headrace;

import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/** Parts of a flow, so that they can be looked at without threads and without a start. */
final class Parts {
  /** A clock that stands still and never rings. */
  static final TimeSource NO_TIME =
      new TimeSource() {
        @Override
        public long nanoTime() {
          return 0;
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

  private static final Observers NOBODY = new Observers("parts", List.of());

  private Parts() {}

  static Ticket ticket(Object value) {
    return new Ticket(value, CallOptions.DEFAULT, NOBODY, NO_TIME);
  }

  /** A step; made once, so that what is explored begins after its builders. */
  static Step step(Handler<Object, Object> handler, Consumer<StepOptions<Object>> setter) {
    StepOptions<Object> options = new StepOptions<>();
    setter.accept(options.workers(Workers.executor(Runnable::run, 1)));
    return options.toStep(
        "step", null, Swappable.shared(Handling.of(handler)), true, 1024, OnFull.fail());
  }

  /** A station for a step, the second of a flow that is not started; it has no worker yet. */
  static QueuedStation station(Step step) {
    Flow<Object, Object> flow =
        new Flow<>(new FlowPlan<>("parts", List.of(step, step), 1, NO_TIME, List.of(), List.of()));
    return (QueuedStation) flow.station(1);
  }

  /** Gives a station its worker. */
  static void employ(QueuedStation station, Executor executor) {
    station.release(
        new TaskSlot(station, station.step.handlers().get(), executor, /* isStarted= */ true));
  }
}
