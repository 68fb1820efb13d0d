package io.headrace.micrometer;

import static java.util.Objects.requireNonNull;

import io.headrace.Flow;
import io.headrace.Observer;
import io.headrace.TimeSource;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Sends the metrics of a flow to a StatsD server by UDP, under the names that aqueduct gives them,
 * so that dashboards made for aqueduct go on.
 *
 * {@snippet class="io.headrace.micrometer.SnippetsTest" region="statsd"}
 *
 * <p>Names are {@code aqueduct[.prefix].metric.name}. There are no tags: one instance is for one
 * batcher or flow; the prefix tells several apart. A step is called by its number, from 1, and its
 * name: {@code step1_decode}; a hop {@code from_main_process_to_step1_decode} or {@code
 * from_step1_decode_to_step2_classify}. Characters other than letters, digits, {@code _} and {@code
 * -} become {@code _}.
 *
 * <table class="striped">
 * <caption>Metrics</caption>
 * <thead>
 * <tr><th scope="col">metric</th><th scope="col">kind, unit</th><th scope="col">name</th>
 *     <th scope="col">what it tells, when</th></tr>
 * </thead>
 * <tbody>
 * <tr><th scope="row">{@code handle_time}</th><td>timing, ms</td><td>step</td>
 *     <td>for each item, how long the handler took for its batch</td></tr>
 * <tr><th scope="row">{@code handle_time}</th><td>timing, ms</td><td>{@code total}</td>
 *     <td>for each call with a result, from its submission to its end</td></tr>
 * <tr><th scope="row">{@code transfer_time}</th><td>timing, ms</td><td>hop</td>
 *     <td>for each item, how long it waited for the step; for one that is executed again, since its
 *     last execution</td></tr>
 * <tr><th scope="row">{@code batch_time}</th><td>timing, ms</td><td>step</td>
 *     <td>for each batch, from the arrival of its oldest item until it was formed</td></tr>
 * <tr><th scope="row">{@code batch_size}</th><td>timing, items</td><td>step</td>
 *     <td>for each batch</td></tr>
 * <tr><th scope="row">{@code qsize}</th><td>timing, items</td><td>hop</td>
 *     <td>items that wait for the step, once a period</td></tr>
 * <tr><th scope="row">{@code task_size}</th><td>timing, bytes</td><td>hop</td>
 *     <td>for each item on its way to a worker process, those in shared memory included</td></tr>
 * <tr><th scope="row">{@code memory_usage}</th><td>timing, bytes</td>
 *     <td>step, numbered from 0; the same with {@code _nprocs_sum}; {@code all_memory_usage}</td>
 *     <td>what each worker process holds, those of a step that has several, and those of all steps,
 *     once a second</td></tr>
 * <tr><th scope="row">{@code processes}</th><td>count</td><td>{@code running}</td>
 *     <td>worker processes, once a second</td></tr>
 * <tr><th scope="row">{@code processes}</th><td>count</td><td>{@code dead}</td>
 *     <td>for each worker process that ended though it was not told to</td></tr>
 * <tr><th scope="row">{@code tasks}</th><td>count</td>
 *     <td>{@code complete}, {@code timeout}, {@code cancel}, {@code fail}, {@code reject}</td>
 *     <td>for each call at its end</td></tr>
 * </tbody>
 * </table>
 *
 * <p>What differs from aqueduct: times have three decimals, not two; items of timed-out calls
 * count, too; {@code tasks.fail} and {@code tasks.reject} are new; names of hops do not tell
 * priorities; {@code transfer_time}, {@code qsize} and {@code task_size} of the way back do not
 * exist; and {@code task_size}, {@code processes} and {@code memory_usage} do not for steps whose
 * workers are threads.
 *
 * <p>Lines are collected into datagrams of at most 1432 bytes. What cannot be sent is dropped and
 * counted: nothing is kept for later, and no call waits for the network.
 *
 * <p><b>Thread safety.</b> Any thread may call any method. None blocks, except for the time that
 * another thread takes to write a line.
 */
public final class AqueductStatsd implements Observer, AutoCloseable {
  /**
   * What can be left out. The counts of {@code tasks} and {@code processes}, and {@code
   * memory_usage}, are always sent.
   */
  public enum Group {
    /**
     * {@code handle_time}, {@code transfer_time}, {@code batch_time}, {@code batch_size} and {@code
     * task_size}.
     */
    TASK_TIMERS,
    /** {@code qsize}. */
    QUEUE_SIZE
  }

  /** How often processes are looked at. */
  private static final Duration PROCESSES_PERIOD = Duration.ofSeconds(1);

  private static final Logger LOGGER = System.getLogger(AqueductStatsd.class.getName());

