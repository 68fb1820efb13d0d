package io.headrace.process;

import java.io.Serializable;
import java.util.Map;

/**
 * Carries what belongs to a thread into another process: the current span of a tracer, the
 * diagnostic context of a logger. {@link WorkerProcessesBuilder#propagate} carries it from the
 * thread that hands over a batch to the handler that executes it, {@link
 * FlowClientBuilder#propagate} from the thread that submits a call to that on which {@link
 * FlowServerBuilder#propagate} submits it.
 *
 * {@snippet class="io.headrace.process.SnippetsTest" region="contextCarrier"}
 *
 * <p>It travels to worker processes by Java serialisation, as a {@link HandlerFactory} does. Thread
 * safe.
 */
public interface ContextCarrier extends Serializable {
  /**
   * Takes what is to be carried, on the thread that has it. What it throws fails the batch or call.
   *
   * @return names and values; none for nothing, and {@link #restore} is not called then
   */
  Map<String, String> capture();

  /**
   * Makes it that of the calling thread, which is about to execute the batch or to submit the call.
   * What it throws fails the batch or call.
   *
   * @param context what was captured
   * @return puts the thread back to what it was; is closed on the same thread
   */
  Scope restore(Map<String, String> context);

  /** As long as the context is that of the thread. */
  @FunctionalInterface
  interface Scope extends AutoCloseable {
    /** Puts the thread back to what it was. */
    @Override
    void close();
  }
}
