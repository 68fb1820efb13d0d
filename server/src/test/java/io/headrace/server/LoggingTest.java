package io.headrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;

/** Where an application with this library logs is for the application to say. */
class LoggingTest {
  @Test
  void neitherABridgeNorAConfigurationComesAlong() {
    assertThat(ServiceLoader.load(System.LoggerFinder.class)).isEmpty();
    assertThat(LoggingTest.class.getResource("/logback.xml")).isNull();
  }
}
