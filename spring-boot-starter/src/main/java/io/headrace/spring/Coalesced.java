package io.headrace.spring;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Lets equal calls in flight of a method of a bean share one execution.
 *
 * {@snippet class="io.headrace.spring.SnippetsTest" region="coalesced"}
 *
 * <p>The method returns a result, a {@code CompletableFuture} or a {@code Mono} of one. One that
 * returns a result is executed on a virtual thread of its own: what belongs to the calling thread,
 * such as a transaction, is not there. All callers receive the same result or failure. The options
 * are the properties {@code headrace.coalescers.NAME.*}.
 *
 * <p>{@link io.headrace.Coalesced} has the same effect on a bean as this annotation with its
 * defaults. With {@link Throttled} or {@link Batched} on the same method, calls are coalesced
 * first, then wait for a permit, and then for a batch. For what else holds see {@link Batched}.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Coalesced {
  /**
   * What makes calls equal: an expression of Spring, such as {@code #user.id}. It knows parameters
   * by name, if classes were compiled with {@code -parameters}, or by number, {@code #p0}, and the
   * bean as its root. Default: all arguments, arrays by what is in them.
   *
   * @return the expression; empty for the default
   */
  String key() default "";

  /**
   * What the coalescer is called in properties, meters and threads. Default: the name of the bean,
   * {@code -}, and that of the method.
   *
   * @return the name; empty for the default
   */
  String name() default "";

  /**
   * How long a caller waits for the result, such as {@code 500ms}; then its call fails with {@link
   * io.headrace.DeadlineExceededException}, and the execution goes on. Default: without a limit.
   *
   * @return the time; empty for none
   */
  String timeout() default "";
}
