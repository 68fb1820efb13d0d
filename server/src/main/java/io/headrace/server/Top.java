package io.headrace.server;

import static java.util.Objects.requireNonNull;

import com.sun.tools.attach.AttachNotSupportedException;
import com.sun.tools.attach.VirtualMachine;
import com.sun.tools.attach.VirtualMachineDescriptor;
import java.io.Console;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.management.MBeanServerConnection;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;
import jdk.jfr.consumer.RecordedEvent;
import jdk.management.jfr.RemoteRecordingStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * The command that shows what the batchers and flows of a running JVM do, once a second.
 *
 * <p>The JVM needs nothing but Headrace: its events of JDK Flight Recorder are read through a
 * connection for management that the attach interface opens, from a process of the same user on the
 * same machine. While it is looked at an application pays what a recording of these events costs.
 */
@Command(
    name = "top",
    description = {
      "Shows queues, batch sizes, rates and percentiles of the batchers and flows of a running JVM,"
          + " once a second.",
      "Without a process it lists the JVMs that there are.",
      "WAIT is how long the oldest item of a batch waited, TAKES how long its handler took, both"
          + " over the last two seconds."
    },
    mixinStandardHelpOptions = true)
public final class Top implements Callable<Integer> {
  private static final String CLEAR = "\u001b[H\u001b[2J";
  private static final Duration LEAST_PAUSE = Duration.ofMillis(500);
  private static final Duration MAX_AGE = Duration.ofSeconds(10);
  private static final long MAX_BYTES = 16 << 20;
  private static final String TITLE = "headrace top of process ";

  @Parameters(arity = "0..1", paramLabel = "PID", description = "The process to look at.")
  private @Nullable String process;

  private long pid;

  @Option(
      names = "--updates",
      paramLabel = "N",
      description = "End after so many updates, and do not clear the screen between them.")
  private @Nullable Integer updates;

  @Spec private @Nullable CommandSpec spec;

  /** The command without options. */
  public Top() {}

  @Override
  @SuppressWarnings("BanJNDI") // the address is that of the process that was attached to
  public Integer call() throws Exception {
    PrintWriter out = requireNonNull(spec).commandLine().getOut();
    if (updates != null && updates < 1) {
      throw new ParameterException(
          spec.commandLine(), "--updates is " + updates + ", it has to be at least 1");
    }
    if (process == null) {
      list(out, requireNonNull(spec).qualifiedName());
      return 0;
    }
    pid = number(process);
    JMXServiceURL address = new JMXServiceURL(address(pid));
    CountDownLatch over = new CountDownLatch(1);
    try (Hook _ = Hook.add(over);
        JMXConnector connector = JMXConnectorFactory.connect(address)) {
      watch(connector.getMBeanServerConnection(), out, over);
    } catch (IOException failure) {
      if (isAlive(pid)) {
        throw failure;
      }
    }
    if (!isAlive(pid)) {
      out.println("process " + pid + " has ended");
      out.flush();
    }
    return 0;
  }

  /** A signal ends the command as well: the recording of the other JVM must not go on. */
  private record Hook(Thread thread, CountDownLatch closed) implements AutoCloseable {
    private static final long MAX_SECONDS = 5;

    static Hook add(CountDownLatch over) {
      CountDownLatch closed = new CountDownLatch(1);
      Thread thread = new Thread(() -> end(over, closed), "headrace-top-end");
      Runtime.getRuntime().addShutdownHook(thread);
      return new Hook(thread, closed);
    }

