package io.headrace.process;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.Charset;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What a process prints: goes line by line to the log, and the last lines are remembered. */
final class Output {
  private static final int REMEMBERED = 20;
  private static final int MAX_REMEMBERED = 4096;

  /**
   * What is longer goes to the log in pieces, so that a line without an end does not fill the heap.
   */
  static final int MAX_LINE = 64 * 1024;

  /** For a log that is slow. */
  private static final Duration MAX_END = Duration.ofSeconds(2);

  /** What a JVM prints that has crashed, before the line with the path of its report. */
  private static final String REPORT = "# An error report file with more information is saved as:";

  private static final String REPORT_PREFIX = "# ";

  private final ArrayDeque<String> last = new ArrayDeque<>();
  private @Nullable String report;
  private final Reading reading;

  Output(InputStream stream, String name, Consumer<String> log) {
    reading = new Reading(stream, name + "-output", MAX_END, watched -> read(watched, log));
  }

  /** To its end, or until the JDK closes it, some time after the end of the process. */
  private void read(InputStream stream, Consumer<String> log) {
    try (BufferedReader in =
        new BufferedReader(new InputStreamReader(stream, Charset.defaultCharset()))) {
      StringBuilder line = new StringBuilder();
      int before = 0;
      for (int next = in.read(); next >= 0; before = next, next = in.read()) {
        boolean isEnd = next == '\n' || next == '\r';
        boolean isRest = next == '\n' && before == '\r';
        if ((isEnd && !isRest) || line.length() == MAX_LINE) {
          printed(line, log);
        }
        if (!isEnd) {
          line.append((char) next);
        }
      }
      if (!line.isEmpty()) {
        printed(line, log);
      }
    } catch (IOException ended) {
      remember("(the output ends: " + ended.getMessage() + ")");
    }
  }

  private void printed(StringBuilder line, Consumer<String> log) {
    remember(line.toString());
    log.accept(line.toString());
    line.setLength(0);
  }

  private synchronized void remember(String line) {
    if (REPORT.equals(last.peekLast()) && line.startsWith(REPORT_PREFIX)) {
      report = line.substring(REPORT_PREFIX.length());
    }
    if (last.size() == REMEMBERED) {
      last.removeFirst();
    }
    last.add(line.length() > MAX_REMEMBERED ? line.substring(0, MAX_REMEMBERED) + "..." : line);
  }

  /** The last lines of a process that has ended; waits for them, but not for long. */
  List<String> last() {
    reading.awaitLast();
    synchronized (this) {
      return List.copyOf(last);
    }
  }

  /** Where the report of its crash is, among what was read so far; null if it told of none. */
  synchronized @Nullable String report() {
    return report;
  }
}
