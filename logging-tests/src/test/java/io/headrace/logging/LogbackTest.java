package io.headrace.logging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Workers;
import io.headrace.process.HandlerFactory;
import io.headrace.process.WorkerProcesses;
import io.sentry.Sentry;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** An application with SLF4J and Logback, and with the appender of an error tracker. */
class LogbackTest {
  private static SentryServer sentry;
  private static ListAppender<ILoggingEvent> lines;

  /** Logs in each way that there is. */
  public static final class Prices implements Handler<String, Integer> {
    @Override
    public List<Integer> handle(List<String> items) {
      LoggerFactory.getLogger("shop.Prices")
          .error("no price of {}", items.getFirst(), new IllegalStateException("unknown"));
      System.getLogger("shop.System").log(System.Logger.Level.WARNING, "from System.Logger");
      java.util.logging.Logger.getLogger("shop.Jul").info("from java.util.logging");
      System.out.println("printed");
      return List.of(1);
    }
  }

  @BeforeAll
  @SuppressWarnings("unchecked") // a raw type of Logback
  static void startApplication() throws Exception {
    sentry = new SentryServer();
    Sentry.init(options -> options.setDsn(sentry.dsn()));
    var root = (ch.qos.logback.classic.Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME);
    lines = (ListAppender<ILoggingEvent>) (Object) root.getAppender("LINES");
  }

  @AfterAll
  static void stop() {
    Sentry.close();
    sentry.close();
  }

  @Test
  void linesOfWorkersGoThroughItsConfigurationAndAnErrorIsTrackedOnce() throws Exception {
    // @start region="loggingWorkers"
    Workers workers =
        WorkerProcesses.builder(1)
            .jvmOptions("-Dlogback.configurationFile=logback-worker.xml")
            .noStartCache()
            .build();
    // @end
    try (var flow =
        Flow.<String>builder("shop")
            .<Integer>stepPerWorker(
                "prices", HandlerFactory.of(Prices::new), step -> step.workers(workers))
            .build()
            .start()) {
      flow.call("tea");
      await("the line that was printed")
          .atMost(Duration.ofSeconds(30))
          .until(() -> lines("io.headrace.process.output").size() == 1);
    }
    ILoggingEvent error = line("shop.Prices");
    assertThat(error.getLevel()).isEqualTo(Level.ERROR);
    assertThat(error.getFormattedMessage())
        .startsWith("[shop-prices-0")
        .endsWith("no price of tea");
    assertThat(error.getThrowableProxy().getStackTraceElementProxyArray()[0].toString())
        .contains("LogbackTest$Prices.handle");
    assertThat(line("shop.System").getLevel()).isEqualTo(Level.WARN);
    assertThat(line("shop.Jul").getLevel()).isEqualTo(Level.INFO);
    await("the event").atMost(Duration.ofSeconds(30)).until(() -> !sentry.events().isEmpty());
    Sentry.flush(30_000);
    assertThat(sentry.events())
        .singleElement()
        .asString()
        .contains(
            "no price of tea", "LogbackTest$Prices", "\"function\":\"handle\"", "shop.Prices");
  }

  private static ILoggingEvent line(String logger) {
    assertThat(lines(logger)).as(logger).hasSize(1);
    return lines(logger).getFirst();
  }

  private static List<ILoggingEvent> lines(String logger) {
    synchronized (lines) { // as the appender does when it adds one
      return lines.list.stream().filter(line -> line.getLoggerName().equals(logger)).toList();
    }
  }
}
