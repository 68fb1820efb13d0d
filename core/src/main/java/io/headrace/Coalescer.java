package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Lets identical calls in flight share one execution: while a function runs for a key, calls with
 * an equal key wait for its outcome instead of executing it again.
 *
 * {@snippet class="io.headrace.CoalescerSnippetsTest" region="coalescer"}
 *
 * <p>The key of a call is its argument, or what {@link CoalescerBuilder#keyedBy} makes of it. Keys
 * are compared by {@code equals}, never by their hash alone, within one coalescer; they must not
 * change while they are in flight. The argument of the call that begins the execution is the one
 * the function gets. It begins at once. Nothing is cached: when it ends, well or not, the next call
 * executes again, unless {@link CoalescerBuilder#keep} says otherwise.
 *
 * <p><b>Threads.</b> A blocking function runs on a virtual thread of its own, or on the executor
 * given; an asynchronous one is called on the thread of the caller that begins, and must not block.
 * A new virtual thread inherits the inheritable thread locals and the context class loader of the
 * caller that begins, and no scoped values: the execution is for others, too, and may outlive the
 * binding. The continuations of all futures run on the thread that ends the execution, one after
 * the other, in the order of the calls, so they must not block for long.
 *
 * <p><b>Giving up.</b> Each call has a future of its own. Cancelling or completing it, or its
 * timeout, touches neither the execution nor the others. When nobody waits anymore the execution
 * runs on, or is cancelled: see {@link CoalescerBuilder#whenAbandoned}.
 *
 * <p><b>Results.</b> All callers receive the same object; see {@link CoalescerBuilder#copier} for
 * results that callers change.
 *
 * <p><b>Failures.</b> Whatever the function throws, of any type, reaches every caller and is not
 * kept. It is what the future of each call fails with; {@code get} and {@code join} throw an
 * exception of the JDK's whose cause is that failure. {@link #call} throws one made for this
 * caller, with the caller's own stack trace: of the same class and with the same message as an
 * unchecked failure, as {@link CoalescerBuilder#proxy} says, and otherwise a {@link
 * CompletionException} whose cause is the failure. A {@link HeadraceException} of a service
 * underneath comes as it is. Of a {@link CompletionException} that the function throws, {@code
 * join} throws one made for the call by the thread that ended the execution.
 *
 * <p><b>Calls from inside.</b> A call from inside its own execution for the same key would wait for
 * itself: it fails at once with {@link RejectedException}. So does one that comes from inside an
 * execution that was begun, even without waiting for it, inside the first; and one by {@code call}
 * that would close a circle of executions that wait for each other by {@code call}, on whichever of
 * their threads. This is known of blocking functions through a {@link ScopedValue}, on their thread
 * and on those that inherit it in a structured task scope, across all coalescers. Of asynchronous
 * functions it is known only until they have returned their stage. What they call later, in a
 * continuation, or what any function calls from threads that it starts otherwise, cannot be told
 * from a call that comes from outside: it waits for itself until its timeout is over, and for ever
 * if there is none, as all calls of that key do then. A coalescer that such code may come back to
 * needs a {@link CoalescerBuilder#timeout}.
 *
 * <p><b>Thread safety.</b> Any thread may call any method. {@code submit} does not block, unless
 * the executor runs tasks on the calling thread. A coalescer owns no threads and needs no close.
 * There is one priority.
 *
 * <p><b>Memory consistency.</b> What the thread that begins did before the call happens-before the
 * function runs; what the function did before it returned happens-before each future completes.
 *
 * @param <A> the type of an argument
 * @param <V> the type of a result
 */
public final class Coalescer<A, V extends @Nullable Object> implements Service<A, V> {
  /**
   * What is executed for a key.
   *
   * @param <A> the type of the argument
   * @param <R> the type of what it returns
   */
  @FunctionalInterface
  public interface Work<A, R extends @Nullable Object> {
    /**
     * Executes.
     *
     * @param argument the argument of the call that began the execution
     * @return the result, or a stage of it
     * @throws Exception to fail every call that waits
     */
    R execute(A argument) throws Exception;
  }

  private final KeyedExecutions executions;
  private final @Nullable Function<? super A, ?> keyedBy;
  private final @Nullable CoalescedWork work;
  private final CoalescedWork adHoc;
  private final CoalescedWork adHocAsync;
  private final boolean passesOptions;

  Coalescer(
      CoalescerBuilder<A, V> options, KeyedExecutions executions, @Nullable CoalescedWork work) {
    this.executions = executions;
    this.work = work;
    keyedBy = options.keyedBy;
    passesOptions = options.passesOptions;
    adHoc = CoalescedWork.ofCallable(executions.name, false);
    adHocAsync = CoalescedWork.ofCallable(executions.name, true);
  }

  /**
   * A coalescer around a blocking function, with defaults for all else.
   *
   * @param work the function
   * @return the coalescer
   * @param <A> the type of an argument
   * @param <V> the type of a result
   */
  public static <A, V extends @Nullable Object> Coalescer<A, V> of(
      Work<? super A, ? extends V> work) {
    return Coalescer.<A, V>builder(work).build();
  }

  /**
   * A coalescer around a function that returns a stage of its result, with defaults for all else.
   *
   * @param work the function
   * @return the coalescer
   * @param <A> the type of an argument
   * @param <V> the type of a result
   */
  public static <A, V extends @Nullable Object> Coalescer<A, V> ofAsync(
      Work<? super A, ? extends CompletionStage<? extends V>> work) {
    return Coalescer.<A, V>asyncBuilder(work).build();
  }

  /**
   * A coalescer in front of another service, with defaults for all else. The service gets the
   * priority and the listener of the call that begins; timeouts end calls, not executions.
   *
   * @param service the service
   * @return the coalescer
   * @param <A> the type of an argument
   * @param <V> the type of a result
   */
  public static <A, V extends @Nullable Object> Coalescer<A, V> around(Service<A, V> service) {
    return aroundBuilder(service).build();
  }

  /**
   * Wraps an object so that equal calls in flight of its methods marked {@link Coalesced} share one
   * execution; see {@link CoalescerBuilder#proxy}.
   *
   * @param type an interface that the object implements
   * @param target the object
   * @return an object that passes all calls on to the target
   * @param <T> the interface
   * @throws IllegalArgumentException if the type is no interface or has no method marked
   */
  public static <T> T proxy(Class<T> type, T target) {
    return builder().proxy(type, target);
  }

  /**
   * A builder of a coalescer around a blocking function.
   *
   * @param work the function
   * @return a builder
   * @param <A> the type of an argument
   * @param <V> the type of a result
   */
  public static <A, V extends @Nullable Object> CoalescerBuilder<A, V> builder(
      Work<? super A, ? extends V> work) {
    requireNonNull(work, "work");
    return new CoalescerBuilder<>(CoalescerBuilder.Kind.BLOCKING, body(work));
  }

  /**
   * A builder of a coalescer around a function that returns a stage of its result.
   *
   * @param work the function
   * @return a builder
   * @param <A> the type of an argument
   * @param <V> the type of a result
   */
  public static <A, V extends @Nullable Object> CoalescerBuilder<A, V> asyncBuilder(
      Work<? super A, ? extends CompletionStage<? extends V>> work) {
    requireNonNull(work, "work");
    return new CoalescerBuilder<>(CoalescerBuilder.Kind.ASYNC, body(work));
  }

  /**
   * A builder of a coalescer in front of another service; see {@link #around}.
   *
   * @param service the service
   * @return a builder
   * @param <A> the type of an argument
   * @param <V> the type of a result
   */
  @SuppressWarnings({"unchecked", "FutureReturnValueIgnored"}) // the body returns a stage
  public static <A, V extends @Nullable Object> CoalescerBuilder<A, V> aroundBuilder(
      Service<A, V> service) {
    requireNonNull(service, "service");
    return new CoalescerBuilder<>(
        CoalescerBuilder.Kind.SERVICE,
        (argument, options) -> service.submit((A) argument, options.withoutTimeout()));
  }

  /**
   * A builder of a coalescer without a function of its own: for calls that bring theirs, and for
   * proxies.
   *
   * @return a builder
   * @param <A> the type of a key
   * @param <V> the type of a result
   */
  public static <A, V extends @Nullable Object> CoalescerBuilder<A, V> builder() {
    return new CoalescerBuilder<>(CoalescerBuilder.Kind.NONE, null);
  }

  @SuppressWarnings("unchecked") // the argument is one that submit was given
  private static <A> CoalescedWork.Body body(Work<? super A, ?> work) {
    return (argument, options) -> work.execute((A) argument);
  }

  /**
   * The name of the coalescer.
   *
   * @return the name given to the builder
   */
  public String name() {
    return executions.name;
  }

  /**
   * How many keys there are, in flight and kept.
   *
   * @return the number of keys at this moment
   */
  public int keys() {
    return executions.size();
  }

  /**
   * How many keys have a result that is kept.
   *
   * @return the number of keys at this moment
   */
  public int kept() {
    return executions.kept();
  }

  /**
   * Forgets the key of an argument, because what was read for it has changed: a result that is kept
   * is dropped, and the next call begins an execution. One in flight runs on for those who wait for
   * it; its result is not kept, and it is no key anymore, so it does not count towards {@link
   * CoalescerBuilder#maxKeys}. Does nothing if there is no such key. Does not block. What the key
   * function or the key throws is thrown. The keys of a proxy cannot be forgotten.
   *
   * @param argument the argument, or the key of calls that bring their function
   */
  public void forget(A argument) {
    requireNonNull(argument, "argument");
    executions.forget(keyOf(argument));
  }

  /** Forgets all keys, as {@link #forget} does one. A key that comes meanwhile may stay. */
  public void forgetAll() {
    executions.forgetAll();
  }

  /**
   * Joins the execution in flight for the key of the argument, or begins one. Fails with {@link
   * QueueFullException} if there are too many keys, and with {@link RejectedException} if the call
   * comes from inside that execution. A key function, or a key, that throws fails this call only.
   *
   * @throws IllegalArgumentException if the priority is above 0 and there is no service underneath
   * @throws IllegalStateException if this coalescer has no function of its own
   */
  @Override
  @SuppressWarnings("unchecked") // the results are those of the function
  public CompletableFuture<V> submit(A item, CallOptions options) {
    CoalescedWork own = checked(item, options);
    Object key;
    try {
      key = keyOf(item);
    } catch (Throwable failure) {
      return CompletableFuture.failedFuture(failure);
    }
    return (CompletableFuture<V>) executions.submit(key, own, item, options);
  }

  /**
   * Joins the execution in flight for the key of the argument, or begins one, and blocks until its
   * outcome is there.
   *
   * @throws InterruptedException if the calling thread is interrupted; the call is given up
   * @throws HeadraceException if there is no answer; the subclass says why
   * @throws CancellationException if the execution was cancelled, with the cause
   * @throws CompletionException if the function failed with a checked exception, which is the
   *     cause; an unchecked one is thrown as one of this caller's own, with the stack trace of this
   *     call and the failure that all callers share as its cause
   */
  @Override
  @SuppressWarnings({"unchecked", "NullAway"}) // the results are those of the function
  public V call(A item, CallOptions options) throws InterruptedException {
    CoalescedWork own = checked(item, options);
    Object key;
    try {
      key = keyOf(item);
    } catch (Throwable failure) { // is this caller's alone
      throw Failures.unchecked(failure);
    }
    return (V) executions.await(executions.submit(key, own, item, options));
  }

  private CoalescedWork checked(A item, CallOptions options) {
    requireNonNull(item, "item");
    requireNonNull(options, "options");
    if (work == null) {
      throw new IllegalStateException(name() + " has no function, a call has to bring one");
    }
    if (options.priority != 0 && !passesOptions) {
      throw tooHigh(options.priority);
    }
    return work;
  }

  private Object keyOf(A item) {
    return keyedBy == null
        ? item
        : requireNonNull(keyedBy.apply(item), "the key function returned null");
  }

  /**
   * Joins the execution in flight for a key, or begins one of a blocking function. The key is
   * compared with those of all other calls of this coalescer.
   *
   * @param key the key
   * @param function what is executed if nothing is in flight for the key, and not called otherwise
   * @return a future that completes with the result, or with the reason why there is none
   */
  public CompletableFuture<V> submit(Object key, Callable<? extends V> function) {
    return submit(key, function, CallOptions.DEFAULT);
  }

  /**
   * The same, with options.
   *
   * @param key the key
   * @param function what is executed if nothing is in flight for the key, and not called otherwise
   * @param options how long this call waits at most; its priority has to be 0
   * @return a future that completes with the result, or with the reason why there is none
   * @throws IllegalArgumentException if the priority is above 0
   */
  @SuppressWarnings("unchecked") // a key stands for results of one type
  public CompletableFuture<V> submit(
      Object key, Callable<? extends V> function, CallOptions options) {
    return (CompletableFuture<V>) submit(key, adHoc, function, options);
  }

  /**
   * Joins the execution in flight for a key, or begins one of an asynchronous function. The key is
   * compared with those of all other calls of this coalescer.
   *
   * @param key the key
   * @param function what is executed if nothing is in flight for the key, and not called otherwise
   * @return a future that completes with the result, or with the reason why there is none
   */
  public CompletableFuture<V> submitAsync(
      Object key, Callable<? extends CompletionStage<? extends V>> function) {
    return submitAsync(key, function, CallOptions.DEFAULT);
  }

  /**
   * The same, with options.
   *
   * @param key the key
   * @param function what is executed if nothing is in flight for the key, and not called otherwise
   * @param options how long this call waits at most; its priority has to be 0
   * @return a future that completes with the result, or with the reason why there is none
   * @throws IllegalArgumentException if the priority is above 0
   */
  @SuppressWarnings("unchecked") // a key stands for results of one type
  public CompletableFuture<V> submitAsync(
      Object key, Callable<? extends CompletionStage<? extends V>> function, CallOptions options) {
    return (CompletableFuture<V>) submit(key, adHocAsync, function, options);
  }

  /**
   * Joins the execution in flight for a key, or begins one of a blocking function, and blocks until
   * its outcome is there; throws as {@link #call(Object, CallOptions)} does.
   *
   * @param key the key
   * @param function what is executed if nothing is in flight for the key, and not called otherwise
   * @return the result
   * @throws InterruptedException if the calling thread is interrupted; the call is given up
   */
  public V call(Object key, Callable<? extends V> function) throws InterruptedException {
    return call(key, function, CallOptions.DEFAULT);
  }

  /**
   * The same, with options.
   *
   * @param key the key
   * @param function what is executed if nothing is in flight for the key, and not called otherwise
   * @param options how long this call waits at most; its priority has to be 0
   * @return the result
   * @throws InterruptedException if the calling thread is interrupted; the call is given up
   * @throws IllegalArgumentException if the priority is above 0
   */
  @SuppressWarnings({"unchecked", "NullAway"}) // a key stands for results of one type
  public V call(Object key, Callable<? extends V> function, CallOptions options)
      throws InterruptedException {
    return (V) executions.await(submit(key, adHoc, function, options));
  }

  private CoalescedCall submit(
      Object key, CoalescedWork how, Callable<?> function, CallOptions options) {
    requireNonNull(key, "key");
    requireNonNull(function, "function");
    requireNonNull(options, "options");
    if (options.priority != 0) {
      throw tooHigh(options.priority);
    }
    return executions.submit(key, how, function, options);
  }

  private IllegalArgumentException tooHigh(int priority) {
    return new IllegalArgumentException("priority is " + priority + ", " + name() + " has only 0");
  }

  @Override
  public String toString() {
    return name() + " with " + keys() + " keys";
  }
}
