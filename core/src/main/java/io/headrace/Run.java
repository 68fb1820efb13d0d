package io.headrace;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Inputs for which a task is to be executed under the limits of a {@link Throttle}. One of four
 * verbs starts it: {@link #runOnEach}, {@link #runAll}, {@link #map}, {@link #runAny}.
 *
 * {@snippet class="io.headrace.RunSnippetsTest" region="run"}
 *
 * <p><b>Tasks.</b> A task that blocks runs on a virtual thread; the threads of a run handle several
 * inputs one after the other. One made by {@link Task#async} returns a stage. Tasks start in the
 * order of the inputs, each with a permit of the throttle of its own, which it holds until it ends.
 * A task must not wait for another permit of a throttle all of whose permits such tasks may hold.
 *
 * <p><b>Inputs</b> are taken as they are needed, by one thread of the run at a time: one input
 * waits for a permit, and of a publisher up to 32 more are requested. An endless source works in
 * constant memory, but for what is kept for the end: the results of {@code runAll}, of course, and
 * every failure by {@code runAny} and by {@link #collect}, except for its {@code map}. A stream is
 * the caller's to close; one with a {@code flatMap} takes each inner stream as a whole, as the
 * iterators of the JDK do, so an endless one is to be given as an iterator.
 *
 * <p><b>Failures.</b> The first failure of a task, or that of the source, stops the run: running
 * tasks are interrupted, stages are cancelled, nothing more starts. Then it is thrown, an unchecked
 * one as it is, a checked one as the cause of a {@link CompletionException}, with those that
 * happened until then suppressed, unless they come from being interrupted. {@link #collect} goes on
 * instead. A task that blocks and returns a future, a stage or a publisher stops any run with
 * {@link IllegalArgumentException}: its permit would go back before its work is done ({@link
 * Task#async}).
 *
 * <p><b>Ends.</b> When a verb returns or throws, the threads of its run have ended; stages that
 * were cancelled are not waited for. A task that ignores its interruption delays that, with two
 * exceptions: {@code runAny} returns at the first success, and a task or a run whose time is over
 * is not waited for. Such a task keeps its permit until it ends, and is interrupted or cancelled at
 * about the time the verb returns: continuations of a stage that is cancelled then are not waited
 * for either.
 *
 * <p><b>Context.</b> Tasks have the context class loader of the thread that starts the run. Scoped
 * values and thread locals are carried over by {@link #propagate}, each of which has to be named
 * there: see {@link ContextPropagation#scopedValues}. Nothing is inherited without that. Java binds
 * scoped values in other threads only for forks of a structured task scope, all of which end before
 * the scope does; the tasks of a run need not, see above. Inheritable thread locals are not
 * inherited.
 *
 * <p><b>Thread safety.</b> Immutable: an option returns another run. Verbs can be called many times
 * where the source is an {@code Iterable} or a publisher that allows it, once for an iterator or a
 * stream.
 *
 * <p><b>Memory consistency.</b> What a thread did before it called a verb, and what the source did
 * to provide an input, happens-before the task; what the task did happens-before its result is
 * returned.
 *
 * @param <I> the type of an input
 */
public final class Run<I extends @Nullable Object> {
  private final Throttle throttle;
  private final RunSource source;
  private final RunOptions options;

  Run(Throttle throttle, RunSource source, RunOptions options) {
    this.throttle = throttle;
    this.source = source;
    this.options = options;
  }

  private Run<I> with(RunOptions changed) {
    return new Run<>(throttle, source, changed);
  }

  /**
   * Limits the time of each task, from its start. A task that exceeds it fails with {@link
   * DeadlineExceededException} at once; it is interrupted, or its stage cancelled. One that ends
   * too late fails with the same, whether or not it was interrupted in time.
   *
   * @param timeout the longest time, above zero
   * @return the run with this limit
   * @throws IllegalArgumentException if the timeout is zero or negative
   */
  public Run<I> taskTimeout(Duration timeout) {
    return with(options.withTaskTimeout(Checks.positiveNanos(timeout, "taskTimeout")));
  }

  /**
   * Limits the time of the whole, from the call of the verb to the end of the last task. When it is
   * over the run is stopped and fails with {@link DeadlineExceededException}. A source that takes
   * its time to be opened is not interrupted; if it takes too long, no task starts.
   *
   * @param timeout the longest time, above zero
   * @return the run with this limit
   * @throws IllegalArgumentException if the timeout is zero or negative
   */
  public Run<I> timeout(Duration timeout) {
    return with(options.withTimeout(Checks.positiveNanos(timeout, "timeout")));
  }

  /**
   * Limits how many tasks run or have a result that nobody has taken: no task starts while there
   * are that many. In {@code map} this is the bound of the buffer through which a slow consumer
   * slows the tasks; in the other verbs results are taken at once, and it bounds the running tasks.
   *
   * <p>The default is twice the throttle's limit of tasks at once when {@code map} is called, and
   * at least 16; in the other verbs that limit is enough. Without such a limit it is 10000.
   *
   * @param tasks the number of tasks, from 1 to 1048576
   * @return the run with this limit
   * @throws IllegalArgumentException if the number is out of range
   */
  public Run<I> runAhead(int tasks) {
    return with(
        options.withRunAhead(Checks.between(1, RunOptions.MAX_RUN_AHEAD, tasks, "runAhead")));
  }

  /**
   * Lets inputs count for several by the rate of the throttle, as {@link Throttle#around(Service,
   * ToIntFunction)} does with the items of a service. The task of an input whose cost is below 1 or
   * above the burst fails with {@link IllegalArgumentException}, and one whose cost the function
   * cannot tell with what it throws; neither is executed or takes a permit.
   *
   * <p>Without this option each input has the cost of the throttle, 1 or what {@link
   * Throttle#withCost} says.
   *
   * {@snippet class="io.headrace.RunSnippetsTest" region="cost"}
   *
   * @param cost says for how many an input counts; called by one thread of the run at a time, in
   *     the order of the inputs. It must not block: nothing starts meanwhile
   * @return the run with this cost, in place of an earlier one
   */
  @SuppressWarnings("unchecked") // the source gives the inputs of the function
  public Run<I> cost(ToIntFunction<? super I> cost) {
    return with(options.withCost((ToIntFunction<@Nullable Object>) requireNonNull(cost, "cost")));
  }

  /**
   * Tells a listener of the progress after each task that ended, until the run is stopped, and once
   * more if it turns out after the last one that there are no more inputs. It is called on the
   * thread on which the task ends: one of the run's, for a stage the one that completes it, for a
   * task whose time is over a virtual thread. One call comes after the other, so it must not block.
   * What it throws is logged once and touches nothing else.
   *
   * @param listener the listener
   * @return the run with this listener, in place of an earlier one
   */
  public Run<I> onProgress(Consumer<? super Progress> listener) {
    return with(options.withListener(requireNonNull(listener, "listener")));
  }

  /**
   * Carries a context from the thread that starts the run to each task. A task that is asynchronous
   * has it while its function is called.
   *
   * @param propagation what to carry, inside of what was added before
   * @return the run with this propagation, too
   */
  public Run<I> propagate(ContextPropagation propagation) {
    return with(options.withPropagation(requireNonNull(propagation, "propagation")));
  }

  /**
   * Goes on when tasks fail, and returns outcomes in place of results. A failure of the source
   * still ends the run, after the tasks that were started.
   *
   * @return the same run, that collects failures
   */
  public CollectingRun<I> collect() {
    return new CollectingRun<>(this);
  }

  /**
   * Executes the task for each input, and blocks until all have ended.
   *
   * @param task the task; its results are dropped
   * @throws InterruptedException if the calling thread is interrupted; the run is stopped
   * @throws DeadlineExceededException if the time of a task or of the run is over
   * @throws CompletionException if a task failed with a checked exception
   */
  public void runOnEach(Task<? super I, ?> task) throws InterruptedException {
    finish(startBlocking(task, new EachSink(false)));
  }

  /**
   * Executes the task for each input, and blocks until all results are there.
   *
   * @param task the task
   * @return the results in the order of the inputs, unmodifiable
   * @param <O> the type of a result
   * @throws InterruptedException if the calling thread is interrupted; the run is stopped
   * @throws DeadlineExceededException if the time of a task or of the run is over
   * @throws CompletionException if a task failed with a checked exception
   */
  @SuppressWarnings("unchecked") // the list holds what the task returned
  public <O extends @Nullable Object> List<O> runAll(Task<? super I, ? extends O> task)
      throws InterruptedException {
    return (List<O>) all(task, false);
  }

  /**
   * Executes the task for each input, and returns at once what gives the results as they become
   * available. To be closed.
   *
   * @param task the task
   * @return the results
   * @param <O> the type of a result
   */
  public <O extends @Nullable Object> Results<O> map(Task<? super I, ? extends O> task) {
    return map(task, false, false);
  }

  /**
   * As {@link #map}, with the index and the input beside each result. There are no failures among
   * these outcomes.
   *
   * @param task the task
   * @return the outcomes
   * @param <O> the type of a result
   */
  public <O extends @Nullable Object> Results<TaskOutcome<I, O>> mapIndexed(
      Task<? super I, ? extends O> task) {
    return map(task, false, true);
  }

  /**
   * Executes the task for each input until the first succeeds, returns its result at once, and
   * stops the others without waiting for them. Fails only when all fail, with the first failure,
   * the others suppressed.
   *
   * @param task the task
   * @return the first result
   * @param <O> the type of a result
   * @throws InterruptedException if the calling thread is interrupted; the run is stopped
   * @throws NoSuchElementException if there is no input
   * @throws DeadlineExceededException if the time of the run is over, or that of the first task to
   *     fail
   * @throws CompletionException if all tasks failed, the first of them with a checked exception
   */
  @SuppressWarnings({"unchecked", "NullAway"}) // the value is what the task returned
  public <O extends @Nullable Object> O runAny(Task<? super I, ? extends O> task)
      throws InterruptedException {
    AnySink sink = new AnySink();
    TaskRun run = startBlocking(task, sink);
    run.awaitEnd();
    if (!sink.hasValue()) {
      throw Failures.unchecked(sink.thrown(run.thrown()));
    }
    return (O) sink.value();
  }

  @SuppressWarnings("unchecked") // the outcomes hold the inputs
  List<TaskOutcome<I, ?>> failures(Task<? super I, ?> task) throws InterruptedException {
    EachSink sink = new EachSink(true);
    finish(startBlocking(task, sink));
    return (List<TaskOutcome<I, ?>>) (List<?>) sink.failures();
  }

  List<?> all(Task<? super I, ?> task, boolean goesOn) throws InterruptedException {
    AllSink sink = new AllSink(goesOn);
    finish(startBlocking(task, sink));
    return sink.results();
  }

  <R extends @Nullable Object> Results<R> map(
      Task<? super I, ?> task, boolean goesOn, boolean asOutcomes) {
    int atOnce = throttle.maxAtOnce();
    int runAhead = options.runAhead(atOnce);
    MapSink sink = new MapSink(goesOn, asOutcomes, runAhead);
    Semaphore window = new Semaphore(runAhead);
    int step = Math.clamp((long) runAhead - atOnce, 1, Math.max(1, runAhead / 4));
    return new Results<>(start(task, sink, window), sink.ring, window, step);
  }

  private TaskRun startBlocking(Task<? super I, ?> task, Sink sink) throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
    return start(task, sink, null);
  }

  @SuppressWarnings("unchecked") // the source gives the inputs of the task
  private TaskRun start(Task<? super I, ?> task, Sink sink, @Nullable Semaphore window) {
    requireNonNull(task, "task");
    long calledNanos = options.timeoutNanos() == 0 ? 0 : throttle.timeSource().nanoTime();
    ContextPropagation.Captured context = options.capture();
    Inputs inputs = source.open();
    TaskRun run =
        task instanceof AsyncTask<? super I, ?> async
            ? new StagedRun(
                throttle,
                inputs,
                (AsyncTask<@Nullable Object, @Nullable Object>) async,
                sink,
                options,
                context,
                window)
            : new ThreadedRun(
                throttle,
                inputs,
                (Task<@Nullable Object, @Nullable Object>) task,
                sink,
                options,
                context,
                window);
    run.start(calledNanos);
    return run;
  }

  private static void finish(TaskRun run) throws InterruptedException {
    run.awaitEnd();
    Throwable thrown = run.thrown();
    if (thrown != null) {
      throw Failures.unchecked(thrown);
    }
  }
}
