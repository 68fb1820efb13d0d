package io.headrace.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Kills the worker at a point, unless a file says that this has happened before. */
final class KillOnce implements Fault {
  static final String POINT = "test.point";
  static final String FILE = "test.file";

  private final Point point = Point.valueOf(System.getProperty(POINT));
  private final Path file = Path.of(System.getProperty(FILE));

  @Override
  public void at(Point point, Channel channel) {
    if (point == this.point && isFirst(file)) {
      Doubling.kill();
    }
  }

  /** How many processes have asked before, by files in a folder. */
  static int number(Path folder) {
    int number = 0;
    while (!isFirst(folder.resolve(Integer.toString(number)))) {
      number++;
    }
    return number;
  }

  /** Whether this is the first process that asks. */
  static boolean isFirst(Path file) {
    try {
      Files.createFile(file);
      return true;
    } catch (IOException done) {
      return false;
    }
  }
}
