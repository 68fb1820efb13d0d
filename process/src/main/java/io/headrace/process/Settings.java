package io.headrace.process;

import io.headrace.shm.Mechanism;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The options of worker processes, with the defaults of those that were not set. A {@link
 * WorkerProcessesBuilder} sets the fields of one and gives away copies, which nobody changes.
 */
final class Settings implements Cloneable {
  static final int DEFAULT_AHEAD = -1;

  private static final int MAX_PLACES = 64;

  private static final long TRAINING_BYTES = 1 << 20;
  private static final long TRAINING_NANOS = TimeUnit.MINUTES.toNanos(2);

  /** How many processes. */
  int count;

  /**
   * How many batches wait in a process beside the one that it executes; {@link #DEFAULT_AHEAD} if
   * nothing was said.
   */
  int ahead = DEFAULT_AHEAD;

  // How a process is started.

  /** Options of its JVM. */
  List<String> jvmOptions = new ArrayList<>();

  /** Where its classes are. */
  Code code = Code.of(null, null);

  /** The folder of the caches with which it starts; null for none. */
  @Nullable Path startCache = StartCache.defaultFolder();

  /** Whether this is for the process that makes such a cache. */
  boolean isTraining;

  /** Variables that are added to those of this process. */
  Map<String, String> environment = new LinkedHashMap<>();

  /** The numbers of the processors for each process in turn; none for all. */
  List<List<Integer>> processors = List.of();

  /** Its working folder; null for that of this process. */
  @Nullable Path folder;

  // What travels to it and back.

  /** The classes that are registered. */
  Types types = Types.NONE;

  /** Carries contexts there; null if nobody does. */
  @Nullable ContextCarrier carrier;

  /** How memory is shared. */
  Mechanism mechanism = Mechanism.PORTABLE;

  /** How much memory there is for large values that are sent. */
  long inputBytes = WorkerProcessesBuilder.DEFAULT_INPUT_MEMORY_BYTES;

  /** How much memory each process has for large results. */
  long resultBytes = WorkerProcessesBuilder.DEFAULT_RESULT_MEMORY_BYTES;

  /** How much memory there is for values that need one of their own. */
  long largeBytes = WorkerProcessesBuilder.DEFAULT_LARGE_MEMORY_BYTES;

  // When it dies, and what is done then.

  /** How often an item is executed at most if workers die of it. */
  int maxTries = 1;

  /** How long a batch may take; 0 for any time. */
  long batchNanos;

  /** How long a process may give no sign of life; 0 for any time. */
  long heartbeatNanos;

  /** How long a process may take to end. */
  long closeNanos = TimeUnit.SECONDS.toNanos(10);

  /** How often in a row a process may end without having worked. */
  int maxFailures = WorkerProcessesBuilder.DEFAULT_MAX_FAILURES;

  /** How long to wait before the first restart; twice as long before each other. */
  long restartNanos = TimeUnit.MILLISECONDS.toNanos(20);

  Settings(int count) {
    this.count = count;
  }

  /** What is set in one of the two is not in the other. */
  Settings copy() {
    try {
      Settings copy = (Settings) super.clone();
      copy.jvmOptions = List.copyOf(jvmOptions);
      copy.environment = Map.copyOf(environment);
      return copy;
    } catch (CloneNotSupportedException impossible) {
      throw new AssertionError(impossible);
    }
  }

  /** For a worker that is started only to make a cache of it. */
  Settings forTraining(List<String> options) {
    Settings training = copy();
    training.count = 1;
    training.ahead = 0;
    training.jvmOptions = options;
    training.startCache = null;
    training.isTraining = true;
    training.processors = List.of();
    training.types = new Types(List.of(Rehearsal.Sample.class));
    training.carrier = null;
    training.inputBytes = TRAINING_BYTES;
    training.resultBytes = TRAINING_BYTES;
    training.largeBytes = 0;
    training.maxTries = 1;
    training.batchNanos = 0;
    training.heartbeatNanos = 0;
    training.closeNanos = TRAINING_NANOS;
    training.maxFailures = 1;
    return training;
  }

  /** How many batches a process has at once, if they have some items at most. */
  Window window(int maxSize) {
    if (ahead == DEFAULT_AHEAD && maxSize == 1) {
      return new Window(1 + WorkerProcessesBuilder.DEFAULT_AHEAD_SINGLE, MAX_PLACES);
    }
    int places = 1 + Math.max(0, ahead);
    return new Window(places, places);
  }

  /** The processors for a worker; none for all that there are. */
  List<Integer> processorsOf(int worker) {
    return processors.isEmpty() ? List.of() : processors.get(worker % processors.size());
  }
}
