package io.headrace.logging;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxy;
import ch.qos.logback.core.AppenderBase;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

// @start region="toParent"
/**
 * For worker processes: hands on what is logged to java.util.logging, which sends it to the parent.
 */
public final class ToParent extends AppenderBase<ILoggingEvent> {
  @Override
  protected void append(ILoggingEvent event) {
    LogRecord line = new LogRecord(level(event.getLevel()), event.getFormattedMessage());
    line.setLoggerName(event.getLoggerName());
    if (event.getThrowableProxy() instanceof ThrowableProxy proxy) {
      line.setThrown(proxy.getThrowable());
    }
    for (Handler handler : Logger.getLogger("").getHandlers()) {
      handler.publish(line);
    }
  }

  private static java.util.logging.Level level(Level level) {
    return switch (level.toInt()) {
      case Level.ERROR_INT -> java.util.logging.Level.SEVERE;
      case Level.WARN_INT -> java.util.logging.Level.WARNING;
      case Level.INFO_INT -> java.util.logging.Level.INFO;
      default -> java.util.logging.Level.FINE;
    };
  }
}
// @end
