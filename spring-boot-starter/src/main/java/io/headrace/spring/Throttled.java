package io.headrace.spring;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Lets calls of a method of a bean wait for a permit of a throttle, which they hold until they end.
 *
 * {@snippet class="io.headrace.spring.SnippetsTest" region="throttled"}
 *
 * <p>Methods that name the same throttle share it. For a method that returns a {@code
 * CompletableFuture} or a {@code Mono} no thread waits, and the permit is held until that is
 * complete. For what else holds see {@link Batched} and {@link Coalesced}.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Throttled {
  /**
   * The throttle: a bean of this name, or else the one that the properties {@code
   * headrace.throttles.NAME.*} describe. If code builds a throttle of these properties, too, the
   * start fails: name its bean.
   *
   * @return the name
   */
  String value();

  /**
   * How long a call waits for a permit, such as {@code 500ms}; then it fails with {@link
   * io.headrace.DeadlineExceededException}, which names the throttle and the method. What the
   * method itself takes does not count. Default: without a limit.
   *
   * @return the time; empty for none
   */
  String timeout() default "";
}
