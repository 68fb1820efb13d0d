package io.headrace.micrometer;

import static java.util.Objects.requireNonNull;

import io.headrace.Coalescer;
import io.headrace.CoalescerStatistics;
import io.headrace.Flow;
import io.headrace.Observer;
import io.headrace.Throttle;
import io.micrometer.core.instrument.MeterRegistry;
import org.jspecify.annotations.Nullable;

/**
 * Records what happens in batchers and flows, and shows throttles and coalescers, as meters of a
 * Micrometer registry.
 *
 * {@snippet class="io.headrace.micrometer.SnippetsTest" region="metrics"}
 *
 * <p>One instance serves any number of batchers, flows, throttles and coalescers; several for one
 * registry have the same meters. A batcher or flow is given it as an observer, a throttle or
 * coalescer is bound to it. They are told apart by their names. The meters of batchers or flows
 * with one name add up, the lengths of their queues among them, and {@code headrace.state} is 1 for
 * each state that one of them is in. Of two throttles or coalescers with one name the meters show
 * the one that was bound last, so their counters begin anew.
 *
 * <p>A registry keeps each meter that it has had: let there be few names, and give those that come
 * and go, such as one for each job, the same name, or {@link #forget} each of them.
 *
 * <table class="striped">
 * <caption>Meters</caption>
 * <thead>
 * <tr><th scope="col">name</th><th scope="col">kind, unit</th><th scope="col">tags</th>
 *     <th scope="col">what it tells</th></tr>
 * </thead>
 * <tbody>
 * <tr><th scope="row">{@code headrace.calls}</th><td>timer</td><td>service, outcome</td>
 *     <td>from the submission of a call to its end; the outcomes are completed, failed, timed_out,
 *     cancelled and rejected</td></tr>
 * <tr><th scope="row">{@code headrace.queue.wait}</th><td>timer</td><td>service, step</td>
 *     <td>how long an item waited for the step, collecting included; for one that is executed
 *     again, once more, since its last execution</td></tr>
 * <tr><th scope="row">{@code headrace.queue.length}</th><td>gauge, items</td><td>service, step</td>
 *     <td>items that wait for the step now</td></tr>
 * <tr><th scope="row">{@code headrace.batch.collect}</th><td>timer</td><td>service, step</td>
 *     <td>from the arrival of the oldest item of a batch until the batch was formed</td></tr>
 * <tr><th scope="row">{@code headrace.batch.size}</th><td>summary, items</td>
 *     <td>service, step</td><td>items of a batch</td></tr>
 * <tr><th scope="row">{@code headrace.batch.handle}</th><td>timer</td><td>service, step</td>
 *     <td>how long the handler took for a batch</td></tr>
 * <tr><th scope="row">{@code headrace.failed}</th><td>counter, items</td><td>service, step</td>
 *     <td>items that failed in the step</td></tr>
 * <tr><th scope="row">{@code headrace.retried}</th><td>counter, items</td><td>service, step</td>
 *     <td>items that were executed again, in parts of a batch that was isolated or after the death
 *     of a worker</td></tr>
 * <tr><th scope="row">{@code headrace.dropped}</th><td>counter, items</td>
 *     <td>service, step, outcome</td><td>items that left at the step without a result of it:
 *     timed_out, cancelled and rejected, while they waited, when they came, or in a batch</td></tr>
 * <tr><th scope="row">{@code headrace.transfer}</th><td>timer</td><td>service, step</td>
 *     <td>what the way of a batch to a worker that is not in this JVM, and back, took beside the
 *     handler. This and the next are there for steps that have such workers</td></tr>
 * <tr><th scope="row">{@code headrace.item.size}</th><td>summary, bytes</td>
 *     <td>service, step</td><td>bytes of an item on its way there, those in shared memory
 *     included</td></tr>
 * <tr><th scope="row">{@code headrace.state}</th><td>gauge</td><td>service, state</td>
 *     <td>1 for the state that the service is in, 0 for the others; the states are those of {@link
 *     Flow.State}, in lower case</td></tr>
 * <tr><th scope="row">{@code headrace.worker.memory}</th><td>gauge, bytes</td>
 *     <td>service, step, worker</td><td>memory that the process of a worker holds, shared memory
 *     included; 0 while it has none. The meters of workers are there for those that are not in this
 *     JVM</td></tr>
 * <tr><th scope="row">{@code headrace.worker.cpu}</th><td>counter, seconds</td>
 *     <td>service, step, worker</td><td>processor time that the processes of a worker have used, as
 *     far as it was read before they ended</td></tr>
 * <tr><th scope="row">{@code headrace.worker.restarts}</th><td>counter</td>
 *     <td>service, step, worker</td><td>processes that became ready in the place of one that had
 *     died</td></tr>
 * <tr><th scope="row">{@code headrace.worker.deaths}</th><td>counter</td>
 *     <td>service, step, worker, reason</td><td>processes that ended though they were not told to;
 *     reasons: exit (by itself), signal (of the system or somebody), batch_timeout, heartbeat (no
 *     sign of life), corrupt (it has written nonsense into shared memory), other</td></tr>
 * <tr><th scope="row">{@code headrace.throttle.running}</th><td>gauge</td><td>service</td>
 *     <td>permits that are out; 0 if the throttle does not limit how many</td></tr>
 * <tr><th scope="row">{@code headrace.throttle.waiting}</th><td>gauge</td><td>service</td>
 *     <td>threads and futures that wait for a permit</td></tr>
 * <tr><th scope="row">{@code headrace.coalescer.calls}</th><td>counter</td>
 *     <td>service, outcome</td><td>calls by what became of them when they came: executed (began an
 *     execution), joined (one in flight), kept (were given a kept result), rejected</td></tr>
 * <tr><th scope="row">{@code headrace.coalescer.errors}</th><td>counter</td><td>service</td>
 *     <td>executions that failed or were cancelled, of those executed</td></tr>
 * <tr><th scope="row">{@code headrace.coalescer.keys}</th><td>gauge</td><td>service, state</td>
 *     <td>keys in flight (in_flight) and keys whose result is kept (kept)</td></tr>
 * </tbody>
 * </table>
 *
 * <p>Timers and summaries have the same fixed buckets everywhere, so that histograms of several
 * processes can be added up: for times 1, 2.5 and 5 times each power of ten from 10 microseconds to
 * 10 seconds; for sizes of batches the powers of two from 1 to 4096, for those of items the powers
 * of four from 64 bytes to 1 GiB. A filter of the registry can change them.
 *
 * <p><b>Thread safety.</b> Any thread may call any method. None blocks.
 */
