package io.headrace.spring;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Collects the calls of a method of a bean into calls of another method of it, which takes a list
 * of arguments and returns a list of results in their order.
 *
 * {@snippet class="io.headrace.spring.SnippetsTest" region="batched"}
 *
 * <p>The method has one parameter. It returns a result, a {@code CompletableFuture} or a {@code
 * Mono} of one; so does the list method, not necessarily the same of the three. Its body is not
 * executed when it is called through Spring. Its options are the properties {@code
 * headrace.batchers.NAME.*}.
 *
 * <p>A failure of the list method is that of all calls of the batch; {@link io.headrace.Outcomes}
 * tells of single ones. A caller that is interrupted while it waits gets {@link
 * InterruptedException} if the method declares it, and otherwise {@link
 * java.util.concurrent.CancellationException}, with the thread interrupted again.
 *
 * <p>All other advice of the method, such as for permissions or caches, comes before, for each
 * caller and on its thread; transactions alone do not, so that callers wait without one. The list
 * method is called on the bean, on a thread of the batcher, with its own advice: it may have a
 * transaction, but knows no user.
 *
 * <p>As all annotations of Spring it works for calls that come from outside the bean, which is a
 * singleton, of methods that are neither private nor static nor final.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Batched {
  /**
   * The list method.
   *
   * @return the name of a method of the same class that is neither private nor final, and in an
   *     interface where the proxy of the bean has these alone
   */
  String value();

  /**
   * What the batcher is called in properties, meters and threads. Default: the name of the bean,
   * {@code -}, and that of the method.
   *
   * @return the name; empty for the default
   */
  String name() default "";

  /**
   * How long a caller waits for its result, such as {@code 500ms}; then the call fails with {@link
   * io.headrace.DeadlineExceededException}. Default: without a limit.
   *
   * @return the time; empty for none
   */
  String timeout() default "";
}
