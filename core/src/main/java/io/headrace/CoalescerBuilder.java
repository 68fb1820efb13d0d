package io.headrace;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadFactory;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Describes a {@link Coalescer}, or a proxy that coalesces. Each option can be set once; a second
 * setting is an {@link IllegalStateException}. Not thread safe.
 *
 * @param <A> the type of an argument
 * @param <V> the type of a result
 */
public final class CoalescerBuilder<A, V extends @Nullable Object> {
  /** What is coalesced. */
  enum Kind {
    BLOCKING,
    ASYNC,
    SERVICE,
    NONE
  }

  private final Kind kind;
  private final CoalescedWork.@Nullable Body body;

  private @Nullable String name;
  private @Nullable Executor executor;
  private @Nullable UnaryOperator<V> copier;
  private boolean built;
  @Nullable Function<? super A, ?> keyedBy;
  @Nullable Long keepNanos;
  @Nullable Long timeoutNanos;
  @Nullable Integer maxKeys;
  @Nullable WhenAbandoned whenAbandoned;
  @Nullable CoalescerHooks hooks;
  @Nullable TimeSource time;
  final boolean passesOptions;

  CoalescerBuilder(Kind kind, CoalescedWork.@Nullable Body body) {
    this.kind = kind;
    this.body = body;
    passesOptions = kind == Kind.SERVICE;
  }

  /**
   * What the coalescer is called in threads, hooks and messages. Default: {@code coalescer}, and
   * for a proxy the name of its interface.
   *
   * @param name the name
   * @return this
   */
  public CoalescerBuilder<A, V> name(String name) {
    Checks.unset(this.name, name, "name");
    this.name = Checks.name(name);
    return this;
  }

  /**
   * What makes calls identical: an equal result of this function. It runs on the thread of every
   * caller. Default: the argument is the key.
   *
   * @param key the key function, which returns no null
   * @return this
   * @throws IllegalArgumentException if the coalescer has no function of its own
   */
  public CoalescerBuilder<A, V> keyedBy(Function<? super A, ?> key) {
    Checks.unset(keyedBy, key, "key function");
    if (kind == Kind.NONE) {
      throw new IllegalArgumentException(
          "key function is " + key + ", calls that bring their function bring their key");
    }
    keyedBy = key;
    return this;
  }

  /**
   * Where blocking functions run. Default: a new virtual thread for each execution. An execution
   * that it rejects fails with {@link RejectedException}; one that it drops leaves its callers
   * waiting. If the function throws {@link InterruptedException} the thread is interrupted
   * afterwards, except if the execution was abandoned.
   *
   * @param executor the executor
   * @return this
   * @throws IllegalArgumentException if the function is asynchronous: it needs none
   */
  public CoalescerBuilder<A, V> executor(Executor executor) {
    Checks.unset(this.executor, executor, "executor");
    if (kind == Kind.ASYNC || kind == Kind.SERVICE) {
      throw new IllegalArgumentException(
          "executor is " + executor + ", an asynchronous function runs on the calling thread");
    }
    this.executor = executor;
    return this;
  }

  /**
   * For how long results, not failures, are given to further calls after the end of the execution.
   * The key is kept with its result, the argument is not. Default: not at all.
   *
   * @param time how long, above zero
   * @return this
   * @throws IllegalArgumentException if the time is zero or negative
   */
  public CoalescerBuilder<A, V> keep(Duration time) {
    keepNanos = Checks.onceNanos(keepNanos, time, "keep");
    return this;
  }

  /**
   * The most keys there are, in flight and kept. A call for one more removes the kept result that
   * is oldest; if none is kept it fails with {@link QueueFullException}. Default: no limit.
   *
   * @param maxKeys the most keys, at least 1
   * @return this
   * @throws IllegalArgumentException if the number is below 1
   */
  public CoalescerBuilder<A, V> maxKeys(int maxKeys) {
    Checks.unset(this.maxKeys, maxKeys, "maxKeys");
    this.maxKeys = Checks.atLeast(1, maxKeys, "maxKeys");
    return this;
  }

  /**
   * What happens to an execution when its last caller has cancelled the future, or its timeout is
   * over. Default: {@link WhenAbandoned#RUN_ON}.
   *
   * @param whenAbandoned what happens
   * @return this
   */
  public CoalescerBuilder<A, V> whenAbandoned(WhenAbandoned whenAbandoned) {
    Checks.unset(this.whenAbandoned, whenAbandoned, "whenAbandoned");
    this.whenAbandoned = whenAbandoned;
    return this;
  }

  /**
   * The timeout of calls that name none, those of a proxy and those that bring their function
   * included; a call that is to wait longer names a longer one. It counts from the call, which then
   * fails with {@link DeadlineExceededException}; the execution goes on for the others, or as
   * {@link #whenAbandoned} says. So a call that waits for its own execution where that cannot be
   * seen, as {@link Coalescer} says, ends. Default: none.
   *
   * @param timeout how long a caller waits for the result, above zero
   * @return this
   * @throws IllegalArgumentException if the timeout is zero or negative
   */
  public CoalescerBuilder<A, V> timeout(Duration timeout) {
    timeoutNanos = Checks.onceNanos(timeoutNanos, timeout, "timeout");
    return this;
  }