public final class HeadraceMetrics implements Observer {
  private final RegistryMeters meters;

  /**
   * Records into a registry.
   *
   * @param registry where the meters are registered
   */
  public HeadraceMetrics(MeterRegistry registry) {
    meters = RegistryMeters.of(requireNonNull(registry, "registry"));
  }

  @Override
  public void onStart(Observed service) {
    service(service.name()).watch(service);
  }

  @Override
  public void onBatch(BatchEvent batch) {
    service(batch.service()).step(batch.step()).record(batch);
  }

  @Override
  public void onRetry(String service, String step, int items) {
    service(service).step(step).recordRetry(items);
  }

  @Override
  public void onDrop(String service, String step, Outcome outcome) {
    service(service).step(step).recordDrop(outcome);
  }

  @Override
  public void onWorker(WorkerEvent event) {
    service(event.service()).step(event.step()).record(event);
  }

  @Override
  public void onTransfer(TransferEvent transfer) {
    service(transfer.service()).step(transfer.step()).record(transfer);
  }

  @Override
  public void onCallEnd(String service, Outcome outcome, long nanos, @Nullable Object call) {
    service(service).recordCall(outcome, nanos);
  }

  @Override
  public void onState(String service, Flow.State state) {
    if (isEnd(state)) {
      service(service).ended(state);
    }
  }

  static boolean isEnd(Flow.State state) {
    return state == Flow.State.STOPPED || state == Flow.State.FAILED;
  }

  /**
   * Shows a throttle, which counts for itself: {@code headrace.throttle.running} and {@code
   * headrace.throttle.waiting}.
   *
   * {@snippet class="io.headrace.micrometer.SnippetsTest" region="throttle"}
   *
   * @param name what to call it, the tag {@code service}
   * @param throttle is read at each scrape; the registry keeps it alive
   * @throws IllegalArgumentException if the name is blank
   */
  public void bind(String name, Throttle throttle) {
    meters.bindings.bind(notBlank(name), requireNonNull(throttle, "throttle"));
  }

  /**
   * Shows a coalescer: {@code headrace.coalescer.calls}, {@code headrace.coalescer.errors} and
   * {@code headrace.coalescer.keys}.
   *
   * {@snippet class="io.headrace.micrometer.SnippetsTest" region="coalescer"}
   *
   * @param name what to call it, the tag {@code service}
   * @param coalescer is read at each scrape; the registry keeps it alive
   * @param statistics its hooks, or among its hooks; they count the calls of all coalescers that
   *     they are given to
   * @throws IllegalArgumentException if the name is blank
   */
  public void bind(String name, Coalescer<?, ?> coalescer, CoalescerStatistics statistics) {
    requireNonNull(coalescer, "coalescer");
    bind(name, statistics);
    meters.bindings.bind(name, coalescer);
  }

  /**
   * Shows what is coalesced by a proxy, or by several coalescers together: {@code
   * headrace.coalescer.calls} and {@code headrace.coalescer.errors}.
   *
   * @param name what to call it, the tag {@code service}
   * @param statistics the hooks of the proxy or of the coalescers, or among them; read at each
   *     scrape; the registry keeps them alive
   * @throws IllegalArgumentException if the name is blank
   */
  public void bind(String name, CoalescerStatistics statistics) {
    meters.bindings.bind(notBlank(name), requireNonNull(statistics, "statistics"));
  }

  /**
   * Removes the meters of a name from the registry, and lets go what they refer to: for a service
   * whose name does not come again, after its end: when {@code close} has returned ({@code
   * shutdownNow} does not wait for it). If one of the name is still at work its counters begin
   * anew; a throttle or coalescer is shown again when it is bound again. Meters whose name or tag
   * {@code service} a filter of the registry has changed stay.
   *
   * @param name the tag {@code service}; nothing happens if there is no such meter
   */
  public void forget(String name) {
    meters.forget(requireNonNull(name, "name"));
  }

  private ServiceMeters service(String name) {
    return meters.service(name);
  }

  private static String notBlank(String name) {
    if (requireNonNull(name, "name").isBlank()) {
      throw new IllegalArgumentException(
          "name is '" + name + "', it has to be one that says what this is");
    }
    return name;
  }
}
