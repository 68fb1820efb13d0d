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

  AqueductStatsd(AqueductStatsdBuilder builder) {
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
  public static AqueductStatsdBuilder builder(InetSocketAddress target) {
    return new AqueductStatsdBuilder(target);
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

  void start(Duration queueSizePeriod, Duration exportPeriod) {
    if (groups.contains(Group.QUEUE_SIZE)) {
      repeat(queueSizePeriod, this::writeQueueSizes);
    }
    repeat(PROCESSES_PERIOD, this::writeProcesses);
    repeat(exportPeriod, lines::flush);
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
}
