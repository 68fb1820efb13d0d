package io.headrace.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.headrace.Flow;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

/** The web server and the flows behind it stop in the right order. */
class ShutdownTest {
  @Configuration(proxyBeanMethods = false)
  @EnableAutoConfiguration
  static class Application {
    final CountDownLatch begun = new CountDownLatch(1);
    final CountDownLatch release = new CountDownLatch(1);

    @Bean
    Flow<Integer, Integer> flow() {
      return Flow.<Integer>builder("flow").step("step", this::handle).build();
    }

    @Bean
    Numbers numbers(Flow<Integer, Integer> flow) {
      return new Numbers(flow);
    }

    private List<Integer> handle(List<Integer> items) throws InterruptedException {
      begun.countDown();
      release.await();
      return items;
    }

    @EventListener
    void closed(ContextClosedEvent event) {
      release.countDown();
    }
  }

  @RestController
  record Numbers(Flow<Integer, Integer> flow) {
    @GetMapping("/{number}")
    int get(@PathVariable("number") int number) throws InterruptedException {
      return flow.call(number);
    }
  }

  @Test
  void aRequestThatIsInTheFlowWhenTheApplicationStopsIsAnswered() throws Exception {
    var context =
        SpringApplication.run(Application.class, "--server.port=0", "--server.address=127.0.0.1");
    String port = context.getEnvironment().getProperty("local.server.port");
    var response =
        HttpClient.newHttpClient()
            .sendAsync(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/42")).build(),
                BodyHandlers.ofString());
    context.getBean(Application.class).begun.await();
    context.close();
    assertThat(response.join().body()).isEqualTo("42");
    await("the end of the context").until(() -> !context.isActive());
  }
}
