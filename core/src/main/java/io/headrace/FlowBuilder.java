package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Describes a {@link Flow} step by step. Each method that adds a step returns a builder of the type
 * that the items have after it; use that one from then on. Not thread safe.
 *
 * <p>A handler that is given as it is serves all workers of its step, {@link Handler#onStart} and
 * {@link Handler#close} are called once; with more than one worker it has to be thread safe. A
 * factory makes a handler for each worker.
 *
 * <p>A condition decides whether a step applies to an item; an item to which it does not apply
 * passes by, without waiting for the step. It is evaluated once, as the step before has left the
 * item, on the thread that brings the item, so it must not block. An item for which it throws fails
 * with that exception.
 *
 * @param <I> the type of an item that enters the flow
 * @param <T> the type of an item after the steps so far
 */
public final class FlowBuilder<I, T extends @Nullable Object> {

  private final String name;
  private final List<Step> steps = new ArrayList<>();
  private final List<Observer> observers = new ArrayList<>();
  private @Nullable Integer priorities;
  private @Nullable TimeSource time;
  private boolean built;

  FlowBuilder(String name) {
    this.name = name;
  }

  /**
   * Adds a step with the default options.
   *
   * @param name what the step is called in threads, events and messages; unique in the flow
   * @param handler serves all workers of the step
   * @return the builder to go on with
   * @param <R> the type of an item after this step
   */
  public <R extends @Nullable Object> FlowBuilder<I, R> step(
      String name, Handler<? super T, ? extends R> handler) {
    return step(name, handler, options -> {});
  }

  /**
   * Adds a step.
   *
   * @param name what the step is called in threads, events and messages; unique in the flow
   * @param handler serves all workers of the step
   * @param options sets the options of the step
   * @return the builder to go on with
   * @param <R> the type of an item after this step
   */
  public <R extends @Nullable Object> FlowBuilder<I, R> step(
      String name, Handler<? super T, ? extends R> handler, Consumer<StepOptions> options) {
    return add(
        name,
        null,
        Handling.shared(Handling.of(requireNonNull(handler, "handler"))),
        true,
        options);
  }

  /**
   * Adds a step whose workers have a handler each.
   *
   * @param name what the step is called in threads, events and messages; unique in the flow
   * @param factory makes the handler of a worker, when the flow starts
   * @param options sets the options of the step
   * @return the builder to go on with
   * @param <R> the type of an item after this step
   */
  public <R extends @Nullable Object> FlowBuilder<I, R> stepPerWorker(
      String name,
      Supplier<? extends Handler<? super T, ? extends R>> factory,
      Consumer<StepOptions> options) {
    requireNonNull(factory, "factory");
    return add(name, null, () -> Handling.made(factory), false, options);
  }

  /**
   * Adds a step that items pass by to which it does not apply.
   *
   * @param condition whether the step applies to an item
   * @param name what the step is called in threads, events and messages; unique in the flow
   * @param handler serves all workers of the step
   * @param options sets the options of the step
   * @return the builder to go on with
   */
  public FlowBuilder<I, T> stepIf(
      Predicate<? super T> condition,
      String name,
      Handler<? super T, ? extends T> handler,
      Consumer<StepOptions> options) {
    return add(
        name,
        requireNonNull(condition, "condition"),
        Handling.shared(Handling.of(requireNonNull(handler, "handler"))),
        true,
        options);
  }

  /**
   * Adds a step that changes task objects in place, with the default options.
   *
   * @param name what the step is called in threads, events and messages; unique in the flow
   * @param handler serves all workers of the step
   * @return the builder to go on with
   */
  public FlowBuilder<I, T> inPlace(String name, InPlaceHandler<T> handler) {
    return step(name, handler, options -> {});
  }

  /**
   * Adds a step that changes task objects in place.
   *
   * @param name what the step is called in threads, events and messages; unique in the flow
   * @param handler serves all workers of the step
   * @param options sets the options of the step
   * @return the builder to go on with
   */
  public FlowBuilder<I, T> inPlace(
      String name, InPlaceHandler<T> handler, Consumer<StepOptions> options) {
    return step(name, handler, options);
  }

  /**
   * Adds a step that changes in place the task objects to which it applies; others pass by.
   *
   * @param condition whether the step applies to a task
   * @param name what the step is called in threads, events and messages; unique in the flow
   * @param handler serves all workers of the step
   * @param options sets the options of the step
   * @return the builder to go on with
   */
  public FlowBuilder<I, T> inPlaceIf(
      Predicate<? super T> condition,
      String name,
      InPlaceHandler<T> handler,
      Consumer<StepOptions> options) {
    return stepIf(condition, name, handler, options);
  }

  /**
   * Adds a step whose handler answers later, without holding a thread. A worker is busy with a
   * batch until the stage completes.
   *
   * @param name what the step is called in threads, events and messages; unique in the flow
   * @param handler serves all workers of the step
   * @param options sets the options of the step
   * @return the builder to go on with
   * @param <R> the type of an item after this step
   */
  public <R extends @Nullable Object> FlowBuilder<I, R> asyncStep(
      String name, AsyncHandler<? super T, ? extends R> handler, Consumer<StepOptions> options) {
    return add(
        name,
        null,
        Handling.shared(Handling.ofAsync(requireNonNull(handler, "handler"))),
        true,
        options);
  }

  /**
   * How many priorities there are, 0 to n - 1; higher ones go first in every queue. Default: 1.
   *
   * @param priorities the number of priorities, 1 to 64
   * @return this
   * @throws IllegalArgumentException if there are fewer than 1 or more than 64
   */
  public FlowBuilder<I, T> priorities(int priorities) {
    Checks.unset(this.priorities, priorities, "priorities");
    this.priorities = Checks.priorities(priorities);
    return this;
  }

  /**
   * Adds an observer, which is told what happens in the flow.
   *
   * @param observer the observer
   * @return this
   */
  public FlowBuilder<I, T> observer(Observer observer) {
    observers.add(requireNonNull(observer, "observer"));
    return this;
  }

  /**
   * The clock of the flow. Default: {@link TimeSource#system()}.
   *
   * @param time the clock
   * @return this
   */
  public FlowBuilder<I, T> timeSource(TimeSource time) {
    Checks.unset(this.time, time, "time source");
    this.time = time;
    return this;
  }

  /**
   * Builds the flow, which then has to be started. A builder builds once.
   *
   * @return the flow
   * @throws IllegalStateException if there is no step, or this builder has built a flow before
   */
  public Flow<I, T> build() {
    if (steps.isEmpty()) {
      throw new IllegalStateException(name + " has no steps, it needs at least one");
    }
    built = Checks.unbuilt(built, name);
    return new Flow<>(
        name,
        List.copyOf(steps),
        priorities == null ? 1 : priorities,
        time == null ? TimeSource.system() : time,
        List.copyOf(observers));
  }

  @SuppressWarnings("unchecked") // the public methods have checked that the types fit
  private <R extends @Nullable Object> FlowBuilder<I, R> add(
      String stepName,
      @Nullable Predicate<? super T> condition,
      Supplier<Handling> handlers,
      boolean shared,
      Consumer<StepOptions> setter) {
    Checks.name(stepName);
    for (Step step : steps) {
      if (step.name().equals(stepName)) {
        throw new IllegalArgumentException(
            "name is " + stepName + ", " + name + " has such a step");
      }
    }
    StepOptions options = new StepOptions();
    requireNonNull(setter, "options").accept(options);
    boolean isFirst = steps.isEmpty();
    steps.add(
        options.toStep(
            stepName,
            (Predicate<Object>) condition,
            handlers,
            shared,
            StepOptions.DEFAULT_QUEUE_CAPACITY,
            isFirst ? OnFull.fail() : OnFull.await()));
    return (FlowBuilder<I, R>) this;
  }
}
