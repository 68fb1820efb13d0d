package io.headrace.process;

import static java.util.Objects.requireNonNull;

import io.headrace.Workers;
import io.headrace.shm.Affinity;
import io.headrace.shm.Mechanism;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Describes {@link WorkerProcesses}. Each option can be set once; a second setting is an {@link
 * IllegalStateException}. Not thread safe.
 */
public final class WorkerProcessesBuilder {
  /** The most processes: {@value}. */
  public static final int MAX_COUNT = 4096;

  /** From this size on values go through shared memory: {@value} bytes. */
  public static final int SHARE_BYTES = 4096;

  /** The least of the default of {@link #ahead} for batches of one item: {@value}. */
  public static final int DEFAULT_AHEAD_SINGLE = 3;

  /** The most that {@link #ahead} takes: {@value}. */
  public static final int MAX_AHEAD = 255;

  /** The default of {@link #inputMemoryBytes}: {@value} bytes. */
  public static final long DEFAULT_INPUT_MEMORY_BYTES = 64 << 20;

  /** The default of {@link #resultMemoryBytes}: {@value} bytes. */
  public static final long DEFAULT_RESULT_MEMORY_BYTES = 32 << 20;

  /** The default of {@link #largeMemoryBytes}: {@value} bytes. */
  public static final long DEFAULT_LARGE_MEMORY_BYTES = 1 << 30;

  /** The default of {@link #maxFailures}: {@value}. */
  public static final int DEFAULT_MAX_FAILURES = 5;

  private static final Duration MIN_HEARTBEAT = Duration.ofMillis(200);

  private final Settings settings;
  private final List<Class<?>> types = new ArrayList<>();
  private @Nullable List<Path> classPath;
  private @Nullable List<Path> modulePath;
  private boolean isPortable;

  private final Once once = new Once();

  WorkerProcessesBuilder(int count) {
    settings = new Settings(Checks.between(1, count, MAX_COUNT, "count"));
  }

  /**
   * How many batches wait in a process beside the one that it executes, so that it goes on without
   * a pause. They are formed earlier than they had to be, and so may be smaller, and no item of a
   * higher priority overtakes them. Default: 0, or if batches are of one item {@value
   * #DEFAULT_AHEAD_SINGLE}, and as many as the process executes in a tenth of a millisecond if
   * those are more, up to 63.
   *
   * @param batches how many, from 0 to {@value #MAX_AHEAD}
   * @return this
   * @throws IllegalArgumentException if there are fewer or more
   */
  public WorkerProcessesBuilder ahead(int batches) {
    once.set("ahead", Checks.between(0, batches, MAX_AHEAD, "ahead"));
    settings.ahead = batches;
    return this;
  }

  /**
   * Adds options of the JVMs, such as {@code -Xmx512m}. If none of them chooses a garbage
   * collector, the serial one is used; if none says how large the heap is, it begins with 32 MiB.
   *
   * @param options the options, each by itself; a value that is not behind a {@code =} or a colon
   *     follows its option in the same call
   * @return this
   * @throws IllegalArgumentException if one does not begin with {@code -}, has a blank that is in
   *     no value, is for the class path or the module path, for which there are {@link #classPath}
   *     and {@link #modulePath}, or says what else the JVM is to run or to print
   */
  public WorkerProcessesBuilder jvmOptions(String... options) {
    JvmOptions.check(Checks.nonNull(options, "options"));
    settings.jvmOptions.addAll(List.of(options));
    return this;
  }

  /**
   * The class path. Default: that of this process, also if that is a jar of Spring Boot with jars
   * inside.
   *
   * @param paths folders and archives, which exist; none for an empty one
   * @return this
   * @throws IllegalArgumentException if one does not exist
   */
  public WorkerProcessesBuilder classPath(Path... paths) {
    List<Path> checked = existing(paths, "class path");
    once.set("class path", checked);
    classPath = checked;
    return this;
  }

