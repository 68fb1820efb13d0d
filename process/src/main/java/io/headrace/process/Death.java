package io.headrace.process;

import io.headrace.Observer.WorkerEvent.Reason;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How a worker process has ended.
 *
 * @param reason why
 * @param text the same in words, with what it has printed last
 */
record Death(Reason reason, String text) {
  /** Why a process was killed. */
  record Killing(Reason reason, String because) {}

  private static final int SIGNALLED = 128;
  private static final Map<Integer, String> SIGNALS =
      Map.of(
          1, "SIGHUP",
          2, "SIGINT",
          4, "SIGILL",
          6, "SIGABRT, as after a crash of native code or of the JVM",
          7, "SIGBUS",
          8, "SIGFPE",
          9, "SIGKILL, as by the kernel when memory is short",
          11, "SIGSEGV",
          15, "SIGTERM");

  static Death of(
      String name,
      Process process,
      @Nullable Killing killing,
      Output output,
      @Nullable Path folder) {
    StringBuilder text =
        new StringBuilder(name).append(" (process ").append(process.pid()).append(") ");
    int code = process.exitValue();
    List<String> last = output.last();
    Path report = report(output, folder);
    Reason reason;
    if (killing != null) {
      reason = killing.reason;
      text.append("was killed, because ").append(killing.because);
    } else if (code > SIGNALLED && code < 2 * SIGNALLED) {
      reason = Reason.SIGNAL;
      int signal = code - SIGNALLED;
      text.append("was ended by signal ").append(signal);
      String signalName = SIGNALS.get(signal);
      if (signalName != null) {
        text.append(" (").append(signalName).append(')');
      }
    } else {
      reason = report == null ? Reason.EXIT : Reason.SIGNAL; // which the JVM has handled
      text.append(report == null ? "has exited" : "has crashed").append(" with code ").append(code);
    }
    if (report != null) {
      text.append("; see ").append(report);
    }
    if (!last.isEmpty()) {
      text.append("; it printed last:");
      last.forEach(line -> text.append(System.lineSeparator()).append("  ").append(line));
    }
    return new Death(reason, text.toString());
  }

  /** What the JVM has written about its crash, wherever its options say. */
  private static @Nullable Path report(Output output, @Nullable Path folder) {
    String path = output.report();
    if (path == null) {
      return null;
    }
    Path report = (folder == null ? Path.of("") : folder).resolve(path).toAbsolutePath();
    return Files.exists(report) ? report : null;
  }
}