  private final Set<Group> groups;
  private final StatsdLines lines;
  private final StatsdLines.Name total;
  private final StatsdLines.Name dead;
  private final Map<Outcome, StatsdLines.Name> tasks;
  private final String root;
  private final Map<String, AqueductSteps> services = new ConcurrentHashMap<>();
  private final TimeSource time;
  private final List<Repetition> repetitions = new ArrayList<>();
  private final AtomicBoolean hasFailed = new AtomicBoolean();
  private volatile boolean isClosed;

  private AqueductStatsd(Builder builder) {
    groups = EnumSet.copyOf(builder.groups());
    root = builder.prefix == null ? "aqueduct." : "aqueduct." + builder.prefix + ".";
    total = new StatsdLines.Name(root + "handle_time.total");
    dead = new StatsdLines.Name(root + "processes.dead");
    tasks =
        Map.of(
            Outcome.COMPLETED, task("complete"),
            Outcome.TIMED_OUT, task("timeout"),
            Outcome.CANCELLED, task("cancel"),
            Outcome.FAILED, task("fail"),
            Outcome.REJECTED, task("reject"));
    time = builder.time == null ? TimeSource.system() : builder.time;
    lines = new StatsdLines(builder.target);
  }

  private StatsdLines.Name task(String name) {
    return new StatsdLines.Name(root + "tasks." + name);
  }

  /**
   * A builder of an observer that sends to a server.
   *
   * @param target the address of the server, resolved
   * @return a builder
   * @throws IllegalArgumentException if the host of the address was not found
   */
  public static Builder builder(InetSocketAddress target) {
    return new Builder(target);
  }

  @Override
  public void onStart(Observed service) {
    services.put(service.name(), new AqueductSteps(root, service));
  }

  @Override
  public void onBatch(BatchEvent batch) {
    AqueductSteps steps = services.get(batch.service());
    if (steps != null && groups.contains(Group.TASK_TIMERS)) {
      steps.writeBatch(lines, batch);
    }
  }

  @Override
  public void onTransfer(TransferEvent transfer) {
    AqueductSteps steps = services.get(transfer.service());
    if (steps != null && groups.contains(Group.TASK_TIMERS)) {
      steps.writeTransfer(lines, transfer);
    }
  }

  @Override
  public void onWorker(WorkerEvent event) {
    if (event.kind() == WorkerEvent.Kind.DIED) {
      lines.count(dead, 1);
    }
  }

  @Override
  public void onCallEnd(String service, Outcome outcome, long nanos, @Nullable Object call) {
    lines.count(requireNonNull(tasks.get(outcome)), 1);
    if (outcome == Outcome.COMPLETED && groups.contains(Group.TASK_TIMERS)) {
      lines.time(total, nanos);
    }
  }

  @Override
  public void onState(String service, Flow.State state) {
    if (!HeadraceMetrics.isEnd(state)) {
      return;
    }
    AqueductSteps steps = services.get(service);
    if (steps != null && steps.hasEnded()) { // and not another one of the name
      services.remove(service, steps);
    }
    lines.flush();
  }

  /**
   * How many datagrams could not be sent.
   *
   * @return the number since the start
   */
  public long lostDatagrams() {
    return lines.lost();
  }

  /** Sends what is collected, and nothing anymore from then on. */
  @Override
  public void close() {
    isClosed = true;
    repetitions.forEach(Repetition::cancel);
    lines.close();
  }

  private void repeat(Duration period, Runnable task) {
    Repetition repetition = new Repetition(period, task);
    repetitions.add(repetition);
    repetition.schedule();
  }

  /** A task once a period, whether it fails or not. */
  private final class Repetition {
    private final Duration period;
    private final Runnable task;

    /** Written before isClosed is read, and read after that is written. */
    private volatile TimeSource.@Nullable Alarm alarm;

    Repetition(Duration period, Runnable task) {
      this.period = period;
      this.task = task;
    }

    void schedule() {
      alarm = time.schedule(period.toNanos(), this::ring);
      if (isClosed) {
        cancel();
      }
    }

    private void ring() {
      if (isClosed) {
        return;
      }
      try {
        task.run();
      } catch (Throwable failure) {
        report(failure);
      }
      schedule();
    }

    void cancel() {
      TimeSource.Alarm set = alarm;
      if (set != null) {
        set.cancel();
      }
    }
  }

  private void report(Throwable failure) {
    if (hasFailed.compareAndSet(false, true)) {
      LOGGER.log(
          Level.WARNING,
          "metrics could not be read; further failures are not logged, but tried again",
          failure);
    }
  }

  private void writeQueueSizes() {
    services.values().forEach(steps -> steps.writeQueueSizes(lines));
  }

  private void writeProcesses() {
    services.values().forEach(steps -> steps.writeProcesses(lines));
  }

