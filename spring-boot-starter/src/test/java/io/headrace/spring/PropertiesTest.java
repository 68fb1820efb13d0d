package io.headrace.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.headrace.Batcher;
import io.headrace.Coalescer;
import io.headrace.DeadlineExceededException;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Service;
import io.headrace.Throttle;
import io.headrace.ThrottleBuilder;
import io.headrace.TimeSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.SystemEnvironmentPropertySource;

/** Properties are the options of the builders, and what is wrong in them is told. */
@ExtendWith(OutputCaptureExtension.class)
class PropertiesTest {
  private final ApplicationContextRunner runner =
      new ApplicationContextRunner()
          .withConfiguration(AutoConfigurations.of(HeadraceAutoConfiguration.class));

  @Configuration(proxyBeanMethods = false)
  @ImportAutoConfiguration(HeadraceAutoConfiguration.class)
  static class Parts {
    @Bean
    Batcher<Integer, Integer> texts(HeadraceBuilders headrace) {
      return headrace.batcher("texts", Batcher.<Integer, Integer>builder(sizes())).build();
    }

    @Bean
    Flow<Integer, Integer> photos(HeadraceBuilders headrace) {
      return headrace
          .<Integer>flow("photos")
          .step("classify", sizes(), headrace.step("photos", "classify"))
          .build();
    }

    @Bean
    Throttle api(HeadraceBuilders headrace) {
      return headrace.throttle("api", Throttle.builder()).build();
    }

    @Bean
    Coalescer<Integer, Integer> users(HeadraceBuilders headrace) {
      return headrace.coalescer("users", Coalescer.<Integer, Integer>builder(item -> item)).build();
    }

    /** A throttle needs a limit; it is set here if no property says one. */
    @Bean
    HeadraceCustomizer customizer() {
      return new HeadraceCustomizer() {
        @Override
        public void customize(String name, ThrottleBuilder builder) {
          builder.timeSource(TimeSource.system());
        }
      };
    }
  }

  /** Answers with the size of the batch. */
  private static Handler<Integer, Integer> sizes() {
    return items -> items.stream().map(item -> items.size()).toList();
  }

  private static int largest(Service<Integer, Integer> service) {
    return service.submitAll(IntStream.range(0, 100).boxed().toList()).stream()
        .mapToInt(future -> future.join())
        .max()
        .orElseThrow();
  }

  @Test
  @SuppressWarnings("unchecked")
  void everyOptionReachesItsBuilder() {
    runner
        .withUserConfiguration(Parts.class)
        .withPropertyValues(
            "headrace.batchers.texts.max-size=7",
            "headrace.batchers.texts.max-delay=1ms",
            "headrace.batchers.texts.workers=3",
            "headrace.batchers.texts.virtual-threads=true",
            "headrace.batchers.texts.queue-capacity=200",
            "headrace.batchers.texts.on-full=await",
            "headrace.batchers.texts.await-at-most=30s",
            "headrace.batchers.texts.isolate=4",
            "headrace.batchers.texts.priorities=2",
            "headrace.batchers.texts.answer-within=1h",
            "headrace.flows.photos.priorities=3",
            "headrace.flows.photos.answer-within=1h",
            "headrace.flows.photos.steps.classify.max-size=5",
            "headrace.flows.photos.steps.classify.latency-objective=1m",
            "headrace.flows.photos.steps.classify.workers=2",
            "headrace.flows.photos.steps.classify.queue-capacity=100",
            "headrace.flows.photos.steps.classify.on-full=fail",
            "headrace.throttles.api.at-once=4",
            "headrace.throttles.api.permits=300",
            "headrace.throttles.api.period=1m",
            "headrace.throttles.api.burst=10",
            "headrace.throttles.api.catch-up=0",
            "headrace.coalescers.users.keep=1h",
            "headrace.coalescers.users.max-keys=1",
            "headrace.coalescers.users.when-abandoned=cancel")
        .run(
            context -> {
              Batcher<Integer, Integer> texts = context.getBean(Batcher.class);
              assertThat(texts.name()).isEqualTo("texts");
              assertThat(texts.statistics().steps().getFirst().workers()).isEqualTo(3);
              assertThat(largest(texts)).isBetween(2, 7);
              Flow<Integer, Integer> photos = context.getBean(Flow.class);
              assertThat(photos.statistics().steps().getFirst().workers()).isEqualTo(2);
              assertThat(largest(photos)).isBetween(1, 5);
              assertThat(context.getBean(Throttle.class))
                  .hasToString(
                      "Throttle[name=api, atOnce=4, rate=300.0 in PT1M, burst=10, catchUp=PT0S]");
              Coalescer<Integer, Integer> users = context.getBean(Coalescer.class);
              users.call(1);
              users.call(2);
              assertThat(users.kept()).isEqualTo(1);
            });
  }

