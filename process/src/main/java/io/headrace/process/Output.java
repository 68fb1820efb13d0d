package io.headrace.process;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.Charset;
import java.util.ArrayDeque;
import java.util.List;
import java.util.function.Consumer;

/** What a process prints: goes line by line to the log, and the last lines are remembered. */
final class Output {
  private static final int REMEMBERED = 20;
  private static final int MAX_LINE = 4096;

  /** Longer than this only somebody else holds the stream open, whom the process has started. */
  private static final long END_MILLIS = 1000;

  private final ArrayDeque<String> last = new ArrayDeque<>();
  private final Thread thread;

  Output(InputStream stream, String name, Consumer<String> log) {
    thread = Thread.ofPlatform().daemon().name(name + "-output").start(() -> read(stream, log));
  }

  private void read(InputStream stream, Consumer<String> log) {
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(stream, Charset.defaultCharset()))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        remember(line);
        log.accept(line);
      }
    } catch (IOException ended) {
      remember("(the output ends: " + ended.getMessage() + ")");
    }
  }

  private synchronized void remember(String line) {
    if (last.size() == REMEMBERED) {
      last.removeFirst();
    }
    last.add(line.length() > MAX_LINE ? line.substring(0, MAX_LINE) + "..." : line);
  }

  /** The last lines of a process that has ended; waits for them, but not for long. */
  List<String> last() {
    try {
      var _ = thread.join(java.time.Duration.ofMillis(END_MILLIS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    synchronized (this) {
      return List.copyOf(last);
    }
  }
}