  /**
   * The module path. All modules that it has are resolved, and the process begins in that of
   * Headrace, if it is one of them. Default: that of this process, with the modules that are
   * resolved here; further ones of the JDK by {@link #jvmOptions} with {@code --add-modules}.
   *
   * @param paths folders and archives, which exist; none for no module path
   * @return this
   * @throws IllegalArgumentException if one does not exist
   */
  public WorkerProcessesBuilder modulePath(Path... paths) {
    List<Path> checked = existing(paths, "module path");
    once.set("module path", checked);
    modulePath = checked;
    return this;
  }

  private static List<Path> existing(Path[] paths, String name) {
    for (Path path : Checks.nonNull(paths, name)) {
      if (!Files.exists(path)) {
        throw new IllegalArgumentException(name + " has " + path + ", which does not exist");
      }
    }
    return Arrays.stream(paths).map(Path::toAbsolutePath).toList();
  }

  /**
   * The folder for caches that make starts quicker, of about 20 MiB each. The first start for a
   * JDK, class path and options makes one in the background, which takes some seconds of one
   * processor and is not waited for; later ones use it. There is none if the class path has
   * folders, or for agents. What was not used for 30 days is deleted. Default: {@code headrace} in
   * the folder for caches of the user, {@code $XDG_CACHE_HOME} or {@code ~/.cache}.
   *
   * @param folder the folder, which need not exist; only the user should be able to write into it
   * @return this
   */
  public WorkerProcessesBuilder startCache(Path folder) {
    once.set("start cache", folder);
    settings.startCache = folder.toAbsolutePath();
    return this;
  }

  /**
   * Neither makes nor uses a cache for starts.
   *
   * @return this
   */
  public WorkerProcessesBuilder noStartCache() {
    once.set("start cache", "none");
    settings.startCache = null;
    return this;
  }

  /**
   * Adds a variable to the environment, which else is that of this process.
   *
   * @param name the name of the variable
   * @param value its value
   * @return this
   * @throws IllegalArgumentException if the name is empty or has a {@code =}, or one of them has
   *     the character with the number 0
   */
  public WorkerProcessesBuilder environment(String name, String value) {
    requireNonNull(name, "name");
    requireNonNull(value, "value");
    if (name.isEmpty() || name.indexOf('=') >= 0 || (name + value).indexOf('\0') >= 0) {
      throw new IllegalArgumentException(
          "environment has "
              + name
              + ", a name is not empty and has no =, and neither it nor the value has a NUL");
    }
    settings.environment.put(name, value);
    return this;
  }

  /**
   * The processors on which the processes run, all of them on the same. Default: all that the
   * system allows. On Linux only.
   *
   * @param numbers the numbers of the processors, at least one
   * @return this
   * @throws IllegalArgumentException if there are none, or the system does not allow one of them
   * @throws IllegalStateException if this system has no such thing
   */
  public WorkerProcessesBuilder processors(int... numbers) {
    requireNonNull(numbers, "processors");
    return processors(List.of(Arrays.stream(numbers).boxed().toList()));
  }

  /**
   * The processors on which each process runs: the first one on the first ones, and so on, and then
   * from the beginning. On Linux only.
   *
   * @param numbers the numbers of the processors of a process, at least one for each
   * @return this
   * @throws IllegalArgumentException if there are none, or the system does not allow one of them
   * @throws IllegalStateException if this system has no such thing
   */
  public WorkerProcessesBuilder processors(List<? extends Collection<Integer>> numbers) {
    List<List<Integer>> each =
        requireNonNull(numbers, "processors").stream()
            .map(some -> some.stream().<Integer>map(n -> n).distinct().toList())
            .toList();
    if (each.isEmpty() || each.stream().anyMatch(List::isEmpty)) {
      throw new IllegalArgumentException(
          "processors are " + each + ", there has to be one at least for each process");
    }
    each.forEach(Affinity::check);
    once.set("processors", each);
    settings.processors = each;
    return this;
  }

  /**
   * The working folder. Default: that of this process.
   *
   * @param folder a folder that exists
   * @return this
   * @throws IllegalArgumentException if it does not
   */
  public WorkerProcessesBuilder workingFolder(Path folder) {
    if (!Files.isDirectory(requireNonNull(folder, "working folder"))) {
      throw new IllegalArgumentException("working folder is " + folder + ", that is no folder");
    }
    once.set("working folder", folder);
    settings.folder = folder;
    return this;
  }