  /** A nanosecond is over when the deadline is looked at. */
  @Test
  @SuppressWarnings("unchecked")
  void aTimeoutIsThatOfCallsThatNameNone() {
    runner
        .withUserConfiguration(Parts.class)
        .withPropertyValues(
            "headrace.batchers.texts.timeout=1ns",
            "headrace.flows.photos.timeout=1ns",
            "headrace.throttles.api.at-once=4")
        .run(
            context -> {
              for (Service<Integer, Integer> service :
                  List.of(context.getBean(Batcher.class), context.getBean(Flow.class))) {
                assertThat(catchThrowable(() -> service.call(1)))
                    .isInstanceOf(DeadlineExceededException.class)
                    .hasMessageContaining("PT0.000000001S");
              }
            });
  }

  static class Prices {
    @Batched("prices")
    public Integer price(int article) {
      return article;
    }

    List<Integer> prices(List<Integer> articles) {
      return articles.stream().map(article -> articles.size()).toList();
    }
  }

  @Test
  void aNameThatIsNotSetIsThatOfTheBeanAndTheMethod() {
    runner
        .withBean("priceTable", Prices.class)
        .withPropertyValues("headrace.batchers.priceTable-price.workers=5")
        .run(
            context -> {
              assertThat(context.getBean(Prices.class).price(3)).isEqualTo(1);
              Part part = context.getBean(HeadraceLifecycle.class).parts().getFirst();
              assertThat(part.name()).isEqualTo("priceTable-price");
              Batcher<?, ?> batcher = (Batcher<?, ?>) part.object();
              assertThat(batcher.statistics().steps().getFirst().workers()).isEqualTo(5);
            });
  }

  /** Variables of the environment have no dashes, and YAML may say what they leave open. */
  @Test
  @SuppressWarnings("unchecked")
  void variablesOfTheEnvironmentSetOptionsOfAnyName() {
    runner
        .withBean("priceTable", Prices.class)
        .withUserConfiguration(OddNames.class)
        .withInitializer(
            context -> {
              var sources = context.getEnvironment().getPropertySources();
              sources.addFirst(
                  new MapPropertySource(
                      "yaml",
                      Map.of(
                          "headrace.batchers.priceTable-price.workers", 5,
                          "headrace.batchers.priceTable-price.virtual-threads", true,
                          "headrace.batchers.[my_texts].workers", 2,
                          "headrace.batchers.[my_texts].max-size", 1,
                          "headrace.flows.[my_flow].steps.[step_1].max-size", 1)));
              sources.addFirst(
                  new SystemEnvironmentPropertySource(
                      "test-systemEnvironment",
                      Map.of(
                          "HEADRACE_BATCHERS_PRICETABLEPRICE_WORKERS", "7",
                          "HEADRACE_BATCHERS_MYTEXTS_WORKERS", "3",
                          "HEADRACE_FLOWS_MYFLOW_STEPS_STEP1_WORKERS", "4",
                          "HEADRACE_THROTTLES_GEOCODER_ATONCE", "6")));
            })
        .run(
            context -> {
              assertThat(context).hasNotFailed();
              var parts = context.getBean(HeadraceLifecycle.class).parts();
              Batcher<?, ?> prices =
                  parts.stream()
                      .filter(part -> part.name().equals("priceTable-price"))
                      .map(part -> (Batcher<?, ?>) part.object())
                      .findFirst()
                      .orElseThrow();
              assertThat(prices.statistics().steps().getFirst().workers()).isEqualTo(7);
              Batcher<Integer, Integer> texts = context.getBean("texts", Batcher.class);
              assertThat(texts.statistics().steps().getFirst().workers()).isEqualTo(3);
              assertThat(largest(texts)).as("the size of the lower source").isEqualTo(1);
              Flow<Integer, Integer> flow = context.getBean(Flow.class);
              assertThat(flow.statistics().steps().getFirst().workers()).isEqualTo(4);
              assertThat(largest(flow)).isEqualTo(1);
              assertThat(context.getBean(Throttle.class))
                  .hasToString("Throttle[name=geo-Coder, atOnce=6]");
            });
  }

  @Configuration(proxyBeanMethods = false)
  static class OddNames {
    @Bean
    Batcher<Integer, Integer> texts(HeadraceBuilders headrace) {
      return headrace.batcher("my_texts", Batcher.<Integer, Integer>builder(sizes())).build();
    }

    @Bean
    Flow<Integer, Integer> flow(HeadraceBuilders headrace) {
      return headrace
          .<Integer>flow("my_flow")
          .step("step_1", sizes(), headrace.step("my_flow", "step_1"))
          .build();
    }

    @Bean
    Throttle limit(HeadraceBuilders headrace) {
      return headrace.throttle("geo-Coder", Throttle.builder()).build();
    }
  }

  @Test
  void namesThatNothingAsksForAreLetBeIfThatIsSaid() {
    runner
        .withPropertyValues("headrace.batchers.x.workers=5", "headrace.allow-unused-names=true")
        .run(context -> assertThat(context).hasNotFailed());
    runner
        .withPropertyValues("headrace.batchers.x.workers=5", "spring.main.lazy-initialization=true")
        .run(context -> assertThat(context).hasNotFailed());
  }

