package io.headrace.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.jayway.jsonpath.JsonPath;
import io.headrace.Batcher;
import io.headrace.Coalescer;
import io.headrace.Flow;
import io.headrace.Throttle;
import io.headrace.Workers;
import io.micrometer.core.instrument.MeterRegistry;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.test.json.BasicJsonTester;
import org.springframework.boot.test.json.JsonContent;
import org.springframework.cloud.context.environment.EnvironmentChangeEvent;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.MapPropertySource;

/** What the actuator shows over HTTP, without any configuration but that it does. */
class ActuatorTest {
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static ConfigurableApplicationContext context;
  private final BasicJsonTester json = new BasicJsonTester(getClass());

  @Configuration(proxyBeanMethods = false)
  @EnableAutoConfiguration
  static class Application {
    final LostWorkers workers = new LostWorkers();

    @Bean
    Flow<Integer, Integer> doomed() {
      return Flow.<Integer>builder("doomed")
          .step("step", items -> items, step -> step.workers(Workers.placed(workers)))
          .build();
    }

    @Bean
    Flow<Integer, Integer> photos(HeadraceBuilders headrace) {
      return headrace
          .<Integer>flow("photos")
          .step("classify", items -> items, headrace.step("photos", "classify"))
          .build();
    }

    @Bean
    Batcher<Integer, Integer> texts(HeadraceBuilders headrace) {
      return headrace.batcher("texts", Batcher.<Integer, Integer>builder(items -> items)).build();
    }

    @Bean
    Throttle api() {
      return Throttle.atMost(3);
    }

    @Bean
    Coalescer<Integer, Integer> users(HeadraceBuilders headrace) {
      return headrace.coalescer("users", Coalescer.<Integer, Integer>builder(item -> item)).build();
    }
  }

  @BeforeAll
  static void start() {
    context =
        SpringApplication.run(
            Application.class,
            "--server.port=0",
            "--server.address=127.0.0.1",
            "--management.endpoints.web.exposure.include=*",
            "--management.endpoint.health.show-details=always",
            "--management.endpoint.health.probes.enabled=true",
            "--management.endpoint.health.group.readiness.include=readinessState,headrace",
            "--headrace.flows.photos.steps.classify.workers=2",
            "--headrace.batchers.Te-xts.workers=1"); // the same name to Spring
  }

  @AfterAll
  static void stop() {
    context.close();
  }

  private JsonContent<Object> get(String path, int status) throws Exception {
    return send(HttpRequest.newBuilder(uri(path)), status);
  }

  private JsonContent<Object> send(HttpRequest.Builder request, int status) throws Exception {
    var response = HTTP.send(request.build(), BodyHandlers.ofString());
    assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
    return json.from(response.body());
  }

  private static URI uri(String path) {
    return URI.create(
        "http://127.0.0.1:"
            + context.getEnvironment().getProperty("local.server.port")
            + "/actuator/"
            + path);
  }

  @Test
  @SuppressWarnings("unchecked")
  void theEndpointShowsEveryPart() throws Exception {
    context.getBean("photos", Flow.class).call(1);
    context.getBean("users", Coalescer.class).call(1);
    await("the numbers of both calls")
        .until(
            () ->
                read("$.flows.photos.completed").equals(1)
                    && read("$.coalescers.users.calls.executed").equals(1));
    var all = get("headrace", 200);
    assertThat(all).extractingJsonPathValue("$.flows.photos.state").isEqualTo("RUNNING");
    assertThat(all)
        .extractingJsonPathMapValue("$.flows.photos.steps[0]")
        .containsEntry("name", "classify")
        .containsEntry("queued", 0)
        .containsEntry("batches", 1)
        .containsEntry("items", 1)
        .containsEntry("meanBatchSize", 1.0);
    assertThat(all)
        .extractingJsonPathMapValue("$.flows.doomed.steps[0].processes[0]")
        .containsEntry("name", "elsewhere-0")
        .containsEntry("pid", 7)
        .containsEntry("restarts", 3)
        .containsEntry("cpuSeconds", 0.005);
    assertThat(all).extractingJsonPathValue("$.batchers.texts.state").isEqualTo("RUNNING");
    assertThat(all)
        .extractingJsonPathMapValue("$.throttles.api")
        .containsEntry("limits", "Throttle[atOnce=3]")
        .containsEntry("waiting", 0);
  }

  @Test
  @SuppressWarnings("unchecked")
  void everythingHasMetersWithoutConfiguration() throws Exception {
    context.getBean("texts", Batcher.class).call(1);
    var registry = context.getBean(MeterRegistry.class);
    await("the meter of the call")
        .until(() -> registry.find("headrace.calls").tag("service", "texts").timer() != null);
    get("metrics/headrace.calls", 200);
    assertThat(registry.getMeters())
        .extracting(meter -> meter.getId().getName())
        .contains(
            "headrace.batch.size",
            "headrace.state",
            "headrace.throttle.waiting",
            "headrace.coalescer.calls",
            "headrace.coalescer.keys");
  }

  /** One after the other, for a flow that has failed stays so. */
  @Test
  void theHealthOfEachFlowTellsReadyFromLive() throws Exception {
    assertThat(get("health/headrace", 200))
        .extractingJsonPathValue("$.components.doomed.details.state")
        .isEqualTo("RUNNING");
    get("health/readiness", 200);

    context.getBean(Application.class).workers.lose();

    var health = get("health/headrace", 503);
    assertThat(health).extractingJsonPathValue("$.components.doomed.status").isEqualTo("DOWN");
    assertThat(health).extractingJsonPathValue("$.components.photos.status").isEqualTo("UP");
    get("health/readiness", 503);
    get("health/liveness", 200);
    get("health/headrace/doomed", 503);
    get("health/headrace/texts", 200);
  }

  @Test
  void whatCanChangeIsTakenOverWhileTheApplicationRuns() throws Exception {
    setProperties(
        Map.of(
            "headrace.flows.photos.steps.classify.workers", 4,
            "headrace.flows.photos.steps.classify.max-size", 9));
    var changes = send(post("headrace"), 200);
    assertThat(changes)
        .extractingJsonPathArrayValue("$.changed")
        .containsExactly("headrace.flows.photos.steps.classify.workers");
    assertThat(changes)
        .extractingJsonPathArrayValue("$.needRestart")
        .containsExactly("headrace.flows.photos.steps.classify.max-size");
    assertThat(workers("$.flows.photos")).isEqualTo(4);

    setProperties(Map.of("headrace.batchers.texts.workers", 3));
    context.publishEvent(
        new EnvironmentChangeEvent(context, Set.of("headrace.batchers.texts.workers")));
    assertThat(workers("$.batchers.texts")).isEqualTo(3);
  }

  private static HttpRequest.Builder post(String path) {
    return HttpRequest.newBuilder(uri(path))
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString("{}"));
  }

  private Object workers(String path) throws Exception {
    return read(path + ".steps[0].workers");
  }

  private Object read(String path) throws Exception {
    return JsonPath.read(get("headrace", 200).getJson(), path);
  }

  private static void setProperties(Map<String, Object> properties) {
    context
        .getEnvironment()
        .getPropertySources()
        .addFirst(new MapPropertySource("changed " + properties, properties));
  }
}