  /**
   * Gives each caller a copy of its own. It runs on the thread that ends the execution, once for
   * each call that still waits, or, for a kept result, on the thread of the caller; not for null.
   * What it throws fails that call only. Default: all callers receive the same object.
   *
   * @param copier makes a copy
   * @return this
   */
  public CoalescerBuilder<A, V> copier(UnaryOperator<V> copier) {
    Checks.unset(this.copier, copier, "copier");
    this.copier = copier;
    return this;
  }

  /**
   * Adds hooks, which are told what happens in the coalescer, after those added before.
   *
   * @param hooks the hooks
   * @return this
   */
  public CoalescerBuilder<A, V> hooks(CoalescerHooks hooks) {
    requireNonNull(hooks, "hooks");
    this.hooks = this.hooks == null ? hooks : this.hooks.and(hooks);
    return this;
  }

  /**
   * The clock of timeouts, kept results and hooks. Default: {@link TimeSource#system()}.
   *
   * @param time the clock
   * @return this
   */
  public CoalescerBuilder<A, V> timeSource(TimeSource time) {
    Checks.unset(this.time, time, "time source");
    this.time = time;
    return this;
  }

  /**
   * Builds the coalescer. A builder builds once.
   *
   * @return the coalescer
   * @throws IllegalStateException if this builder has built before
   */
  public Coalescer<A, V> build() {
    KeyedExecutions executions = executions("coalescer");
    return new Coalescer<>(
        this,
        executions,
        body == null ? null : new CoalescedWork(executions.name, kind != Kind.BLOCKING, body));
  }

  /**
   * Wraps an object, with the options of this builder, so that equal calls in flight of its methods
   * marked {@link Coalesced}, in the interface or in the class of the object, share one execution.
   *
   * {@snippet class="io.headrace.CoalescerSnippetsTest" region="proxy"}
   *
   * <p>Calls are equal if they are calls of one method with equal arguments; arrays are compared by
   * what is in them, at every depth, and must not change during the call. Each proxy coalesces for
   * itself, so calls of different objects never join. A method that returns a {@link
   * CompletableFuture} or {@link CompletionStage}, in the interface or, where that says less, in
   * the class of the object, is asynchronous; any other blocks its callers until the execution
   * ends. Methods of equal name and parameter types that several interfaces declare are one.
   *
   * <p>All other methods are called on the target by the calling thread; default methods, too, run
   * on the target. {@code equals} and {@code hashCode} of the proxy are those of its identity.
   *
   * <p>A failure of the target reaches each caller of a blocking method as an exception of its own,
   * with its own stack trace, of the same class and with the same message. The failure that all
   * share is its cause; or, if that has a cause itself, both have that one, and the failure is
   * among those suppressed. Where such an exception cannot be made all callers are thrown the
   * failure itself: if its class, or one above it, has fields, whose values would be lost, or if it
   * is not public or has no public constructor of a message and a cause, of a message, or of
   * nothing. A checked exception that the method does not declare, which compilers forbid and some
   * languages throw, is the cause of a {@link CompletionException}. The futures of an asynchronous
   * method fail as those of {@link Coalescer#submit}. A caller that is interrupted while it waits
   * gives up: with {@link InterruptedException} if the method declares it, and otherwise with
   * {@link java.util.concurrent.CancellationException}, and the thread is interrupted again. A call
   * can fail with the {@link HeadraceException}s that {@link Coalescer#submit} names.
   *
   * @param type an interface that the object implements; accessible to this module, or in a package
   *     that is exported or open to it
   * @param target the object
   * @return an object that passes all calls on to the target
   * @param <T> the interface
   * @throws IllegalArgumentException if the type is no interface, is not accessible, or has no
   *     method marked; or if a method marked returns a {@code Future} or a stage of another type
   * @throws IllegalStateException if this builder has a function, or has built before
   */
  public <T> T proxy(Class<T> type, T target) {
    requireNonNull(type, "type");
    requireNonNull(target, "target");
    if (kind != Kind.NONE) {
      throw new IllegalStateException(
          "this builder has a function, a proxy of " + type.getName() + " has its methods");
    }
    CoalescingProxy.check(type, target);
    return CoalescingProxy.of(type, target, executions(type.getSimpleName()));
  }

  private KeyedExecutions executions(String defaultName) {
    String name = this.name == null ? defaultName : this.name;
    Checks.requireUnbuilt(built, name);
    built = true;
    return new KeyedExecutions(this, name, executor == null ? threads(name) : executor);
  }

  private static Executor threads(String name) {
    ThreadFactory factory = Thread.ofVirtual().name(name).factory();
    return task -> factory.newThread(task).start();
  }

  @SuppressWarnings("unchecked") // it gets results of the function, which are of type V
  @Nullable UnaryOperator<Object> anyCopier() {
    return (UnaryOperator<Object>) copier;
  }
}