  @Test
  void namesThatAParentAsksForAreUsed() {
    ApplicationContextRunner all =
        runner.withPropertyValues(
            "headrace.batchers.my-texts.workers=5", "headrace.throttles.geo-coder.at-once=1");
    all.withUserConfiguration(OddNames.class)
        .run(parent -> all.withParent(parent).run(child -> assertThat(child).hasNotFailed()));
  }

  /** Nanoseconds cannot count it. */
  @Test
  void partsAreDrainedWithinTheLongestTime() {
    List<Part> parts = new ArrayList<>();
    runner
        .withBean(Prices.class)
        .withPropertyValues("headrace.start-timeout=200000d", "headrace.drain-timeout=200000d")
        .run(context -> parts.addAll(context.getBean(HeadraceLifecycle.class).parts()));
    assertThat(parts)
        .singleElement()
        .satisfies(part -> assertThat(part.state()).isEqualTo(Flow.State.STOPPED));
  }

  /** Each line of YAML that is wrong in some way, and what is told of it. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "headrace.batchers.texts.max-size=0 | Invalid value '0' for configuration property"
            + " 'headrace.batchers.texts.max-size' | maxSize is 0, it has to be at least 1",
        "headrace.batchers.texts.max-size=many | Failed to bind properties under"
            + " 'headrace.batchers.texts.max-size' | Value: \"many\"",
        "headrace.batchers.texts.max-delay=-1s | headrace.batchers.texts.max-delay"
            + " | maxDelay is PT-1S, it has to be at least zero",
        "headrace.batchers.texts.workers=0 | headrace.batchers.texts.workers"
            + " | count is 0, it has to be from 1 to",
        "headrace.batchers.texts.timeout=0s | headrace.batchers.texts.timeout"
            + " | timeout is PT0S, it has to be above zero",
        "headrace.batchers.texts.isolate=1 | headrace.batchers.texts.isolate"
            + " | maxTries is 1, it has to be at least 2",
        "headrace.batchers.texts.priorities=65 | headrace.batchers.texts.priorities"
            + " | it has to be from 1 to 64",
        "headrace.batchers.texts.queue-capacity=9 | headrace.batchers.texts.queue-capacity"
            + " | it has a meaning only beside on-full",
        "headrace.batchers.texts.await-at-most=1s | headrace.batchers.texts.await-at-most"
            + " | it has a meaning only beside on-full: await",
        "headrace.flows.photos.steps.classify.latency-objective=0s"
            + " | headrace.flows.photos.steps.classify.latency-objective"
            + " | latencyObjective is PT0S, it has to be above zero",
        "headrace.throttles.api.per-second=0 | headrace.throttles.api.per-second"
            + " | rate is 0.0, it has to be a number above zero",
        "headrace.throttles.api.permits=5 | headrace.throttles.api.permits"
            + " | it has a meaning only beside period",
        "headrace.coalescers.users.max-keys=-1 | headrace.coalescers.users.max-keys"
            + " | maxKeys is -1, it has to be at least 1",
        "headrace.coalescers.users.when-abandoned=sigh"
            + " | headrace.coalescers.users.when-abandoned | RUN_ON",
        "headrace.batchers.texts.max-sice=3 | headrace.batchers.texts.max-sice is set to 3"
            + " | There is no such property",
        "headrace.batchers.texts.max-sice=3 | under headrace.batchers.texts there are max-size,"
            + " max-delay | await-at-most",
        "headrace.flows.photos.steps.classify.x=3"
            + " | under headrace.flows.photos.steps.classify there are max-size"
            + " | There is no such property",
        "headrace.batcher.texts.max-size=3 | under headrace there are start-timeout,"
            + " | batchers, flows, throttles, coalescers",
        "headrace.batchers.test.max-size=3 | headrace.batchers.test"
            + " (\"headrace.batchers.test.max-size\" from property source | has properties, but"
            + " nothing in the application asks for",
        "headrace.flows.photos.steps.decode.max-size=3 | headrace.flows.photos.steps.decode ("
            + " | flows.photos.steps.classify",
        "headrace.batchers.test.max-size=3 | Correct the name | asked for were batchers.texts,"
            + " coalescers.users, flows.photos,",
        "headrace.batchers.texts.maxSize=0 | headrace.batchers.texts.max-size"
            + " | maxSize is 0, it has to be at least 1",
        "headrace.start-timeout=-1s | headrace.start-timeout | it has to be above zero",
        "headrace.drain-timeout=0s | headrace.drain-timeout | it has to be above zero",
        "headrace.start-timeout=soon | headrace.start-timeout | soon",
        "headrace.when-failed=panic | headrace.when-failed | UNHEALTHY"
      })
  void whatIsWrongIsToldWithItsPlaceAndItsRemedy(
      String property, String first, String second, CapturedOutput output) {
    SpringApplication application = new SpringApplication(Parts.class);
    application.setWebApplicationType(WebApplicationType.NONE);
    String[] all = {"--" + property.strip(), "--headrace.throttles.api.at-once=4"};
    assertThat(catchThrowable(() -> application.run(all))).isNotNull();
    assertThat(output.getOut()).contains("APPLICATION FAILED TO START", first, second);
  }
}
