package io.headrace.process;

import static io.headrace.process.Checks.atLeast;
import static io.headrace.process.Checks.between;
import static io.headrace.process.Checks.nonNull;
import static io.headrace.process.Checks.positive;
import static io.headrace.process.Checks.unset;
import static java.util.Objects.requireNonNull;

import io.headrace.Placement;
import io.headrace.Workers;
import io.headrace.shm.Affinity;
import io.headrace.shm.Mechanism;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

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
 * are {@link Builder#register registered}. Nothing else is ever instantiated, and what cannot
 * travel fails its item alone. Collections arrive as an unmodifiable list, a {@link
 * java.util.LinkedHashSet} or a {@link LinkedHashMap}, in their order, whatever their class was.
 * Segments, and tensors and buffers on them, of a confined {@link java.lang.foreign.Arena} do not
 * travel to a process, and no arena may be closed before the call is answered. Tensors, segments,
 * buffers and arrays from {@value Builder#DEFAULT_SHARE_BYTES} bytes on go through shared memory. A
 * handler reads them in place, but for arrays, which the JVM has in its heap only: they are copied
 * there. What it keeps beyond its batch it has to copy. What a handler returns of what it was given
 * stays where it is; a large value that it has made is copied once, into shared memory. What it
 * writes into a segment or buffer that is shared is seen by all that have it.
 *
 * <p><b>Results.</b> A result is valid as long as it is reachable. Large tensors and buffers are in
 * shared memory as long as such results take half of it at most ({@link Builder#resultMemory},
 * {@link Builder#inputMemory} for what was passed on); the next step reads them there, too. Those
 * that come when half is taken are copied to the heap, up to 32 MiB each, and copied again on their
 * way to the next step. So whoever drops results waits for nothing, and whoever {@linkplain
 * SharedValues#release releases} them early has them all in place. Segments are native and always
 * in place: whoever drops many of them waits for garbage collections, unless he releases them.
 *
 * <p><b>Which process.</b> A batch goes to the process that has the fewest. Where batches are of
 * one item and over in microseconds, the first process gets all of them while it can do them alone:
 * to wake another one takes longer than the batch, and the others are there when more comes.
 *
 * <p><b>Death.</b> The batch that a process executed when it ended fails with {@link
 * io.headrace.WorkerDiedException}, or is executed again ({@link Builder#retry}); all others are
 * untouched. If no process can be kept alive the flow becomes FAILED. Processes end with this one,
 * also when it is killed.
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
   * @param count how many, from 1 to {@value Builder#MAX_COUNT}
   * @return workers for a step
   * @throws IllegalArgumentException if there are fewer or more
   */
  public static Workers of(int count) {
    return builder(count).build();
  }

  /**
   * Describes worker processes.
   *
   * @param count how many, from 1 to {@value Builder#MAX_COUNT}
   * @return a builder
   * @throws IllegalArgumentException if there are fewer or more
   */
  public static Builder builder(int count) {
    return new Builder(count);
  }

  static Workers of(Settings settings) {
    return Workers.placed(new Processes(settings));
  }

  /** Sets the options. Each can be set once. Not thread safe. */
  public static final class Builder {
    /** The most processes: {@value}. */
    public static final int MAX_COUNT = 4096;

    /** From this size on values go through shared memory: {@value} bytes. */
    public static final int DEFAULT_SHARE_BYTES = 4096;

    /** The least of the default of {@link #ahead} for batches of one item: {@value}. */
    public static final int DEFAULT_AHEAD_SINGLE = 3;

    /** The most that {@link #ahead} takes: {@value}. */
    public static final int MAX_AHEAD = 255;

    /** The default of {@link #inputMemory}: {@value} bytes. */
    public static final long DEFAULT_INPUT_BYTES = 64 << 20;

    /** The default of {@link #resultMemory}: {@value} bytes. */
    public static final long DEFAULT_RESULT_BYTES = 32 << 20;

    /** The default of {@link #largeMemory}: {@value} bytes. */
    public static final long DEFAULT_LARGE_BYTES = 1 << 30;

    /** The default of {@link #maxFailures}: {@value}. */
    public static final int DEFAULT_MAX_FAILURES = 5;

    private static final Duration MIN_HEARTBEAT = Duration.ofMillis(200);
    private static final Duration DEFAULT_RESTART_DELAY = Duration.ofMillis(20);
    private static final Duration DEFAULT_CLOSE_TIMEOUT = Duration.ofSeconds(10);

    private final int count;
    private final List<String> jvmOptions = new ArrayList<>();
    private final Map<String, String> environment = new LinkedHashMap<>();
    private final List<Class<?>> types = new ArrayList<>();
    private @Nullable Integer ahead;
    private @Nullable List<Path> classPath;
    private @Nullable List<Path> modulePath;
    private @Nullable Path startCache;
    private boolean isWithoutStartCache;
    private @Nullable List<List<Integer>> processors;
    private @Nullable Path folder;
    private @Nullable Long inputBytes;
    private @Nullable Long resultBytes;
    private @Nullable Long largeBytes;
    private @Nullable Integer maxTries;
    private @Nullable Duration batchTimeout;
    private @Nullable Duration heartbeat;
    private @Nullable Duration closeTimeout;
    private @Nullable Duration restartDelay;
    private @Nullable Integer maxFailures;
    private @Nullable ContextCarrier carrier;
    private @Nullable Mechanism mechanism;

    private Builder(int count) {
      this.count = between(1, count, MAX_COUNT, "count");
    }

    /**
     * How many batches wait in a process beside the one that it executes, so that it goes on
     * without a pause. They are formed earlier than they had to be, and so may be smaller, and no
     * item of a higher priority overtakes them. Default: 0, or if batches are of one item {@value
     * #DEFAULT_AHEAD_SINGLE}, and as many as the process executes in a tenth of a millisecond if
     * those are more, up to 63.
     *
     * @param batches how many, from 0 to {@value #MAX_AHEAD}
     * @return this
     * @throws IllegalArgumentException if there are fewer or more
     */
    public Builder ahead(int batches) {
      unset(ahead, batches, "ahead");
      ahead = between(0, batches, MAX_AHEAD, "ahead");
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
     *     no value, is for the class path or the module path, for which there are {@link
     *     #classPath} and {@link #modulePath}, or says what else the JVM is to run or to print
     */
    public Builder jvmOptions(String... options) {
      JvmOptions.check(nonNull(options, "options"));
      jvmOptions.addAll(List.of(options));
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
    public Builder classPath(Path... paths) {
      List<Path> checked = existing(paths, "class path");
      unset(classPath, checked, "class path");
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
    public Builder modulePath(Path... paths) {
      List<Path> checked = existing(paths, "module path");
      unset(modulePath, checked, "module path");
      modulePath = checked;
      return this;
    }

    private static List<Path> existing(Path[] paths, String name) {
      for (Path path : nonNull(paths, name)) {
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
     * folders, or for agents. What was not used for 30 days is deleted. Default: {@code headrace}
     * in the folder for caches of the user, {@code $XDG_CACHE_HOME} or {@code ~/.cache}.
     *
     * @param folder the folder, which need not exist; only the user should be able to write into it
     * @return this
     */
    public Builder startCache(Path folder) {
      unset(startCache, folder, "start cache");
      checkStartCache();
      startCache = folder.toAbsolutePath();
      return this;
    }

    /**
     * Neither makes nor uses a cache for starts.
     *
     * @return this
     */
    public Builder noStartCache() {
      if (startCache != null) {
        throw new IllegalStateException(
            "there is to be no start cache, it was set to " + startCache);
      }
      checkStartCache();
      isWithoutStartCache = true;
      return this;
    }

    private void checkStartCache() {
      if (isWithoutStartCache) {
        throw new IllegalStateException("it was said before that there is no start cache");
      }
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
    public Builder environment(String name, String value) {
      requireNonNull(name, "name");
      requireNonNull(value, "value");
      if (name.isEmpty() || name.indexOf('=') >= 0 || (name + value).indexOf('\0') >= 0) {
        throw new IllegalArgumentException(
            "environment has "
                + name
                + ", a name is not empty and has no =, and neither it nor the value has a NUL");
      }
      environment.put(name, value);
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
    public Builder processors(int... numbers) {
      requireNonNull(numbers, "processors");
      return processors(List.of(Arrays.stream(numbers).boxed().toList()));
    }

    /**
     * The processors on which each process runs: the first one on the first ones, and so on, and
     * then from the beginning. On Linux only.
     *
     * @param numbers the numbers of the processors of a process, at least one for each
     * @return this
     * @throws IllegalArgumentException if there are none, or the system does not allow one of them
     * @throws IllegalStateException if this system has no such thing
     */
    public Builder processors(List<? extends Collection<Integer>> numbers) {
      unset(processors, numbers, "processors");
      List<List<Integer>> each =
          numbers.stream()
              .map(some -> some.stream().<Integer>map(n -> n).distinct().toList())
              .toList();
      if (each.isEmpty() || each.stream().anyMatch(List::isEmpty)) {
        throw new IllegalArgumentException(
            "processors are " + each + ", there has to be one at least for each process");
      }
      each.forEach(Affinity::check);
      processors = each;
      return this;
    }

    /**
     * The working folder. Default: that of this process.
     *
     * @param folder a folder that exists
     * @return this
     * @throws IllegalArgumentException if it does not
     */
    public Builder workingFolder(Path folder) {
      unset(this.folder, folder, "working folder");
      if (!Files.isDirectory(folder)) {
        throw new IllegalArgumentException("working folder is " + folder + ", that is no folder");
      }
      this.folder = folder;
      return this;
    }

    /**
     * How much shared memory there is for the large values of items on their way to the processes.
     * It is reserved when the flow starts. While there is no room batches wait. Default: {@value
     * #DEFAULT_INPUT_BYTES} bytes.
     *
     * @param bytes how much, at least 1 MiB
     * @return this
     * @throws IllegalArgumentException if it is less
     */
    public Builder inputMemory(long bytes) {
      unset(inputBytes, bytes, "input memory");
      inputBytes = memory(bytes, "input memory");
      return this;
    }

    /**
     * How much shared memory each process has for the large values of its results. It is reserved
     * when the process starts. Results that can be reached take half of it at most, and less for
     * some minutes once that has left too little for those on their way. While there is no room the
     * process waits. Default: {@value #DEFAULT_RESULT_BYTES} bytes.
     *
     * @param bytes how much, at least 1 MiB
     * @return this
     * @throws IllegalArgumentException if it is less
     */
    public Builder resultMemory(long bytes) {
      unset(resultBytes, bytes, "result memory");
      resultBytes = memory(bytes, "result memory");
      return this;
    }

    /**
     * How much shared memory there is at most for values that are larger than {@link #inputMemory}
     * or {@link #resultMemory}, or find no room there because the values of one batch, or those
     * that somebody keeps, take all of it: each gets a memory of its own as long as it is used,
     * which takes about a millisecond for each MiB. This much is for all items of the step that are
     * on their way to processes, and for all results of each process. While there is no room
     * batches and processes wait; a value that is larger fails its item. A list or map of very many
     * small values takes up to three times its size while it is written. Default: {@value
     * #DEFAULT_LARGE_BYTES} bytes.
     *
     * @param bytes how much; 0 for no such values
     * @return this
     * @throws IllegalArgumentException if it is negative
     */
    public Builder largeMemory(long bytes) {
      unset(largeBytes, bytes, "large memory");
      if (bytes < 0) {
        throw new IllegalArgumentException(
            "large memory is " + bytes + " bytes, it has to be at least 0");
      }
      largeBytes = bytes;
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
     * on an item. After a second death the items of a batch are executed one by one, so that one
     * that kills its process does it alone. Default: they fail.
     *
     * @param maxTries how often an item is executed at most, at least 2; then it fails with {@link
     *     io.headrace.WorkerDiedException}
     * @return this
     * @throws IllegalArgumentException if maxTries is below 2
     */
    public Builder retry(int maxTries) {
      unset(this.maxTries, maxTries, "retry");
      this.maxTries = atLeast(2, maxTries, "maxTries");
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
    public Builder batchTimeout(Duration timeout) {
      unset(batchTimeout, timeout, "batch timeout");
      batchTimeout = positive(timeout, "batch timeout");
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
    public Builder heartbeat(Duration silence) {
      unset(heartbeat, silence, "heartbeat");
      if (silence.compareTo(MIN_HEARTBEAT) < 0) {
        throw new IllegalArgumentException(
            "heartbeat is " + silence + ", it has to be at least 200 ms");
      }
      heartbeat = positive(silence, "heartbeat");
      return this;
    }

    /**
     * How long a process may take to end when the flow is closed; then it is killed. Default: 10
     * seconds.
     *
     * @param timeout how long, above zero
     * @return this
     * @throws IllegalArgumentException if the timeout is zero or negative, or above ten years
     */
    public Builder closeTimeout(Duration timeout) {
      unset(closeTimeout, timeout, "close timeout");
      closeTimeout = positive(timeout, "close timeout");
      return this;
    }

    /**
     * How long to wait before a process that has died is started again; twice as long each time if
     * it does not become ready or does nothing, up to 10 seconds, or always as long as this if it
     * is more. Default: 20 ms.
     *
     * @param delay how long, above zero
     * @return this
     * @throws IllegalArgumentException if the delay is zero or negative, or above ten years
     */
    public Builder restartDelay(Duration delay) {
      unset(restartDelay, delay, "restart delay");
      restartDelay = positive(delay, "restart delay");
      return this;
    }

    /**
     * How often in a row a process may end before it is ready or without having executed a batch;
     * then it is given up. If all are, the flow becomes FAILED. One that is started again is killed
     * if it is not ready after ten times as long as the first one of its worker took, and a minute
     * at least. Default: {@value #DEFAULT_MAX_FAILURES}.
     *
     * @param failures how often, at least 1; {@link Integer#MAX_VALUE} to try for ever
     * @return this
     * @throws IllegalArgumentException if it is below 1
     */
    public Builder maxFailures(int failures) {
      unset(maxFailures, failures, "max failures");
      maxFailures = atLeast(1, failures, "max failures");
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
    public Builder register(Class<?>... classes) {
      types.addAll(List.of(nonNull(classes, "classes")));
      return this;
    }

    /**
     * Carries what belongs to the thread that hands a batch to a process, such as the current span
     * of a tracer, to the handler there. That thread is any, so there has to be an {@link
     * io.headrace.Observer} that makes something current on it. Default: nothing.
     *
     * @param carrier serialisable; another one of the same state restores in the processes what
     *     this one captures here
     * @return this
     */
    public Builder propagate(ContextCarrier carrier) {
      unset(this.carrier, carrier, "context carrier");
      this.carrier = carrier;
      return this;
    }

    /**
     * Uses what every system has, files and sockets, instead of what Linux can do better. The
     * system property {@value io.headrace.shm.Mechanism#PROPERTY} does the same for all of this
     * process.
     *
     * @return this
     */
    public Builder portable() {
      unset(mechanism, Mechanism.PORTABLE, "mechanism");
      mechanism = Mechanism.PORTABLE;
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
      return new Settings(
          count,
          ahead == null ? Settings.DEFAULT_AHEAD : ahead,
          List.copyOf(jvmOptions),
          Code.of(classPath, modulePath),
          isWithoutStartCache ? null : startCache == null ? StartCache.defaultFolder() : startCache,
          false,
          Map.copyOf(environment),
          processors == null ? List.of() : processors,
          folder,
          inputBytes == null ? DEFAULT_INPUT_BYTES : inputBytes,
          resultBytes == null ? DEFAULT_RESULT_BYTES : resultBytes,
          largeBytes == null ? DEFAULT_LARGE_BYTES : largeBytes,
          DEFAULT_SHARE_BYTES,
          maxTries == null ? 1 : maxTries,
          batchTimeout == null ? 0 : batchTimeout.toNanos(),
          heartbeat == null ? 0 : heartbeat.toNanos(),
          (closeTimeout == null ? DEFAULT_CLOSE_TIMEOUT : closeTimeout).toNanos(),
          maxFailures == null ? DEFAULT_MAX_FAILURES : maxFailures,
          (restartDelay == null ? DEFAULT_RESTART_DELAY : restartDelay).toNanos(),
          new Types(types),
          carrier,
          mechanism == null ? Mechanism.best() : mechanism);
    }
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
      return settings.count() + " processes";
    }
  }
}
