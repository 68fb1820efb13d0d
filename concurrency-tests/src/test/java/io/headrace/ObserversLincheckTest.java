package io.headrace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** An observer is added to a service that starts, is at work and ends. */
class ObserversLincheckTest {
  private static final Observer.Observed SELF =
      new Observer.Observed() {
        @Override
        public String name() {
          return "service";
        }

        @Override
        public List<String> steps() {
          return List.of("step");
        }

        @Override
        public Flow.State state() {
          return Flow.State.RUNNING;
        }

        @Override
        public int queued(String step) {
          return 0;
        }
      };

  /** Remembers what it is told, and keeps its name of each call. */
  private static final class Told implements Observer {
    final String name;
    final Queue<String> events = new ConcurrentLinkedQueue<>();

    Told(String name) {
      this.name = name;
    }

    @Override
    public void onStart(Observed service) {
      events.add("start");
    }

    @Override
    public Object onSubmit(String service) {
      return name;
    }

    @Override
    public void onRetry(String service, String step, int items) {
      events.add("retry");
    }

    @Override
    public void onCallEnd(String service, Outcome outcome, long nanos, @Nullable Object call) {
      events.add("call of " + call);
    }

    @Override
    public void onState(String service, Flow.State state) {
      events.add(state.toString());
    }
  }

  private static Observers observers(Observer... first) {
    return new Observers("service", List.of(first));
  }

  /** Whenever it comes, and were it added twice: of the start first, of the end last, each once. */
  @Test
  void isToldOfTheStartAndOfTheEndOnce() {
    Depth.explore(
        () -> {
          Observers observers = observers();
          Told told = new Told("told");
          Threads.run(
              List.of(observers, told),
              () -> {
                observers.starting(SELF);
                observers.retried("step", 1);
                observers.stateChanged(Flow.State.STOPPED);
              },
              () -> observers.add(told, SELF),
              () -> observers.add(told, SELF));
          List<String> events = new ArrayList<>(told.events);
          assertEquals("start", events.removeFirst());
          assertEquals("STOPPED", events.removeLast());
          assertTrue(events.isEmpty() || events.equals(List.of("retry")));
        });
  }

  /** Two come at once, and neither is lost. */
  @Test
  void allThatAreAddedAreTold() {
    Depth.explore(
        () -> {
          Observers observers = observers();
          Told one = new Told("one");
          Told other = new Told("other");
          observers.starting(SELF);
          Threads.run(
              List.of(observers, one, other),
              () -> observers.add(one, SELF),
              () -> observers.add(other, SELF));
          observers.stateChanged(Flow.State.STOPPED);
          assertEquals(List.of("start", "STOPPED"), List.copyOf(one.events));
          assertEquals(List.of("start", "STOPPED"), List.copyOf(other.events));
        });
  }

  /** Of a call each is given what it has kept itself; one that came later has kept nothing. */
  @Test
  void isGivenWhatItHasKept() {
    Depth.explore(
        () -> {
          Told first = new Told("first");
          Told late = new Told("late");
          Observers observers = observers(first);
          Threads.run(
              List.of(observers, first, late),
              () -> {
                Terms terms =
                    new Terms(Parts.ticket("item"), CallOptions.DEFAULT, observers, Parts.NO_TIME);
                observers.callEnded(terms, Observer.Outcome.COMPLETED, 0, null);
              },
              () -> observers.add(late, SELF));
          assertEquals(List.of("call of first"), List.copyOf(first.events));
          assertTrue(
              List.of(List.of(), List.of("call of null"), List.of("call of late"))
                  .contains(List.copyOf(late.events)));
        });
  }
}