  /**
   * Describes an {@link AqueductStatsd}. Each option can be set once; a second setting is an {@link
   * IllegalStateException}. Not thread safe.
   */
  public static final class Builder {
    /** The default of {@link #exportPeriod}: half a second. */
    public static final Duration DEFAULT_EXPORT_PERIOD = Duration.ofMillis(500);

    /** The default of {@link #queueSizePeriod}: a second. */
    public static final Duration DEFAULT_QUEUE_SIZE_PERIOD = Duration.ofSeconds(1);

    /** What is longer is never over in practice, and its nanoseconds might not fit into a long. */
    private static final Duration LONGEST_PERIOD = Duration.ofDays(3650);

    private final InetSocketAddress target;
    private @Nullable String prefix;
    private @Nullable Duration exportPeriod;
    private @Nullable Duration queueSizePeriod;
    private @Nullable Set<Group> groups;
    private @Nullable TimeSource time;

    private Builder(InetSocketAddress target) {
      if (requireNonNull(target, "target").isUnresolved()) {
        throw new IllegalArgumentException("target is " + target + ", its host was not found");
      }
      this.target = target;
    }

    /**
     * The second part of every name. Default: none.
     *
     * @param prefix letters, digits, {@code _}, {@code -} and, inside, {@code .}
     * @return this
     * @throws IllegalArgumentException if there are other characters in it, or none
     */
    public Builder prefix(String prefix) {
      unset(this.prefix, prefix, "prefix");
      if (!prefix.matches("[\\w-]+(\\.[\\w-]+)*")) {
        throw new IllegalArgumentException(
            "prefix is '"
                + prefix
                + "', it has to consist of letters, digits, _, - and inner dots");
      }
      this.prefix = prefix;
      return this;
    }

    /**
     * How often what is collected is sent, if it does not fill a datagram before. Default: {@link
     * #DEFAULT_EXPORT_PERIOD}.
     *
     * @param period from one time to the next, at least a millisecond
     * @return this
     * @throws IllegalArgumentException if the period is shorter
     */
    public Builder exportPeriod(Duration period) {
      unset(exportPeriod, period, "export period");
      exportPeriod = atLeastMillisecond(period, "export period");
      return this;
    }

    /**
     * How often the lengths of queues are read. Default: {@link #DEFAULT_QUEUE_SIZE_PERIOD}.
     *
     * @param period from one time to the next, at least a millisecond
     * @return this
     * @throws IllegalArgumentException if the period is shorter
     */
    public Builder queueSizePeriod(Duration period) {
      unset(queueSizePeriod, period, "queue size period");
      queueSizePeriod = atLeastMillisecond(period, "queue size period");
      return this;
    }

    /**
     * What is sent beside what is always. Default: everything.
     *
     * @param groups the groups; none sends that alone
     * @return this
     */
    public Builder collect(Group... groups) {
      Set<Group> chosen = EnumSet.noneOf(Group.class);
      chosen.addAll(Set.of(groups));
      unset(this.groups, chosen, "groups");
      this.groups = chosen;
      return this;
    }

    /**
     * The clock for the periods. Default: {@link TimeSource#system()}.
     *
     * @param time the clock
     * @return this
     */
    public Builder timeSource(TimeSource time) {
      unset(this.time, time, "time source");
      this.time = time;
      return this;
    }

    private Set<Group> groups() {
      return groups == null ? EnumSet.allOf(Group.class) : groups;
    }

    /**
     * Opens the socket.
     *
     * @return the observer, to be closed after the flow
     * @throws java.io.UncheckedIOException if there is no socket to be had
     */
    public AqueductStatsd build() {
      AqueductStatsd built = new AqueductStatsd(this);
      if (groups().contains(Group.QUEUE_SIZE)) {
        built.repeat(
            queueSizePeriod == null ? DEFAULT_QUEUE_SIZE_PERIOD : queueSizePeriod,
            built::writeQueueSizes);
      }
      built.repeat(PROCESSES_PERIOD, built::writeProcesses);
      built.repeat(exportPeriod == null ? DEFAULT_EXPORT_PERIOD : exportPeriod, built.lines::flush);
      return built;
    }

    private static void unset(@Nullable Object earlier, Object value, String name) {
      requireNonNull(value, name);
      if (earlier != null) {
        throw new IllegalStateException(
            name + " is set to " + value + ", it was set to " + earlier + " before");
      }
    }

    private static Duration atLeastMillisecond(Duration value, String name) {
      if (value.compareTo(Duration.ofMillis(1)) < 0) {
        throw new IllegalArgumentException(
            name + " is " + value + ", it has to be at least a millisecond");
      }
      return value.compareTo(LONGEST_PERIOD) > 0 ? LONGEST_PERIOD : value;
    }
  }
}
