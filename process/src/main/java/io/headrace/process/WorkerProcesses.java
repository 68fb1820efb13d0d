package io.headrace.process;

import io.headrace.Placement;
import io.headrace.Workers;

/**
 * Worker processes: the handler of a step runs in JVMs of its own, so that a crash of native code
 * or a lack of memory takes one of them and not the service. One that dies is replaced.
 *
 * {@snippet class="io.headrace.process.SnippetsTest" region="processes"}
 *
 * <p><b>Handlers</b> are given as a {@link HandlerFactory} to {@link
 * io.headrace.FlowBuilder#stepPerWorker}; it makes a handler in each process.
 *
 * <p><b>Values.</b> Null, strings, boxed numbers, {@link io.headrace.Tensor}s, {@link
 * java.lang.foreign.MemorySegment}s, {@link java.nio.ByteBuffer}s, primitive arrays, and {@link
 * java.math.BigDecimal}, {@link java.math.BigInteger}, {@link java.util.UUID}, {@link
 * java.net.URI}, {@link java.util.Optional}, the times and durations of java.time, and lists, sets
 * and maps of these travel by themselves; records, enums and classes with a {@link Codec} once they
 * are {@link WorkerProcessesBuilder#register registered}. Nothing else is ever instantiated, and
 * what cannot travel fails its item alone. Collections arrive as an unmodifiable list, a {@link
 * java.util.LinkedHashSet} or a {@link java.util.LinkedHashMap}, in their order, whatever their
 * class was. Segments, and tensors and buffers on them, of a confined {@link
 * java.lang.foreign.Arena} do not travel to a process, and no arena may be closed before the call
 * is answered. Tensors, segments, buffers and arrays from {@value
 * WorkerProcessesBuilder#SHARE_BYTES} bytes on go through shared memory. A handler reads them in
 * place, but for arrays, which the JVM has in its heap only: they are copied there. What it keeps
 * beyond its batch it has to copy. What a handler returns of what it was given stays where it is; a
 * large value that it has made is copied once, into shared memory. What it writes into a segment or
 * buffer that is shared is seen by all that have it.
 *
 * <p><b>Results.</b> A result is valid as long as it is reachable. Large tensors and buffers are in
 * shared memory as long as such results take half of it at most ({@link
 * WorkerProcessesBuilder#resultMemoryBytes}, {@link WorkerProcessesBuilder#inputMemoryBytes} for
 * what was passed on); the next step reads them there, too. Those that come when half is taken are
 * copied to the heap, up to 32 MiB each, and copied again on their way to the next step. So whoever
 * drops results waits for nothing, and whoever {@linkplain SharedValues#release releases} them
 * early has them all in place. Segments are native and always in place: whoever drops many of them
 * waits for garbage collections, unless he releases them.
 *
 * <p><b>Which process.</b> A batch goes to the process that has the fewest. Where batches are of
 * one item and over in microseconds, the first process gets all of them while it can do them alone:
 * to wake another one takes longer than the batch, and the others are there when more comes.
 *
 * <p><b>Death.</b> The batch that a process executed when it ended fails with {@link
 * io.headrace.WorkerDiedException}, or is executed again ({@link WorkerProcessesBuilder#retry});
 * all others are untouched. If no process can be kept alive the flow becomes FAILED. Processes end
 * with this one, also when it is killed.
 *
 * <p><b>Logging.</b> What a process logs through java.util.logging or System.Logger, and each line
 * that it prints, arrives in the logging of this one. The levels that loggers of java.util.logging
 * have here when a process starts hold there, too, unless its options configure them. If there is a
 * bridge from System.Logger to a logging framework on its class path, what comes there is the
 * business of that framework, which is configured in the process.
 */
public final class WorkerProcesses {
  private WorkerProcesses() {}

  /**
   * Worker processes with the default options.
   *
   * @param count how many, from 1 to {@value WorkerProcessesBuilder#MAX_COUNT}
   * @return workers for a step
   * @throws IllegalArgumentException if there are fewer or more
   */
  public static Workers of(int count) {
    return builder(count).build();
  }

  /**
   * Describes worker processes.
   *
   * @param count how many, from 1 to {@value WorkerProcessesBuilder#MAX_COUNT}
   * @return a builder
   * @throws IllegalArgumentException if there are fewer or more
   */
  public static WorkerProcessesBuilder builder(int count) {
    return new WorkerProcessesBuilder(count);
  }

  static Workers of(Settings settings) {
    return Workers.placed(new Processes(settings));
  }

  /** Where the workers are. */
  private record Processes(Settings settings) implements Placement {
    @Override
    public BatchExecutor place(PlacedStep step) {
      if (!(step.handler() instanceof HandlerFactory<?> factory)) {
        throw new IllegalArgumentException(
            "the handler of step "
                + step.step()
                + " is given as "
                + step.handler().getClass().getName()
                + ", which cannot travel to a worker process: give stepPerWorker or stepPerWorkerIf"
                + " HandlerFactory.of(...), in a Flow of one step instead of a Batcher");
      }
      return new Pool(step, settings, FactoryBytes.write(factory, step.step(), settings));
    }

    @Override
    public String toString() {
      return settings.count + " processes";
    }
  }
}