  /**
   * How much shared memory there is for the large values of items on their way to the processes. It
   * is reserved when the flow starts. While there is no room batches wait. Default: {@value
   * #DEFAULT_INPUT_MEMORY_BYTES} bytes.
   *
   * @param bytes how much, at least 1 MiB
   * @return this
   * @throws IllegalArgumentException if it is less
   */
  public WorkerProcessesBuilder inputMemoryBytes(long bytes) {
    once.set("input memory", memory(bytes, "input memory"));
    settings.inputBytes = bytes;
    return this;
  }

  /**
   * How much shared memory each process has for the large values of its results. It is reserved
   * when the process starts. Results that can be reached take half of it at most, and less for some
   * minutes once that has left too little for those on their way. While there is no room the
   * process waits. Default: {@value #DEFAULT_RESULT_MEMORY_BYTES} bytes.
   *
   * @param bytes how much, at least 1 MiB
   * @return this
   * @throws IllegalArgumentException if it is less
   */
  public WorkerProcessesBuilder resultMemoryBytes(long bytes) {
    once.set("result memory", memory(bytes, "result memory"));
    settings.resultBytes = bytes;
    return this;
  }

  /**
   * How much shared memory there is at most for values that are larger than {@link
   * #inputMemoryBytes} or {@link #resultMemoryBytes}, or find no room there because the values of
   * one batch, or those that somebody keeps, take all of it: each gets a memory of its own as long
   * as it is used, which takes about a millisecond for each MiB. This much is for all items of the
   * step that are on their way to processes, and for all results of each process. While there is no
   * room batches and processes wait; a value that is larger fails its item. A list or map of very
   * many small values takes up to three times its size while it is written. Default: {@value
   * #DEFAULT_LARGE_MEMORY_BYTES} bytes.
   *
   * @param bytes how much; 0 for no such values
   * @return this
   * @throws IllegalArgumentException if it is negative
   */
  public WorkerProcessesBuilder largeMemoryBytes(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException(
          "large memory is " + bytes + " bytes, it has to be at least 0");
    }
    once.set("large memory", bytes);
    settings.largeBytes = bytes;
    return this;
  }

  private static long memory(long bytes, String name) {
    if (bytes < 1 << 20) {
      throw new IllegalArgumentException(
          name + " is " + bytes + " bytes, it has to be at least " + (1 << 20));
    }
    return bytes;
  }

  /**
   * Executes items again whose process has died: for handlers that may be executed more than once
   * on an item. After a second death the items of a batch are executed one by one, so that one that
   * kills its process does it alone. Default: they fail.
   *
   * @param maxTries how often an item is executed at most, at least 2; then it fails with {@link
   *     io.headrace.WorkerDiedException}
   * @return this
   * @throws IllegalArgumentException if maxTries is below 2
   */
  public WorkerProcessesBuilder retry(int maxTries) {
    once.set("retry", Checks.atLeast(2, maxTries, "maxTries"));
    settings.maxTries = maxTries;
    return this;
  }

  /**
   * Kills a process whose handler takes longer for a batch; what follows is as after any other
   * death. Default: it may take any time.
   *
   * @param timeout how long it may take, above zero
   * @return this
   * @throws IllegalArgumentException if the timeout is zero or negative, or above ten years
   */
  public WorkerProcessesBuilder batchTimeout(Duration timeout) {
    once.set("batch timeout", Checks.positive(timeout, "batch timeout"));
    settings.batchNanos = timeout.toNanos();
    return this;
  }

  /**
   * Kills a process that gives no sign of life, whether it has a batch or not, also while its
   * handler starts: its JVM is stopped, or does nothing but collect garbage. Default: it may be
   * silent for any time.
   *
   * @param silence how long it may be silent, at least 200 ms
   * @return this
   * @throws IllegalArgumentException if it is less, or above ten years
   */
  public WorkerProcessesBuilder heartbeat(Duration silence) {
    if (requireNonNull(silence, "heartbeat").compareTo(MIN_HEARTBEAT) < 0) {
      throw new IllegalArgumentException(
          "heartbeat is " + silence + ", it has to be at least 200 ms");
    }
    once.set("heartbeat", Checks.positive(silence, "heartbeat"));
    settings.heartbeatNanos = silence.toNanos();
    return this;
  }

  /**
   * How long a process may take to end when the flow is closed, or, where {@link
   * io.headrace.Flow#resize} has made it one too many, when its last batch is over; then it is
   * killed. Default: 10 seconds.
   *
   * @param timeout how long, above zero
   * @return this
   * @throws IllegalArgumentException if the timeout is zero or negative, or above ten years
   */
  public WorkerProcessesBuilder closeTimeout(Duration timeout) {
    once.set("close timeout", Checks.positive(timeout, "close timeout"));
    settings.closeNanos = timeout.toNanos();
    return this;
  }

  /**
   * How long to wait before a process that has died is started again; twice as long each time if it
   * does not become ready or does nothing, up to 10 seconds, or always as long as this if it is
   * more. Default: 20 ms.
   *
   * @param delay how long, above zero
   * @return this
   * @throws IllegalArgumentException if the delay is zero or negative, or above ten years
   */
  public WorkerProcessesBuilder restartDelay(Duration delay) {
    once.set("restart delay", Checks.positive(delay, "restart delay"));
    settings.restartNanos = delay.toNanos();
    return this;
  }

  /**
   * How often in a row a process may end before it is ready or without having executed a batch;
   * then it is given up. If all are, the flow becomes FAILED. One that is started again is killed
   * if it is not ready after ten times as long as the first one of its worker took, and a minute at
   * least. Default: {@value #DEFAULT_MAX_FAILURES}.
   *
   * @param failures how often, at least 1; {@link Integer#MAX_VALUE} to try for ever
   * @return this
   * @throws IllegalArgumentException if it is below 1
   */
  public WorkerProcessesBuilder maxFailures(int failures) {
    once.set("max failures", Checks.atLeast(1, failures, "max failures"));
    settings.maxFailures = failures;
    return this;
  }

  /**
   * Adds classes whose values travel: enums, records with components that travel, and {@link
   * Codec}s with a constructor without arguments. What cannot be registered is refused by {@link
   * #build}.
   *
   * @param classes the classes
   * @return this
   */
  public WorkerProcessesBuilder register(Class<?>... classes) {
    types.addAll(List.of(Checks.nonNull(classes, "classes")));
    return this;
  }

  /**
   * Carries what belongs to the thread that hands a batch to a process, such as the current span of
   * a tracer, to the handler there. That thread is any, so there has to be an {@link
   * io.headrace.Observer} that makes something current on it. Default: nothing.
   *
   * @param carrier serialisable; another one of the same state restores in the processes what this
   *     one captures here
   * @return this
   */
  public WorkerProcessesBuilder propagate(ContextCarrier carrier) {
    once.set("context carrier", carrier);
    settings.carrier = carrier;
    return this;
  }

  /**
   * Uses what every system has, files and sockets, instead of what Linux can do better. The system
   * property {@value io.headrace.shm.Mechanism#PROPERTY} does the same for all of this process.
   *
   * @return this
   */
  public WorkerProcessesBuilder portable() {
    once.set("mechanism", Mechanism.PORTABLE);
    isPortable = true;
    return this;
  }

  /**
   * Builds the workers. They can be used for any number of steps, each with processes of its own.
   *
   * @return workers for a step
   * @throws IllegalArgumentException if a class that was registered is no record, enum or codec,
   *     cannot be accessed, or has a component of a class of which no value travels
   * @throws java.lang.module.FindException if there is something wrong with the module path
   */
  public Workers build() {
    return WorkerProcesses.of(settings());
  }

  Settings settings() {
    Settings built = settings.copy();
    if (classPath != null || modulePath != null) {
      built.code = Code.of(classPath, modulePath);
    }
    built.types = new Types(types);
    built.mechanism = isPortable ? Mechanism.PORTABLE : Mechanism.best();
    return built;
  }
}
