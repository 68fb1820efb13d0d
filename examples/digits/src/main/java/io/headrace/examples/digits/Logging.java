package io.headrace.examples.digits;

import java.util.logging.Level;
import java.util.logging.Logger;
import org.slf4j.bridge.SLF4JBridgeHandler;

/**
 * Where the program and its worker processes log: through Logback to standard error. The file has
 * its place beside the classes, where Logback does not find it by itself, for this jar is used by
 * other programs, too.
 */
final class Logging {
  private static final String CONFIGURATION_KEY = "logback.configurationFile";
  private static final String CONFIGURATION = "io/headrace/examples/digits/logback.xml";

  private Logging() {}

  /** To be called before anything logs. */
  static void configure() {
    System.getProperties().putIfAbsent(CONFIGURATION_KEY, CONFIGURATION);
    SLF4JBridgeHandler.removeHandlersForRootLogger();
    SLF4JBridgeHandler.install();
    Logger.getLogger("").setLevel(Level.INFO);
  }

  /** The option with which another JVM logs in the same way. */
  static String option() {
    return "-D" + CONFIGURATION_KEY + "=" + CONFIGURATION;
  }
}
