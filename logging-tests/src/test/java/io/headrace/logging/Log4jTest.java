package io.headrace.logging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.process.HandlerFactory;
import io.headrace.process.WorkerProcesses;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Property;
import org.junit.jupiter.api.Test;

/** An application with Log4j. */
class Log4jTest {
  /** Logs in each way that there is. */
  public static final class Prices implements Handler<String, Integer> {
    @Override
    public List<Integer> handle(List<String> items) {
      java.util.logging.Logger.getLogger("shop.Jul")
          .log(java.util.logging.Level.SEVERE, "no price", new IllegalStateException("unknown"));
      LogManager.getLogger("shop.Prices").warn("no price of {}", items.getFirst());
      return List.of(1);
    }
  }

  /** Remembers what came to the configured appenders. */
  private static final class Lines extends AbstractAppender {
    private final List<LogEvent> events = new CopyOnWriteArrayList<>();

    Lines() {
      super("lines", null, null, true, Property.EMPTY_ARRAY);
      start();
    }

    @Override
    public void append(LogEvent event) {
      events.add(event.toImmutable());
    }

    List<LogEvent> of(String logger) {
      return events.stream().filter(event -> event.getLoggerName().equals(logger)).toList();
    }
  }

  @Test
  void linesOfWorkersGoThroughItsConfiguration() throws Exception {
    Lines lines = new Lines();
    LoggerContext.getContext(false)
        .getConfiguration()
        .getRootLogger()
        .addAppender(lines, null, null);
    try (var flow =
        Flow.<String>builder("shop")
            .<Integer>stepPerWorker(
                "prices",
                HandlerFactory.of(Prices::new),
                step -> step.workers(WorkerProcesses.builder(1).noStartCache().build()))
            .build()
            .start()) {
      flow.call("tea");
      await("the line that the worker's Log4j has printed")
          .atMost(Duration.ofSeconds(30))
          .until(() -> lines.of("io.headrace.process.output").size() == 1);
    }
    assertThat(lines.of("io.headrace.process.output").getFirst().getMessage().getFormattedMessage())
        .endsWith("WARN shop.Prices no price of tea");
    assertThat(lines.of("shop.Jul"))
        .singleElement()
        .satisfies(
            event -> {
              assertThat(event.getLevel()).isEqualTo(Level.ERROR);
              assertThat(event.getThrown()).isInstanceOf(IllegalStateException.class);
              assertThat(event.getThrown().getStackTrace()[0].toString())
                  .contains("Log4jTest$Prices");
            });
  }
}
