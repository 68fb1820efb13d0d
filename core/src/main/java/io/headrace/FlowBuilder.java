package io.headrace;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
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
  private final List<Element> elements = new ArrayList<>();
  private final List<Observer> observers = new ArrayList<>();
  private @Nullable Integer priorities;
  private @Nullable TimeSource time;
  private @Nullable List<? extends I> warmUpItems;
  private @Nullable Long objectiveNanos;
  private @Nullable Long timeoutNanos;
  private boolean built;

  /** Whether no step comes before the next one. */
  private boolean isAtEntry = true;

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
      String name, Handler<? super T, ? extends R> handler, Consumer<StepOptions<T>> options) {
    return add(name, null, HandlerSource.of(handler), options);
  }

  /**
   * Adds a step whose worker, one thread, has a handler of its own, with the default options.
   *
   * @param name what the step is called in threads, events and messages; unique in the flow
   * @param factory makes the handler, when the flow starts
   * @return the builder to go on with
   * @param <R> the type of an item after this step
   */
  public <R extends @Nullable Object> FlowBuilder<I, R> stepPerWorker(
      String name, Supplier<? extends Handler<? super T, ? extends R>> factory) {
    return stepPerWorker(name, factory, options -> {});
  }

  /**
   * Adds a step whose workers have a handler each. Their number has to be limited: not {@link
   * Workers#unlimited unlimited}, not {@link Workers#inline inline}.
   *
   * @param name what the step is called in threads, events and messages; unique in the flow
   * @param factory makes the handler of a worker, when the flow starts
   * @param options sets the options of the step
   * @return the builder to go on with
   * @param <R> the type of an item after this step
   * @throws IllegalArgumentException if the workers are unlimited or inline
   */
  public <R extends @Nullable Object> FlowBuilder<I, R> stepPerWorker(
      String name,
      Supplier<? extends Handler<? super T, ? extends R>> factory,
      Consumer<StepOptions<T>> options) {
    return add(name, null, HandlerSource.perWorker(factory), options);
  }

  /**
   * Adds a step whose workers have a handler each, worker processes among them, which items pass by
   * to which it does not apply. The condition is evaluated here, whatever the workers are.
   *
   * @param condition whether the step applies to an item
   * @param name what the step is called in threads, events and messages; unique in the flow
   * @param factory makes the handler of a worker, when the flow starts
   * @param options sets the options of the step
   * @return the builder to go on with
   * @throws IllegalArgumentException if the workers are unlimited or inline
   */
  public FlowBuilder<I, T> stepPerWorkerIf(
      Predicate<? super T> condition,
      String name,
      Supplier<? extends Handler<? super T, ? extends T>> factory,
      Consumer<StepOptions<T>> options) {
    return add(
        name, requireNonNull(condition, "condition"), HandlerSource.perWorker(factory), options);
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
      Consumer<StepOptions<T>> options) {
    return add(name, requireNonNull(condition, "condition"), HandlerSource.of(handler), options);
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
      String name, InPlaceHandler<T> handler, Consumer<StepOptions<T>> options) {
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
      Consumer<StepOptions<T>> options) {
    return stepIf(condition, name, handler, options);
  }

  /**
   * Adds a step whose handler answers later, with the default options.
   *
   * @param name what the step is called in threads, events and messages; unique in the flow
   * @param handler serves all workers of the step
   * @return the builder to go on with
   * @param <R> the type of an item after this step
   */
  public <R extends @Nullable Object> FlowBuilder<I, R> asyncStep(
      String name, AsyncHandler<? super T, ? extends R> handler) {
    return asyncStep(name, handler, options -> {});
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
      String name, AsyncHandler<? super T, ? extends R> handler, Consumer<StepOptions<T>> options) {
    return add(name, null, HandlerSource.ofAsync(handler), options);
  }

  /**
   * Adds a step whose handler answers later, which items pass by to which it does not apply.
   *
   * @param condition whether the step applies to an item
   * @param name what the step is called in threads, events and messages; unique in the flow
   * @param handler serves all workers of the step
   * @param options sets the options of the step
   * @return the builder to go on with
   */
  public FlowBuilder<I, T> asyncStepIf(
      Predicate<? super T> condition,
      String name,
      AsyncHandler<? super T, ? extends T> handler,
      Consumer<StepOptions<T>> options) {
    return add(
        name, requireNonNull(condition, "condition"), HandlerSource.ofAsync(handler), options);
  }

  /**
   * Lets each item choose the branch that it goes, one of several. Branches are added to what this
   * returns, and end where the last one does. The choice is made once, as the step before has left
   * the item, on the thread that brings the item, so it must not block; an item for which it throws
   * fails with that exception.
   *
   * {@snippet class="io.headrace.SnippetsTest" region="choose"}
   *
   * @param chooser names the branch of an item; compared with the names of the branches by equality
   * @return to which branches are added
   * @param <K> the type of the name of a branch
   */
  public <K> Choosing<I, T, K> choose(Function<? super T, ? extends K> chooser) {
    return new Choosing<>(this, requireNonNull(chooser, "chooser"));
  }

  /**
   * Sends each item into two branches at once, and joins what they make of it. Both get the same
   * object; what one changes in it the other may see or not. If one branch fails the item fails,
   * and leaves the other one wherever it waits. A listener of the call is told of the steps of
   * both, possibly at the same time.
   *
   * {@snippet class="io.headrace.SnippetsTest" region="parallel"}
   *
   * @param first adds the steps of one branch to the builder that it is given, and returns the last
   * @param second the same for the other branch
   * @param joiner makes one value of those of the branches, on the thread that brings the last of
   *     them, so it must not block; if it throws the item fails
   * @return the builder to go on with
   * @param <A> the type of an item after the first branch
   * @param <B> the type of an item after the second branch
   * @param <R> the type of a joined item
   */
  @SuppressWarnings("unchecked") // the branches leave an A and a B behind
  public <A extends @Nullable Object, B extends @Nullable Object, R extends @Nullable Object>
      FlowBuilder<I, R> parallel(
          Function<FlowBuilder<I, T>, FlowBuilder<I, A>> first,
          Function<FlowBuilder<I, T>, FlowBuilder<I, B>> second,
          BiFunction<? super A, ? super B, ? extends R> joiner) {
    requireNonNull(joiner, "joiner");
    return fork(
        List.of(requireNonNull(first, "first"), requireNonNull(second, "second")),
        values -> joiner.apply((A) values.get(0), (B) values.get(1)));
  }

  /**
   * Sends each item into several branches at once, and joins what they make of it, as {@link
   * #parallel(Function, Function, BiFunction)} does with two.
   *
   * @param branches each adds its steps to the builder that it is given, and returns the last; at
   *     least one
   * @param joiner makes one value of those of the branches, which are in their order
   * @return the builder to go on with
   * @param <A> the type of an item after each branch
   * @param <R> the type of a joined item
   * @throws IllegalArgumentException if there is no branch
   */
  @SuppressWarnings("unchecked") // each branch leaves an A behind
  public <A extends @Nullable Object, R extends @Nullable Object> FlowBuilder<I, R> parallel(
      List<Function<FlowBuilder<I, T>, FlowBuilder<I, A>>> branches,
      Function<? super List<A>, ? extends R> joiner) {
    if (requireNonNull(branches, "branches").isEmpty()) {
      throw new IllegalArgumentException("branches is empty, " + name + " needs at least one");
    }
    requireNonNull(joiner, "joiner");
    return fork(branches, values -> joiner.apply((List<A>) values));
  }

  private <R extends @Nullable Object> FlowBuilder<I, R> fork(
      List<? extends Function<FlowBuilder<I, T>, ? extends FlowBuilder<I, ?>>> branches,
      Function<List<Object>, ?> joiner) {
    List<Integer> starts = new ArrayList<>(branches.size());
    elements.add(new Node.Fork(starts));
    List<Node.Jump> ends = new ArrayList<>();
    boolean isAtEntry = this.isAtEntry;
    for (var branch : branches) {
      this.isAtEntry = isAtEntry;
      starts.add(elements.size());
      ends.add(branch(branch));
    }
    meet(ends);
    elements.add(new Node.Join(joiner));
    return next();
  }

  /** Adds the elements of a branch. Returns its end, which leads nowhere yet. */
  Node.Jump branch(Function<FlowBuilder<I, T>, ? extends FlowBuilder<I, ?>> branch) {
    Object last = branch.apply(this);
    if (last != this) {
      throw new IllegalArgumentException(
          "a branch of " + name + " returned " + last + ", it has to return its last builder");
    }
    Node.Jump end = new Node.Jump();
    elements.add(end);
    return end;
  }

  /** The ends of some branches lead to the element that follows. */
  void meet(List<Node.Jump> ends) {
    isAtEntry = false;
    ends.forEach(end -> end.target = elements.size());
  }

  private static boolean leadsNowhere(Element element) {
    return element instanceof Node.Jump end && end.target < 0;
  }

  int size() {
    return elements.size();
  }

  void add(Node node) {
    elements.add(node);
  }

  boolean isAtEntry() {
    return isAtEntry;
  }

  void setAtEntry(boolean isAtEntry) {
    this.isAtEntry = isAtEntry;
  }

  @SuppressWarnings("unchecked") // the public methods have checked that the types fit
  <R extends @Nullable Object> FlowBuilder<I, R> next() {
    return (FlowBuilder<I, R>) this;
  }

  /**
   * Items that go through the flow when its handlers have started, before it is RUNNING: what a
   * model or a JVM does at first only is done before the first caller comes. All are brought at
   * once, and their results are dropped; if one fails the start fails. Observers see their batches,
   * but no calls. Default: none.
   *
   * @param items the items; enough for each worker if each is to be warm
   * @return this
   */
  public FlowBuilder<I, T> warmUp(Collection<? extends I> items) {
    Checks.unset(warmUpItems, items, "warm-up");
    items.forEach(item -> requireNonNull(item, "item of the warm-up"));
    warmUpItems = List.copyOf(items);
    return this;
  }

  /**
   * Refuses on arrival, with {@link RejectedException}, what the flow is not going to answer in
   * time: within the timeout that the call names, or within this objective if it names none, also
   * if the flow has a {@link #timeout} that is longer. What each step can do is measured while it
   * is busy; until it has been so for some time nothing is refused. Lower priorities are refused
   * first. Under overload the callers that are let in have their answers in time, where otherwise
   * all would wait and few be in time.
   *
   * <p>The steps that every item goes through decide at the entry. A step in a branch of a choice,
   * or with a condition, decides when an item arrives there, by what is left of its time: what goes
   * other ways is not refused for its sake. It has no effect on steps that are inline or have
   * unlimited workers, as nothing waits for those, and is refused by {@link #build} for a flow that
   * has no others.
   *
   * <p>The objective should be at least three times what a full batch of the slowest step takes.
   * Below that a queue in the order of arrival answers much less in time than the step can do:
   * about half of it at one and a half times. With {@link BatchPolicy#adaptive(int, Duration)} the
   * policy decides then about calls with a timeout, and nearly all is in time.
   *
   * <p>Default: what comes is let in, and waits or fails as the first queue says.
   *
   * @param objective within what time an item is to be answered, above zero
   * @return this
   * @throws IllegalArgumentException if the objective is zero or negative
   */
  public FlowBuilder<I, T> answerWithin(Duration objective) {
    objectiveNanos = Checks.onceNanos(objectiveNanos, objective, "objective");
    return this;
  }

  /**
   * The timeout of calls that name none; a call that is to wait longer names a longer one. It
   * counts from the submission, and costs what a timeout of the call costs. Executions of a {@link
   * Coalescer} in front have it, too: they name none. Default: none.
   *
   * @param timeout how long a caller waits for the answer, above zero
   * @return this
   * @throws IllegalArgumentException if the timeout is zero or negative
   */
  public FlowBuilder<I, T> timeout(Duration timeout) {
    timeoutNanos = Checks.onceNanos(timeoutNanos, timeout, "timeout");
    return this;
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
   * @throws IllegalStateException if there is no step, a choice has no end, or this builder has
   *     built a flow before
   * @throws IllegalArgumentException if {@link #answerWithin} is set though all workers are inline
   *     or unlimited
   */
  public Flow<I, T> build() {
    if (elements.stream().noneMatch(Step.class::isInstance)) {
      throw new IllegalStateException(name + " has no steps, it needs at least one");
    }
    if (elements.stream().anyMatch(FlowBuilder::leadsNowhere)) {
      throw new IllegalStateException(
          name + " has a branch of a choice after which there is neither otherwise nor end");
    }
    Checks.requireUnbuilt(built, name);
    FlowPlan<I> plan =
        new FlowPlan<I>(
                name,
                List.copyOf(elements),
                priorities == null ? 1 : priorities,
                time == null ? TimeSource.system() : time,
                List.copyOf(observers),
                warmUpItems == null ? List.of() : warmUpItems,
                objectiveNanos == null ? 0 : objectiveNanos,
                timeoutNanos == null ? 0 : timeoutNanos)
            .checked();
    built = true;
    return new Flow<>(plan);
  }

  @SuppressWarnings("unchecked") // the public methods have checked that the types fit
  private <R extends @Nullable Object> FlowBuilder<I, R> add(
      String stepName,
      @Nullable Predicate<? super T> condition,
      HandlerSource handlers,
      Consumer<StepOptions<T>> setter) {
    Checks.name(stepName);
    for (Element element : elements) {
      if (element instanceof Step step && step.name().equals(stepName)) {
        throw new IllegalArgumentException(
            "name is " + stepName + ", " + name + " has such a step");
      }
    }
    StepOptions<T> options = new StepOptions<>();
    requireNonNull(setter, "options").accept(options);
    elements.add(
        options.toStep(
            name,
            stepName,
            (Predicate<Object>) condition,
            handlers,
            options.defaultCapacity(),
            isAtEntry ? OnFull.fail() : OnFull.await()));
    isAtEntry = false;
    return next();
  }
}
