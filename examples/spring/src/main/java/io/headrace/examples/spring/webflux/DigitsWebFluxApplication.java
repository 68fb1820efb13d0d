package io.headrace.examples.spring.webflux;

import io.headrace.examples.spring.DigitsConfiguration;
import io.headrace.examples.spring.Problems;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Import;

/** Serves the flow with Spring WebFlux: no thread waits for an answer. */
@SpringBootApplication
@Import({DigitsConfiguration.class, Problems.class})
public class DigitsWebFluxApplication {
  /**
   * Starts it.
   *
   * @param args properties, such as {@code --server.port=8081}
   */
  public static void main(String[] args) {
    application().run(args);
  }

  /**
   * The application, as a reactive one, for MVC is on the class path, too.
   *
   * @return the application, not started
   */
  public static SpringApplication application() {
    SpringApplication application = new SpringApplication(DigitsWebFluxApplication.class);
    application.setWebApplicationType(WebApplicationType.REACTIVE);
    return application;
  }
}
