package io.headrace.process;

import static java.util.Objects.requireNonNull;

import io.headrace.Handler;
import java.io.Serializable;
import java.util.function.Supplier;

/**
 * Makes the handler of a worker process, in that process. What a lambda captures travels to it by
 * Java serialisation and is checked when the step is described; the handler itself never travels.
 *
 * {@snippet class="io.headrace.process.SnippetsTest" region="factory"}
 *
 * @param <H> the type of the handler
 */
@FunctionalInterface
public interface HandlerFactory<H extends Handler<?, ?>> extends Supplier<H>, Serializable {
  /**
   * Makes a lambda a factory that can travel.
   *
   * @param factory makes a handler; captures only what is serialisable
   * @return the same
   * @param <H> the type of the handler
   */
  static <H extends Handler<?, ?>> HandlerFactory<H> of(HandlerFactory<H> factory) {
    return requireNonNull(factory, "factory");
  }
}