    private static void end(CountDownLatch over, CountDownLatch closed) {
      over.countDown();
      try {
        var _ = closed.await(MAX_SECONDS, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    @Override
    public void close() {
      closed.countDown();
      try {
        Runtime.getRuntime().removeShutdownHook(thread);
      } catch (IllegalStateException shuttingDown) {
        // it waits for this
      }
    }
  }

  private static boolean isAlive(long pid) {
    return ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
  }

  private long number(String process) {
    try {
      return Long.parseLong(process);
    } catch (NumberFormatException e) {
      throw new ParameterException(
          requireNonNull(spec).commandLine(),
          "PID is '"
              + process
              + "', it has to be the number of a process; without one the JVMs are listed");
    }
  }

  private static void list(PrintWriter out, String command) {
    String own = Long.toString(ProcessHandle.current().pid());
    List<VirtualMachineDescriptor> others =
        VirtualMachine.list().stream().filter(each -> !each.id().equals(own)).toList();
    out.println(
        others.isEmpty()
            ? "there is no other JVM of this user"
            : "'" + command + " PID' shows the batchers and flows of one of these JVMs:");
    int width = width();
    others.forEach(each -> out.println(shortened(each.id() + " " + each.displayName(), width)));
    out.flush();
  }

  /** How many characters a line of the terminal has; without limit if it is none. */
  @SuppressWarnings("SystemConsoleNull") // since Java 25 it is null again without a terminal
  private static int width() {
    Console console = System.console();
    return console != null && console.isTerminal()
        ? CommandSpec.create().usageMessage().autoWidth(true).width()
        : Integer.MAX_VALUE;
  }

  /** Names of JVMs are whole command lines, mostly. */
  static String shortened(String line, int width) {
    return line.length() <= width ? line : line.substring(0, width - 3) + "...";
  }

  private static String address(long pid) throws IOException {
    VirtualMachine machine;
    try {
      machine = VirtualMachine.attach(Long.toString(pid));
    } catch (AttachNotSupportedException | IOException failure) {
      throw new IOException(
          "cannot attach to process "
              + pid
              + "; it has to be a JVM of the same user, without -XX:+DisableAttachMechanism: "
              + failure.getMessage(),
          failure);
    }
    try {
      return machine.startLocalManagementAgent();
    } finally {
      machine.detach();
    }
  }

  /** Blocks until the JVM has ended, all updates were shown, or it is over for another reason. */
  private void watch(MBeanServerConnection connection, PrintWriter out, CountDownLatch over)
      throws IOException, InterruptedException {
    TopTable table = new TopTable();
    CountDownLatch left = new CountDownLatch(updates == null ? Integer.MAX_VALUE : updates);
    try (RemoteRecordingStream stream = new RemoteRecordingStream(connection)) {
      stream.setMaxAge(MAX_AGE); // this may be killed and leave the recording behind
      stream.setMaxSize(MAX_BYTES);
      stream.enable("io.headrace.Step").withPeriod(Duration.ofSeconds(1));
      stream.enable("io.headrace.Batch");
      stream.onEvent("io.headrace.Step", event -> whenNamed(event, () -> step(table, event)));
      stream.onEvent("io.headrace.Batch", event -> whenNamed(event, () -> batch(table, event)));
      stream.onFlush(() -> flushed(table, out, left, over));
      stream.onClose(over::countDown);
      ProcessHandle.of(pid).ifPresentOrElse(process -> whenEnded(process, over), over::countDown);
      stream.startAsync();
      over.await();
    }
  }

  private static void whenEnded(ProcessHandle process, CountDownLatch over) {
    var _ = process.onExit().thenRun(over::countDown);
  }

  /** Several flushes of a second are one. */
  private void flushed(TopTable table, PrintWriter out, CountDownLatch left, CountDownLatch over) {
    Instant now = Instant.now();
    if (left.getCount() > 0 && now.isAfter(table.formatted().plus(LEAST_PAUSE))) {
      show(table, out, now);
      left.countDown();
    }
    if (left.getCount() == 0) {
      over.countDown();
    }
  }

  /** The stream may have lost the names of an event. */
  private static void whenNamed(RecordedEvent event, Runnable action) {
    if (event.getString("service") != null && event.getString("step") != null) {
      action.run();
    }
  }

  private static void step(TopTable table, RecordedEvent event) {
    table.step(
        event.getString("service"),
        event.getString("step"),
        new TopTable.Sample(
            event.getEndTime(),
            event.getLong("round"),
            event.getLong("queueLength"),
            event.getLong("workers"),
            event.getLong("running"),
            event.getLong("batches"),
            event.getLong("items")));
  }

  private static void batch(TopTable table, RecordedEvent event) {
    table.batch(
        event.getString("service"),
        event.getString("step"),
        event.getDuration("longestWait"),
        event.getDuration(),
        event.getInt("failed"));
  }

  private void show(TopTable table, PrintWriter out, Instant now) {
    if (updates == null) {
      out.print(CLEAR);
    }
    out.println(TITLE + pid + ", " + now.truncatedTo(ChronoUnit.SECONDS));
    out.print(table.format(now));
    out.println();
    out.flush();
  }
}
