package io.headrace.examples.guide;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class OutboxTest {
  @Test
  void messagesAreSentWhenTheProgramEnds() throws Exception {
    Process outbox =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Outbox.class.getName(),
                "hello",
                "world")
            .redirectErrorStream(true)
            .start();
    try {
      String printed = new String(outbox.getInputStream().readAllBytes(), UTF_8);
      assertThat(printed).contains("sent [hello, world]");
      assertThat(outbox.waitFor()).isZero();
    } finally {
      outbox.destroyForcibly();
    }
  }
}
