package io.headrace.process;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.Logger;

/**
 * The levels of loggers of java.util.logging, which hold in worker processes as in their parent.
 */
final class LogLevels {
  private static final int MAX_NAME = 1000;

  /** A JVM with one of these properties has a configuration of its own. */
  private static final List<String> CONFIGURATIONS =
      List.of(
          "java.util.logging.config.file",
          "java.util.logging.config.class",
          "java.util.logging.manager");

  /** A logger that nobody keeps is forgotten with its level. */
  private static final List<Logger> KEPT = new ArrayList<>();

  private LogLevels() {}

  /**
   * Those that loggers of this process were given themselves, by their names. That of the root does
   * not count if it lets less through than the default: where a bridge takes lines from
   * System.Logger elsewhere it says nothing of them.
   */
  static Map<String, Integer> here() {
    Map<String, Integer> levels = new LinkedHashMap<>();
    LogManager manager = LogManager.getLogManager();
    for (String name : Collections.list(manager.getLoggerNames())) {
      Logger logger = manager.getLogger(name);
      Level level = logger == null ? null : logger.getLevel();
      boolean isRootWithLess =
          name.isEmpty() && level != null && level.intValue() > Level.INFO.intValue();
      if (level != null && !isRootWithLess && name.length() <= MAX_NAME) {
        levels.put(name, level.intValue());
      }
    }
    return levels;
  }

  /** Gives them to the loggers of this process, unless it has a configuration of its own. */
  static void set(Map<String, Integer> levels) {
    for (String configuration : CONFIGURATIONS) { // by loops, which need no linking at a start
      if (System.getProperty(configuration) != null) {
        return;
      }
    }
    for (Map.Entry<String, Integer> level : levels.entrySet()) {
      Logger logger = Logger.getLogger(level.getKey());
      logger.setLevel(Level.parse(level.getValue().toString()));
      KEPT.add(logger);
    }
  }
}
