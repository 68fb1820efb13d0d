package io.headrace.process;

import static java.util.Objects.requireNonNull;

import io.headrace.Handler;
import java.io.Serializable;
import java.util.function.Supplier;

/**
 * Makes the handler of a worker process, in that process: a lambda, or a class and the arguments of
 * its constructor. What a lambda captures and the arguments travel there, and are checked when the
 * step is described; the handler itself never travels.
 *
 * {@snippet class="io.headrace.process.SnippetsTest" region="factory"}
 *
 * <p>What is {@link Serializable} travels by Java serialisation; {@link io.headrace.Tensor}s,
 * {@link java.lang.foreign.MemorySegment}s, {@link java.nio.ByteBuffer}s and what is {@link
 * WorkerProcessesBuilder#register registered} travel as items do, but always as copies.
 *
 * @param <H> the type of the handler
 */
@FunctionalInterface
public interface HandlerFactory<H extends Handler<?, ?>> extends Supplier<H>, Serializable {
  /**
   * Makes a lambda a factory that can travel.
   *
   * @param factory makes a handler; captures only what can travel
   * @return the same
   * @param <H> the type of the handler
   */
  static <H extends Handler<?, ?>> HandlerFactory<H> of(HandlerFactory<H> factory) {
    return requireNonNull(factory, "factory");
  }

  /**
   * Makes handlers of a class.
   *
   * {@snippet class="io.headrace.process.SnippetsTest" region="classFactory"}
   *
   * @param type the class, with a public constructor for the arguments; on the module path in a
   *     package that is exported or opened to {@code io.headrace.process}
   * @param arguments what the constructor is given, each of a class that can travel, or null
   * @return a factory that calls the constructor
   * @param <H> the type of the handler
   * @throws IllegalArgumentException if the class cannot be instantiated with the arguments; the
   *     message says why
   */
  static <H extends Handler<?, ?>> HandlerFactory<H> of(Class<H> type, Object... arguments) {
    return new ClassFactory<>(type, arguments);
  }
}
