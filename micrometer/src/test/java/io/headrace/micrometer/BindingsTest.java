package io.headrace.micrometer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.Coalesced;
import io.headrace.Coalescer;
import io.headrace.CoalescerHooks;
import io.headrace.CoalescerStatistics;
import io.headrace.Observer;
import io.headrace.Permit;
import io.headrace.Throttle;
import io.headrace.testkit.VirtualTime;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What Prometheus scrapes of throttles and coalescers. */
class BindingsTest {
  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final HeadraceMetrics metrics = new HeadraceMetrics(registry);
  private final Queue<CompletableFuture<Integer>> executions = new ArrayDeque<>();

  private double throttle(String figure) {
    return Scrape.sample(registry, "headrace_throttle_" + figure + "{service=\"api\"}");
  }

  private double calls(String outcome) {
    return Scrape.sample(
        registry, "headrace_coalescer_calls_total{outcome=\"" + outcome + "\",service=\"users\"}");
  }

  private double keys(String state) {
    return Scrape.sample(
        registry, "headrace_coalescer_keys{service=\"users\",state=\"" + state + "\"}");
  }

  private double errors() {
    return Scrape.sample(registry, "headrace_coalescer_errors_total{service=\"users\"}");
  }

  @Test
  void aThrottleShowsItsPermitsAndThoseWhoWait() throws Exception {
    Throttle throttle = Throttle.atMost(2);
    metrics.bind("api", throttle);
    assertThat(throttle("running")).isZero();
    Permit first = throttle.acquire();
    throttle.acquire();
    throttle.acquireAsync();
    CompletableFuture<Permit> last = throttle.acquireAsync();
    assertThat(throttle("running")).isEqualTo(2);
    assertThat(throttle("waiting")).isEqualTo(2);
    first.close();
    assertThat(throttle("running")).isEqualTo(2);
    assertThat(throttle("waiting")).isEqualTo(1);
    last.cancel(true);
    assertThat(throttle("waiting")).isZero();
  }

  @Test
  void theOneThatWasBoundLastIsShown() throws Exception {
    metrics.bind("api", Throttle.atMost(1));
    Throttle successor = Throttle.atMost(1);
    metrics.bind("api", successor);
    Throttle another = Throttle.atMost(5);
    metrics.bind("other", another);
    try (Permit _ = successor.acquire()) {
      assertThat(throttle("running")).isEqualTo(1);
      assertThat(Scrape.sample(registry, "headrace_throttle_running{service=\"other\"}")).isZero();
    }
  }

  @Test
  void whatIsForgottenCanBeBoundAgain() {
    CoalescerStatistics statistics = CoalescerHooks.statistics();
    for (int i = 0; i < 2; i++) {
      metrics.bind("api", Throttle.atMost(1));
      metrics.bind("users", coalescer(statistics), statistics);
      assertThat(throttle("running")).isZero();
      assertThat(keys("kept")).isZero();
      assertThat(calls("executed")).isZero();
      metrics.forget("api");
      metrics.forget("users");
      assertThat(Scrape.samples(registry)).isEmpty();
    }
  }

  @Test
  void theRegistryAloneKeepsWhatIsShown() throws Exception {
    Throttle throttle = Throttle.atMost(1);
    CoalescerStatistics statistics = CoalescerHooks.statistics();
    new HeadraceMetrics(registry).bind("api", throttle);
    new HeadraceMetrics(registry).bind("users", coalescer(statistics), statistics);
    System.gc();
    try (Permit _ = throttle.acquire()) {
      assertThat(throttle("running")).isEqualTo(1);
    }
    assertThat(keys("in_flight")).isZero();
    assertThat(calls("executed")).isZero();
  }

  /** Nothing that all registries share refers to one. */
  @Test
  void aRegistryThatNobodyHasIsLetGo() {
    WeakReference<MeterRegistry> let = registryWithMeters();
    for (int i = 0; i < 100 && let.get() != null; i++) {
      System.gc();
    }
    assertThat(let.get()).isNull();
  }

