package io.headrace.examples.spring.mvc;

import io.headrace.examples.spring.DigitsConfiguration;
import io.headrace.examples.spring.Problems;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Import;

/** Serves the flow with Spring MVC, a virtual thread for each request. */
@SpringBootApplication
@Import({DigitsConfiguration.class, Problems.class})
public class DigitsMvcApplication {
  /**
   * Starts it.
   *
   * @param args properties, such as {@code --server.port=8081}
   */
  public static void main(String[] args) {
    SpringApplication.run(DigitsMvcApplication.class, args);
  }
}
