package io.headrace.process;

import io.headrace.shm.Mechanism;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What {@link WorkerProcesses} was told, with the defaults of what it was not.
 *
 * @param count how many processes
 * @param ahead how many batches wait in a process beside the one that it executes; {@link
 *     #DEFAULT_AHEAD} if nothing was said
 * @param jvmOptions options of their JVMs
 * @param code where their classes are
 * @param startCache the folder of the caches with which they start; null for none
 * @param isTraining whether this is for the process that makes such a cache
 * @param environment variables that are added to those of this process
 * @param processors the numbers of the processors for each process in turn; none for all
 * @param folder their working folder; null for that of this process
 * @param inputBytes how much memory there is for large values that are sent
 * @param resultBytes how much memory each process has for large results
 * @param largeBytes how much memory there is for values that need one of their own
 * @param shareBytes from which size values are shared
 * @param maxTries how often an item is executed at most if workers die of it
 * @param batchNanos how long a batch may take; 0 for any time
 * @param heartbeatNanos how long a process may give no sign of life; 0 for any time
 * @param closeNanos how long a process may take to end
 * @param maxFailures how often in a row a process may end without having worked
 * @param restartNanos how long to wait before the first restart; twice as long before each other
 * @param types the classes that are registered
 * @param carrier carries contexts to the processes; null if nobody does
 * @param mechanism how memory is shared
 */
record Settings(
    int count,
    int ahead,
    List<String> jvmOptions,
    Code code,
    @Nullable Path startCache,
    boolean isTraining,
    Map<String, String> environment,
    List<List<Integer>> processors,
    @Nullable Path folder,
    long inputBytes,
    long resultBytes,
    long largeBytes,
    int shareBytes,
    int maxTries,
    long batchNanos,
    long heartbeatNanos,
    long closeNanos,
    int maxFailures,
    long restartNanos,
    Types types,
    @Nullable ContextCarrier carrier,
    Mechanism mechanism) {
  static final int DEFAULT_AHEAD = -1;

  private static final int MAX_PLACES = 64;

  private static final long TRAINING_BYTES = 1 << 20;
  private static final long TRAINING_NANOS = 120_000_000_000L;

  /** How many batches a process has at once, if they have some items at most. */
  Window window(int maxSize) {
    if (ahead == DEFAULT_AHEAD && maxSize == 1) {
      return new Window(1 + WorkerProcesses.Builder.DEFAULT_AHEAD_SINGLE, MAX_PLACES);
    }
    int places = 1 + Math.max(0, ahead);
    return new Window(places, places);
  }

  /** For a worker that is started only to make a cache of it. */
  Settings forTraining(List<String> options) {
    return new Settings(
        1,
        0,
        options,
        code,
        null,
        true,
        environment,
        List.of(),
        folder,
        TRAINING_BYTES,
        TRAINING_BYTES,
        0,
        shareBytes,
        1,
        0,
        0,
        TRAINING_NANOS,
        1,
        restartNanos,
        new Types(List.of(Rehearsal.Sample.class)),
        null,
        mechanism);
  }

  /** The processors for a worker; none for all that there are. */
  List<Integer> processorsOf(int worker) {
    return processors.isEmpty() ? List.of() : processors.get(worker % processors.size());
  }
}
