package io.headrace.micrometer;

import static java.util.Objects.requireNonNull;

import io.headrace.Flow;
import io.headrace.Observer;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * Records what happens in batchers and flows as meters of a Micrometer registry.
 *
 * {@snippet class="io.headrace.micrometer.SnippetsTest" region="metrics"}
 *
 * <p>One instance serves any number of batchers and flows; make one for a registry. Services are
 * told apart by their names. Of two with one name, which is for one that replaces the other, the
 * meters add up, and the gauges show the one that was started last.
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
 *     <td>how long an item waited for the step, collecting included</td></tr>
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
 * <tr><th scope="row">{@code headrace.state}</th><td>gauge</td><td>service, state</td>
 *     <td>1 for the state that the service is in, 0 for the others; the states are those of {@link
 *     Flow.State}, in lower case</td></tr>
 * </tbody>
 * </table>
 *
 * <p>Timers and summaries have the same fixed buckets everywhere, so that histograms of several
 * processes can be added up: for times 1, 2.5 and 5 times each power of ten from 10 microseconds to
 * 10 seconds; for sizes the powers of two from 1 to 4096. A filter of the registry can change them.
 *
 * <p><b>Thread safety.</b> Any thread may call any method. None blocks.
 */
public final class HeadraceMetrics implements Observer {
  private final MeterRegistry registry;
  private final ConcurrentHashMap<String, ServiceMeters> services = new ConcurrentHashMap<>();

  /**
   * Records into a registry.
   *
   * @param registry where the meters are registered
   */
  public HeadraceMetrics(MeterRegistry registry) {
    this.registry = requireNonNull(registry, "registry");
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
  public void onCallEnd(String service, Outcome outcome, long nanos) {
    service(service).recordCall(outcome, nanos);
  }

  @Override
  public void onState(String service, Flow.State state) {
    if (state == Flow.State.STOPPED || state == Flow.State.FAILED) {
      service(service).ended();
    }
  }

  /**
   * Makes meters of the figures of something that counts for itself and gives snapshots.
   *
   * {@snippet class="io.headrace.micrometer.SnippetsTest" region="snapshots"}
   *
   * @param kind what it is, the second part of the meters' names: {@code throttle} makes {@code
   *     headrace.throttle.running}
   * @param name the name of this one, the tag {@code service}
   * @param snapshot gives the figures of this moment; called by each meter whenever it is read
   * @return to which the meters are added
   * @param <S> the type of a snapshot
   * @throws IllegalArgumentException if the kind or the name is blank
   */
  public <S> SnapshotMeters<S> bind(String kind, String name, Supplier<? extends S> snapshot) {
    return new SnapshotMeters<>(
        registry, notBlank(kind, "kind"), notBlank(name, "name"), requireNonNull(snapshot));
  }

  private ServiceMeters service(String name) {
    ServiceMeters known = services.get(name);
    return known != null
        ? known
        : services.computeIfAbsent(name, unknown -> new ServiceMeters(registry, unknown));
  }

  static String notBlank(String value, String what) {
    if (requireNonNull(value, what).isBlank()) {
      throw new IllegalArgumentException(what + " is blank, it has to say what this is");
    }
    return value;
  }
}
