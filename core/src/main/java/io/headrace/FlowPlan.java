package io.headrace;

import java.time.Duration;
import java.util.List;

/**
 * A flow as its builder describes it.
 *
 * @param elements its steps, and the nodes between them
 * @param warmUpItems what goes through it before it runs
 * @param objectiveNanos within what time items are answered, or refused; 0 if that does not matter
 * @param timeoutNanos the timeout of calls that name none; 0 for none
 */
record FlowPlan<I>(
    String name,
    List<? extends Element> elements,
    int priorities,
    TimeSource time,
    List<Observer> observers,
    List<? extends I> warmUpItems,
    long objectiveNanos,
    long timeoutNanos) {
  /** Refuses an objective that would have no effect, as nothing waits for workers. */
  FlowPlan<I> checked() {
    boolean mayBeBusy =
        elements.stream()
            .anyMatch(
                element ->
                    element instanceof Step step && step.workers().count != Workers.UNLIMITED);
    if (objectiveNanos != 0 && !mayBeBusy) {
      throw new IllegalArgumentException(
          "objective of "
              + name
              + " is "
              + Duration.ofNanos(objectiveNanos)
              + ", it needs workers that are neither inline nor unlimited: nothing waits for"
              + " those");
    }
    return this;
  }

  /** The index of the element where an item goes on that has left another one. */
  int follower(int index) {
    int next = index + 1;
    while (next < elements.size() && elements.get(next) instanceof Node.Jump jump) {
      next = jump.target;
    }
    return next;
  }

  /**
   * Whether every item goes through a step, whatever it chooses and whatever the conditions are.
   */
  boolean isOnEveryWay(int index) {
    for (int i = 0; i < index; i++) {
      if (elements.get(i) instanceof Node.Choice && index < meetingPoint(i)) {
        return false;
      }
    }
    return ((Step) elements.get(index)).condition() == null;
  }

  /** Where the branches meet that begin behind an element: where the first of them leads to. */
  private int meetingPoint(int opening) {
    int i = opening + 1;
    while (true) {
      switch (elements.get(i)) {
        case Node.Jump end -> {
          return end.target;
        }
        case Node.Choice _, Node.Fork _ -> i = meetingPoint(i);
        default -> i++;
      }
    }
  }
}