  private static WeakReference<MeterRegistry> registryWithMeters() {
    MeterRegistry registry = new SimpleMeterRegistry();
    HeadraceMetrics metrics = new HeadraceMetrics(registry);
    metrics.bind("api", Throttle.atMost(1));
    metrics.onCallEnd("texts", Observer.Outcome.COMPLETED, 1, null);
    return new WeakReference<>(registry);
  }

  private CompletableFuture<Integer> execute(String key) {
    CompletableFuture<Integer> execution = new CompletableFuture<>();
    executions.add(execution);
    return execution;
  }

  private Coalescer<String, Integer> coalescer(CoalescerStatistics statistics) {
    return Coalescer.<String, Integer>asyncBuilder(this::execute)
        .keep(Duration.ofSeconds(1))
        .maxKeys(2)
        .hooks(statistics)
        .timeSource(new VirtualTime())
        .build();
  }

  @Test
  void aCoalescerShowsItsCallsByOutcomeItsErrorsAndItsKeys() {
    CoalescerStatistics statistics = CoalescerHooks.statistics();
    Coalescer<String, Integer> coalescer = coalescer(statistics);
    metrics.bind("users", coalescer, statistics);
    coalescer.submit("one");
    coalescer.submit("one");
    coalescer.submit("one");
    coalescer.submit("two");
    assertThat(coalescer.submit("three")).as("too many keys").isCompletedExceptionally();
    assertThat(keys("in_flight")).isEqualTo(2);
    assertThat(keys("kept")).isZero();
    executions.remove().complete(1);
    executions.remove().completeExceptionally(new IllegalStateException());
    coalescer.submit("one");
    assertThat(calls("executed")).isEqualTo(2);
    assertThat(calls("joined")).isEqualTo(2);
    assertThat(calls("kept")).isEqualTo(1);
    assertThat(calls("rejected")).isEqualTo(1);
    assertThat(errors()).isEqualTo(1);
    assertThat(keys("in_flight")).isZero();
    assertThat(keys("kept")).isEqualTo(1);

    CoalescerStatistics anew = CoalescerHooks.statistics();
    metrics.bind("users", coalescer(anew), anew);
    assertThat(calls("executed")).as("of a successor").isZero();
    assertThat(keys("kept")).as("of a successor").isZero();
  }

  /** What a proxy can be made of. */
  public interface Users {
    @Coalesced
    CompletableFuture<Integer> age(String name);
  }

  @Test
  void aProxyShowsItsCallsByOutcome() {
    CoalescerStatistics statistics = CoalescerHooks.statistics();
    Users users =
        Coalescer.<String, Integer>builder().hooks(statistics).proxy(Users.class, this::execute);
    metrics.bind("users", statistics);
    users.age("one");
    users.age("one");
    executions.remove().completeExceptionally(new IllegalStateException());
    assertThat(calls("executed")).isEqualTo(1);
    assertThat(calls("joined")).isEqualTo(1);
    assertThat(errors()).isEqualTo(1);
    assertThat(registry.scrape()).doesNotContain("headrace_coalescer_keys");
  }

  @Test
  void whatMakesNoSenseIsRefused() {
    CoalescerStatistics statistics = CoalescerHooks.statistics();
    Coalescer<String, Integer> coalescer = coalescer(statistics);
    String message = "name is ' ', it has to be one that says what this is";
    assertThatThrownBy(() -> metrics.bind(" ", Throttle.atMost(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
    assertThatThrownBy(() -> metrics.bind(" ", coalescer, statistics))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
    assertThatThrownBy(() -> metrics.bind("users", coalescer, null))
        .isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> new HeadraceMetrics(null)).isInstanceOf(NullPointerException.class);
    assertThat(registry.getMeters()).isEmpty();
  }
}
