package io.headrace.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.BatcherBuilder;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Throttle;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.ConfigDataApplicationContextInitializer;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;

/** The examples of the Javadoc, of the README and of docs/spring.md, in one application. */
class SnippetsTest {
  record Sentiment(String text) {}

  static class Model {
    List<Sentiment> classify(List<String> texts) {
      return texts.stream().map(Sentiment::new).toList();
    }
  }

  static class Classifier implements Handler<String, Integer> {
    @Override
    public List<Integer> handle(List<String> items) {
      return items.stream().map(String::length).toList();
    }
  }

  @Component
  static class Texts {
    private final Model model;

    Texts(Model model) {
      this.model = model;
    }

    // @start region="batched"
    @Batched(value = "classifyAll", name = "sentiments")
    public Sentiment classify(String text) {
      return classifyAll(List.of(text)).getFirst(); // when nobody batches, as in a unit test
    }

    List<Sentiment> classifyAll(List<String> texts) {
      return model.classify(texts);
    }
    // @end
  }

  record User(int id, String name) {}

  @Component
  static class Users {
    // @start region="coalesced"
    @Coalesced(name = "users", key = "#id", timeout = "10s")
    public User load(int id, String reason) {
      return new User(id, "loaded because of " + reason); // however many ask for one id at once
    }

    // @end

    // @start region="throttled"
    @Throttled("geocoder")
    public Mono<String> locate(String address) {
      return Mono.just("somewhere near " + address);
    }

    // @end

    // @start region="together"
    @Coalesced
    @Throttled(value = "geocoder", timeout = "10s")
    public CompletableFuture<String> locateLater(String address) {
      return CompletableFuture.completedFuture("somewhere near " + address);
    }
    // @end
  }

  @Configuration(proxyBeanMethods = false)
  static class Parts {
    // @start region="plain"
    @Bean
    Flow<String, Integer> lengths() {
      return Flow.<String>builder("lengths").step("length", Handler.each(String::length)).build();
    }

    // @end

    // @start region="builders"
    @Bean
    Flow<String, Integer> photos(HeadraceBuilders headrace, Classifier classifier) {
      return headrace
          .<String>flow("photos")
          .step("decode", Handler.each(String::strip), headrace.step("photos", "decode"))
          .step("classify", classifier, headrace.step("photos", "classify"))
          .build();
    }

    @Bean
    Throttle geocoder(HeadraceBuilders headrace) {
      return headrace.throttle("geocoder", Throttle.builder()).build();
    }

    // @end

    // @start region="customizer"
    @Bean
    HeadraceCustomizer weights() {
      return new HeadraceCustomizer() {
        @Override
        public void customize(String name, BatcherBuilder<?, ?> builder) {
          if (name.equals("sentiments")) {
            builder.weight(text -> ((String) text).length() + 1);
          }
        }
      };
    }
    // @end
  }

  @Test
  void theyWorkInOneApplication() {
    new ApplicationContextRunner()
        .withInitializer(new ConfigDataApplicationContextInitializer())
        .withPropertyValues("spring.config.name=snippets")
        .withConfiguration(AutoConfigurations.of(HeadraceAutoConfiguration.class))
        .withBean(Model.class)
        .withBean(Classifier.class)
        .withBean(Texts.class)
        .withBean(Users.class)
        .withUserConfiguration(Parts.class)
        .run(
            context -> {
              assertThat(context.getBean(Texts.class).classify("good"))
                  .isEqualTo(new Sentiment("good"));
              Users users = context.getBean(Users.class);
              assertThat(users.load(7, "login").id()).isEqualTo(7);
              assertThat(users.locate("home").block()).isEqualTo("somewhere near home");
              assertThat(users.locateLater("home").join()).isEqualTo("somewhere near home");
              assertThat(flow(context.getBean("photos")).call(" two ")).isEqualTo(3);
              assertThat(flow(context.getBean("lengths")).call("four")).isEqualTo(4);
            });
  }

  @SuppressWarnings("unchecked")
  private static Flow<String, Integer> flow(Object bean) {
    return (Flow<String, Integer>) bean;
  }

  @Test
  void withoutSpringTheyDoWithoutBatches() {
    assertThat(new Texts(new Model()).classify("good")).isEqualTo(new Sentiment("good"));
  }
}
